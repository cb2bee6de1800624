"""A graph of look-up tables and carry chains over bits up to complement, every repeated node kept once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hw.truth_table import reduced

__all__ = ["FALSE", "TRUE", "Chain", "Graph", "Table"]

#: Bits are told as literals, 2 * node + 1 where complemented, as in and-inverter graphs; node 0 is the constant 0.
FALSE, TRUE = 0, 1


@dataclass(frozen=True)
class Table:
    """A look-up table: bit j of ``table`` is its value where input i, a node, holds bit i of j."""

    table: int
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Chain:
    """The sum of two numbers ``a`` and ``b`` of literals, lowest first, and of the bit ``carry``.

    Its nodes are numbered from ``first`` on: a node for every bit of the sum, and last the carry out.
    """

    a: tuple[int, ...]
    b: tuple[int, ...]
    carry: int
    first: int

    @property
    def operands(self) -> tuple[int, ...]:
        """All the literals that it reads."""
        return (*self.a, *self.b, self.carry)


@dataclass
class Graph:
    """Nodes 1 to ``inputs`` are the input bits; every other is a `Table` or a bit of a `Chain`.

    ``lut_inputs`` is the number of inputs that a table has at most; ``complements`` says whether a chain can put out
    complements for nothing. ``level[node]`` is the longest way to it from an
    input, counted in tables and chains.
    """

    inputs: int
    lut_inputs: int
    complements: bool = True
    nodes: list[Table | Chain | None] = field(default_factory=list)
    level: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nodes, self.level = [None] * (self.inputs + 1), [0] * (self.inputs + 1)
        self._known: dict[tuple, int] = {}

    def input(self, at: int) -> int:
        """Literal of input bit ``at``, from 0."""
        return 2 * (at + 1)

    def table(self, table: int, literals: Sequence[int]) -> int:
        """Literal of a function of literals: bit j of ``table`` is its value where literal i holds bit i of j.

        What can be told with fewer inputs, or is the complement of a node that exists, is not built again.
        """
        key = (table, *literals)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._table(table, list(literals))
        return found

    def _table(self, table: int, literals: list[int]) -> int:
        nodes = sorted({literal >> 1 for literal in literals} - {0})
        # The same function of the plain nodes, then of those among them that it depends on.
        values = []
        for j in range(1 << len(nodes)):
            at = 0
            for i, literal in enumerate(literals):
                value = j >> nodes.index(literal >> 1) & 1 if literal >> 1 else 0
                at |= (value ^ (literal & 1)) << i
            values.append(table >> at & 1)
        values, nodes = reduced(values, nodes)
        invert = values[0]
        if not nodes:
            return invert
        if len(nodes) == 1:
            return 2 * nodes[0] + invert
        if len(nodes) > self.lut_inputs:
            raise ValueError(f"literals must be at most {self.lut_inputs}, not {len(nodes)}")
        packed = sum((value ^ invert) << j for j, value in enumerate(values))
        key = ("table", packed, *nodes)
        if key not in self._known:
            self._known[key] = len(self.nodes)
            self.nodes.append(Table(packed, tuple(nodes)))
            self.level.append(1 + max(self.level[node] for node in nodes))
        return 2 * self._known[key] + invert

    def add(self, a: Sequence[int], b: Sequence[int], carry: int = FALSE, *, plain: bool = False) -> list[int]:
        """Literals of a + b + carry, one more than the longer number has; with ``plain`` never as complements."""
        width = max(len(a), len(b))
        pairs = [(a[i] if i < len(a) else FALSE, b[i] if i < len(b) else FALSE) for i in range(width)]
        low = []
        while pairs:
            bits = sorted((*pairs[0], carry))
            if bits[1] > 1:
                break
            # Two constants: the third bit passes, and where they differ it is the carry as well.
            low.append(bits[2] ^ bits[0] ^ bits[1])
            carry = bits[2] if bits[0] != bits[1] else bits[0]
            pairs = pairs[1:]
        if not pairs:
            return [*low, carry]
        # A full adder of complements makes the complements: where these cost nothing, the chain is built with fewer
        # complemented operands, but for tables, which can be either, and constants.
        operands = [literal for literal in (carry, *(x for pair in pairs for x in pair)) if literal > 1]
        fixed = [literal & 1 for literal in operands if not isinstance(self.nodes[literal >> 1], Table)]
        invert = int(self.complements and not plain and 2 * sum(fixed) > len(fixed))
        pairs = [(min(pair) ^ invert, max(pair) ^ invert) for pair in pairs]
        key = ("chain", carry ^ invert, *pairs)
        if key not in self._known:
            first = self._known[key] = len(self.nodes)
            ours, others = zip(*pairs, strict=True)
            chain = Chain(ours, others, carry ^ invert, first)
            level = 1 + max(self.level[literal >> 1] for literal in chain.operands)
            self.nodes += [chain] * (len(pairs) + 1)
            self.level += [level] * (len(pairs) + 1)
        first = self._known[key]
        return low + [2 * (first + i) + invert for i in range(len(pairs) + 1)]

    def live(self, outputs: Sequence[int]) -> list[bool]:
        """For each node whether an output depends on it; of a chain, bits above the highest that is used do not."""
        live = [False] * len(self.nodes)
        for literal in outputs:
            live[literal >> 1] = True
        for at in range(len(self.nodes) - 1, self.inputs, -1):
            node = self.nodes[at]
            if not live[at] or node is None:
                continue
            if isinstance(node, Table):
                for source in node.inputs:
                    live[source] = True
                continue
            place = at - node.first
            for literal in (node.carry, *node.a[: place + 1], *node.b[: place + 1]):
                live[literal >> 1] = True
            # The bits below are computed on the way.
            live[node.first : at] = [True] * place
        return live

    def evaluate(self, bits: np.ndarray, outputs: Sequence[int]) -> np.ndarray:
        """Values (windows, outputs) of the output literals for input bits (windows, inputs)."""
        live = self.live(outputs)
        values = np.zeros((len(self.nodes), len(bits)), bool)
        values[1 : self.inputs + 1] = bits.T

        def value(literal: int) -> np.ndarray:
            return values[literal >> 1] ^ bool(literal & 1)

        for at in range(self.inputs + 1, len(self.nodes)):
            node = self.nodes[at]
            if not live[at] or node is None:
                continue
            if isinstance(node, Table):
                index = np.zeros(len(bits), np.int64)
                for place, source in enumerate(node.inputs):
                    index |= values[source].astype(np.int64) << place
                entries = np.array([node.table >> j & 1 for j in range(1 << len(node.inputs))], bool)
                values[at] = entries[index]
            elif at == node.first:
                carry = value(node.carry)
                for place, (x, y) in enumerate(zip(map(value, node.a), map(value, node.b), strict=True)):
                    values[at + place] = x ^ y ^ carry
                    carry = (x & y) | (carry & (x ^ y))
                values[at + len(node.a)] = carry
        return np.stack([value(literal) for literal in outputs], axis=1)

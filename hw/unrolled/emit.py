"""A graph as Amaranth: tables of one kind as vectors, short chains end to end on long carry chains, and registers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from amaranth import Cat, Const, Module, Signal, Value

from hw.unrolled.graph import FALSE, Chain, Graph, Table

__all__ = ["CHAIN_BITS", "CLOCKED_CHAIN_BITS", "Built", "build"]

#: Places of the longest adder that is written, several chains of a graph end to end. Each adder's end costs a cell.
CHAIN_BITS = 96
#: The same between registers: static timing follows the carry from chain to chain, though no carry passes a guard.
CLOCKED_CHAIN_BITS = 24


@dataclass(frozen=True)
class Built:
    """Values of the outputs, and the number of registers on the way to each from the inputs."""

    outputs: list[Value]
    stages: int


def stages_of(depth: int, levels: int) -> int:
    """Register stages inside a graph of ``depth`` levels with a register every ``levels`` of them; 0 for none."""
    return (depth - 1) // levels if levels and depth else 0


def build(
    m: Module, graph: Graph, inputs: Sequence[Value], outputs: Sequence[int], levels: int, enables: Sequence[Value]
) -> Built:
    """Build what ``outputs`` of ``graph`` need.

    ``inputs`` are values of one bit. ``levels`` is the number of levels between registers, 0 for no registers inside;
    stage i of them loads when ``enables[i]`` holds.
    """
    live = graph.live(outputs)
    depth = max((graph.level[literal >> 1] for literal in outputs), default=0)
    stages = stages_of(depth, levels)
    longest = CLOCKED_CHAIN_BITS if levels else CHAIN_BITS
    builder = _Builder(m, graph, list(inputs), levels if stages else depth + 1, enables, longest)
    return builder.build(live, outputs, stages)


class _Builder:
    def __init__(
        self, m: Module, graph: Graph, inputs: list[Value], levels: int, enables: Sequence[Value], longest: int
    ) -> None:
        self.m, self.graph, self.levels, self.enables, self.longest = m, graph, levels, enables, longest
        # What holds a node in each stage: its own, and copies in registers for later ones.
        self.at: dict[tuple[int, int], Value] = {(node + 1, 0): value for node, value in enumerate(inputs)}

    def stage(self, node: int) -> int:
        level = self.graph.level[node]
        return (level - 1) // self.levels if level else 0

    def literal(self, literal: int, stage: int) -> Value:
        """A literal as it stands in a stage."""
        if literal >> 1 == 0:
            return Const(literal, 1)
        value = self.at[literal >> 1, stage]
        return ~value if literal & 1 else value

    def build(self, live: list[bool], outputs: Sequence[int], stages: int) -> Built:
        last = self._last_stages(live, outputs, stages)
        by_level: dict[int, list[int]] = defaultdict(list)
        for node in range(self.graph.inputs + 1, len(live)):
            if live[node]:
                by_level[self.graph.level[node]].append(node)
        self._register(range(1, self.graph.inputs + 1), last)
        for level in sorted(by_level):
            tables: dict[int, list[int]] = defaultdict(list)
            chains: list[tuple[Chain, int]] = []
            for node in by_level[level]:
                kind = self.graph.nodes[node]
                if isinstance(kind, Table):
                    tables[kind.table << 3 | len(kind.inputs)].append(node)
                elif isinstance(kind, Chain) and node == kind.first:
                    used = max(i for i in range(len(kind.a) + 1) if live[node + i])
                    chains.append((kind, used))
            for nodes in tables.values():
                self._tables(nodes, self.stage(nodes[0]))
            self._chains(chains)
            self._register(by_level[level], last)
        return Built([self.literal(literal, stages) for literal in outputs], stages)

    def _last_stages(self, live: list[bool], outputs: Sequence[int], stages: int) -> dict[int, int]:
        last: dict[int, int] = defaultdict(int)
        for literal in outputs:
            last[literal >> 1] = stages
        for node, kind in enumerate(self.graph.nodes):
            if live[node] and kind is not None:
                sources = kind.inputs if isinstance(kind, Table) else [x >> 1 for x in kind.operands]
                for source in sources:
                    last[source] = max(last[source], self.stage(node))
        return last

    def _register(self, nodes: Sequence[int] | range, last: dict[int, int]) -> None:
        """Copies of nodes in the stages after their own, up to the last one that reads them."""
        waiting: dict[int, list[int]] = defaultdict(list)
        for node in nodes:
            for stage in range(self.stage(node), last.get(node, 0)):
                waiting[stage].append(node)
        for stage in sorted(waiting):
            held = Signal(len(waiting[stage]), name=f"held_{stage}")
            with self.m.If(self.enables[stage]):
                self.m.d.sync += held.eq(Cat(self.at[node, stage] for node in waiting[stage]))
            for place, node in enumerate(waiting[stage]):
                self.at[node, stage + 1] = held[place]

    def _tables(self, nodes: list[int], stage: int) -> None:
        """Tables of one kind as one expression over vectors."""
        kinds = [self.graph.nodes[node] for node in nodes]
        first = kinds[0]
        assert isinstance(first, Table)
        vectors = []
        for place in range(len(first.inputs)):
            vector = Signal(len(nodes), name="in")
            self.m.d.comb += vector.eq(
                Cat(self.at[kind.inputs[place], stage] for kind in kinds if isinstance(kind, Table))
            )
            vectors.append(vector)
        out = Signal(len(nodes), name="table")
        self.m.d.comb += out.eq(_expression(first.table, vectors))
        for place, node in enumerate(nodes):
            self.at[node, stage] = out[place]

    def _chains(self, chains: list[tuple[Chain, int]]) -> None:
        """Chains end to end: where both operands are the next carry in, the sum is the carry out of the last chain."""
        run: list[tuple[Chain, int]] = []
        size = 0
        # Those whose carry out is not wanted end an adder: one with a carry in shares its guard with what stands
        # before, and one without needs none.
        ends = [(chain, used) for chain, used in chains if used < len(chain.a)]
        ends.sort(key=lambda end: end[0].carry != FALSE)
        for chain, used in [c for c in chains if c[1] == len(c[0].a)]:
            if size + used + 2 > self.longest and run:
                self._adder(run + ([ends.pop()] if ends else []))
                run, size = [], 0
            run.append((chain, used))
            size += used + 1
        if run:
            self._adder(run + ([ends.pop()] if ends else []))
        for end in ends:
            self._adder([end])

    def _adder(self, run: list[tuple[Chain, int]]) -> None:
        a: list[Value] = []
        b: list[Value] = []
        where: list[tuple[int, int]] = []
        stage = self.stage(run[0][0].first)
        carried = None
        for chain, used in run:
            # The guard: it brings out a carry, and brings in the next. Where none is carried in it brings in a bit of
            # the first place, since a guard of constants would cut the chain, and its beginning would cost a cell.
            carry, first = chain.carry, (chain.a[0], chain.b[0])
            if a and carry == FALSE:
                carry, other = sorted(first, key=lambda literal: literal & 1)
                first = (other, FALSE)
            if a or carry != FALSE:
                if carried is not None:
                    where.append((carried, len(a)))
                a.append(self.literal(carry, stage))
                b.append(self.literal(carry, stage))
            for place in range(min(used + 1, len(chain.a))):
                where.append((chain.first + place, len(a)))
                # Some families' cells take the second operand complemented.
                operands = (chain.a[place], chain.b[place]) if place else first
                x, y = sorted(operands, key=lambda literal: literal & 1)
                a.append(self.literal(x, stage))
                b.append(self.literal(y, stage))
            carried = chain.first + used if used == len(chain.a) else None
        if carried is not None:
            where.append((carried, len(a)))
            a.append(Const(0, 1))
            b.append(Const(0, 1))
        left, right, out = (Signal(len(a), name=name) for name in ("left", "right", "chain"))
        self.m.d.comb += [left.eq(Cat(a)), right.eq(Cat(b)), out.eq(left + right)]
        for node, place in where:
            self.at[node, stage] = out[place]


def _expression(table: int, inputs: Sequence[Value]) -> Value:
    """A table of up to six inputs over vectors: exclusive or and majority by name, else split at the last input."""
    size = 1 << len(inputs)
    ones = (1 << size) - 1
    if table in (0, ones):
        return Const(-(table & 1), len(inputs[0]))
    parity = sum((j.bit_count() & 1) << j for j in range(size))
    if table in (parity, parity ^ ones):
        total = inputs[0]
        for value in inputs[1:]:
            total = total ^ value
        return total if table == parity else ~total
    if len(inputs) == 1:
        return inputs[0] if table == 2 else ~inputs[0]
    for flip in range(8 if len(inputs) == 3 else 0):
        if table == sum(((j ^ flip).bit_count() > 1) << j for j in range(8)):
            x, y, z = (~value if flip >> i & 1 else value for i, value in enumerate(inputs))
            return (x & y) | (z & (x | y))
    half = size >> 1
    low, high = table & ((1 << half) - 1), table >> half
    *rest, last = inputs
    if low == high:
        return _expression(low, rest)
    zeros, all_ones = 0, (1 << half) - 1
    if low == zeros:
        return last & _expression(high, rest)
    if high == zeros:
        return ~last & _expression(low, rest)
    if low == all_ones:
        return ~last | _expression(high, rest)
    if high == all_ones:
        return last | _expression(low, rest)
    if low == high ^ all_ones:
        return last ^ _expression(low, rest)
    return (last & _expression(high, rest)) | (~last & _expression(low, rest))

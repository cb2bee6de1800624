"""Counts of one-bit values, and of the positions where two vectors agree, as compressor trees."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from amaranth import Cat, Const, Module, Signal, Value

__all__ = ["agreements", "plane_agreements", "popcount"]


def agreements(m: Module, a: Value, w: Value) -> Value:
    """Number of positions where ``a`` and ``w`` hold the same bit: the XNOR-popcount of two run-time vectors.

    Combinational; what is built says `popcount`. Raises ValueError unless both have one length, at least 1.
    """
    if len(a) != len(w):
        raise ValueError(f"w must have the {len(a)} bits of a, not {len(w)}")
    return popcount(m, [~(x ^ y) for x, y in zip(a, w, strict=True)])


def plane_agreements(m: Module, planes: Mapping[int, Value], weights: Value, skip: Value | None = None) -> Value:
    """Agreements of every bit plane with ``weights``, a plane with the number j counting 2**j; those of ``skip`` do not
    count. ``planes`` are the planes by number, as long as ``weights``. Combinational, no wider than it can reach.
    """
    total: Value = Const(0, 1)
    for number, plane in planes.items():
        agree = Signal(len(weights), name=f"agree_{number}")
        m.d.comb += agree.eq(~(plane ^ weights) if skip is None else ~(plane ^ weights) & ~skip)
        part = popcount(m, list(agree)) << number
        total = part if isinstance(total, Const) else total + part
    return total[: (len(weights) * sum(1 << number for number in planes)).bit_length()]


def popcount(m: Module, bits: Sequence[Value]) -> Value:
    """Number of ones among ``bits``, n values of one bit, in ceil(log2(n + 1)) bits.

    Up to three bits are counted in look-up tables. Above that, two counts and one more bit, as the carry in, are added
    on a carry chain: k-bit counts cost about k + 2 cells, where full adders in look-up tables cost 2k. The chains also
    divide the tree into clouds so small that a synthesiser, which maps for speed first, has no room to trade area away.
    Combinational.

    Raises ValueError where there are no bits.
    """
    if not bits:
        raise ValueError("bits must not be empty")
    tree = _tree(len(bits))
    # All groups of three at once, as vectors: the same gates, and far fewer events for a simulator than one by one.
    leaves = list(tree.leaves())
    a, b, c = (Cat(bits[leaf.first + at] if at < leaf.size else 0 for leaf in leaves) for at in range(3))
    odd, low, high = (Signal(len(leaves), name=name) for name in ("odd", "low", "high"))
    m.d.comb += [odd.eq(a ^ b), low.eq(odd ^ c), high.eq((odd & c) | (~odd & a))]
    counts = {leaf.first: Cat(low[at], high[at])[: leaf.size] for at, leaf in enumerate(leaves)}
    return _merged(m, tree, counts, bits)


@dataclass(frozen=True)
class _Node:
    """Bits ``first`` to ``first + size - 1``, by themselves or as a carry in and two ``parts``."""

    first: int
    size: int
    parts: "tuple[_Node, _Node] | None" = None

    def leaves(self) -> "Iterator[_Node]":
        if self.parts is None:
            yield self
        else:
            for part in self.parts:
                yield from part.leaves()


def _tree(n: int, first: int = 0) -> _Node:
    """How ``n`` bits from place ``first`` on are counted."""
    if n <= 3:
        return _Node(first, n)
    larger = larger_part(n)
    return _Node(first, n, (_tree(larger, first + 1), _tree(n - 1 - larger, first + 1 + larger)))


def _merged(m: Module, node: _Node, counts: dict[int, Value], bits: Sequence[Value]) -> Value:
    """The count of a node; those of the leaves are ``counts``, by their first bit."""
    if node.parts is None:
        return counts[node.first]
    x, y = (_merged(m, part, counts, bits) for part in node.parts)
    # The lowest bit of this sum only makes the carry in. On iCE40 the table that computes it shares its cell.
    carry, chain = Signal(name="carry"), Signal(len(x) + 2, name="chain")
    m.d.comb += [carry.eq(bits[node.first]), chain.eq(Cat(carry, x) + Cat(carry, y))]
    # Never wider than it can reach.
    return chain[1 : 1 + node.size.bit_length()]


def larger_part(n: int) -> int:
    """Of the n - 1 bits beside the carry in, how many the larger of the two counts takes; ``n`` is at least 4."""
    return _best(n)[1]


@cache
def _best(n: int) -> tuple[int, int]:
    """Cells of a count of ``n`` bits, and `larger_part`."""
    if n <= 3:
        return (1, 2, 4)[n - 1], 0
    # Counts of 2**k - 1 bits leave no value unused: the smaller part is one of these, or both are halves.
    full = (1 << (n // 2 + 1).bit_length() - 1) - 1
    choices = []
    for part in {full // 2, full, (n - 1) // 2} - {0, n - 1}:
        larger, smaller = max(part, n - 1 - part), min(part, n - 1 - part)
        choices.append((_best(larger)[0] + _best(smaller)[0] + larger.bit_length() + 2, larger))
    return min(choices)

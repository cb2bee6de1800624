"""Numbers made of bits: counts of ones, sums, and comparisons with constants."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from hw.unrolled.graph import FALSE, TRUE, Graph

__all__ = ["Cost", "Number", "arranged", "at_least", "count", "count_tables", "counted", "pieces", "plus", "width"]


@dataclass(frozen=True)
class Cost:
    """What a family charges, in cells: tables of up to ``lut_inputs`` inputs, and chains.

    A chain of k bits costs k + ``guard``: the guard is the place between two chains that share one carry line.
    ``complements`` says whether its sums may be complements for nothing.
    ``absorbs`` is the number of inputs of a table that fits into the cell of the chain that reads it, 0 for none;
    ``majorities`` says whether a majority of three does.
    """

    lut_inputs: int
    guard: int
    absorbs: int = 0
    complements: bool = False
    majorities: bool = False

    def chain(self, bits: int) -> int:
        """Cells of a sum of two numbers of ``bits`` bits."""
        return bits + self.guard

    def count(self, bits: int) -> int:
        """Cells of the count of ``bits`` ones."""
        return _best(self, bits)[0]

    def beside(self, bits: int) -> int:
        """Cells of the count of ``bits`` ones where a chain reads it that adds it to what a larger one tells."""
        if bits <= self.absorbs:
            return 0
        return self.count(bits) - int(self.majorities and bits == 3)

    def compare(self, bits: int) -> int:
        """Tables of a comparison of a number of ``bits`` bits with a constant."""
        return -(-max(bits - 1, 0) // (self.lut_inputs - 1))


@dataclass(frozen=True)
class Number:
    """Literals of a number, lowest bit first, and the largest value that it takes."""

    bits: tuple[int, ...]
    top: int

    def shifted(self, places: int) -> "Number":
        """The number times 2**places."""
        return Number((FALSE,) * places + self.bits, self.top << places) if self.top else self


def plus(graph: Graph, x: Number, y: Number, carry: int | None = None) -> Number:
    """x + y, and one more where the literal ``carry`` holds."""
    top = x.top + y.top + (carry is not None)
    return Number(tuple(graph.add(x.bits, y.bits, FALSE if carry is None else carry)[: top.bit_length()]), top)


def count(graph: Graph, cost: Cost, literals: Sequence[int], groups: Sequence[Sequence[int]] = ()) -> Number:
    """How many of the literals hold.

    Up to three, or as many as a table has inputs, are counted in tables; above that two counts and one more bit, as
    the carry in, are added on a chain. ``groups`` are three literals each that a table should count together.
    """
    return counted(graph, cost, arranged(pieces(cost, len(literals)), literals, groups))


def counted(graph: Graph, cost: Cost, literals: Sequence[int]) -> Number:
    """How many of the literals hold, taken in the order of `pieces`."""
    n = len(literals)
    if n <= 1:
        return Number(tuple(literals), n)
    _, larger, carry = _best(cost, n)
    if not larger:
        return Number(tuple(graph.table(table, literals) for table in count_tables(n)), n)
    smaller = literals[larger : n - carry]
    return plus(
        graph, counted(graph, cost, literals[:larger]), counted(graph, cost, smaller), literals[-1] if carry else None
    )


@cache
def pieces(cost: Cost, n: int) -> tuple[int, ...]:
    """Sizes of the groups that tables count in a count of ``n`` bits, and 0 for a bit that is carried in, in order."""
    _, larger, carry = _best(cost, n)
    if not larger:
        return (n,) if n else ()
    return pieces(cost, larger) + pieces(cost, n - larger - carry) + (0,) * carry


def arranged(sizes: Sequence[int], literals: Sequence[int], groups: Sequence[Sequence[int]]) -> list[int]:
    """The literals for `pieces`: groups where tables count three, and where one is carried plain ones.

    Chains want those. Groups beyond the pieces of three are taken apart.
    """
    queue = list(groups)[: sizes.count(3)]
    grouped = {literal for group in queue for literal in group}
    taken = [queue.pop(0) if size == 3 and queue else None for size in sizes]
    single = sorted(literal for literal in literals if literal not in grouped)
    single.sort(key=lambda literal: literal & 1)
    carried = [single.pop(0) for _ in range(sizes.count(0))]
    single.sort()
    out: list[int] = []
    for size, group in zip(sizes, taken, strict=True):
        if group is not None:
            out += group
        elif size == 0:
            out.append(carried.pop(0))
        else:
            out += single[:size]
            del single[:size]
    return out


@cache
def count_tables(n: int) -> tuple[int, ...]:
    """Tables of the bits of the number of ones of ``n`` inputs, lowest first."""
    return tuple(sum((j.bit_count() >> place & 1) << j for j in range(1 << n)) for place in range(n.bit_length()))


@cache
def _best(cost: Cost, n: int) -> tuple[int, int, bool]:
    """Cells of a count of ``n`` bits, the bits of its larger part (0: tables alone), and whether one is carried in."""
    if n <= 1:
        return 0, 0, False
    choices = []
    if n <= cost.lut_inputs:
        choices.append((n.bit_length(), 0, False))
    if n > 2:
        for carry in (True, False):
            for larger in range(-(-(n - carry) // 2), n - carry):
                smaller = n - carry - larger
                cells = _best(cost, larger)[0] + cost.beside(smaller) + cost.chain(larger.bit_length())
                choices.append((cells, larger, carry))
    return min(choices)


def at_least(graph: Graph, bits: Sequence[int], least: int, threshold: int, span: int) -> int:
    """Literal of value >= threshold, for a value in least .. least + span - 1 told modulo 2**len(bits).

    Tables from the lowest bits up, each told by one bit what those below make of it. `width` bits are enough.
    """
    if threshold <= least:
        return TRUE
    if threshold >= least + span:
        return FALSE
    known, done = TRUE, 0
    while len(bits) - done > graph.lut_inputs - (done > 0):
        taken = graph.lut_inputs - (done > 0)
        mine = threshold >> done & ((1 << taken) - 1)
        table = sum((j >> 1 > mine or (j >> 1 == mine and j & 1)) << j for j in range(2 << taken))
        known = graph.table(table, [known, *bits[done : done + taken]])
        done += taken
    # The highest bits. Where no value is half of the modulus away from the threshold, it is reached where the highest
    # bit of the difference is 0: a step for each bit, as `hw.tighten` wants it. Else the range tells values apart.
    slots, mine, table = 1 << len(bits) - done, threshold >> done, 0
    near = max(threshold - least, least + span - threshold) <= 1 << len(bits) - 1
    for j in range(2 * slots):
        if near:
            reached = ((j >> 1) - mine - (j & 1 ^ 1)) % slots < slots >> 1
        else:
            slot = (least >> done) + ((j >> 1) - (least >> done)) % slots
            reached = slot > mine or (slot == mine and j & 1 == 1)
        table |= int(reached) << j
    return graph.table(table, [known, *bits[done:]])


def width(lut_inputs: int, span: int) -> int:
    """Bits that tell ``span`` successive integers apart for `at_least`, wherever they begin."""
    bits = max(1, (span - 1).bit_length())
    while True:
        done = 0
        while bits - done > lut_inputs - (done > 0):
            done += lut_inputs - (done > 0)
        if span + (1 << done) - 1 <= 1 << bits:
            return bits
        bits += 1

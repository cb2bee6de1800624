"""Rows counted together: inputs that a few rows agree about are counted once for all of them.

Within a cluster of h rows every column of signs is, up to complement, one of 2**(h - 1): the inputs fall into that many
classes. With C_k the agreements of class k with the first row, that row's count is the sum of all C_k, and row j's is

    P_j = |H_j| + sum of all C_k - 2 * (sum of the C_k of H_j)

where H_j are the classes in which it differs from the first. This is the reuse of one output for another along the
edges of a tree, h - 1 edges sharing what they count.
"""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import add, or_

import numpy as np

from hw.unrolled.count import Cost, Number, count, plus, width
from hw.unrolled.graph import FALSE, Graph

__all__ = ["Classes", "Counter", "Estimate", "Part", "Value"]


@dataclass(frozen=True)
class Value:
    """A row's agreements P = sign * Z + offset: ``bits`` tell Z, in least .. least + span - 1, modulo 2**len(bits)."""

    bits: tuple[int, ...]
    sign: int
    offset: int
    least: int
    span: int


@dataclass(frozen=True)
class Classes:
    """Rows of a cluster, the first being the one that the others are told from, and the taps of each class.

    Bit h - 1 - j of a class's number tells whether row j differs in its taps from the first row. ``spares[k]`` says
    whether class k leaves a bit for a later sum.
    """

    rows: tuple[int, ...]
    taps: tuple[np.ndarray, ...]
    spares: tuple[bool, ...]


@dataclass(frozen=True)
class Part:
    """A count: a number, and bits of weight 1 that are still to be carried into a sum."""

    number: Number
    spare: tuple[int, ...] = ()


class Counter:
    """Counts the agreements of rows of signs with inputs of several planes: input tap * planes + p weighs 2**planes[p].

    ``rows`` (rows, taps) of 0 and 1.
    """

    def __init__(self, graph: Graph, cost: Cost, rows: np.ndarray, planes: Sequence[int]) -> None:
        self.graph, self.cost, self.rows, self.planes = graph, cost, rows, tuple(planes)
        self.unit = sum(1 << plane for plane in planes)
        self.top = rows.shape[1] * self.unit
        self.width = width(graph.lut_inputs, self.top + 1)

    def literals(self, row: int, taps: np.ndarray, plane: int) -> list[int]:
        """Bits that hold where taps agree with a row in one plane."""
        signs = self.rows[row]
        return [self.graph.input(int(tap) * len(self.planes) + plane) ^ int(1 - signs[tap]) for tap in taps]

    def spares(self, size: int, allowed: bool = True) -> int:
        """Whether a count of ``size`` bits is cheaper where one of them is left for a later sum: 1 or 0."""
        if not allowed or self.planes != (0,) or not size:
            return 0
        return int(size == 1 or self.cost.count(size - 1) < self.cost.count(size))

    def agreements(self, row: int, taps: np.ndarray, spare: bool, groups: Sequence[tuple[int, int, int]] = ()) -> Part:
        """How many of the taps agree with a row; with ``spare`` one of them may be left for a later sum.

        ``groups`` are taps, three each, that are counted together.
        """
        if len(self.planes) == 1:
            bits = self.literals(row, taps, 0)
            grouped = [self.literals(row, np.array(group), 0) for group in groups]
            left = ()
            if self.spares(len(bits), spare):
                within = {literal for group in grouped for literal in group}
                # Chains want plain operands.
                left = (min((x for x in bits if x not in within), key=lambda x: (x & 1, -x)),)
            kept = [literal for literal in bits if literal not in left]
            return Part(count(self.graph, self.cost, kept, grouped).shifted(self.planes[0]), left)
        total = Number((), 0)
        for at, plane in enumerate(self.planes):
            number = count(self.graph, self.cost, self.literals(row, taps, at)).shifted(plane)
            total = plus(self.graph, total, number) if total.top else number
        return Part(total)

    def classes(self, rows: Sequence[int]) -> Classes:
        """How the taps fall into classes."""
        h = len(rows)
        differs = (self.rows[list(rows[1:])] ^ self.rows[rows[0]]).astype(np.int64)
        index = (differs << np.arange(h - 2, -1, -1)[:, None]).sum(axis=0)
        taps = tuple(np.flatnonzero(index == k) for k in range(1 << (h - 1)))
        # A total has one sum fewer than it has parts, and a half is best without a bit left: the last class is in all.
        whole = max(k for k in range(len(taps)) if len(taps[k]))
        return Classes(tuple(rows), taps, tuple(k != whole and bool(self.spares(len(t))) for k, t in enumerate(taps)))

    def join(self, x: Part, y: Part) -> Part:
        """x + y, a spare bit carried in."""
        spare = sorted((*x.spare, *y.spare), key=lambda literal: -(literal & 1))
        if not x.number.top or not y.number.top:
            kept = x.number if x.number.top else y.number
            return Part(kept, tuple(spare))
        into = spare.pop() if spare else None
        return Part(plus(self.graph, x.number, y.number, into), tuple(spare))

    def total(self, parts: Sequence[Part]) -> Part:
        """The sum of parts, the smallest first."""
        queue = sorted(parts, key=lambda part: part.number.top)
        while len(queue) > 1:
            queue = sorted([self.join(queue[0], queue[1]), *queue[2:]], key=lambda part: part.number.top)
        return queue[0]

    def whole(self, part: Part) -> Number:
        """A part with its spare bits counted in."""
        number = part.number
        for literal in part.spare:
            number = plus(self.graph, number, Number((), 0), literal)
        return number

    def cluster(self, classes: "Classes", groups: Mapping[int, Sequence[tuple[int, int, int]]]) -> list[Value]:
        """Values of a cluster's rows; ``groups`` are taps, by their class, that are counted three at a time."""
        rows, n = classes.rows, len(classes.taps)
        tree = {
            n + k: self.agreements(rows[0], taps, classes.spares[k], groups.get(k, ()))
            for k, taps in enumerate(classes.taps)
        }
        for node in range(n - 1, 0, -1):
            tree[node] = self.join(tree[2 * node], tree[2 * node + 1])
        total = self.whole(tree[1])
        bits = total.bits + (FALSE,) * (self.width - len(total.bits))
        values = [Value(bits, 1, 0, 0, self.top + 1)]
        for j, row in enumerate(rows[1:], 1):
            half = [tree[node] for node in range((1 << j) + 1, 2 << j, 2)]
            reach = int((self.rows[row] != self.rows[rows[0]]).sum()) * self.unit
            values.append(self._told(bits, self.total(half), reach))
        return values

    def _told(self, total: Sequence[int], half: Part, reach: int) -> Value:
        """The row whose agreements are reach + total - 2 half; the total's complement serves all rows of a cluster."""
        number, into = self._with_carry(half)
        places = len(total) - 1
        # -P = 2 (half - total // 2 - 1) + not its lowest bit + 1 - reach
        others = [literal ^ 1 for literal in total[1:]]
        bits = self.graph.add(number.bits, others, into, plain=True)[:places]
        return Value((total[0] ^ 1, *bits), -1, reach - 1, reach - 1 - self.top, self.top + 1)

    def _with_carry(self, part: Part) -> tuple[Number, int]:
        if len(part.spare) > 1:
            part = Part(self.whole(Part(part.number, part.spare[1:])), part.spare[:1])
        return part.number, part.spare[0] if part.spare else FALSE

    def edge(self, parent: Value, source: int, row: int) -> Value:
        """A row told from the value of the row ``source`` by the taps in which they differ."""
        taps = np.flatnonzero(self.rows[source] != self.rows[row])
        reach = len(taps) * self.unit
        number, into = self._with_carry(self.agreements(row if parent.sign > 0 else source, taps, True))
        bits = self.graph.add(parent.bits[1:], number.bits, into)[: self.width - 1]
        offset = parent.offset - parent.sign * reach
        least = -offset if parent.sign > 0 else offset - self.top
        return Value((parent.bits[0], *bits), parent.sign, offset, least, self.top + 1)


class Estimate:
    """Estimated cells of what `Counter` builds for counts up to ``top`` over ``taps`` taps, without building it."""

    def __init__(self, cost: Cost, taps: int, top: int) -> None:
        self._counts = [cost.count(size) for size in range(taps + 1)]
        # As functions, since rows are exchanged tens of thousands of times: a class that leaves one of its inputs to a
        # later sum, and a sum of two counts, of which x | y is as long as the longer.
        self._spared = [0, *self._counts][:-1].__getitem__
        self._joined = [cost.chain(size.bit_length()) for size in range(1 << taps.bit_length())].__getitem__
        self._halves: dict[tuple[int, ...], int] = {}
        # A value's chain carries nothing in or out.
        self._end = width(cost.lut_inputs, top + 1) - 1

    def edge(self, distance: int) -> int:
        """Cells of `Counter.edge` over ``distance`` taps."""
        return self._counts[max(distance - 1, 0)] + self._end

    def cluster(self, sizes: Sequence[int]) -> int:
        """Cells of `Counter.cluster` with classes of these sizes."""
        last = sizes[-1]
        cells = sum(map(self._spared, sizes)) + self._counts[last] - self._spared(last)
        layer = list(sizes)
        while len(layer) > 1:
            even, odd = layer[::2], layer[1::2]
            cells += self._end + self._half(odd)
            if 0 in layer:
                cells += sum(self._joined(x | y) for x, y in zip(even, odd, strict=True) if x and y)
            else:
                cells += sum(map(self._joined, map(or_, even, odd)))
            layer = list(map(add, even, odd))
        return cells

    def _half(self, sizes: Sequence[int]) -> int:
        """Cells that join counts of these sizes into one, the smallest two first."""
        if len(sizes) > 4:
            return self._merged(sizes)
        found = self._halves.get(key := tuple(sizes))
        if found is None:
            found = self._halves[key] = self._merged(sizes)
        return found

    def _merged(self, sizes: Sequence[int]) -> int:
        cells, parts = 0, sorted([size for size in sizes if size])
        while len(parts) > 1:
            least, second = parts[:2]
            cells += self._joined(second)
            del parts[:2]
            insort(parts, least + second)
        return cells

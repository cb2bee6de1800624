"""Rows counted together: inputs that a few rows agree about are counted once for all of them.

Within a cluster of h rows every column of signs is, up to complement, one of 2**(h - 1): the inputs fall into that many
classes. With C_k the agreements of class k with the first row, that row's count is the sum of all C_k, and row j's is

    P_j = |H_j| + sum of all C_k - 2 * (sum of the C_k of H_j)

where H_j are the classes in which it differs from the first. This is the reuse of one output for another along the edges
of a tree, h - 1 edges sharing what they count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hw.unrolled.count import Cost, Number, count, plus, width
from hw.unrolled.graph import FALSE, Graph

__all__ = ["Counter", "Part", "Value", "cluster_cells", "edge_cells"]


@dataclass(frozen=True)
class Value:
    """A row's agreements P = sign * Z + offset: ``bits`` tell Z, in least .. least + span - 1, modulo 2**len(bits)."""

    bits: tuple[int, ...]
    sign: int
    offset: int
    least: int
    span: int


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

    def agreements(self, row: int, taps: np.ndarray, spare: bool) -> Part:
        """How many of the taps agree with a row; with ``spare`` one of them may be left for a later sum."""
        signs = self.rows[row]
        plane_bits = [
            [self.graph.input(int(tap) * len(self.planes) + p) ^ int(1 - signs[tap]) for tap in taps]
            for p in range(len(self.planes))
        ]
        if self.planes == (0,):
            literals = plane_bits[0]
            if spare and literals and self.cost.count(len(literals) - 1) < self.cost.count(len(literals)) + (len(literals) == 1):
                # Chains want plain operands.
                left = next((literal for literal in reversed(literals) if not literal & 1), literals[-1])
                literals = [literal for literal in literals if literal != left]
                return Part(count(self.graph, self.cost, literals), (left,))
            return Part(count(self.graph, self.cost, literals))
        numbers = [
            count(self.graph, self.cost, literals).shifted(plane)
            for plane, literals in zip(self.planes, plane_bits, strict=True)
        ]
        total = numbers[0]
        for number in numbers[1:]:
            total = plus(self.graph, total, number)
        return Part(total)

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

    def cluster(self, rows: Sequence[int]) -> list[Value]:
        """Values of rows, the first being the one that the others are told from."""
        h = len(rows)
        differs = (self.rows[list(rows[1:])] ^ self.rows[rows[0]]).astype(np.int64)
        index = (differs << np.arange(h - 2, -1, -1)[:, None]).sum(axis=0)
        classes = [np.flatnonzero(index == k) for k in range(1 << (h - 1))]
        filled = [k for k, taps in enumerate(classes) if len(taps)]
        # A total has one sum fewer than it has parts: one class keeps no bit for a later sum.
        whole = min(filled, key=lambda k: self._spared(len(classes[k])))
        tree = {(1 << (h - 1)) + k: self.agreements(rows[0], taps, k != whole) for k, taps in enumerate(classes)}
        for node in range((1 << (h - 1)) - 1, 0, -1):
            tree[node] = self.join(tree[2 * node], tree[2 * node + 1])
        total = self.whole(tree[1])
        bits = total.bits + (FALSE,) * (self.width - len(total.bits))
        values = [Value(bits, 1, 0, 0, self.top + 1)]
        for j in range(1, h):
            half = [tree[node] for node in range((1 << j) + 1, 2 << j, 2)]
            values.append(self._told(bits, self.total(half), int(differs[j - 1].sum()) * self.unit))
        return values

    def _spared(self, size: int) -> int:
        return self.cost.count(size) - self.cost.count(size - 1)

    def _told(self, total: Sequence[int], half: Part, reach: int) -> Value:
        """The row whose agreements are reach + total - 2 half: Z = 2 (half - total // 2 - 1) + not its lowest bit."""
        number, into = self._with_carry(half)
        others = [literal ^ 1 for literal in total[1:]]
        bits = self.graph.add(number.bits, others, into)[: len(others)]
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


def edge_cells(cost: Cost, distance: int, top: int) -> int:
    """Estimated cells of `Counter.edge` over ``distance`` taps, for counts up to ``top``."""
    return cost.count(max(distance - 1, 0)) + cost.chain(width(cost.lut_inputs, top + 1) - 1)


def cluster_cells(cost: Cost, sizes: Sequence[int], top: int) -> int:
    """Estimated cells of `Counter.cluster` with classes of these sizes."""
    cells = sum(cost.count(size - 1) for size in sizes if size)
    layer, depth = list(sizes), 0
    halves = []
    while len(layer) > 1:
        halves.append(layer[1::2])
        pairs = list(zip(layer[::2], layer[1::2], strict=True))
        cells += sum(cost.chain(max(x, y).bit_length()) for x, y in pairs if x and y)
        layer, depth = [x + y for x, y in pairs], depth + 1
    for half in halves:
        parts = sorted(half)
        while len(parts) > 1:
            if parts[0]:
                cells += cost.chain(parts[1].bit_length())
            parts = sorted([parts[0] + parts[1], *parts[2:]])
    return cells + depth * cost.chain(width(cost.lut_inputs, top + 1) - 1)

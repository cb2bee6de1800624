"""Rows of signs as one graph: which rows are counted together, which are told from others, and what that costs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hw.unrolled.cluster import Classes, Counter, Value
from hw.unrolled.count import Cost, pieces
from hw.unrolled.ends import Ends
from hw.unrolled.graph import FALSE, Chain, Graph, Table
from hw.unrolled.plan import plan
from hw.unrolled.sharing import share

__all__ = ["COSTS", "Unrolling", "optimise"]

#: What each family charges.
COSTS = {
    "ice40": Cost(4, 1, complements=True),
    "ecp5": Cost(4, 1, 2, majorities=True),
    "gowin": Cost(4, 1),
    "xc7": Cost(6, 0, 5),
}


@dataclass(frozen=True)
class Unrolling:
    """A layer as a graph. ``outputs[c]`` are the literals of output c, lowest bit first.

    ``edges``: outputs told from another one by the inputs in which they differ. ``clusters``: numbers of outputs that
    are counted together. ``repeated``: outputs with the signs of another one, or their complement. ``seconds``: time
    that finding it took.
    """

    graph: Graph
    cost: Cost
    outputs: tuple[tuple[int, ...], ...]
    clusters: tuple[int, ...]
    edges: int
    repeated: int
    seconds: float

    def part(self, chosen: np.ndarray) -> "Unrolling":
        """The same graph with those outputs alone that ``chosen``, bool (outputs,), names."""
        return replace(self, outputs=tuple(self.outputs[c] for c in np.flatnonzero(chosen).tolist()))

    @cached_property
    def literals(self) -> list[int]:
        """The literals of all outputs, one after another."""
        return [literal for bits in self.outputs for literal in bits]

    @property
    def depth(self) -> int:
        """Tables and chains on the longest way."""
        return max((self.graph.level[literal >> 1] for literal in self.literals), default=0)

    @cached_property
    def tables(self) -> int:
        """Look-up tables."""
        live = self.graph.live(self.literals)
        return sum(live[at] and isinstance(kind, Table) for at, kind in enumerate(self.graph.nodes))

    @cached_property
    def chain_bits(self) -> int:
        """Places of carry chains, guards included."""
        live = self.graph.live(self.literals)
        bits = 0
        for at, kind in enumerate(self.graph.nodes):
            if isinstance(kind, Chain) and at == kind.first and live[at]:
                # A carry in and a carry out share a place with those of the chains beside it.
                guarded = kind.carry != FALSE or live[at + len(kind.a)]
                bits += self.cost.guard * guarded + sum(live[at : at + len(kind.a)])
        return bits

    @property
    def cells(self) -> int:
        """Estimated logic cells: tables, and places of chains."""
        return self.tables + self.chain_bits

    def reference(self, bits: np.ndarray) -> np.ndarray:
        """Values (windows, outputs) for input bits (windows, taps * planes)."""
        flat = self.graph.evaluate(bits, self.literals)
        values, at = [], 0
        for literals in self.outputs:
            values.append(flat[:, at : at + len(literals)] @ (1 << np.arange(len(literals))))
            at += len(literals)
        return np.stack(values, axis=1)


def optimise(
    weights: np.ndarray,
    family: str,
    *,
    thresholds: np.ndarray | None = None,
    invert: np.ndarray | None = None,
    planes: Sequence[int] = (0,),
    scale: int = 1,
    corrections: np.ndarray | None = None,
    effort: int = 20_000,
) -> Unrolling:
    """Build the agreements of ``weights`` (outputs, taps) with a window of taps, or what thresholds make of them.

    An output's count is ``scale`` times the sum over planes p of 2**planes[p] * (taps whose bit p is the weight), plus
    ``corrections`` (outputs, cases) for the case that further input bits, above those of the taps, tell by its number.
    ``thresholds`` (outputs, n) and ``invert`` (outputs,) make it the number of j with (count >= thresholds[j]) xor
    invert; without them the counts go out. ``family`` is one of `COSTS`. ``effort`` is the number of exchanges of rows
    between clusters that are tried: the time is bounded by it, and the result depends on nothing else.

    Raises ValueError for an unknown family, for weights without rows or taps, and for counts below 0.
    """
    start = time.perf_counter()
    if family not in COSTS:
        raise ValueError(f"family must be one of {', '.join(COSTS)}, not {family!r}")
    if weights.ndim != 2 or not weights.size:
        raise ValueError(f"weights must be a matrix of at least one output and one tap, not of shape {weights.shape}")
    cost = COSTS[family]
    cases = 1 if corrections is None else corrections.shape[1]
    inputs = weights.shape[1] * len(planes)
    rows, same, flipped = distinct(weights.astype(np.uint8))
    found = plan(rows, cost, sum(1 << plane for plane in planes), effort)
    graph = Graph(inputs + (cases - 1).bit_length(), cost.lut_inputs, cost.complements)
    counter = Counter(graph, cost, found.rows, planes)
    if cases > 1:
        counter.width = max(counter.width, counter.top.bit_length() + 1)
    values = _values(counter, found.clusters, found.edges)
    outputs = []
    for c in range(len(weights)):
        value = values[same[c]]
        if flipped[c]:
            value = Value(value.bits, -value.sign, counter.top - value.offset, value.least, value.span)
        own = corrections[c] if corrections is not None else np.zeros(1, int)
        ends = Ends(graph, cost, value, counter.top, scale, own)
        if thresholds is None or invert is None:
            outputs.append(ends.count())
        else:
            outputs.append(ends.levels(thresholds[c], bool(invert[c])))
    sizes = tuple(len(cluster) for cluster in found.clusters)
    repeated, seconds = len(weights) - len(rows), time.perf_counter() - start
    return Unrolling(graph, cost, tuple(outputs), sizes, len(found.edges), repeated, seconds)


def distinct(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows different even up to complement, the number among them of each row, and whether it is complemented."""
    flipped = weights[:, 0] == 1
    rows, same = np.unique(weights ^ flipped[:, None], axis=0, return_inverse=True)
    return rows, same.reshape(-1), flipped


def _pieces(classes: Classes, cost: Cost) -> list[tuple[int, ...]]:
    """The pieces that each class's taps are counted by, but those that are left for a later sum."""
    return [pieces(cost, len(taps) - spare) for taps, spare in zip(classes.taps, classes.spares, strict=True)]


def _values(counter: Counter, clusters: Sequence[Sequence[int]], edges: Sequence[tuple[int, int]]) -> dict[int, Value]:
    """Values of all rows: those of clusters first, then along the edges (parent, row)."""
    classes = [counter.classes(cluster) for cluster in clusters]
    groups = [{} for _ in classes]
    if counter.planes == (0,):
        groups = share(counter.rows, classes, [_pieces(one, counter.cost) for one in classes])
    values: dict[int, Value] = {}
    for one, grouped in zip(classes, groups, strict=True):
        values |= zip(one.rows, counter.cluster(one, grouped), strict=True)
    for parent, row in edges:
        values[row] = counter.edge(values[parent], parent, row)
    return values

"""Rows of signs as one graph: which rows are counted together, which are told from others, and what that costs."""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hw.unrolled.cluster import Counter, Value, cluster_cells, edge_cells
from hw.unrolled.count import Cost, Number, at_least, count
from hw.unrolled.graph import FALSE, Chain, Graph, Table
from hw.unrolled.sharing import share

__all__ = ["COSTS", "Unrolling", "optimise"]

#: What each family charges.
COSTS = {"ice40": Cost(4, 1), "ecp5": Cost(4, 1), "gowin": Cost(4, 1), "xc7": Cost(6, 0, 5)}


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
                bits += self.cost.guard + sum(live[at : at + len(kind.a)])
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
    effort: int = 4000,
) -> Unrolling:
    """Build the agreements of ``weights`` (outputs, taps) with a window of taps, or what thresholds make of them.

    An output's count is the sum over planes p of 2**planes[p] * (taps whose bit p is the weight). ``thresholds``
    (outputs, n) and ``invert`` (outputs,) make it the number of j with (count >= thresholds[j]) xor invert; without
    them the counts go out. ``family`` is one of `COSTS`. ``effort`` is the number of exchanges of rows between
    clusters that are tried: the time is bounded by it, and the result depends on nothing else.

    Raises ValueError for an unknown family.
    """
    start = time.perf_counter()
    if family not in COSTS:
        raise ValueError(f"family must be one of {', '.join(COSTS)}, not {family!r}")
    cost = COSTS[family]
    rows, same, flipped = distinct(weights.astype(np.uint8))
    plan = _Plan(rows, cost, sum(1 << plane for plane in planes), effort)
    candidates = []
    for clusters in plan.choices():
        graph = Graph(weights.shape[1] * len(planes), cost.lut_inputs)
        counter = Counter(graph, cost, plan.rows, planes)
        values = _values(counter, clusters, plan.edges)
        outputs = []
        for c in range(len(weights)):
            value = values[same[c]]
            if flipped[c]:
                value = Value(value.bits, -value.sign, counter.top - value.offset, value.least, value.span)
            if thresholds is None or invert is None:
                outputs.append(number(graph, value, counter.top))
            else:
                outputs.append(_levels(graph, cost, value, thresholds[c], bool(invert[c])))
        candidates.append((graph, tuple(outputs), tuple(len(cluster) for cluster in clusters)))
    results = [
        Unrolling(graph, cost, outputs, sizes, len(plan.edges), len(weights) - len(rows), 0.0)
        for graph, outputs, sizes in candidates
    ]
    best = min(results, key=lambda result: result.cells)
    object.__setattr__(best, "seconds", time.perf_counter() - start)
    return best


def distinct(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows that are different even up to complement, the number among them of each row, and whether it is complemented."""
    flipped = weights[:, 0] == 1
    rows, same = np.unique(weights ^ flipped[:, None], axis=0, return_inverse=True)
    return rows, same.reshape(-1), flipped


def _values(
    counter: Counter, clusters: Sequence[Sequence[int]], edges: Sequence[tuple[int, int]]
) -> dict[int, Value]:
    """Values of all rows: those of clusters first, then along the edges (parent, row)."""
    classes = [counter.classes(cluster) for cluster in clusters]
    groups = share(counter.rows, classes, counter.cost) if counter.planes == (0,) else [{} for _ in classes]
    values: dict[int, Value] = {}
    for one, grouped in zip(classes, groups, strict=True):
        values |= zip(one.rows, counter.cluster(one, grouped), strict=True)
    for parent, row in edges:
        values[row] = counter.edge(values[parent], parent, row)
    return values


def number(graph: Graph, value: Value, top: int) -> tuple[int, ...]:
    """The bits of a value as an unsigned number up to ``top``."""
    width = top.bit_length()
    bits = value.bits if value.sign > 0 else tuple(literal ^ 1 for literal in value.bits)
    # -Z is not Z + 1; both are modulo a power of two that holds the number.
    offset = value.offset if value.sign > 0 else value.offset + 1
    bits = bits[:width]
    constant = tuple(offset >> place & 1 for place in range(width))
    # Constants on both sides of a chain are cheapest below, where they vanish.
    return tuple(graph.add(bits, constant)[:width])


def passed(graph: Graph, value: Value, threshold: int) -> int:
    """Literal of value >= threshold."""
    if value.sign > 0:
        return at_least(graph, value.bits, value.least, threshold - value.offset, value.span)
    return at_least(graph, value.bits, value.least, value.offset - threshold + 1, value.span) ^ 1


def _levels(graph: Graph, cost: Cost, value: Value, thresholds: np.ndarray, invert: bool) -> tuple[int, ...]:
    steps = [passed(graph, value, int(threshold)) ^ int(invert) for threshold in thresholds]
    bits = count(graph, cost, steps).bits if len(steps) > 1 else tuple(steps)
    return bits + (FALSE,) * (len(steps).bit_length() - len(bits))


class _Plan:
    """Which rows are told from others, and the rest in clusters.

    ``rows`` may have a row of zeros more than it was given: the count of ones, from which rows with few ones are told.
    """

    def __init__(self, rows: np.ndarray, cost: Cost, unit: int, effort: int) -> None:
        self.cost, self.unit, self.effort = cost, unit, effort
        taps = rows.shape[1]
        self.top = taps * unit
        self.typical = {h: self._typical(taps, h) for h in range(1, 8) if h <= max(len(rows), 1)}
        zero = np.zeros((1, taps), rows.dtype)
        self.rows = rows if (rows == 0).all(axis=1).any() else np.concatenate([rows, zero])
        virtual = len(self.rows) > len(rows)
        self.roots, self.edges = self._forest(min(self.typical.values()), virtual)

    def _typical(self, taps: int, h: int) -> float:
        """Cells a row in a cluster of ``h`` rows, where the classes are equally large."""
        n = 1 << (h - 1)
        sizes = [taps * (k + 1) // n - taps * k // n for k in range(n)]
        return cluster_cells(self.cost, sizes, self.top) / h

    def _forest(self, typical: float, virtual: bool) -> tuple[list[int], list[tuple[int, int]]]:
        """Roots, and edges (parent, row) in the order in which they can be built, by Kruskal's algorithm."""
        rows = self.rows.astype(np.int32)
        distance = rows @ (1 - rows).T
        distance += distance.T
        n = len(rows)
        far = [edge_cells(self.cost, d, self.top) for d in range(rows.shape[1] + 1)]
        i, j = np.triu_indices(n, 1)
        near = np.array(far)[distance[i, j]] < typical
        i, j = i[near], j[near]
        tree = list(range(n))

        def top(at: int) -> int:
            while tree[at] != at:
                at = tree[at] = tree[tree[at]]
            return at

        neighbours: list[list[int]] = [[] for _ in range(n)]
        for at in np.argsort(distance[i, j], kind="stable").tolist():
            x, y = top(int(i[at])), top(int(j[at]))
            if x != y:
                tree[x] = y
                neighbours[int(i[at])].append(int(j[at]))
                neighbours[int(j[at])].append(int(i[at]))
        # The row of zeros is worth its count only where rows are told from it.
        if virtual and len(neighbours[-1]) < 2:
            for other in neighbours[-1]:
                neighbours[other].remove(n - 1)
            neighbours[-1] = []
            self.rows = self.rows[:-1]
            n -= 1
        roots, edges, seen = [], [], [False] * n
        for root in sorted(range(n), key=lambda at: (-len(neighbours[at]), at)):
            if seen[root]:
                continue
            roots.append(root)
            seen[root] = True
            queue = [root]
            for parent in queue:
                for row in neighbours[parent]:
                    if not seen[row]:
                        seen[row] = True
                        edges.append((parent, row))
                        queue.append(row)
        return sorted(roots), edges

    def choices(self) -> list[list[list[int]]]:
        """Clusters of the roots, for the few sizes that are estimated to be best."""
        sizes = sorted((h for h in self.typical if h <= len(self.roots)), key=lambda h: self.typical[h])[:2]
        return [self._exchanged(h) for h in sizes]

    def _cells(self, cluster: Sequence[int]) -> int:
        n = 1 << (len(cluster) - 1)
        differs = self.rows[cluster[1:]] ^ self.rows[cluster[0]]
        index = (1 << np.arange(len(cluster) - 2, -1, -1)) @ differs
        return cluster_cells(self.cost, np.bincount(np.broadcast_to(index, differs.shape[1]), minlength=n).tolist(), self.top)

    def _exchanged(self, h: int) -> list[list[int]]:
        """Clusters of about ``h`` rows, improved by exchanging rows: simulated annealing with a fixed seed."""
        many = -(-len(self.roots) // h)
        clusters = [self.roots[at::many] for at in range(many)]
        cells = [self._cells(cluster) for cluster in clusters]
        chance = random.Random(0)
        for move in range(self.effort if many > 1 else 0):
            warmth = 2.0 * (1 - move / self.effort) + 1e-9
            a, b = chance.sample(range(many), 2)
            x, y = list(clusters[a]), list(clusters[b])
            i, j = chance.randrange(len(x)), chance.randrange(len(y))
            x[i], y[j] = y[j], x[i]
            new = self._cells(x), self._cells(y)
            worse = sum(new) - cells[a] - cells[b]
            if worse <= 0 or chance.random() < math.exp(-worse / warmth):
                clusters[a], clusters[b], cells[a], cells[b] = x, y, *new
        return clusters

"""Which rows are counted together in clusters, and which are told from another row by the inputs that differ."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hw.unrolled.cluster import Estimate
from hw.unrolled.count import Cost

__all__ = ["Plan", "plan"]

# An edge is taken where it is cheaper than this share of a row's cells in a cluster, whose tables are shared besides.
SHARE = 0.8
LARGEST = 8


@dataclass(frozen=True)
class Plan:
    """Clusters, and edges (parent, row) in the order in which they can be built; both number ``rows`` (rows, taps)."""

    rows: np.ndarray
    clusters: list[list[int]]
    edges: list[tuple[int, int]]


def plan(rows: np.ndarray, cost: Cost, unit: int, effort: int) -> Plan:
    """Decide how ``rows`` (rows, taps) of 0 and 1 are built, which are all different, up to complement.

    The rows that come back may have one of zeros more: the count of ones, from which rows with few ones are told.
    ``unit`` is what one agreement counts; ``effort`` the number of exchanges between clusters that are tried, after an
    eighth of it for each of the sizes that may be best.
    """
    taps = rows.shape[1]
    estimate = Estimate(cost, taps, taps * unit)
    typical = {}
    for h in range(1, min(LARGEST, len(rows)) + 1):
        n = 1 << (h - 1)
        typical[h] = estimate.cluster([taps * (k + 1) // n - taps * k // n for k in range(n)]) / h
    rows, roots, edges = _forest(rows, estimate, SHARE * min(typical.values()))
    search = _Search(rows, estimate)
    sizes = sorted((h for h in typical if h <= len(roots)), key=lambda h: typical[h])[:2]
    tries = [
        search.improved([roots[at :: -(-len(roots) // h)] for at in range(-(-len(roots) // h))], effort // 8)
        for h in sizes
    ]
    best = min(tries, key=lambda clusters: sum(map(search.cells, clusters)))
    return Plan(rows, search.improved(best, effort), edges)


def _forest(rows: np.ndarray, estimate: Estimate, limit: float) -> tuple[np.ndarray, list[int], list[tuple[int, int]]]:
    """Rows, their roots, and edges cheaper than ``limit``: a minimum spanning forest by Kruskal's algorithm."""
    taps = rows.shape[1]
    virtual = bool((rows != 0).any(axis=1).all())
    if virtual:
        rows = np.concatenate([rows, np.zeros((1, taps), rows.dtype)])
    signs = rows.astype(np.int32)
    distance = signs @ (1 - signs).T
    distance += distance.T
    n = len(rows)
    i, j = np.triu_indices(n, 1)
    near = np.array([estimate.edge(d) for d in range(taps + 1)])[distance[i, j]] < limit
    i, j = i[near], j[near]
    tree = list(range(n))

    def top(at: int) -> int:
        while tree[at] != at:
            at = tree[at] = tree[tree[at]]
        return at

    neighbours: list[list[int]] = [[] for _ in range(n)]
    for at in np.argsort(distance[i, j], kind="stable").tolist():
        x, y = int(i[at]), int(j[at])
        if top(x) != top(y):
            tree[top(x)] = top(y)
            neighbours[x].append(y)
            neighbours[y].append(x)
    # The row of zeros is worth its count only where rows are told from it.
    if virtual and len(neighbours[-1]) < 2:
        for other in neighbours.pop():
            neighbours[other].remove(n - 1)
        rows, n = rows[:-1], n - 1
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
    return rows, sorted(roots), edges


class _Search:
    """Simulated annealing of clusters, with a fixed seed."""

    def __init__(self, rows: np.ndarray, estimate: Estimate) -> None:
        self.estimate = estimate
        self.all = (1 << rows.shape[1]) - 1
        self.rows = [int.from_bytes(row.tobytes(), "little") for row in np.packbits(rows, axis=1, bitorder="little")]

    def cells(self, cluster: Sequence[int]) -> int:
        """Estimated cells of a cluster."""
        first, *others = (self.rows[row] for row in cluster)
        classes = [self.all]
        for other in others:
            differs = first ^ other
            agrees = self.all ^ differs
            classes = [part for taps in classes for part in (taps & agrees, taps & differs)]
        return self.estimate.cluster([taps.bit_count() for taps in classes])

    def improved(self, clusters: list[list[int]], effort: int) -> list[list[int]]:
        """Clusters after ``effort`` exchanges of two rows were tried."""
        clusters, many = list(clusters), len(clusters)
        cells = [self.cells(cluster) for cluster in clusters]
        chance = random.Random(0)
        for move in range(effort if many > 1 else 0):
            warmth = 2.0 * (1 - move / effort) + 1e-9
            a = int(chance.random() * many)
            b = (a + 1 + int(chance.random() * (many - 1))) % many
            x, y = list(clusters[a]), list(clusters[b])
            i, j = int(chance.random() * len(x)), int(chance.random() * len(y))
            x[i], y[j] = y[j], x[i]
            new = self.cells(x), self.cells(y)
            worse = sum(new) - cells[a] - cells[b]
            if worse <= 0 or chance.random() < math.exp(-worse / warmth):
                clusters[a], clusters[b], cells[a], cells[b] = x, y, *new
        return clusters

"""Which rows are counted together in clusters, and which are told from another row by the inputs that differ."""

import math
import random
from collections.abc import Iterator, Sequence

import numpy as np

from hw.unrolled.cluster import cluster_cells, edge_cells
from hw.unrolled.count import Cost

__all__ = ["choices"]

# An edge is taken where it is cheaper than this share of a row's cells in a cluster; each share is one try.
SHARES = (1.0, 0.7)


def choices(
    rows: np.ndarray, cost: Cost, unit: int, effort: int
) -> Iterator[tuple[list[list[int]], list[tuple[int, int]], np.ndarray]]:
    """Clusters, edges (parent, row) in the order in which they can be built, and the rows that both number.

    ``rows`` (rows, taps) of 0 and 1, all different, up to complement. The rows that come back may have one of zeros
    more: the count of ones, from which rows with few ones are told. ``unit`` is what one agreement counts; ``effort``
    the number of exchanges that are tried for each choice.
    """
    known = set()
    for share in SHARES:
        plan = _Plan(rows, cost, unit, effort, share)
        if tuple(plan.edges) in known:
            continue
        known.add(tuple(plan.edges))
        for clusters in plan.choices():
            yield clusters, plan.edges, plan.rows


class _Plan:
    """Which rows are told from others, and the rest in clusters.

    ``rows`` may have a row of zeros more than it was given: the count of ones, from which rows with few ones are told.
    """

    def __init__(self, rows: np.ndarray, cost: Cost, unit: int, effort: int, share: float) -> None:
        self.cost, self.unit, self.effort = cost, unit, effort
        taps = rows.shape[1]
        self.top = taps * unit
        self.typical = {h: self._typical(taps, h) for h in range(1, 8) if h <= max(len(rows), 1)}
        zero = np.zeros((1, taps), rows.dtype)
        self.rows = rows if (rows == 0).all(axis=1).any() else np.concatenate([rows, zero])
        virtual = len(self.rows) > len(rows)
        self.roots, self.edges = self._forest(share * min(self.typical.values()), virtual)

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
        return cluster_cells(
            self.cost, np.bincount(np.broadcast_to(index, differs.shape[1]), minlength=n).tolist(), self.top
        )

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

"""The tree along which output channels are computed one from the other.

Channels are the vertices of a complete graph, and the distance of two is the number of places in which they differ
(MST-compression, Vo et al., ICCV 2023). The tree of least weight leaves the fewest operations, and of those trees the
one of least depth the fewest additions in a row. How the paper finds its tree is not known to us: all that is below is
ours. A tree is an array of parents in which a root is its own parent; one with several roots is a forest.
"""

from heapq import heappop, heappush

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

__all__ = ["bit_distances", "depths", "least_tree", "settle", "span", "symbol_distances", "weight"]

ROOTS, STARTS = 64, 32  # how many roots are tried, and how many trees are worked on
BOUNDED = 16  # how many roots are tried for a tree bounded in depth


def bit_distances(bits: np.ndarray, complement: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Distances int64 (n, n) of rows of bits (n, places), and bool (n, n) where the complement is the nearer one.

    Without `complement` that is nowhere. Of +-1 rows W the distance is (places - W W^T) / 2, exact in float32 below
    2**24 places.
    """
    places = bits.shape[1]
    signed = bits.astype(np.float32 if places < 1 << 24 else np.float64) * 2 - 1
    distances = (places - (signed @ signed.T).astype(np.int64)) // 2
    flips = distances * 2 > places if complement else np.zeros(distances.shape, bool)
    return np.where(flips, places - distances, distances), flips


def symbol_distances(rows: np.ndarray) -> np.ndarray:
    """Distances int64 (n, n) of rows of symbols (n, places)."""
    return np.stack([(rows != row).sum(axis=1) for row in rows])


def depths(parents: np.ndarray) -> np.ndarray:
    """Steps from each vertex to its root."""
    steps, above = (parents != np.arange(len(parents))).astype(np.int64), parents
    while not np.array_equal(above, above[above]):
        steps, above = steps + steps[above], above[above]
    return steps


def weight(parents: np.ndarray, distances: np.ndarray, whole: int) -> int:
    """The sum of the distances along the tree, and of `whole` for each root."""
    roots = parents == np.arange(len(parents))
    return int(distances[parents, np.arange(len(parents))][~roots].sum()) + whole * int(roots.sum())


def least_tree(distances: np.ndarray, whole: int, depth: int = 0) -> np.ndarray:
    """Parents of a tree of least weight in which a root costs `whole` (Prim), found quickly, for training.

    Vertices that are not nearer to any other than `whole` become roots. No care is taken of the depth but that with
    `depth` above 0 it is not exceeded; the weight is then near the least.
    """
    parents = _prim(distances, whole)[0]
    return _bounded(distances, whole, depth, 0.0, parents, 1) if 0 < depth < depths(parents).max() else parents


def _prim(distances: np.ndarray, whole: int) -> tuple[np.ndarray, np.ndarray]:
    """Parents, and for every two vertices the longest edge on the way between them (`whole` where there is none)."""
    n = len(distances)
    parents, nearest = np.arange(n), np.full(n, whole, distances.dtype)
    widest, known = np.full((n, n), whole, distances.dtype), np.zeros(n, bool)
    for _ in range(n):
        new = int(np.where(known, np.iinfo(nearest.dtype).max, nearest).argmin())
        if parents[new] != new:
            widest[new, known] = widest[known, new] = np.maximum(widest[parents[new], known], nearest[new])
        widest[new, new] = 0
        known[new] = True
        closer = ~known & (distances[new] < nearest)
        nearest[closer], parents[closer] = distances[new, closer], new
    return parents, widest


def span(distances: np.ndarray, whole: int, depth: int = 0, mu: float = 0.0) -> np.ndarray:
    """Parents of a tree of least weight and, among such trees, of little depth; a root costs `whole`.

    With `depth` above 0 no vertex is further than that from its root; with `mu` a vertex costs its distance plus `mu`
    times its depth. Both trade weight for depth. Ties go to the lower number: the same distances give the same tree.

    The least depth among all trees of least weight is a hard problem, and this does not always find it. Among rows of
    random bits it did in all of 6,000 cases of 5 to 7 channels (against every tree), and in 690 of 700 of 10 to 128
    channels (against every tree of least weight, of up to 3,000). A bounded tree is near the least weight: exact at
    depth 1, within 0.2 % on average at depth 2 and 3 in 2,400 cases of 5 and 6 channels.
    """
    parents, widest = _prim(distances, whole)
    if not mu:
        roots = parents == np.arange(len(parents))
        home = _roots_of(parents)
        usable = (distances == widest) & (distances < whole) & ~np.eye(len(parents), dtype=bool)
        for root in np.flatnonzero(roots):
            part = np.flatnonzero(home == root)
            parents[part] = part[_shallow(distances[np.ix_(part, part)], usable[np.ix_(part, part)])]
        if not depth or depths(parents).max() <= depth:
            return parents
    return _bounded(distances, whole, depth or len(parents), mu, parents, BOUNDED)


def _roots_of(parents: np.ndarray) -> np.ndarray:
    """The root of every vertex."""
    while not np.array_equal(parents, parents[parents]):
        parents = parents[parents]
    return parents


class _Tree:
    """A tree without direction, as sets of neighbours."""

    def __init__(self, parents: np.ndarray) -> None:
        self.near: list[set[int]] = [set() for _ in parents]
        for child, parent in enumerate(parents.tolist()):
            if child != parent:
                self.join(child, parent)

    def join(self, one: int, other: int) -> None:
        self.near[one].add(other)
        self.near[other].add(one)

    def cut(self, one: int, other: int) -> None:
        self.near[one].remove(other)
        self.near[other].remove(one)

    def walk(self, start: int, barred: int = -1) -> tuple[dict[int, int], dict[int, int]]:
        """Depth and parent of all that is reached from `start` without `barred`, the nearest first."""
        steps, above, order = {start: 0}, {start: start}, [start]
        for vertex in order:
            for other in sorted(self.near[vertex]):
                if other != above[vertex] and other != barred:
                    steps[other], above[other] = steps[vertex] + 1, vertex
                    order.append(other)
        return steps, above

    def heights(self, start: int, barred: int = -1) -> dict[int, int]:
        """How far the furthest vertex is from each of those that `walk` reaches."""
        one = next(reversed(self.walk(start, barred)[0]))
        from_one, _ = self.walk(one, barred)
        from_other, _ = self.walk(next(reversed(from_one)), barred)
        return {vertex: max(steps, from_other[vertex]) for vertex, steps in from_one.items()}

    def centre(self) -> int:
        """The vertex that is nearest to its furthest, the lowest number of two."""
        heights = self.heights(0)
        return min(heights, key=lambda vertex: (heights[vertex], vertex))


def _shallow(distances: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Parents of a tree of least weight and little depth; `usable` are the edges that some tree of least weight has.

    Trees are grown from the likeliest roots, the least deep vertex first among equally near ones; in the best of them
    branches are hung elsewhere, at equally long edges, for as long as that makes the deepest vertices fewer.
    """
    n = len(distances)
    if n == 1:
        return np.zeros(1, np.int64)
    hops = shortest_path(csr_array(usable.astype(np.int8)), unweighted=True).max(axis=1)
    edges = [
        list(zip(d[u].tolist(), np.flatnonzero(u).tolist(), strict=True))
        for d, u in zip(distances, usable, strict=True)
    ]
    grown: list[tuple[int, int, list[int]]] = []
    for root in np.argsort(hops, kind="stable")[:ROOTS]:
        parents, deepest = _grow(edges, int(root))
        grown.append((deepest, int(root), parents))
        if deepest <= hops.min():
            break
    best: tuple[int, list[int]] | None = None
    for _, _, parents in sorted(grown)[:STARTS]:
        found = _rehang(edges, np.array(parents))
        best = found if best is None or found[0] < best[0] else best
        if best[0] <= hops.min():
            break
    assert best is not None
    return np.array(best[1])


def _grow(edges: list[list[tuple[int, int]]], root: int) -> tuple[list[int], int]:
    """Prim from `root`, the shallowest first among equally near vertices: parents, and the depth."""
    parents, steps = [-1] * len(edges), [0] * len(edges)
    waiting = [(0, 0, root, root)]
    while waiting:
        _, depth, vertex, parent = heappop(waiting)
        if parents[vertex] < 0:
            parents[vertex], steps[vertex] = parent, depth
            for length, other in edges[vertex]:
                if parents[other] < 0:
                    heappush(waiting, (length, depth + 1, other, vertex))
    return parents, max(steps)


def _rehang(edges: list[list[tuple[int, int]]], parents: np.ndarray) -> tuple[int, list[int]]:
    """Depth and parents of a tree whose deepest branches were hung elsewhere while that helped."""
    tree = _Tree(parents)
    while True:
        steps, above = tree.walk(tree.centre())
        deepest = max(steps.values())
        if not any(_improve(tree, edges, leaf, steps, above) for leaf in steps if steps[leaf] == deepest):
            return deepest, [above[vertex] for vertex in range(len(parents))]


def _improve(
    tree: _Tree, edges: list[list[tuple[int, int]]], leaf: int, steps: dict[int, int], above: dict[int, int]
) -> bool:
    """Hang one of the branches that hold `leaf` at an equally long edge, if all of it is then less deep than `leaf`."""
    child = leaf
    while above[child] != child:
        parent = above[child]
        heights = tree.heights(child, barred=parent)
        length = next(w for w, v in edges[child] if v == parent)
        for vertex, height in heights.items():
            for w, other in edges[vertex]:
                if w == length and other not in heights and steps[other] + 1 + height < steps[leaf]:
                    tree.cut(child, parent)
                    tree.join(vertex, other)
                    return True
        child = parent
    return False


def _bounded(distances: np.ndarray, whole: int, depth: int, mu: float, parents: np.ndarray, tries: int) -> np.ndarray:
    """Parents of the best tree that was found with these bounds, `parents` being one of least weight.

    Its root and the `tries` vertices that are nearest to all others are tried as roots.
    """
    n = len(distances)
    nearest = np.argsort(distances.sum(axis=1), kind="stable").tolist()
    most = int(np.bincount(_roots_of(parents), minlength=n).argmax())
    best, least = parents, np.inf
    for root in dict.fromkeys([most, *nearest[:tries]]):
        tried = settle(distances, whole, depth, mu, _grow_bounded(distances, whole, depth, mu, root))
        cost = weight(tried, distances, whole) + mu * int(depths(tried).sum())
        if cost < least:
            best, least = tried, cost
    return best


def _grow_bounded(distances: np.ndarray, whole: int, depth: int, mu: float, root: int) -> np.ndarray:
    """Prim from `root`, where a vertex `depth` deep takes no children."""
    n = len(distances)
    parents, steps, known = np.arange(n), np.zeros(n, np.int64), np.zeros(n, bool)
    cost = np.full(n, float(whole))
    new = root
    for _ in range(n):
        known[new] = True
        if parents[new] != new:
            steps[new] = steps[parents[new]] + 1
        if steps[new] < depth:
            offered = distances[new] + mu * (steps[new] + 1)
            closer = ~known & (offered < cost)
            cost[closer], parents[closer] = offered[closer], new
        new = int(np.where(known, np.inf, cost).argmin())
    return parents


def settle(distances: np.ndarray, whole: int, depth: int, mu: float, parents: np.ndarray) -> np.ndarray:
    """Give one vertex after the other, with all that hangs from it, its best parent, until none has a better one."""
    n, parents = len(distances), parents.copy()
    below = np.eye(n, dtype=bool)  # below[a, b]: b is a or hangs from it
    steps = depths(parents)
    for vertex in np.argsort(-steps, kind="stable"):
        if parents[vertex] != vertex:
            below[parents[vertex]] |= below[vertex]
    moved = True
    while moved:
        moved = False
        for vertex in range(n):
            branch = below[vertex]
            height = int(steps[branch].max() - steps[vertex])
            offers = distances[vertex] + mu * int(branch.sum()) * (steps + 1)
            offers = np.where(branch | (steps + 1 + height > depth), np.inf, offers)
            offers[vertex] = whole  # as a root
            parent, old = int(offers.argmin()), int(parents[vertex])
            if offers[parent] < offers[old] - 1e-9:  # more than rounding
                moved = True
                _move(parents, steps, below, vertex, parent)
    return parents


def _move(parents: np.ndarray, steps: np.ndarray, below: np.ndarray, vertex: int, parent: int) -> None:
    """Hang `vertex` from `parent`, itself for a root, and bring depths and branches up to date."""
    branch = below[vertex].copy()
    above = below[:, vertex] & ~branch
    below[above] &= ~branch
    parents[vertex] = parent
    depth = steps[parent] + 1 if parent != vertex else 0
    if parent != vertex:
        below[below[:, parent]] |= branch
    steps[branch] += depth - steps[vertex]

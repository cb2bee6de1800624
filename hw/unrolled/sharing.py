"""Which three inputs are counted together: those that several clusters of rows can count in the same tables.

Three inputs can be counted together by every cluster that has them in one class. Their parity is then one table for
each polarity that these need, and their majority one for each pattern of signs: what tables put out feeds carry chains,
where a complement would cost a table of its own.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from hw.unrolled.cluster import Classes

__all__ = ["Groups", "share"]

#: For each cluster, taps to count together by the number of their class.
Groups = list[dict[int, list[tuple[int, int, int]]]]

# Candidates that are looked at.
LIMIT = 200_000


def share(
    rows: np.ndarray, clusters: Sequence[Classes], pieces: Sequence[Sequence[Sequence[int]]], limit: int = LIMIT
) -> Groups:
    """Choose groups of three for all clusters, the most valuable first, and among equals those that block fewest.

    ``pieces`` are those of each class's count, as `hw.unrolled.count.pieces` tells them, by cluster and class. Of the
    candidates the ``limit`` most valuable ones are looked at: so many that time and memory are bounded.
    """
    room = [[sizes.count(3) for sizes in classes] for classes in pieces]
    candidates = _candidates(rows, clusters, room, limit)
    degree: dict[tuple[int, int], int] = defaultdict(int)
    for taps, uses in candidates:
        for cluster, _, _ in uses:
            for tap in taps:
                degree[cluster, tap] += 1
    used = _carried(rows, clusters, pieces, degree)
    groups: Groups = [defaultdict(list) for _ in clusters]

    def free(taps: tuple[int, int, int], uses: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        return [
            (cluster, k, signs)
            for cluster, k, signs in uses
            if room[cluster][k] and not any((cluster, tap) in used for tap in taps)
        ]

    # What a candidate saves only shrinks, so that it is looked at again only where its last value would do.
    worth = [_saved(uses) for _, uses in candidates]
    for least in range(max(worth, default=0), 0, -1):
        # Those that are still worth it, and block fewest others.
        open_now = []
        for at, (taps, uses) in enumerate(candidates):
            if worth[at] >= least:
                worth[at] = _saved(free(taps, uses))
                if worth[at] >= least:
                    open_now.append((taps, uses))
        open_now.sort(key=lambda c: (sum(degree[u[0], tap] for u in c[1] for tap in c[0]) / len(c[1]), c[0]))
        for taps, uses in open_now:
            left = free(taps, uses)
            if _saved(left) < least:
                continue
            for cluster, k, _ in left:
                room[cluster][k] -= 1
                groups[cluster][k].append(taps)
                used.update((cluster, tap) for tap in taps)
    return groups


def _carried(
    rows: np.ndarray,
    clusters: Sequence[Classes],
    pieces: Sequence[Sequence[Sequence[int]]],
    degree: dict[tuple[int, int], int],
) -> set[tuple[int, int]]:
    """Cluster and tap of the bits that are carried into chains: plain ones, which cost no table."""
    kept = set()
    for at, cluster in enumerate(clusters):
        signs = rows[cluster.rows[0]]
        for taps, spare, sizes in zip(cluster.taps, cluster.spares, pieces[at], strict=True):
            wanted = sizes.count(0) + spare
            plain = sorted((tap for tap in taps.tolist() if signs[tap]), key=lambda tap: (degree[at, tap], tap))
            kept.update((at, tap) for tap in plain[:wanted])
    return kept


def _saved(uses: list[tuple[int, int, int]]) -> int:
    """Tables saved where ``uses`` share: two each, less those that are different."""
    return 2 * len(uses) - len({signs.bit_count() & 1 for _, _, signs in uses}) - len({signs for _, _, signs in uses})


def _candidates(
    rows: np.ndarray, clusters: Sequence[Classes], room: list[list[int]], limit: int
) -> list[tuple[tuple[int, int, int], list[tuple[int, int, int]]]]:
    """Taps that at least two clusters have in one class, with (cluster, class, signs) for each."""
    n = rows.shape[1]
    keys, places = [], []
    for at, cluster in enumerate(clusters):
        signs = rows[cluster.rows[0]].astype(np.int64)
        for k, taps in enumerate(cluster.taps):
            if len(taps) < 3 or not room[at][k]:
                continue
            a, b, c = _threes(taps)
            keys.append((a * n + b) * n + c)
            places.append(np.stack([np.full(len(a), at), np.full(len(a), k), signs[a] | signs[b] << 1 | signs[c] << 2]))
    if not keys:
        return []
    key, place = np.concatenate(keys), np.concatenate(places, axis=1)
    order = np.argsort(key, kind="stable")
    key, place = key[order], place[:, order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    sizes = np.diff(starts, append=len(key))
    several = np.flatnonzero(sizes > 1)
    several = several[np.argsort(-sizes[several], kind="stable")][:limit]
    found = []
    for at in several.tolist():
        first, size = int(starts[at]), int(sizes[at])
        code = int(key[first])
        taps = (code // n // n, code // n % n, code % n)
        found.append((taps, [tuple(u) for u in place[:, first : first + size].T.tolist()]))
    return found


def _threes(taps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    i, j = np.triu_indices(len(taps), 1)
    # Every pair with every later tap.
    repeats = len(taps) - 1 - j
    later = np.concatenate([np.arange(at + 1, len(taps)) for at in j]) if len(j) else j
    return taps[np.repeat(i, repeats)], taps[np.repeat(j, repeats)], taps[later]

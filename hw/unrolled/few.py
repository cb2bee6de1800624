"""Thresholds on the count of few bits: short chains count parts of them, and tables compare the sum of the parts.

The bits of the parts' counts are taken from the lowest up. What those taken so far add up to matters only as far as
the rest can make something of it: sums after which every rest decides alike are one state (Ashenhurst's decomposition,
for functions of weighted sums). So the sum itself is never made, and rarely more than two states are told.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cache

from hw.unrolled.count import Cost, arranged, counted, pieces
from hw.unrolled.graph import FALSE, TRUE, Graph

__all__ = ["few_pieces", "few_reach"]

# Bits at most that stand in parts of three and one, beside the two largest parts.
SMALL = 12


def few_reach(
    graph: Graph, cost: Cost, literals: Sequence[int], threshold: int, groups: Sequence[Sequence[int]] = ()
) -> int:
    """Literal of: at least ``threshold`` of the literals hold. ``groups`` are three each that are counted together."""
    n = len(literals)
    if not 0 < threshold <= n:
        return TRUE if threshold <= 0 else FALSE
    sizes = _parts(cost, n, threshold)
    ordered, at = arranged(few_pieces(cost, n, threshold), literals, groups), 0
    weighted: list[tuple[int, int]] = []
    for size in sizes:
        weighted += enumerate(counted(graph, cost, ordered[at : at + size]).bits)
        at += size
    weighted.sort(key=lambda bit: bit[0])
    weights, taken = _weights(sizes), 0
    known: list[int] = []
    for until in _steps(cost.lut_inputs, weights, threshold)[1]:
        old, new = _states(weights, taken, threshold), _states(weights, until, threshold)
        told = []
        for j in range(1 << len(known) + until - taken):
            # Numbers that no state has may lead anywhere.
            total = old[min(j & (1 << len(known)) - 1, len(old) - 1)]
            total += sum(w for i, w in enumerate(weights[taken:until]) if j >> len(known) + i & 1)
            told.append(bisect_right(new, total) - 1)
        operands = [*known, *(literal for _, literal in weighted[taken:until])]
        known = [
            graph.table(sum((state >> place & 1) << j for j, state in enumerate(told)), operands)
            for place in range((len(new) - 1).bit_length())
        ]
        taken = until
    return known[0]


def few_pieces(cost: Cost, n: int, threshold: int) -> tuple[int, ...]:
    """Sizes of the groups that tables count for `few_reach`, as `hw.unrolled.count.pieces` tells them."""
    if not 0 < threshold <= n:
        return (1,) * n
    return tuple(piece for size in _parts(cost, n, threshold) for piece in pieces(cost, size))


@cache
def _parts(cost: Cost, n: int, threshold: int) -> tuple[int, ...]:
    """How many bits each part counts, where that takes fewest cells.

    Of equally many cells those with the longest chains: mappers take tables apart, at the expense of their number. But
    where whole tables may go into chains, and so cost nothing here, mappers do not find all of them: those of fewest
    chains there.
    """
    absorbing = cost.absorbs == cost.lut_inputs - 1
    found: tuple[float, int, list[int], tuple[int, ...]] = (math.inf, 0, [], ())
    for least, counts, sizes in _divisions(cost, n):
        if least > found[0]:
            break
        cells = counts + _steps(cost.lut_inputs, _weights(sizes), threshold)[0]
        chains = absorbing * sum(size > cost.lut_inputs for size in sizes)
        found = min(found, (cells, chains, [-size for size in sizes], sizes))
    return found[-1]


@cache
def _divisions(cost: Cost, n: int) -> list[tuple[int, int, tuple[int, ...]]]:
    """Two parts, and small ones beside them: bits by threes in tables, and single ones.

    Each with the fewest cells that it could take in all and those of its counts before it; the least first.
    """
    found = set()
    for threes in range(min(SMALL, n) // 3 + 1):
        for ones in range(min(SMALL, n) - 3 * threes + 1):
            left = n - 3 * threes - ones
            for larger in range(-(-left // 2), left + 1):
                sizes = tuple(size for size in (larger, left - larger, *(3,) * threes, *(1,) * ones) if size)
                counts, bits = sum(map(cost.count, sizes)), sum(size.bit_length() for size in sizes)
                # A table leaves one bit of those that it takes, at best.
                found.add((counts + -(-(bits - 1) // (cost.lut_inputs - 1)), counts, sizes))
    return sorted(found)


def _weights(sizes: Sequence[int]) -> tuple[int, ...]:
    """Weights of all bits of counts up to ``sizes``, the lowest first."""
    return tuple(sorted(1 << place for size in sizes for place in range(size.bit_length())))


@cache
def _steps(lut_inputs: int, weights: tuple[int, ...], threshold: int) -> tuple[float, tuple[int, ...]]:
    """Tables that tell whether weighted bits reach ``threshold``, and how many bits are taken after each step."""
    told = [(len(_states(weights, taken, threshold)) - 1).bit_length() for taken in range(len(weights) + 1)]
    best: dict[int, tuple[float, tuple[int, ...]]] = {len(weights): (0, ())}
    for taken in range(len(weights) - 1, -1, -1):
        untils = range(taken + 1, min(taken + lut_inputs - told[taken], len(weights)) + 1)
        steps = ((told[until] + best[until][0], (until, *best[until][1])) for until in untils)
        best[taken] = min(steps, default=(math.inf, ()))
    return best[0]


@cache
def _states(weights: tuple[int, ...], taken: int, threshold: int) -> tuple[int, ...]:
    """The least sum of each state after ``taken`` bits."""
    rests = sorted(_sums(weights[taken:]))
    states: dict[int, int] = {}
    for total in sorted(_sums(weights[:taken])):
        states.setdefault(bisect_left(rests, threshold - total), total)
    return tuple(sorted(states.values()))


def _sums(weights: Sequence[int]) -> set[int]:
    found = {0}
    for weight in weights:
        found |= {total + weight for total in found}
    return found

"""Rows of two levels as one graph: only the taps at the upper level are counted, and the window's sum is shared.

With Q the sum of the taps of a row whose weight is the upper level, and X that of all taps, a row's sum is

    low X + (high - low) Q

(Schiavone et al., Binary domain generalization, ECML PKDD 2023). Where low is 0 nothing is left of X.
"""

import math
import time
from collections.abc import Mapping, Sequence

import numpy as np

from hw.unrolled.cluster import Classes, Counter, Value
from hw.unrolled.count import Number, pieces, plus
from hw.unrolled.ends import Ends
from hw.unrolled.few import few_pieces, few_reach
from hw.unrolled.graph import FALSE, Graph
from hw.unrolled.optimise import COSTS, Unrolling
from hw.unrolled.sharing import Groups, share

__all__ = ["two_level"]

# Groups of three taps of a row, over all rows, among which shared ones are looked for, in seconds.
MOST_THREES = 1_000_000
# Of those that several rows share so many are looked at, those of most rows first: rows that are alike share far more.
CANDIDATES = 10_000


def two_level(
    weights: np.ndarray,
    family: str,
    *,
    low: int,
    high: int,
    thresholds: np.ndarray | None = None,
    invert: np.ndarray | None = None,
    planes: Sequence[int] = (0,),
    scale: int = 1,
    corrections: np.ndarray,
) -> Unrolling:
    """Build the sums of ``weights`` (outputs, taps), bits that stand for ``low`` and ``high``, with a window of taps.

    An output's count is ``scale`` times the sum of level * tap, a tap being the sum of 2**planes[p] * (its bit p), plus
    ``corrections`` (outputs, cases) as in `hw.unrolled.optimise.optimise`, which has the meaning of the other
    parameters too.

    Raises ValueError for an unknown family, and for levels whose distance is no power of two.
    """
    start = time.perf_counter()
    if family not in COSTS:
        raise ValueError(f"family must be one of {', '.join(COSTS)}, not {family!r}")
    step = high - low
    if step < 1 or step & step - 1:
        raise ValueError(f"high must be a power of two above low, not {high} with low {low}")
    cost = COSTS[family]
    rows, same = np.unique(weights.astype(np.uint8), axis=0, return_inverse=True)
    # The last row is the window's sum.
    every = np.vstack([rows, np.ones_like(rows[:1])])
    cases = corrections.shape[1]
    graph = Graph(weights.shape[1] * len(planes) + (cases - 1).bit_length(), cost.lut_inputs, cost.complements)
    counter = Counter(graph, cost, every, planes)
    offset, window = 0, Number((), 0)
    if low:
        window, offset = _times(graph, counter.agreements(len(rows), np.arange(weights.shape[1]), False).number, low)
    # Where a bit is asked of a row's ones alone, tables may do without their number.
    few = low == 0 and counter.planes == (0,) and cases == 1 and thresholds is not None and thresholds.shape[1] == 1
    sums: dict[int, Number] = {}
    least: dict[int, int] = {}
    if few and thresholds is not None:
        least = {c: -((int(corrections[c, 0]) - int(thresholds[c, 0])) // (scale * step)) for c in range(len(weights))}
    groups = _groups(counter, len(rows), {int(same[c]): limit for c, limit in least.items()})
    outputs = []
    for c, row in enumerate(same.reshape(-1).tolist()):
        taps = np.flatnonzero(rows[row])
        own = corrections[c] + scale * offset
        if c in least and invert is not None:
            threes = [counter.literals(row, np.array(group), 0) for group in groups[row]]
            reached = few_reach(graph, cost, counter.literals(row, taps, 0), least[c], threes)
            outputs.append((reached ^ int(invert[c]),))
            continue
        if row not in sums:
            ones = counter.agreements(row, taps, False, groups[row]).number
            sums[row] = plus(graph, ones.shifted(step.bit_length() - 1), window) if low else ones
        number = sums[row]
        # Against limits of several cases `Ends` looks at the sign of a difference.
        value = Value((*number.bits, *[FALSE] * (cases > 1)), 1, 0, 0, number.top + 1)
        ends = Ends(graph, cost, value, number.top, scale if low else scale * step, own)
        if thresholds is None or invert is None:
            outputs.append(ends.count())
        else:
            outputs.append(ends.levels(thresholds[c], bool(invert[c])))
    repeated, seconds = len(weights) - len(rows), time.perf_counter() - start
    return Unrolling(graph, cost, tuple(outputs), (1,) * len(rows), 0, repeated, seconds)


def _groups(counter: Counter, rows: int, least: Mapping[int, int]) -> list[Sequence[tuple[int, int, int]]]:
    """Taps of each row that are counted three at a time, in the same tables as in other rows.

    ``least`` is what the count of a row is compared with, of rows whose number is not wanted.
    """
    taps = [np.flatnonzero(counter.rows[row]) for row in range(rows)]
    if counter.planes != (0,) or sum(math.comb(len(own), 3) for own in taps) > MOST_THREES:
        return [()] * rows
    cost = counter.cost
    sizes = [
        [few_pieces(cost, len(own), least[row]) if row in least else pieces(cost, len(own))]
        for row, own in enumerate(taps)
    ]
    classes = [Classes((row,), (own,), (False,)) for row, own in enumerate(taps)]
    found: Groups = share(counter.rows, classes, sizes, CANDIDATES)
    return [groups.get(0, ()) for groups in found]


def _times(graph: Graph, x: Number, factor: int) -> tuple[Number, int]:
    """A number V and a constant c with ``factor`` * x = V + c; V is never negative."""
    offset = 0
    if factor < 0:
        # -x = (all ones - x) - all ones
        ones = (1 << len(x.bits)) - 1
        x, offset, factor = Number(tuple(bit ^ 1 for bit in x.bits), ones), factor * ones, -factor
    total = Number((), 0)
    for place in range(factor.bit_length()):
        if factor >> place & 1:
            total = plus(graph, total, x.shifted(place)) if total.top else x.shifted(place)
    return total, offset

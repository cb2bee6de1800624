"""The end of a graph: the scores that it gives for the sums of the last layer, as integers in the same order."""

from dataclasses import dataclass

import numpy as np

from sw.interop.qonnx.flow.signal import Signal
from sw.interop.qonnx.flow.steps import grid_of
from sw.interop.qonnx.graph.refusal import Refused
from sw.network import Scores

__all__ = ["End", "read_scores"]

MOST_BITS = 24
MOST_PARTS = 64
TOLERANCE = 2.0**-18
ROUNDING = 2.0**-22
"""Of the largest score: what float32 rounds in the two or three nodes that lead to it."""
MOST = 1 << 22


@dataclass(frozen=True, eq=False)
class End:
    """How the graph's scores follow from the Network's: factor * score + shift, a number for each class.

    Of all scores that the classes can have, put in order, ``ties`` counts neighbours that float32 hardly tells apart in
    the graph and that are two integers in the Network; ``swaps`` those that it does tell apart and whose order is
    another in the Network: 0 unless the classes' scales are too unlike.
    """

    factor: np.ndarray
    shift: np.ndarray
    ties: int
    swaps: int


def read_scores(signal: Signal, name: str) -> tuple[Scores, End]:
    """The Scores of the tensor that a graph ends with. Raises Refused where they are no straight lines of the sums."""
    source = signal.source
    if signal.pools:
        raise Refused(f"{signal.tensor}, the last tensor, is a pool of sums: end the model with a dense layer")
    if source.shape[:2] != (1, 1) or signal.order.size != source.channels:
        raise Refused(
            f"{signal.tensor}, the last tensor, has the shape {signal.order.shape} and is no row of scores: end the "
            "model with a dense layer, or a convolution that leaves one pixel"
        )
    classes = source.channels
    points = grid_of(source.low, source.high, classes * max(1, (1 << 24) // MOST))
    real = signal.evaluate()(np.repeat(points[:, None], classes, axis=1)).astype(np.float64)
    slope = (real[-1] - real[0]) / (points[-1] - points[0])
    line = real[0] + slope * (points[:, None] - points[0])
    if not np.isfinite(real).all() or np.abs(real - line).max() > TOLERANCE * max(np.abs(real).max(), 1e-300):
        raise Refused(
            f"{signal.tensor}, the last tensor, is not in proportion to the sums of the last layer with weights: end "
            "the model without a quantiser or activation behind it"
        )
    shift = real[0] - slope * points[0]
    scale, bias, ties, swaps = _integers(points, real, slope, shift)
    factor = np.divide(slope, scale, out=np.full(classes, np.nan), where=scale != 0)
    known = np.nanmean(factor) if np.isfinite(factor).any() else 1.0
    factor = np.where(np.isnan(factor), known, factor)
    scores = Scores(name=name, reads=(source.name,), scale=scale, bias=bias)
    return scores, End(factor, shift - factor * bias, ties, swaps)


def _integers(
    points: np.ndarray, real: np.ndarray, slope: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """The smallest whole scale and bias that put all sums of all classes into the order of ``real`` (points, classes).

    The same line for all classes needs none. Lines whose slopes and distances are small multiples of one number are
    those multiples; others get more and more bits behind the point.
    """
    if (real == real[:, :1]).all():
        ones = np.ones(len(slope), np.int64)
        return int(np.sign(slope[0])) * ones, 0 * ones, 0, 0
    sizes = np.abs(slope[slope != 0])
    if not len(sizes):
        return _whole(points, real, 0 * slope, np.unique(shift, return_inverse=True)[1])
    offset = shift - shift.min()
    for parts in range(1, MOST_PARTS + 1):
        lines = np.stack([slope, offset]) * (parts / sizes.min())
        largest = np.abs(lines).max()
        if largest < 1 << MOST_BITS and np.abs(lines - np.rint(lines)).max() <= ROUNDING * 4 * largest:
            found = _whole(points, real, *lines)
            if not found[3]:
                return found
    best = _whole(points, real, slope / sizes.max(), offset / sizes.max())
    for bits in range(1, MOST_BITS + 1):
        if not best[3]:
            break
        found = _whole(points, real, slope / sizes.max() * 2.0**bits, offset / sizes.max() * 2.0**bits)
        best = min(best, found, key=lambda lines: lines[3])
    return best


def _whole(
    points: np.ndarray, real: np.ndarray, slope: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Scale and bias as the nearest whole numbers, and the `_disorder` that they make."""
    scale, bias = np.rint(slope).astype(np.int64), np.rint(shift).astype(np.int64)
    return scale, bias, *_disorder(real, points[:, None] * scale + bias)


def _disorder(real: np.ndarray, whole: np.ndarray) -> tuple[int, int]:
    """Neighbours in the order of ``real`` that are as good as equal there and not in ``whole``, and those in another
    order.
    """
    order = np.lexsort((whole.reshape(-1), real.reshape(-1)))
    theirs, ours = np.diff(real.reshape(-1)[order]), np.diff(whole.reshape(-1)[order])
    apart = theirs > ROUNDING * np.abs(real).max()
    return int((~apart & (ours != 0)).sum()), int((apart & (ours <= 0)).sum())

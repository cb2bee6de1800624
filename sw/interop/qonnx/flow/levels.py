"""The values of a quantised tensor as levels: equal steps, as many as a number of bits has, in exact fractions."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from sw.interop.qonnx.flow.steps import Curve
from sw.network.padding import PaddingKind

__all__ = ["Grid", "fit", "table"]

MOST_STEPS = 255
MOST_BITS = 8
TOLERANCE = 2.0**-21
"""Of the largest value: how far float32 may have rounded a multiple of a scale, and another node once more."""


@dataclass(frozen=True)
class Grid:
    """Level q of ``bits`` bits is worth low + step q in the graph; a border reads as ``padding`` of the levels, which
    is the level ``border`` where it is no end and not the middle.
    """

    bits: int
    step: Fraction
    low: Fraction
    padding: PaddingKind = "none"
    border: int = 0

    @property
    def top(self) -> int:
        """The highest level."""
        return (1 << self.bits) - 1

    @property
    def middle(self) -> Fraction:
        """The value in the graph that the Network's levels have as 0."""
        return self.low + self.step * self.top / 2

    def level(self, values: np.ndarray) -> np.ndarray:
        """The levels that float values are nearest to, int64."""
        return np.rint((values.astype(np.float64) - float(self.low)) / float(self.step)).astype(np.int64)


def fit(values: np.ndarray, border: float | None = None) -> Grid | None:
    """The coarsest grid that has all ``values`` (ascending, float64), or None.

    ``border`` is a value that must be one of its levels, or its middle.
    """
    if not np.isfinite(values).all():
        return None
    values = merged(values)
    found = spacing(values)
    if found is None:
        return None
    steps, step, low = found
    for bits in range(max(1, steps.bit_length()), MOST_BITS + 1):
        spare = (1 << bits) - 1 - steps
        if border is None:
            return Grid(bits, step, low)
        for below in range(spare + 1):
            grid = Grid(bits, step, low - below * step)
            ends: dict[PaddingKind, Fraction] = {"-1": grid.low, "zero": grid.middle, "+1": grid.low + step * grid.top}
            near = TOLERANCE * max(abs(values[0]), abs(values[-1]), abs(border))
            for kind, value in ends.items():
                if abs(float(value) - border) <= near:
                    return Grid(bits, step, grid.low, kind)
            level = int(grid.level(np.array(border)))
            if 0 < level < grid.top and abs(float(grid.low + step * level) - border) <= near:
                return Grid(bits, step, grid.low, "level", level)
    return None


def merged(values: np.ndarray) -> np.ndarray:
    """``values`` without those that float32 made of their neighbours by rounding."""
    kept = [values[0]]
    for value in values[1:]:
        if value - kept[-1] > TOLERANCE * np.abs(values).max():
            kept.append(value)
    return np.array(kept)


def spacing(values: np.ndarray) -> tuple[int, Fraction, Fraction] | None:
    """Number of steps, step and lowest value; None where they are unequal, or more than 8 bits have."""
    span, largest = values[-1] - values[0], np.abs(values).max()
    if len(values) == 1:
        value = Fraction(float(values[0]))
        return (1, 2 * abs(value), -abs(value)) if value else (1, Fraction(1), Fraction(0))
    narrowest = np.diff(values).min()
    for parts in range(1, MOST_STEPS + 1):
        steps = int(np.rint(span * parts / narrowest))
        if steps > MOST_STEPS:
            break
        step = span / steps
        numbers = np.rint((values - values[0]) / step)
        if np.abs(values - values[0] - step * numbers).max() <= TOLERANCE * largest:
            return (steps, *exact(values, numbers, step))
    return None


def exact(values: np.ndarray, numbers: np.ndarray, step: float) -> tuple[Fraction, Fraction]:
    """The scale that the graph rounded to give these values, and the lowest of them before it was rounded.

    A quantiser gives float32(scale n) for whole or half numbers n: where one float32 scale gives all, it is that one.
    """
    twice = int(np.rint(2 * values[0] / step))
    units = twice / 2 + numbers
    farthest = np.abs(units).argmax()
    if units[farthest]:
        near = np.float32(values[farthest] / units[farthest])
        for scale in (near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(np.inf))):
            if np.array_equal((np.float64(scale) * units).astype(np.float32), values.astype(np.float32)):
                return Fraction(float(scale)), Fraction(float(scale)) * Fraction(twice, 2)
    return Fraction(float(step)), Fraction(float(values[0]))


def table(curve: Curve, grid: Grid, offset: np.ndarray, turned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds int64 (channels, 2**k - 1) and inversions of the levels of a monotone curve.

    A channel's values are those of the grid plus its ``offset``. Where ``turned``, the level that is stored is top - q,
    so that the largest stands for the smallest value.
    """
    thresholds = np.empty((len(curve.first), grid.top), np.int64)
    invert = np.zeros(len(curve.first), bool)
    for channel, (places, values) in enumerate(curve.rows()):
        levels = grid.level(values - offset[channel])
        if turned[channel]:
            levels = grid.top - levels
        # Steps that are passed for good before the first integer, and those that are not reached up to the last.
        falls = levels[-1] < levels[0]
        invert[channel] = falls
        if falls:
            levels = grid.top - levels
        moves = np.repeat(places, np.diff(levels))
        always = np.full(levels[0], curve.low)
        never = np.full(grid.top - levels[-1], curve.high + 1)
        thresholds[channel] = np.concatenate([always, moves, never])
    return thresholds, invert

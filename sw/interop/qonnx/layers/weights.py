"""Weights of two values: the bits, what a 1 in the Network's sum is worth in the graph's, and how both are stored."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from sw.network import DenseEncoding, Encoding
from sw.network.encodings.two_level import MOST_FRACTION, MOST_RATIO, TwoLevelEncoding

__all__ = ["Binary", "NotBinary", "binary"]


class NotBinary(Exception):
    """The weights have no two values that are stored here; the message says what they have, after "has"."""


@dataclass(frozen=True, eq=False)
class Binary:
    """Weights (outputs, ...) as bits: the graph's weight is unit[output] times the value that the bit stands for.

    That value is -1 or +1, or with ``ratio`` and ``fraction`` ratio - 2**fraction or ratio + 2**fraction.
    """

    bits: np.ndarray
    unit: tuple[Fraction, ...]
    ratio: int = 0
    fraction: int = 0

    @property
    def plain(self) -> bool:
        """Whether the bits stand for -1 and +1."""
        return self.ratio == 0

    def encoding(self, bits: np.ndarray) -> Encoding:
        """The encoding of these bits in the Network's order."""
        dense = DenseEncoding(bits)
        return dense if self.plain else TwoLevelEncoding(dense, self.ratio, self.fraction)

    def values(self) -> np.ndarray:
        """The values of the bits, int64, in the graph's order."""
        return self.totals(1, self.bits.astype(np.int64))

    def totals(self, counts: int, ones: np.ndarray) -> np.ndarray:
        """Sums of the values of ``counts`` weights each, of which ``ones`` (outputs, ...) are one, integers."""
        if self.plain:
            return 2 * ones - counts
        step = 1 << self.fraction
        return (self.ratio - step) * (counts - ones) + (self.ratio + step) * ones


def binary(weights: np.ndarray) -> Binary:
    """``weights``, float (outputs, ...), as bits. Raises NotBinary where a row has other than two values that fit."""
    rows = weights.reshape(len(weights), -1).astype(np.float64)
    low, high = rows.min(axis=1), rows.max(axis=1)
    bits = rows == high[:, None]
    if not np.isfinite(rows).all() or not (bits | (rows == low[:, None])).all():
        raise NotBinary(f"weights of {len(np.unique(weights)):,} values in place of two")
    single = low == high
    if (single | (low == -high)).all():
        unit = np.where(single, np.abs(high), high)
        bits[single] = high[single, None] >= 0
        return Binary(bits.astype(np.uint8).reshape(weights.shape), tuple(map(Fraction, unit.tolist())))
    return two_level(bits, low, high, weights.shape)


def two_level(bits: np.ndarray, low: np.ndarray, high: np.ndarray, shape: tuple[int, ...]) -> Binary:
    """Rows of the values low and high, not opposite to each other, that have one ratio of middle to half distance."""
    pairs = [(Fraction(a), Fraction(b)) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    ratios = {abs((a + b) / (b - a)) for a, b in pairs if a != b}
    ratio = next(iter(ratios))
    if len(ratios) > 1 or ratio > MOST_RATIO or ratio * (1 << MOST_FRACTION) % 1:
        a, b = next((a, b) for a, b in pairs if a != b and a != -b)
        raise NotBinary(
            f"weights of {float(a):g} and {float(b):g}, which are not -1 and +1 times one number, nor two levels with "
            f"one ratio in steps of 1/{1 << MOST_FRACTION}"
        )
    fraction = ratio.denominator.bit_length() - 1
    whole, units = int(ratio * (1 << fraction)), []
    for row, (a, b) in enumerate(pairs):
        if a == b:
            bits[row] = True
            units.append(b / (whole + (1 << fraction)))
            continue
        half = (b - a) / (2 << fraction)
        turned = a + b < 0
        if turned:  # -low and -high have the ratio of the others.
            bits[row] = ~bits[row]
        units.append(-half if turned else half)
    return Binary(bits.astype(np.uint8).reshape(shape), tuple(units), whole, fraction)

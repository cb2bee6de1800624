"""Sums told in agreements, the way the hardware counts them.

Over N taps let P_j be the agreements of bit plane j of the activations with the weights, D = sum of 2**j P_j and M =
sum of 2**j over the planes kept. The sum of a layer is then

    levels:  2D - N M           (bits: 2P - N)
    pixels:  D - M Z            with Z the number of weights that are -1

A zero-padded tap counts in neither P nor N. With m of them in a window, 2D + m M takes the place of 2D, so that N stays
the full kernel and a threshold stays one number. Where m M is always even the hardware counts D + m M / 2 instead.

Two-level weights R - 2**f and R + 2**f make the sum R X + 2**f S, where S is the sum that weights -1 and +1 would make
and X the sum of the taps themselves, the same for all outputs: what a row of weights +1 would make. In agreements, with
p those of an output and x those of a row of ones, that is R x + 2**f p but for constants.
"""

from dataclasses import dataclass, replace

import numpy as np

from sw.network.layers import Convolution, Linear
from sw.network.tensor import TensorType

__all__ = ["Agreement"]


@dataclass(frozen=True)
class Agreement:
    """How a layer's sums follow from the count that hardware keeps: sum = slope * count - offset[output].

    ``row_top`` is the largest number of agreements of a row, ``offset`` int64 (outputs,). Where taps can be skipped,
    ``skip_channels`` is the number of channels of a kernel position; agreements are then doubled or not, and a skipped
    position adds ``per_position`` to them. With plain weights the count is the agreements; with two levels it is
    2**shift times them plus ``ratio`` times those of a row of ones, and a constant that keeps it from being negative.
    """

    slope: int
    offset: np.ndarray
    row_top: int
    skip_channels: int = 0
    doubled: bool = False
    per_position: int = 0
    ratio: int = 0
    shift: int = 0

    @classmethod
    def of(cls, layer: Linear, source: TensorType) -> "Agreement":
        """The map for ``layer`` reading ``source``."""
        bits = layer.weights.decode().reshape(layer.outputs, -1)
        unit = sum(1 << plane for plane in source.planes)
        if source.domain == "pixels":
            zeros = layer.taps - bits.sum(axis=1, dtype=np.int64)
            return cls(1, unit * zeros, layer.taps * unit).levelled(layer, 0)
        offset = np.full(layer.outputs, layer.taps * unit, dtype=np.int64)
        if not isinstance(layer, Convolution) or layer.padding.kind != "zero":
            return cls(2, offset, layer.taps * unit).levelled(layer, layer.taps * unit)
        channels = source.channels
        doubled = channels * unit % 2 == 1
        scale = 2 if doubled else 1
        row_top = layer.taps * unit * scale
        half = channels * unit * scale // 2
        return cls(2 // scale, offset, row_top, channels, doubled, half).levelled(layer, layer.taps * unit)

    def levelled(self, layer: Linear, ones_offset: int) -> "Agreement":
        """This map, of the weight bits as -1 and +1, for the two values that they stand for in ``layer``.

        ``ones_offset`` is the offset of a row of ones.
        """
        low, high = layer.weights.values
        if (low, high) == (-1, 1):
            return self
        ratio, shift = (low + high) // 2, ((high - low) // 2).bit_length() - 1
        found = replace(self, ratio=ratio, shift=shift)
        offset = ratio * ones_offset + (self.offset << shift) - self.slope * found.base
        return replace(found, offset=offset)

    @property
    def base(self) -> int:
        """The least that ``ratio`` and ``shift`` can make of agreements; it is taken off the count."""
        return min(0, self.ratio) * self.row_top

    @property
    def top(self) -> int:
        """The largest count."""
        return (abs(self.ratio) + (1 << self.shift)) * self.row_top

    def counts(self, agreements: np.ndarray, ones: int | np.ndarray) -> np.ndarray:
        """Counts for the agreements (..., outputs) of the rows and those of a row of ones."""
        return (agreements << self.shift) + self.ratio * ones - self.base

    def sums(self, count: np.ndarray) -> np.ndarray:
        """Sums of counts (..., outputs)."""
        return self.slope * count - self.offset

    def thresholds(self, table: np.ndarray) -> np.ndarray:
        """Thresholds (outputs, n) on sums told as thresholds on counts: sum >= t exactly where count >= the result.

        Clipped to 0 .. top + 1, so that always and never have one representation each.
        """
        return np.clip(-((-table - self.offset[:, None]) // self.slope), 0, self.top + 1)

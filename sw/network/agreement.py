"""Sums told in agreements, the way the hardware counts them.

Over N taps let P_j be the agreements of bit plane j of the activations with the weights, D = sum of 2**j P_j and M =
sum of 2**j over the planes kept. The sum of a layer is then

    levels:  2D - N M           (bits: 2P - N)
    pixels:  D - M Z            with Z the number of weights that are -1

A zero-padded tap counts in neither P nor N. With m of them in a window, 2D + m M takes the place of 2D, so that N stays
the full kernel and a threshold stays one number. Where m M is always even the hardware counts D + m M / 2 instead.
"""

from dataclasses import dataclass

import numpy as np

from sw.network.layers import Convolution, Linear
from sw.network.tensor import TensorType

__all__ = ["Agreement"]


@dataclass(frozen=True)
class Agreement:
    """How a layer's sums follow from the count that hardware keeps: sum = slope * count - offset[output].

    ``top`` is the largest count, ``offset`` int64 (outputs,). Where taps can be skipped, ``skip_channels`` is the
    number of channels of a kernel position; the count is then doubled or not, and a skipped position adds
    ``per_position`` to it.
    """

    slope: int
    offset: np.ndarray
    top: int
    skip_channels: int = 0
    doubled: bool = False
    per_position: int = 0

    @classmethod
    def of(cls, layer: Linear, source: TensorType) -> "Agreement":
        """The map for ``layer`` reading ``source``. Raises ValueError where its weights are not -1 and +1."""
        if not layer.plain:
            raise ValueError(f"{layer.name}.weights must be -1 and +1 to be counted in agreements, not two-level")
        bits = layer.weights.decode().reshape(layer.outputs, -1)
        unit = sum(1 << plane for plane in source.planes)
        if source.domain == "pixels":
            return cls(1, unit * (layer.taps - bits.sum(axis=1, dtype=np.int64)), layer.taps * unit)
        offset = np.full(layer.outputs, layer.taps * unit, dtype=np.int64)
        if not isinstance(layer, Convolution) or layer.padding.kind != "zero":
            return cls(2, offset, layer.taps * unit)
        channels = source.channels
        doubled = channels * unit % 2 == 1
        scale = 2 if doubled else 1
        return cls(2 // scale, offset, layer.taps * unit * scale, channels, doubled, channels * unit * scale // 2)

    def sums(self, count: np.ndarray) -> np.ndarray:
        """Sums of counts (..., outputs)."""
        return self.slope * count - self.offset

    def thresholds(self, table: np.ndarray) -> np.ndarray:
        """Thresholds (outputs, n) on sums told as thresholds on counts: sum >= t exactly where count >= the result.

        Clipped to 0 .. top + 1, so that always and never have one representation each.
        """
        return np.clip(-((-table - self.offset[:, None]) // self.slope), 0, self.top + 1)

"""What flows between layers: the type of a tensor, and what a stored number of it is worth."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["Domain", "TensorType", "sign", "values"]

Domain = Literal["pixels", "levels", "sums"]


def sign(x: np.ndarray) -> np.ndarray:
    """Bits of real numbers, uint8: 1 where x >= 0 (so sign(0) = +1), else 0."""
    return (np.asarray(x) >= 0).astype(np.uint8)


@dataclass(frozen=True)
class TensorType:
    """Shape and number domain of a tensor of (height, width, channels).

    ``pixels`` are unsigned integers made of the bit planes in ``planes``; ``levels`` are k-bit activations, k =
    len(planes), level q worth 2q - (2**k - 1), so that a bit b is worth 2b - 1; ``sums`` are signed integers. ``low``
    and ``high`` bound the values (not the stored levels) that an element can take.
    """

    height: int
    width: int
    channels: int
    domain: Domain
    planes: tuple[int, ...] = ()
    low: int = 0
    high: int = 0

    @classmethod
    def pixels(cls, height: int, width: int, channels: int, planes: tuple[int, ...]) -> "TensorType":
        """Unsigned pixels in which only the given bit planes can be 1."""
        return cls(height, width, channels, "pixels", planes, 0, sum(1 << plane for plane in planes))

    @classmethod
    def levels(cls, height: int, width: int, channels: int, bits: int) -> "TensorType":
        """Activations of ``bits`` bits."""
        top = (1 << bits) - 1
        return cls(height, width, channels, "levels", tuple(range(bits)), -top, top)

    @classmethod
    def sums(cls, height: int, width: int, channels: int, low: int, high: int) -> "TensorType":
        """Signed integers from ``low`` to ``high``."""
        return cls(height, width, channels, "sums", (), low, high)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels

    @property
    def size(self) -> int:
        """Elements in one image."""
        return self.height * self.width * self.channels

    @property
    def is_bits(self) -> bool:
        """Whether an element is one bit, worth -1 or +1."""
        return self.domain == "levels" and len(self.planes) == 1

    @property
    def magnitude(self) -> int:
        """The largest absolute value that an element can take."""
        return max(abs(self.low), abs(self.high))

    def __str__(self) -> str:
        kind = self.domain if self.domain == "sums" else f"{len(self.planes)}-bit {self.domain}"
        return f"{self.height}x{self.width}x{self.channels} {kind}"


def values(array: np.ndarray, kind: TensorType, dtype: type = np.int64) -> np.ndarray:
    """The values that the stored numbers of ``array`` stand for, in ``dtype``."""
    if kind.domain == "levels":
        out = array.astype(dtype)
        out *= 2
        out -= kind.high
        return out
    return array.astype(dtype, copy=False)

"""Dense encoding: one stored bit a weight."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sw.network.encodings.base import Encoding, Rom, are_bits, register, shape_of

__all__ = ["DenseEncoding"]


@register
@dataclass(frozen=True, eq=False)
class DenseEncoding(Encoding):
    """Weights stored as they are: ``bits`` is a uint8 array of 0 (-1) and 1 (+1)."""

    kind: ClassVar[str] = "dense"
    bits: np.ndarray

    def __post_init__(self) -> None:
        bits = np.asarray(self.bits)
        if bits.ndim < 2 or bits.size == 0 or not are_bits(bits):
            raise ValueError(
                f"bits must be a non-empty array of 0 and 1 with at least 2 axes, not {bits.dtype}{bits.shape}"
            )
        object.__setattr__(self, "bits", np.ascontiguousarray(bits, dtype=np.uint8))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.bits.shape

    def decode(self) -> np.ndarray:
        return self.bits

    def roms(self) -> dict[str, Rom]:
        return {"weights": Rom.of_bits(self.bits.reshape(len(self.bits), -1))}

    def arrays(self) -> dict[str, np.ndarray]:
        """``packed`` holds the bits in raster order, eight to a byte, first bit lowest; ``shape`` says their end."""
        return {"packed": np.packbits(self.bits, bitorder="little"), "shape": np.array(self.shape, dtype=np.int64)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "DenseEncoding":
        if arrays.keys() != {"packed", "shape"}:
            raise ValueError(f"the arrays of dense weights must be packed and shape, not {sorted(arrays)}")
        packed, shape = arrays["packed"], shape_of(arrays["shape"])
        size = math.prod(shape)
        if packed.dtype != np.uint8 or packed.ndim != 1 or min(shape, default=0) < 1 or packed.size != -(-size // 8):
            raise ValueError(
                f"packed must be {-(-size // 8)} bytes for the shape {shape}, not {packed.dtype}{packed.shape}"
            )
        return cls(np.unpackbits(packed, count=size, bitorder="little").reshape(shape))

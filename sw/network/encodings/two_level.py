"""Two-level encoding: binary weights whose two bits stand for other numbers than -1 and +1."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sw.network.encodings.base import Encoding, Rom, encoding_of_kind, register
from sw.network.encodings.dense import DenseEncoding
from sw.network.encodings.sparse import SparseEncoding

__all__ = ["MOST_FRACTION", "MOST_RATIO", "TwoLevelEncoding"]

MOST_FRACTION = 8
MOST_RATIO = 8


@register
@dataclass(frozen=True, eq=False)
class TwoLevelEncoding(Encoding):
    """Weights tau s + phi with s = -1 or +1 (Schiavone et al., Binary domain generalization, ECML PKDD 2023).

    What follows a layer takes tau up, so that only the ratio phi / tau counts: ``ratio`` / 2**``fraction``. The bits 0
    and 1, stored by ``inner``, stand for ratio - 2**fraction and ratio + 2**fraction. ``fraction`` is from 0 to 8, and
    phi is at most 8 times tau.
    """

    kind: ClassVar[str] = "two-level"
    inner: Encoding
    ratio: int
    fraction: int

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= MOST_FRACTION:
            raise ValueError(f"fraction must be from 0 to {MOST_FRACTION}, not {self.fraction!r}")
        if abs(self.ratio) > MOST_RATIO << self.fraction:
            limit = MOST_RATIO << self.fraction
            raise ValueError(f"ratio must be from {-limit} to {limit}, not {self.ratio!r}")
        if self.inner.values != (-1, 1):
            raise ValueError(f"inner must be an encoding of plain weights, not {self.inner.kind}")

    def __str__(self) -> str:
        return f"two-level of {self.inner}"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.inner.shape

    def decode(self) -> np.ndarray:
        return self.inner.decode()

    @property
    def values(self) -> tuple[int, int]:
        return self.ratio - (1 << self.fraction), self.ratio + (1 << self.fraction)

    @property
    def depth(self) -> int:
        return self.inner.depth

    def roms(self) -> dict[str, Rom]:
        return self.inner.roms()

    def table_bits(self) -> int:
        return self.inner.table_bits()

    def bit_operations(self) -> float:
        """One for each weight that is one, or what a codebook or a tree counts; and one window sum for all outputs."""
        plain = isinstance(self.inner, DenseEncoding | SparseEncoding)
        counted = int(self.inner.decode().sum(dtype=np.int64)) if plain else self.inner.bit_operations()
        return counted + math.prod(self.shape[1:])

    def arrays(self) -> dict[str, np.ndarray]:
        """``levels`` holds ratio and fraction; the others are those of ``inner``, each behind its kind and a dot."""
        inner = {f"{self.inner.kind}.{name}": array for name, array in self.inner.arrays().items()}
        return {"levels": np.array([self.ratio, self.fraction], dtype=np.int64), **inner}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "TwoLevelEncoding":
        kinds = sorted({name.partition(".")[0] for name in arrays if name != "levels"})
        if "levels" not in arrays or len(kinds) != 1 or kinds[0] == cls.kind:
            raise ValueError(
                f"the arrays of two-level weights must be levels and those of one plain encoding, not {sorted(arrays)}"
            )
        levels = arrays["levels"]
        if levels.shape != (2,) or levels.dtype.kind not in "iu":
            raise ValueError(f"levels must be two whole numbers, not {levels.dtype}{levels.shape}")
        inner = {name.partition(".")[2]: array for name, array in arrays.items() if name != "levels"}
        try:
            plain = encoding_of_kind(kinds[0]).from_arrays(inner)
        except (KeyError, TypeError) as error:
            raise ValueError(f"the arrays of {kinds[0]} weights do not fit together ({error})") from error
        return cls(plain, int(levels[0]), int(levels[1]))

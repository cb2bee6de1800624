"""The interface of a weight encoding, and the registry that the file format looks them up in."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np

from sw.network.mem import mem_text

__all__ = ["Encoding", "Rom", "are_bits", "encoding_of_kind", "index_bits", "register", "shape_of"]

MOST_AXES = 4

_kinds: dict[str, type["Encoding"]] = {}
_E = TypeVar("_E", bound="type[Encoding]")


def index_bits(count: int) -> int:
    """Bits of a number that tells ``count`` things apart: 0 for one thing."""
    return (count - 1).bit_length()


def are_bits(array: np.ndarray) -> bool:
    """Whether every number of ``array``, which is not empty, is 0 or 1."""
    if array.dtype.kind in "biu":
        return bool(array.min() >= 0 and array.max() <= 1)
    return bool(np.isin(array, (0, 1)).all())


def shape_of(array: np.ndarray) -> tuple[int, ...]:
    """The shape that a saved row of numbers tells. Raises ValueError where it tells none."""
    if array.ndim != 1 or len(array) > MOST_AXES or array.dtype.kind not in "iu":
        raise ValueError(
            f"shape must be a row of whole numbers, {MOST_AXES} at the most, not {array.dtype}{array.shape}"
        )
    return tuple(int(size) for size in array)


@dataclass(frozen=True)
class Rom:
    """A memory's contents: ``words``, non-negative Python integers, each of ``width`` bits."""

    words: tuple[int, ...]
    width: int

    @property
    def bits(self) -> int:
        """Bits of the whole memory."""
        return len(self.words) * self.width

    @classmethod
    def of_bits(cls, rows: np.ndarray) -> "Rom":
        """A memory whose words are ``rows`` (words, width) of bits, the first bit lowest."""
        packed = np.packbits(rows, axis=1, bitorder="little")
        return cls(tuple(int.from_bytes(row.tobytes(), "little") for row in packed), rows.shape[1])

    @classmethod
    def of_numbers(cls, numbers: np.ndarray, width: int) -> "Rom":
        """A memory of whole numbers below 2**width, in raster order."""
        return cls(tuple(int(number) for number in numbers.reshape(-1)), width)

    def mem(self) -> str:
        """The text that Verilog's $readmemh reads."""
        return mem_text(self.words, self.width)


class Encoding(ABC):
    """How the binary weights of a layer are stored. Every encoding decodes to the plain matrix of bits.

    Convolution weights have the shape (out_channels, kernel_height, kernel_width, in_channels), dense ones (out, in).
    A new encoding is one file beside this one: a frozen dataclass with ``kind``, made known by ``@register``.
    """

    kind: ClassVar[str]

    def __str__(self) -> str:
        """The kind, and what one reads beside it."""
        return self.kind

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of the decoded matrix."""

    @abstractmethod
    def decode(self) -> np.ndarray:
        """The weight bits, uint8 of ``shape``: 1 stands for +1 and 0 for -1."""

    @property
    def values(self) -> tuple[int, int]:
        """The integers that the bits 0 and 1 stand for."""
        return -1, 1

    @property
    def depth(self) -> int:
        """How many outputs are computed one from the other at most; 0 where each is computed by itself."""
        return 0

    @abstractmethod
    def roms(self) -> dict[str, Rom]:
        """The memories that hold this encoding, by name."""

    def stored_bits(self) -> int:
        """Bits of all its memories."""
        return sum(rom.bits for rom in self.roms().values())

    def table_bits(self) -> int:
        """Those of ``stored_bits`` that do not grow with the outputs: a codebook."""
        return 0

    def bit_operations(self) -> float:
        """Binary operations for one output pixel and one bit plane of the input.

        One for each tap that is compared and counted, one half for each look-up that is accumulated: the accounting
        that reproduces the figures of Sub-bit Neural Networks (Wang et al., ICCV 2021).
        """
        return math.prod(self.shape)

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays to be saved, by name."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Encoding":
        """The inverse of ``arrays``. Raises ValueError where the arrays do not fit together."""


def register(encoding: _E) -> _E:
    """Class decorator: make an encoding known by its kind."""
    _kinds[encoding.kind] = encoding
    return encoding


def encoding_of_kind(kind: str) -> type[Encoding]:
    """The encoding class called ``kind``. Raises ValueError for an unknown one."""
    if kind not in _kinds:
        raise ValueError(f"encoding must be one of {', '.join(sorted(_kinds))}, not {kind!r}")
    return _kinds[kind]

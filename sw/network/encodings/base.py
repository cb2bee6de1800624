"""The interface of a weight encoding, and the registry that the file format looks them up in."""

from abc import ABC, abstractmethod
from typing import ClassVar, TypeVar

import numpy as np

__all__ = ["Encoding", "encoding_of_kind", "register"]

_kinds: dict[str, type["Encoding"]] = {}
_E = TypeVar("_E", bound="type[Encoding]")


class Encoding(ABC):
    """How the binary weights of a layer are stored. Every encoding decodes to the plain matrix of bits.

    Convolution weights have the shape (out_channels, kernel_height, kernel_width, in_channels), dense ones (out, in).
    A new encoding is one file beside this one: a frozen dataclass with ``kind``, made known by ``@register``.
    """

    kind: ClassVar[str]

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of the decoded matrix."""

    @abstractmethod
    def decode(self) -> np.ndarray:
        """The weight bits, uint8 of ``shape``: 1 stands for +1 and 0 for -1."""

    @abstractmethod
    def stored_bits(self) -> int:
        """Bits that a ROM needs for this encoding, tables included."""

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

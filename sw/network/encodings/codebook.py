"""Codebook encoding: every kernel is the number of a codeword, and the codewords are stored once for the layer."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sw.network.encodings.base import Encoding, Rom, are_bits, index_bits, register, shape_of
from sw.network.words import Words, word_numbers

__all__ = ["CodebookEncoding"]


@register
@dataclass(frozen=True, eq=False)
class CodebookEncoding(Encoding):
    """Words that come from a list (Sub-bit Neural Networks, ICCV 2021; Sparse Kernel Selection, CVPR 2023).

    ``codewords`` (n, taps), uint8 of 0 and 1, no two the same; ``indices`` (out, words), the number of each word's
    codeword; ``shape`` that of the weights. How weights are cut into words is told by `sw.network.words`.
    """

    kind: ClassVar[str] = "codebook"
    codewords: np.ndarray
    indices: np.ndarray
    weights_shape: tuple[int, ...]

    def __post_init__(self) -> None:
        codewords, indices, words = np.asarray(self.codewords), np.asarray(self.indices), self.words
        if codewords.ndim != 2 or codewords.shape[1] != words.taps or (codewords.size and not are_bits(codewords)):
            raise ValueError(f"codewords must be rows of {words.taps} bits, not {codewords.dtype}{codewords.shape}")
        if not 1 <= len(codewords) <= words.codewords or len(np.unique(codewords, axis=0)) != len(codewords):
            raise ValueError("codewords must be at least one, and no two of them the same")
        if indices.shape != (self.shape[0], words.count) or indices.dtype.kind not in "iu":
            raise ValueError(
                f"indices must be whole numbers of shape {(self.shape[0], words.count)}, "
                f"not {indices.dtype}{indices.shape}"
            )
        if indices.min() < 0 or indices.max() >= len(codewords):
            raise ValueError(f"indices must be from 0 to {len(codewords) - 1}, as many as there are codewords")
        object.__setattr__(self, "codewords", np.ascontiguousarray(codewords, dtype=np.uint8))
        object.__setattr__(self, "indices", np.ascontiguousarray(indices, dtype=np.uint16))

    def __str__(self) -> str:
        return f"codebook of {len(self.codewords)}"

    @classmethod
    def of(cls, bits: np.ndarray, codewords: np.ndarray | None = None) -> "CodebookEncoding":
        """The encoding of ``bits``, a layer's weights, with the words that occur or with the given ``codewords``.

        Codewords are sorted by their number, the first tap counting 1. Raises ValueError where a word of ``bits`` is
        none of ``codewords``.
        """
        words = Words(bits.shape)
        numbers = word_numbers(words.split(bits))
        table = np.unique(numbers if codewords is None else word_numbers(codewords))
        indices = np.searchsorted(table, numbers).clip(max=len(table) - 1)
        if not np.array_equal(table[indices], numbers):
            raise ValueError("bits must be made of the codewords alone, and some words are not")
        rows = (table[:, None] >> np.arange(words.taps)) & 1
        return cls(rows.astype(np.uint8), indices, bits.shape)

    @property
    def words(self) -> Words:
        """How the weights are cut."""
        return Words(self.weights_shape)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.weights_shape

    def decode(self) -> np.ndarray:
        return self.words.join(self.codewords[self.indices])

    def roms(self) -> dict[str, Rom]:
        width = index_bits(len(self.codewords))
        tables = {"codewords": Rom.of_bits(self.codewords)}
        return tables | {"indices": Rom.of_numbers(self.indices, width)} if width else tables

    def table_bits(self) -> int:
        return self.codewords.size

    def bit_operations(self) -> float:
        """Each codeword is counted once in every window, and its count looked up, where that is less work."""
        outputs, taps = self.shape[0], self.words.taps
        if outputs <= len(self.codewords):
            return outputs * self.words.count * taps
        return self.words.count * (taps * len(self.codewords) + outputs / 2)

    def arrays(self) -> dict[str, np.ndarray]:
        shape = np.array(self.shape, dtype=np.int64)
        return {"codewords": self.codewords, "indices": self.indices, "shape": shape}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "CodebookEncoding":
        if arrays.keys() != {"codewords", "indices", "shape"}:
            raise ValueError(f"the arrays of a codebook must be codewords, indices and shape, not {sorted(arrays)}")
        return cls(arrays["codewords"], arrays["indices"], shape_of(arrays["shape"]))

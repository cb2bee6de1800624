"""Sparse encoding: the places of the weights that are one."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sw.network.encodings.base import Encoding, Rom, index_bits, register, shape_of
from sw.network.encodings.dense import DenseEncoding

__all__ = ["SparseEncoding", "smallest"]

MOST_WEIGHTS = 1 << 31
# Weights that a layer may have though nothing is stored of them, and how many more for each number that is.
FREE_WEIGHTS, WEIGHTS_A_NUMBER = 1 << 22, 2048


@register
@dataclass(frozen=True, eq=False)
class SparseEncoding(Encoding):
    """Weights of which few are one: for each output how many, and at which taps, in ascending order.

    ``counts`` (outputs,) and ``positions`` (sum of counts,) are whole numbers, the positions of the first output first;
    ``weights_shape`` is the shape of the weights. `of` makes the encoding of a matrix of bits.
    """

    kind: ClassVar[str] = "sparse"
    counts: np.ndarray
    positions: np.ndarray
    weights_shape: tuple[int, ...]

    def __post_init__(self) -> None:
        shape, counts, positions = tuple(self.weights_shape), np.asarray(self.counts), np.asarray(self.positions)
        if len(shape) < 2 or min(shape) < 1 or math.prod(shape) > MOST_WEIGHTS:
            raise ValueError(f"shape must have at least 2 axes and at most {MOST_WEIGHTS} weights, not {shape}")
        for name, array in (("counts", counts), ("positions", positions)):
            if array.ndim != 1 or array.dtype.kind not in "iu":
                raise ValueError(f"{name} must be a row of whole numbers, not {array.dtype}{array.shape}")
        taps = math.prod(shape[1:])
        if len(counts) != shape[0] or ((counts < 0) | (counts > taps)).any():
            raise ValueError(f"counts must be {shape[0]} numbers from 0 to {taps}")
        most = FREE_WEIGHTS + WEIGHTS_A_NUMBER * (len(counts) + len(positions))
        if math.prod(shape) > most:
            raise ValueError(f"so few positions must be of at most {most} weights, not {math.prod(shape)}")
        counts, positions = counts.astype(np.int64), positions.astype(np.int64)
        if counts.sum() != len(positions) or ((positions < 0) | (positions >= taps)).any():
            raise ValueError(f"positions must be {counts.sum()} numbers from 0 to {taps - 1}")
        places = np.repeat(np.arange(shape[0]), counts) * taps + positions
        if (np.diff(places) <= 0).any():
            raise ValueError("positions must ascend within every output")
        for name, value in (("counts", counts), ("positions", positions), ("weights_shape", shape)):
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, bits: np.ndarray) -> "SparseEncoding":
        """The encoding of ``bits``, a layer's weights, uint8 of 0 and 1."""
        rows = bits.reshape(len(bits), -1)
        return cls(rows.sum(axis=1, dtype=np.int64), np.nonzero(rows)[1], bits.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.weights_shape

    def decode(self) -> np.ndarray:
        bits = np.zeros((self.shape[0], math.prod(self.shape[1:])), np.uint8)
        bits[np.repeat(np.arange(len(bits)), self.counts), self.positions] = 1
        return bits.reshape(self.shape)

    def roms(self) -> dict[str, Rom]:
        """``counts``, as wide as the largest needs, and ``positions``; either is left out where it tells nothing."""
        taps = math.prod(self.shape[1:])
        tables = {
            "counts": Rom.of_numbers(self.counts, int(self.counts.max()).bit_length()),
            "positions": Rom.of_numbers(self.positions, index_bits(taps)),
        }
        return {name: rom for name, rom in tables.items() if rom.bits}

    def bit_operations(self) -> float:
        """One for each weight that is one. The window sum that all outputs share is counted by a two-level encoding."""
        return len(self.positions)

    def arrays(self) -> dict[str, np.ndarray]:
        shape = np.array(self.shape, dtype=np.int64)
        return {"counts": self.counts.astype(np.uint32), "positions": self.positions.astype(np.uint32), "shape": shape}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "SparseEncoding":
        if arrays.keys() != {"counts", "positions", "shape"}:
            raise ValueError(f"the arrays of sparse weights must be counts, positions and shape, not {sorted(arrays)}")
        return cls(arrays["counts"], arrays["positions"], shape_of(arrays["shape"]))


def smallest(dense: DenseEncoding) -> DenseEncoding | SparseEncoding:
    """The same weights with the fewest stored bits: ``dense``, or the places of the ones where these take fewer."""
    sparse = SparseEncoding.of(dense.decode())
    return sparse if sparse.stored_bits() < dense.stored_bits() else dense

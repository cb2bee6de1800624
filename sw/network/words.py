"""How a layer's weights are cut into words, the pieces that a codebook lists. One rule for every kernel.

A word lies within one input channel of one output: it is the whole kernel where that has 2 to 9 taps, and where it has
more, one of the fewest equal runs of at most 9 taps in raster order (5x5: five rows; 7x7: seven rows; 4x4: two halves).
Where a kernel has a single tap (1x1 convolutions and dense layers) a word is a run of neighbouring inputs, as long as
it can be: the largest divisor of the inputs from 2 to 9.
"""

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["LONGEST", "Words", "word_numbers"]

LONGEST = 9


def word_numbers(words: np.ndarray) -> np.ndarray:
    """Words of bits on the last axis as numbers, int64, the first tap counting 1."""
    return (words.astype(np.int64) << np.arange(words.shape[-1])).sum(axis=-1)


@dataclass(frozen=True)
class Words:
    """The cut of weights of `shape`: (out, kernel_height, kernel_width, in) or (out, in).

    An output has `count` words of `taps` taps each, input channels first, then runs in raster order. Raises ValueError
    where the weights cannot be cut.
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.shape) not in (2, 4) or min(self.shape) < 1:
            raise ValueError(f"weights must be of a dense layer or a convolution, not of shape {self.shape}")
        if self.taps < 2:
            raise ValueError(
                f"a codebook needs words of at least 2 weights, and {self.shape[-1]} inputs have no divisor from 2 to 9"
            )

    @property
    def kernel(self) -> int:
        """Taps of a kernel."""
        return math.prod(self.shape[1:-1])

    @property
    def taps(self) -> int:
        """Weights in a word."""
        whole = self.kernel if self.kernel > 1 else self.shape[-1]
        return max(size for size in range(1, LONGEST + 1) if whole % size == 0)

    @property
    def count(self) -> int:
        """Words of one output."""
        return math.prod(self.shape[1:]) // self.taps

    @property
    def codewords(self) -> int:
        """All words that there can be."""
        return 1 << self.taps

    def split(self, weights: np.ndarray) -> np.ndarray:
        """Weights of `shape` as (out, count, taps)."""
        rows = weights.transpose(0, 3, 1, 2) if len(self.shape) == 4 else weights
        return rows.reshape(self.shape[0], self.count, self.taps)

    def join(self, words: np.ndarray) -> np.ndarray:
        """The inverse of `split`."""
        if len(self.shape) == 2:
            return words.reshape(self.shape)
        out, rows, columns, channels = self.shape
        return np.ascontiguousarray(words.reshape(out, channels, rows, columns).transpose(0, 2, 3, 1))

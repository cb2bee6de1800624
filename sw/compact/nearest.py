"""Weights made of a few codewords: each word of the latent weights becomes the codeword nearest to it."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from sw.network.encodings.codebook import CodebookEncoding
from sw.network.words import Words
from sw.train.binarize import LatentBinarizer, kernel_order

__all__ = ["CodebookBinarizer", "FixedCodebook", "all_codewords", "frequent_first", "nearest", "word_numbers"]

GRID = 2.0**20


def all_codewords(taps: int) -> Tensor:
    """Every word of `taps` taps, (2**taps, taps) of -1 and +1; word k has bit t of k at tap t."""
    numbers = torch.arange(1 << taps)[:, None] >> torch.arange(taps)
    return (numbers & 1).float() * 2.0 - 1.0


def word_numbers(words: Tensor) -> Tensor:
    """The signs of words (m, taps) as their place in `all_codewords`, int64 (m,)."""
    return ((words >= 0).to(torch.int64) << torch.arange(words.shape[1], device=words.device)).sum(dim=1)


def frequent_first(words: Tensor) -> Tensor:
    """Places in `all_codewords`, int64 (2**taps,), the most frequent sign pattern of `words` (m, taps) first.

    Of equally frequent ones the lower place comes first.
    """
    counts = torch.bincount(word_numbers(words), minlength=1 << words.shape[1])
    return torch.argsort(counts, descending=True, stable=True)


def nearest(words: Tensor, codewords: Tensor) -> Tensor:
    """Number of the codeword (n, taps) of -1 and +1 that is nearest to each of `words` (m, taps); int64 (m,).

    All codewords are equally long, so the nearest has the largest product with the word. Latent weights are rounded to
    multiples of 2**-20 and multiplied in float64: every product is exact, on any device, and a tie goes to the lowest
    number.
    """
    grid = torch.round(words.double() * GRID)
    return (grid @ codewords.double().T).argmax(dim=1)


class _Nearest(torch.autograd.Function):
    """Nearest codewords forward. Backward a word gets its own gradient, a codeword the sum over the words it stands for
    (Sub-bit Neural Networks and Sparse Kernel Selection agree on this)."""

    @staticmethod
    def forward(ctx: Any, words: Tensor, codewords: Tensor) -> Tensor:
        chosen = nearest(words, codewords)
        ctx.save_for_backward(chosen)
        ctx.count = len(codewords)
        return codewords[chosen]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None]:
        (chosen,) = ctx.saved_tensors
        if not ctx.needs_input_grad[1]:
            return gradients[0], None
        sums = gradients[0].new_zeros(ctx.count, gradients[0].shape[1])
        return gradients[0], sums.index_add_(0, chosen, gradients[0])


class CodebookBinarizer(LatentBinarizer):
    """Weights of a layer made of `codewords()`; a subclass says which those are.

    `latent` has PyTorch's shape; how it is cut into words is told by `sw.network.words`.
    """

    def __init__(self, latent: Tensor) -> None:
        super().__init__(latent)
        self.words = Words(self.kernel_shape)

    @abstractmethod
    def codewords(self) -> Tensor:
        """The codewords now, (n, taps) of -1 and +1, no two the same; with a gradient where they are learned."""

    def cut(self, latent: Tensor) -> Tensor:
        """Weights of PyTorch's shape as words (m, taps)."""
        return latent.reshape(-1, self.words.taps)

    def binarize(self, latent: Tensor) -> Tensor:
        return _Nearest.apply(self.cut(latent), self.codewords()).reshape(self.shape)  # type: ignore[no-any-return]

    @torch.no_grad()
    def encode(self, latent: Tensor) -> CodebookEncoding:
        bits = (kernel_order(self.binarize(latent)) > 0).to(torch.uint8).contiguous().cpu().numpy()
        return CodebookEncoding.of(bits, (self.codewords() > 0).to(torch.uint8).cpu().numpy())


class FixedCodebook(CodebookBinarizer):
    """Codewords (n, taps) of -1 and +1 that stay as they are given."""

    table: Tensor

    def __init__(self, latent: Tensor, table: Tensor) -> None:
        super().__init__(latent)
        self.register_buffer("table", table)

    def codewords(self) -> Tensor:
        return self.table

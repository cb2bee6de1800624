"""Codebooks that are not learned, to measure the learned ones against."""

import torch
from torch import Tensor

from sw.compact.nearest import CodebookBinarizer, FixedCodebook, all_codewords, frequent_first
from sw.network.words import Words
from sw.train.binarize import kernel_order

__all__ = ["MostFrequent", "RandomSubset"]


class RandomSubset(FixedCodebook):
    """`n` codewords drawn once and kept."""

    def __init__(self, latent: Tensor, n: int) -> None:
        everything = all_codewords(Words(kernel_order(latent).shape).taps)
        super().__init__(latent, everything[torch.randperm(len(everything))[:n]])


class MostFrequent(CodebookBinarizer):
    """Plain signs for the first `warm` of the training; then the `n` words that are most frequent, kept.

    Of equally frequent words the lower number is taken.
    """

    table: Tensor
    done: Tensor

    def __init__(self, latent: Tensor, n: int, warm: float = 0.3) -> None:
        super().__init__(latent)
        self.n, self.warm = n, warm
        self.register_buffer("table", all_codewords(self.words.taps)[:n])
        self.register_buffer("done", torch.zeros((), dtype=torch.bool))

    def ready(self) -> bool:
        return bool(self.done)

    @torch.no_grad()
    def before_step(self, progress: float) -> None:
        if progress >= self.warm and not bool(self.done):
            everything = all_codewords(self.words.taps).to(self.latent)
            order = frequent_first(self.cut(self.latent))
            self.table.copy_(everything[order[: self.n]])
            self.done.fill_(True)

    def codewords(self) -> Tensor:
        return self.table if bool(self.done) else all_codewords(self.words.taps).to(self.latent)

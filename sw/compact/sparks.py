"""Sparse kernel selection: a layer's codewords are picked out of all words by a learned permutation.

Wang et al., Compacting Binary Neural Networks by Sparse Kernel Selection, CVPR 2023, section 3: N = 2**taps words B,
U = B V, V the first n columns of a permutation, found from learnable preferences X and Gumbel noise by Sinkhorn and the
Hungarian method forward, and straight through to the Sinkhorn steps backward. No codeword can repeat.

How X starts, how the noise fades and when the choice is settled is not told there, and is ours: plain signs train
first, until `warm` of the training; then each column of X starts around the centre of one of `n` clusters of the latent
words, other words the lower the more taps differ. The noise fades in a line, and at `settled` of the training the
choice is made once more without noise, and kept. Temperature and noise have the values that suit an X of this size.
"""

import torch
from torch import Tensor, nn

from sw.compact.clusters import clusters
from sw.compact.nearest import CodebookBinarizer, all_codewords
from sw.compact.sinkhorn import assignment, gumbel, sinkhorn

__all__ = ["SparseSelection"]

START = 4.0


class SparseSelection(CodebookBinarizer):
    """Learned selection of `n` codewords.

    `exact`: a square X and its N x N assignment, as the paper has it; else X has a column for each codeword and one,
    `rest`, in place of the N - n that are not chosen, and the assignment is N x n. The two are the same where those
    N - n columns of the square X are equal.
    The choice is made anew, and X gets its gradient, at every `every`-th step; between those the codewords stay.
    """

    def __init__(
        self,
        latent: Tensor,
        n: int,
        *,
        exact: bool = False,
        every: int = 1,
        temperature: float = 1.0,
        iterations: int = 10,
        noise: float = 0.0,
        warm: float = 0.3,
        settled: float = 0.6,
    ) -> None:
        super().__init__(latent)
        self.warm = warm
        self.n, self.exact, self.every = n, exact, every
        self.temperature, self.iterations, self.noise, self.settled = temperature, iterations, noise, settled
        everything = all_codewords(self.words.taps)
        total = len(everything)
        self.register_buffer("everything", everything, persistent=False)
        self.preferences = nn.Parameter(torch.zeros(total, total if exact else n))
        self.rest = None if exact or n == total else nn.Parameter(torch.zeros(total))
        self.register_buffer("chosen", torch.arange(n))
        self.register_buffer("begun", torch.zeros((), dtype=torch.bool))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("done", torch.zeros((), dtype=torch.bool))
        self.fresh: Tensor | None = None

    everything: Tensor
    chosen: Tensor
    steps: Tensor
    done: Tensor
    begun: Tensor

    def ready(self) -> bool:
        return bool(self.begun)

    @torch.no_grad()
    def begin(self) -> None:
        """Start X at the clusters that the latent words make now."""
        self.begun.fill_(True)
        centres = clusters(self.cut(self.latent), self.n)
        if self.exact:
            left = torch.ones(len(self.everything), dtype=torch.bool, device=centres.device)
            left[centres] = False
            centres = torch.cat([centres, left.nonzero()[:, 0]])
        # 1 for the word itself, -1 for its opposite.
        near = self.everything @ self.everything[centres].T / self.words.taps
        self.preferences.copy_(START * near)
        self.chosen = centres[: self.n]

    def select(self, noise: float) -> Tensor:
        """P_GS (N, columns of X) of the preferences with so much noise; `chosen` becomes the assignment of it."""
        noisy = self.preferences
        if noise:
            noisy = noisy + noise * gumbel(tuple(noisy.shape)).to(noisy)
        rest = None if self.rest is None else self.rest / self.temperature
        soft = sinkhorn(noisy / self.temperature, self.iterations, rest)
        # A row that is not chosen counts with one of the other columns, so what it would give there is a loss.
        self.chosen = assignment(soft if rest is None else soft[:, :-1] - soft[:, -1:])[: self.n]
        return soft[:, : self.n]

    def before_step(self, progress: float) -> None:
        self.fresh = None
        if bool(self.done) or progress < self.warm:
            return
        if not bool(self.begun):
            self.begin()
        if progress >= self.settled:
            with torch.no_grad():
                self.select(0.0)
            self.done.fill_(True)
        elif int(self.steps) % self.every == 0:
            soft = self.select(self.noise * (self.settled - progress) / (self.settled - self.warm))
            hard = torch.zeros_like(soft)
            hard[self.chosen, torch.arange(self.n, device=soft.device)] = 1.0
            straight = hard + (soft - soft.detach())
            self.fresh = self.everything.T @ straight
        self.steps += 1

    @torch.no_grad()
    def after_step(self) -> None:
        super().after_step()
        self.fresh = None

    def codewords(self) -> Tensor:
        if self.training and self.fresh is not None:
            return self.fresh.T
        return self.everything[self.chosen] if bool(self.begun) else self.everything

"""Clusters of latent words whose centres are words themselves, no two the same."""

import torch
from torch import Tensor

from sw.compact.nearest import all_codewords, nearest
from sw.compact.sinkhorn import assignment

__all__ = ["clusters"]

STARTS = 8
ROUNDS = 50


@torch.no_grad()
def clusters(words: Tensor, n: int) -> Tensor:
    """Places in `all_codewords`, int64 (n,), of the centres of `n` clusters of latent `words` (m, taps).

    Lloyd's iterations: every word goes to its nearest centre, then the centres become those `n` different codewords
    that have the largest product with the sums of their words. Neither step makes the distances larger, so they end; a
    centre without words takes any codeword that is left. The best of `STARTS` random starts.
    """
    found = [_settled(words, n) for _ in range(STARTS)]
    return max(found, key=lambda pair: pair[0])[1]


def _settled(words: Tensor, n: int) -> tuple[float, Tensor]:
    """The sum of the words' products with their centres, and the centres, from one random start."""
    everything = all_codewords(words.shape[1]).to(words)
    chosen = torch.randperm(len(everything))[:n].to(words.device)
    for _ in range(ROUNDS):
        members = nearest(words, everything[chosen])
        sums = words.new_zeros(n, words.shape[1]).index_add_(0, members, words)
        fresh = assignment(everything @ sums.T)
        if torch.equal(fresh, chosen):
            break
        chosen = fresh
    codewords = everything[chosen]
    return float((words * codewords[nearest(words, codewords)]).sum()), chosen

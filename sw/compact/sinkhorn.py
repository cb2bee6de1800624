"""The Sinkhorn operator in log space: from any matrix of preferences towards a permutation, with a gradient.

Mena et al., Learning Latent Permutations with Gumbel-Sinkhorn Networks, ICLR 2018, sections 3 and 4.
"""

import math

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

__all__ = ["assignment", "gumbel", "sinkhorn"]


def gumbel(shape: tuple[int, ...]) -> Tensor:
    """Gumbel(0, 1) noise, drawn with torch's generator."""
    tiny = torch.finfo(torch.float32).tiny
    exponential = -torch.log(torch.rand(shape).clamp(min=tiny))
    return -torch.log(exponential.clamp(min=tiny))


def sinkhorn(preferences: Tensor, iterations: int, rest: Tensor | None = None) -> Tensor:
    """`preferences` (N, n) after so many normalisations of the rows and then of the columns, exponentiated.

    With n = N the result nears a doubly stochastic matrix. With n < N the N - n columns that are missing are taken to
    be all alike and `rest` (N,) is one of them. The result (N, n + 1) is then what the n columns and one of those would
    be in the square problem.
    """
    columns = preferences.shape[1]
    spare = len(preferences) - columns
    if (rest is None) != (spare == 0):
        raise ValueError("rest must be given where there are fewer columns than rows, and only there")
    table = preferences if rest is None else torch.cat([preferences, rest[:, None]], dim=1)
    weight = torch.zeros(table.shape[1], device=table.device)
    if spare:
        weight[-1] = math.log(spare)
    for _ in range(iterations):
        table = table - torch.logsumexp(table + weight, dim=1, keepdim=True)
        table = table - torch.logsumexp(table, dim=0, keepdim=True)
    return torch.exp(table)


def assignment(soft: Tensor) -> Tensor:
    """The row that each column of `soft` (N, n), n <= N, is given, all different, so that the sum over them is
    largest; int64 (n,). The Hungarian method, exact."""
    rows, columns = linear_sum_assignment(soft.detach().double().cpu().numpy(), maximize=True)
    return torch.from_numpy(rows[np.argsort(columns)]).to(soft.device)

"""Where latent weights are cut in two: by least squares, or so that only so many stay above."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["group_ratio", "keep_largest", "two_means"]

TINY = 1e-12


def two_means(weights: Tensor) -> tuple[float, float]:
    """alpha <= beta, the two levels nearest to `weights` in the least squares; the cut is (alpha + beta) / 2.

    One-dimensional 2-means: the levels are the means of the weights below and above one split, and the best of all
    splits is found from running sums of the sorted weights. Weights that are all the same give alpha = beta.
    """
    ordered = weights.detach().reshape(-1).double().sort().values
    count = len(ordered)
    sums = ordered.cumsum(0)
    below = torch.arange(1, count, device=ordered.device)
    # Of sum (w - mean)^2 over both groups, what depends on the split is -(sum^2 / size) of each.
    lower, upper = sums[:-1], sums[-1] - sums[:-1]
    explained = lower.square() / below + upper.square() / (count - below)
    distinct = ordered[1:] > ordered[:-1]
    if not bool(distinct.any()):
        return float(ordered[0]), float(ordered[0])
    split = int(torch.where(distinct, explained, -math.inf).argmax())
    return float(lower[split] / (split + 1)), float(upper[split] / (count - split - 1))


@torch.no_grad()
def group_ratio(weights: Tensor, ones: Tensor) -> float:
    """phi / tau of the closed-form levels: the means of `weights` where `ones` is false and where it is true.

    0 where a group is empty or the upper mean is no larger than the lower one: then any ratio is as good.
    """
    upper = ones.sum(dtype=torch.float64)
    total = weights.sum(dtype=torch.float64)
    above = (weights * ones).sum(dtype=torch.float64)
    if not 0 < float(upper) < weights.numel():
        return 0.0
    beta, alpha = float(above / upper), float((total - above) / (weights.numel() - upper))
    return (beta + alpha) / (beta - alpha) if beta - alpha > TINY else 0.0


@torch.no_grad()
def keep_largest(weights: Sequence[Tensor], keep: int) -> float:
    """The cut at which `keep` of all `weights` stay: those w with w >= cut, exactly as many.

    Of equal weights the first are kept; they are moved up by the least step, in place, so that one cut parts them.
    """
    every = torch.cat([part.reshape(-1) for part in weights])
    if keep >= len(every):
        return float(every.min())
    last_out = every.kthvalue(len(every) - keep).values  # The largest that need not be kept.
    cut = torch.nextafter(last_out, torch.full_like(last_out, math.inf))
    missing = keep - int((every > last_out).sum())
    for part in weights if missing else ():
        tied = tuple(axis[:missing] for axis in (part == last_out).nonzero(as_tuple=True))
        part[tied] = cut
        missing -= len(tied[0])
    return float(cut)

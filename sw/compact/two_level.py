"""The general binary domain: weights of two trained levels, of which only a few need be the upper one.

Schiavone, Galati, Zuluaga: Sparsifying Binary Networks, arXiv 2207.04974 (2022), and Binary domain generalization for
sparsifying binary neural networks, ECML PKDD 2023. A weight is tau s + phi, s = -1 or +1. The batch normalisation that
follows takes tau up, so a layer multiplies by R + 2**f s, R being 2**f phi / tau rounded: whole numbers, the same ones
in training and in the Network.

From the papers and the authors' code: levels that are learned or follow from least squares, or 0 and 1 (a precursor,
Sparse Binary Neural Networks, 2021), one budget of ones for all layers, and the penalty that draws the weights into it.
Ours: pruning by magnitude as another way to the budget, and that a model in eval mode, and its Network, never have more
ones than the budget allows. What is too much is cut off by one threshold for all layers that share a budget, so the
validation that picks the best epoch sees the network as it will be exported.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from sw.compact.finished import with_two_levels
from sw.compact.method import Evidence, Method, inner_layers, known_layers, register
from sw.compact.quantiser import group_ratio, keep_largest, two_means
from sw.errors import SubbitError
from sw.network import Network
from sw.network.encodings import DenseEncoding
from sw.network.encodings.sparse import smallest
from sw.network.encodings.two_level import MOST_FRACTION, TwoLevelEncoding
from sw.train.binarize import DenseBinarizer, LatentBinarizer, Regulariser, WeightBinarizer
from sw.train.estimators import round_ste
from sw.train.layers import Scores
from sw.train.models import BinaryModel

__all__ = ["OnesBudget", "OnesPenalty", "TwoLevel", "TwoLevelBinarizer", "default_gamma"]

REACH = 1.5
MOST_RATIO = 4.0
LEAST_TAU = 0.1
PACE = 0.1
GAIN = 0.05
TOLERANCE = 1e-4
ANNEALED = 0.5
FARTHEST = 64.0
# Share of ones and gamma, as published for CIFAR-10 (main_learn.py of the authors' code).
GAMMAS = {0.01: 0.10, 0.02: 0.08, 0.03: 0.08, 0.04: 0.07, 0.05: 0.07, 0.10: 0.04, 0.25: 0.02, 0.50: 0.0}


def default_gamma(ones: float) -> float:
    """The published gamma for a share of ones; in a straight line between the shares that were published."""
    return float(np.interp(ones, list(GAMMAS), list(GAMMAS.values())))


class TwoLevelBinarizer(WeightBinarizer):
    """Two levels for the bits that another binariser gives: `inner` told of the latent weights less a cut.

    In training the cut is 0, the least-squares one, or the one of pruning; in eval mode and in the export it is the one
    that keeps the budget. Levels are closed, which follow from the latent weights, or learnt: tau and phi, in units of
    `PACE` to move by less than a latent weight in a step, with a gradient straight through the rounding; or zero, where
    the lower one is 0.
    """

    cut: Tensor
    final_cut: Tensor
    ratio: Tensor

    def __init__(self, inner: LatentBinarizer, levels: str, fraction: int) -> None:
        super().__init__(inner.shape)
        inner.reach = REACH
        self.inner = inner
        self.levels = levels
        self.fraction = fraction
        self.budget = OnesBudget([self], 1.0)
        if levels == "learnt":
            self.tau = nn.Parameter(torch.tensor(1.0 / PACE))
            self.phi = nn.Parameter(torch.tensor(0.0))
        for name in ("cut", "final_cut", "ratio"):
            self.register_buffer(name, torch.zeros(()))
        self.bits: Tensor | None = None
        self.counted = torch.zeros(())

    @property
    def unit(self) -> int:
        return 1 << self.fraction

    def signs(self) -> Tensor:
        return self.inner.binarize(self.inner.latent - (self.cut if self.training else self.final_cut))

    def forward(self) -> Tensor:
        signs = self.signs()
        if not self.training:
            return signs * self.unit + self.ratio
        self.bits, self.counted = signs, (signs.detach() > 0).sum()
        return signs * self.unit + self.whole_ratio(signs)

    def whole_ratio(self, signs: Tensor) -> Tensor:
        """R, for these bits; with a gradient to tau and phi where they are learned.

        The penalty moves all latent weights down alike, which says nothing of the levels: then they are those nearest
        to the latent weights less their mean.
        """
        if self.levels == "zero":
            return self.ratio.new_tensor(self.unit)
        if self.levels == "learnt":
            return round_ste(self.unit * self.phi / self.tau)
        latent = self.inner.latent.detach()
        ratio = group_ratio(latent - latent.mean() if self.budget.penalised else latent, signs.detach() > 0)
        return self.ratio.new_tensor(round(self.unit * min(max(ratio, -MOST_RATIO), MOST_RATIO)))

    def count(self) -> Tensor:
        """How many weights are one in this step, with a gradient that passes the signs by.

        Where each weight has its own sign it is the identity of the paper; other binarisers bring their own.
        """
        signs = self.signs() if self.bits is None else self.bits
        if isinstance(self.inner, DenseBinarizer):
            signs = signs.detach() + (self.inner.latent - self.inner.latent.detach())
        return ((signs + 1.0) / 2.0).sum()

    def export(self) -> TwoLevelEncoding:
        if self.training:
            self.budget.settle()
        encoding = self.inner.encode((self.inner.latent - self.final_cut).detach())
        if isinstance(encoding, DenseEncoding):
            encoding = smallest(encoding)
        return TwoLevelEncoding(encoding, int(self.ratio), self.fraction)

    def train(self, mode: bool = True) -> "TwoLevelBinarizer":
        super().train(mode)
        if not mode and self.budget.members[-1] is self:
            self.budget.settle()
        return self

    def ready(self) -> bool:
        return self.inner.ready()

    def before_step(self, progress: float) -> None:
        self.inner.before_step(progress)
        self.budget.progress = progress

    @torch.no_grad()
    def after_step(self) -> None:
        self.inner.after_step()
        self.bits = None
        if self.levels == "learnt":
            self.tau.clamp_(min=LEAST_TAU / PACE)
            self.phi.copy_(torch.minimum(torch.maximum(self.phi, -MOST_RATIO * self.tau), MOST_RATIO * self.tau))
        if self.budget.members[-1] is self:
            self.budget.cut()


class OnesBudget:
    """The layers that share one budget of ones, in the model's order, and where they are cut.

    `wanted` is the share of ones allowed, 1 for no limit. `pruned`: kept in training too, as the largest latent
    weights, from half of them at first to the wanted share at `ANNEALED` of the training.
    """

    def __init__(self, members: list[TwoLevelBinarizer], wanted: float, pruned: bool = False) -> None:
        self.members = members
        self.wanted = wanted
        self.pruned = pruned
        self.progress = 0.0
        for member in members:
            member.budget = self

    @property
    def total(self) -> int:
        """Weights of all layers."""
        return sum(member.inner.latent.numel() for member in self.members)

    @property
    def penalised(self) -> bool:
        """Whether it is the loss that brings the ones into the budget."""
        return self.wanted < 0.5 and not self.pruned

    @property
    def dense(self) -> bool:
        """Whether every weight has its own sign."""
        return all(isinstance(member.inner, DenseBinarizer) for member in self.members)

    def allowed(self, share: float) -> int:
        """How many ones a share allows."""
        return int(share * self.total + 1e-6)

    @property
    def share_now(self) -> float:
        """The share of ones that pruning leaves at this point of the training."""
        return 0.5 + (self.wanted - 0.5) * min(self.progress / ANNEALED, 1.0)

    @torch.no_grad()
    def cut(self) -> None:
        """Find the cuts of the training anew."""
        latents = [member.inner.latent for member in self.members]
        if self.pruned:
            common = keep_largest(latents, self.allowed(self.share_now)) if self.dense else self.led_cut()
            for member in self.members:
                member.cut.fill_(common)
        elif self.wanted >= 0.5:
            for member in self.members:
                if member.levels != "learnt":
                    member.cut.fill_(sum(two_means(member.inner.latent)) / 2.0)

    def led_cut(self) -> float:
        """The cut led to where the share of ones is the wanted one, by what the last step counted.

        Codebooks decide on whole words, so that no order of the latent weights tells how many will be one.
        """
        share = float(sum(member.counted for member in self.members)) / self.total
        error = min(max(share / self.share_now - 1.0, -1.0), 1.0)
        spread = torch.stack([member.inner.latent.std() for member in self.members]).mean()
        return float(self.members[0].cut + GAIN * spread * error)

    @torch.no_grad()
    def settle(self) -> None:
        """Fix cuts and ratios for eval mode and export, so that no more weights are one than are allowed.

        A codebook whose sparsest codeword has too many ones cannot be brought so far: it stays as it was trained.
        """
        modes = [member.inner.training for member in self.members]
        for member in self.members:
            member.inner.eval()
            member.final_cut.copy_(member.cut)
        if self.ones() > self.allowed(self.wanted):
            common = self.least_cut()
            for member in self.members:
                member.final_cut.fill_(common)
        for member, mode in zip(self.members, modes, strict=True):
            signs = member.inner.binarize(member.inner.latent - member.final_cut)
            member.ratio.copy_(member.whole_ratio(signs))
            member.inner.train(mode)

    def least_cut(self) -> float:
        """The least cut for all layers at which the budget is kept."""
        allowed = self.allowed(self.wanted)
        if self.dense:
            return keep_largest([member.inner.latent for member in self.members], allowed)
        low, high = 0.0, FARTHEST
        if self.ones(high) > allowed:
            return low
        for _ in range(24):
            middle = (low + high) / 2.0
            low, high = (low, middle) if self.ones(middle) <= allowed else (middle, high)
        return high

    def ones(self, cut: float | None = None) -> int:
        """Weights that are one at a common `cut`, or at those that are settled."""
        return sum(
            int((member.inner.binarize(member.inner.latent - (member.final_cut if cut is None else cut)) > 0).sum())
            for member in self.members
        )


class OnesPenalty(Regulariser):
    """gamma / (1 - gamma) of the task's loss, for as long as the budget is exceeded (ECML PKDD 2023, as coded).

    h is the share of ones above the wanted one; the term is lambda h with lambda = gamma loss / (h (1 - gamma)) held
    constant, and 0 where h is at most 1e-4.
    """

    def __init__(self, budget: OnesBudget, gamma: float) -> None:
        super().__init__()
        self.budget = budget
        self.gamma = gamma

    def forward(self, loss: Tensor, progress: float) -> Tensor:
        counts = torch.stack([member.count() for member in self.budget.members])
        excess = torch.relu(counts.sum() / self.budget.total - self.budget.wanted)
        if float(excess.detach()) <= TOLERANCE:
            return loss.new_zeros(())
        return (self.gamma * loss / (excess * (1.0 - self.gamma))).detach() * excess


@register
@dataclass(frozen=True, kw_only=True)
class TwoLevel(Method):
    """Two levels a layer, and at most the share `ones` of all weights at the upper one; 0.5 is no limit.

    `by` magnitude, the largest latent weights of all layers or of each (`per_layer`), or penalty, with `gamma` (0: the
    published one for the share). `levels` are closed, the least-squares ones, or learnt, or zero: 0 and 1, which needs
    no window sums. `fraction`: bits behind the point of the ratio phi / tau. Where layers are to have codebooks too,
    those are attached first. Without training `ones` is that of each layer, and the ones that stay are spread evenly:
    see `sw.compact.finished`.
    """

    kind: ClassVar[str] = "two-level"
    ones: float = 0.5
    by: str = "magnitude"
    gamma: float = 0.0
    per_layer: bool = False
    levels: str = "closed"
    fraction: int = 4

    def __post_init__(self) -> None:
        if not 0.0 < self.ones <= 0.5:
            raise SubbitError(f"two-level's ones must be above 0 and at most 0.5, not {self.ones}")
        if self.by not in ("penalty", "magnitude"):
            raise SubbitError(f"two-level weights are kept by penalty or magnitude, not {self.by!r}")
        if not 0.0 <= self.gamma < 1.0:
            raise SubbitError(f"two-level's gamma must be at least 0 and below 1, not {self.gamma}")
        if self.per_layer and self.by != "magnitude":
            raise SubbitError("two-level's per-layer goes with by=magnitude: the penalty has one budget for all layers")
        if self.levels not in ("learnt", "closed", "zero"):
            raise SubbitError(f"two-level's levels must be learnt, closed or zero, not {self.levels!r}")
        if not 0 <= self.fraction <= MOST_FRACTION:
            raise SubbitError(f"two-level's fraction must be from 0 to {MOST_FRACTION}, not {self.fraction}")

    def attach(self, model: BinaryModel) -> None:
        chosen = known_layers(self.layers, model) or inner_layers(model)
        members = {name: self.binarizer(name, model) for name in model.weighted() if name in chosen}
        for name, member in members.items():
            model.set_binarizer(name, member)
            reader = list(model.layers.values())[list(model.layers).index(name) + 1]
            if isinstance(reader, Scores):
                reader.unit *= member.unit  # The temperature starts where it did for smaller weights.
        if self.ones == 0.5:
            for member in members.values():
                OnesBudget([member], 1.0).cut()
            return
        groups = [[member] for member in members.values()] if self.per_layer else [list(members.values())]
        for group in groups:
            budget = OnesBudget(group, self.ones, pruned=self.by == "magnitude")
            if budget.dense:
                budget.cut()
            if self.by == "penalty":
                gamma = self.gamma or default_gamma(self.ones)
                model.regularisers[f"two-level-{'-'.join(members)}"] = OnesPenalty(budget, gamma)

    def convert(self, network: Network, evidence: Evidence | None = None) -> Network:
        if self.levels == "zero":
            raise SubbitError(f"{self} is a way to train: give it to `subbit train --compact`")
        chosen = known_layers(self.layers, network) or inner_layers(network)
        return with_two_levels(network, chosen, self.ones, self.fraction)

    def binarizer(self, name: str, model: BinaryModel) -> TwoLevelBinarizer:
        """What takes the place of layer `name`'s binariser. Raises SubbitError where it cannot be wrapped."""
        layer = model.weighted()[name]
        inner = layer.binarizer
        if not isinstance(inner, LatentBinarizer):
            raise SubbitError(f"{name} has two levels already: give each layer one two-level method only")
        pixels = name == next(iter(model.weighted())) and model.spec.encoding.startswith("planes")
        top = (1 << (model.spec.bits if pixels else model.spec.activation_bits)) - 1
        fraction = 0 if self.levels == "zero" else self.fraction
        if layer.taps * top * (MOST_RATIO + 1) * (1 << fraction) >= 1 << 24:
            raise SubbitError(f"{name}'s sums would be too large to be exact: give two-level a smaller fraction")
        return TwoLevelBinarizer(inner, self.levels, fraction)

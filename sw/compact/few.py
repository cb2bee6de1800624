"""Neurons of few inputs: weights of 0 and 1, at most so many ones each, so that an unrolled neuron is one table.

Umuroglu et al., LogicNets, FPL 2020: a neuron of as few inputs as a device's table has is one table, whatever it
computes. Which inputs a neuron reads is learned by scores, a latent weight for every input of which the largest count,
with a gradient that passes the choice by (Ramanujan et al., What's hidden in a randomly weighted neural network,
CVPR 2020). Ours: one budget for a layer and a limit for each neuron, ever fewer inputs along a geometric series, and
one latent weight for an input and its complement, its sign telling which of the two is read.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sw.compact.method import Method, known_layers, register
from sw.errors import SubbitError
from sw.network.encodings import DenseEncoding
from sw.network.encodings.sparse import smallest
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.train.binarize import DenseBinarizer, WeightBinarizer
from sw.train.layers import BinaryLinear, Scores
from sw.train.models import BinaryModel

__all__ = ["FewBinarizer", "FewInputs", "chosen"]

START = 0.05  # The share of inputs that a layer reads at first.
ANNEALED = 0.3  # The share of the training after which no more inputs are read than are wanted.
EVERY = 8  # Steps between two choices.


@torch.no_grad()
def chosen(scores: Tensor, keep: int, most: int) -> Tensor:
    """The places of the `keep` largest `scores` (outputs, inputs), at most `most` of an output, as booleans.

    Fewer where the limit of the outputs leaves fewer. Of equal scores any may be kept, but never more.
    """
    best = scores.topk(min(most, scores.shape[1]), dim=1)
    places = torch.zeros(best.values.numel(), dtype=torch.bool, device=scores.device)
    places[best.values.flatten().topk(min(keep, best.values.numel())).indices] = True
    mask = torch.zeros(scores.shape, dtype=torch.bool, device=scores.device)
    return mask.scatter_(1, best.indices, places.view_as(best.indices))


class _Chosen(torch.autograd.Function):
    """`latent` where it is chosen as its sign, or as 1 without signs, and 0 elsewhere; the gradient is the identity."""

    @staticmethod
    def forward(ctx: Any, latent: Tensor, mask: Tensor, signed: bool) -> Tensor:
        return torch.copysign(mask, latent) if signed else mask.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0], None, None


class FewBinarizer(WeightBinarizer):
    """Weights 0 and 2 of which at most `wanted` are 2, and of each output at most `most`.

    With `tied` the second half of the inputs are the complements of the first, and a pair has one latent weight: its
    size says whether the pair is read, its sign which of the two, so that no output reads both. `latent` is (outputs,
    inputs), or (outputs, pairs). In training the choice is made anew every `EVERY` steps, from more ones at first.
    """

    mask: Tensor
    final: Tensor
    steps: Tensor

    def __init__(self, latent: Tensor, wanted: int, most: int, tied: bool) -> None:
        outputs, inputs = latent.shape
        super().__init__((outputs, inputs * 2 if tied else inputs))
        self.latent = nn.Parameter(latent.detach().clone())
        self.wanted, self.most, self.tied = wanted, most, tied
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        for name in ("mask", "final"):
            self.register_buffer(name, torch.zeros(latent.shape, dtype=torch.bool))
        self.choose(0.0)

    @property
    def scores(self) -> Tensor:
        """What is compared: how much each input, or pair of them, counts."""
        return self.latent.detach().abs() if self.tied else self.latent.detach()

    def choose(self, progress: float) -> None:
        """Choose the inputs for the share `progress` of the training."""
        share = self.wanted / self.mask.numel()
        factor = max(START / share, 1.0) ** (1.0 - min(progress / ANNEALED, 1.0))
        self.mask = chosen(self.scores, round(self.wanted * factor), round(self.most * factor))

    @property
    def level(self) -> Tensor:
        """2 where an input, or a pair of them, is read, and 0 elsewhere."""
        return (self.mask if self.training else self.final).to(self.latent.dtype).mul_(2.0)

    def difference(self) -> Tensor:
        if self.tied:
            return _Chosen.apply(self.latent, self.level, True)  # type: ignore[no-any-return]
        return super().difference()

    def forward(self) -> Tensor:
        if self.tied:
            difference = self.difference()
            return torch.cat([torch.relu(difference), torch.relu(-difference)], dim=1)
        return _Chosen.apply(self.latent, self.level, False)  # type: ignore[no-any-return]

    def signs(self) -> Tensor:
        return self.forward() - 1.0

    def export(self) -> TwoLevelEncoding:
        if self.training:
            raise ValueError("the model must be in eval mode")
        dense = DenseEncoding((self.signs().detach() > 0).to(torch.uint8).cpu().numpy())
        return TwoLevelEncoding(smallest(dense), 1, 0)

    def train(self, mode: bool = True) -> "FewBinarizer":
        super().train(mode)
        if not mode:
            self.final = chosen(self.scores, self.wanted, self.most)
        return self

    def before_step(self, progress: float) -> None:
        if self.steps % EVERY == 0:
            self.choose(progress)
        self.steps += 1


@register
@dataclass(frozen=True, kw_only=True)
class FewInputs(Method):
    """Dense layers whose neurons read `inputs` of their inputs each, on average, by weights of 0 and 1.

    At most `most` of a neuron; 0 is `inputs` rounded up, and -1 no limit. After `both` in a topology an input or its
    complement is read, never both.
    """

    kind: ClassVar[str] = "few"
    inputs: float = 6.0
    most: int = 0

    def __post_init__(self) -> None:
        if not self.inputs > 0:
            raise SubbitError(f"few's inputs must be above 0, not {self.inputs}")
        if self.most < -1 or 0 < self.most < self.inputs:
            raise SubbitError(
                f"few's most must be at least the {self.inputs:g} inputs, 0 for these, or -1 for no limit, "
                f"not {self.most}"
            )

    def attach(self, model: BinaryModel) -> None:
        weighted = model.weighted()
        dense = [name for name, layer in weighted.items() if isinstance(layer, BinaryLinear)]
        for name in known_layers(self.layers, model) or dense:
            layer = weighted[name]
            if not isinstance(layer, BinaryLinear) or not isinstance(layer.binarizer, DenseBinarizer):
                raise SubbitError(f"few is for dense layers without another method, which {name} is not")
            latent = layer.binarizer.latent
            pairs = latent[:, : layer.taps // 2] if layer.mirrored else latent
            if self.inputs > pairs.shape[1]:
                raise SubbitError(f"{name} has {pairs.shape[1]} inputs to choose from: give few no more")
            most = {0: -int(-self.inputs // 1), -1: pairs.shape[1]}.get(self.most, self.most)
            wanted = int(self.inputs * len(latent) + 1e-6)
            model.set_binarizer(name, FewBinarizer(pairs, wanted, most, layer.mirrored))
            reader = list(model.layers.values())[list(model.layers).index(name) + 1]
            if isinstance(reader, Scores):
                reader.unit *= 2.0 * math.sqrt(self.inputs / layer.taps)  # As few products of twice the size spread.

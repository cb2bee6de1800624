"""Output channel reuse: channels are computed one from the other, and training may draw them together.

MST-compression (Vo et al., ICCV 2023). Its training term and its tree are known to us from the abstract alone: the
term below and the tree of `sw.compact.tree` are ours.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from sw.compact.method import Method, inner_layers, known_layers, register, weight_shapes
from sw.compact.tree import bit_distances, least_tree, span, symbol_distances
from sw.errors import SubbitError
from sw.network import DenseEncoding, Encoding, Linear, Network
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.reuse import ReuseEncoding
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.train.binarize import Regulariser
from sw.train.models import BinaryModel

__all__ = ["Reuse", "ReuseTerm", "reused"]


@register
@dataclass(frozen=True, kw_only=True)
class Reuse(Method):
    """Each channel is made from another by the bits in which they differ, or in which the complement differs.

    `strength` is that of the training term, 0 for none: the tree takes nothing from the accuracy. It acts from about
    0.01 and has nothing left to draw together from about 1. `depth` bounds how many channels are made one from the
    other (0: no bound), `complement` allows to start from the complement of a channel. The term's trees are found anew
    `every` so many steps, and its strength grows from 0 over the share `warmup` of the training. Without layers the
    term is on the inner layers, and the tree in all that it makes cheaper.
    """

    kind: ClassVar[str] = "reuse"
    strength: float = 0.0
    depth: int = 0
    complement: bool = True
    every: int = 50
    warmup: float = 0.1

    def __post_init__(self) -> None:
        if not 0.0 <= self.strength < float("inf"):
            raise SubbitError(f"reuse's strength must be 0 or more, not {self.strength}")
        if self.depth < 0:
            raise SubbitError(f"reuse's depth must be at least 1, or 0 for no bound, not {self.depth}")
        if self.every < 1:
            raise SubbitError(f"reuse's every must be at least 1 step, not {self.every}")
        if not 0.0 <= self.warmup <= 1.0:
            raise SubbitError(f"reuse's warmup must be a share from 0 to 1, not {self.warmup}")

    def attach(self, model: BinaryModel) -> None:
        names = known_layers(self.layers, model) or inner_layers(model)
        if self.strength > 0:
            key = self.kind
            while key in model.regularisers:
                key += "_"
            model.regularisers[key] = ReuseTerm(self, model, names)

    def finish(self, network: Network) -> Network:
        chosen = known_layers(self.layers, network) or weight_shapes(network)
        layers = [
            replace(layer, weights=reused(layer.weights, self.depth, self.complement))
            if isinstance(layer, Linear) and layer.name in chosen
            else layer
            for layer in network.layers
        ]
        return replace(network, layers=tuple(layers))


def reused(weights: Encoding, depth: int = 0, complement: bool = True) -> Encoding:
    """The same weights along a tree; with every channel whole where the tree would not take fewer operations.

    A codebook is kept: the tree is then one of codewords' numbers, and without complements, which need not be in the
    codebook. A root's word is looked up once and a changed word twice, so some channels may remain roots.
    """
    if isinstance(weights, TwoLevelEncoding):
        whole = replace(weights, inner=_whole(weights.inner))
        found: Encoding = replace(weights, inner=_tree(whole.inner, depth, complement))
    else:
        whole = _whole(weights)
        found = _tree(whole, depth, complement)
    return found if found.bit_operations() < whole.bit_operations() else whole


def _whole(weights: Encoding) -> Encoding:
    return weights.whole if isinstance(weights, ReuseEncoding) else weights


def _tree(rows: Encoding, depth: int, complement: bool) -> ReuseEncoding:
    if isinstance(rows, CodebookEncoding):
        distances, flips = 2 * symbol_distances(rows.indices), None
        whole = rows.indices.shape[1]
    else:
        rows = rows if isinstance(rows, DenseEncoding) else DenseEncoding(rows.decode())
        bits = rows.bits.reshape(len(rows.bits), -1)
        distances, flips = bit_distances(bits, complement)
        whole = bits.shape[1]
    parents = span(distances, whole, depth)
    return ReuseEncoding.of(rows, parents, None if flips is None else flips[parents, range(len(parents))])


class ReuseTerm(Regulariser):
    """strength * sum over layers of 1 / (N out) * sum over edges (p, c) of sum over taps of (1 - s_p s_c) / 2.

    s are the weights' signs, with their gradient, and -s_p stands where c is made from p's complement; N is the taps of
    an output. A layer's share is its tree's weight but for the root, as a part of all its weights.

    The trees and the number of the step are buffers, so a resumed training goes on with the trees it had.
    """

    steps: Tensor

    def __init__(self, method: Reuse, model: BinaryModel, names: list[str]) -> None:
        super().__init__()
        self.method = method
        self.owner = (model,)  # in a tuple, so that its parameters are not this module's too
        self.names = names
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        for name, binarizer in model.binarizers().items():
            if name in names:
                self.register_buffer(f"{name}_parents", torch.arange(binarizer.shape[0]))
                self.register_buffer(f"{name}_signs", torch.ones(binarizer.shape[0], 1))

    def forward(self, loss: Tensor, progress: float) -> Tensor:
        due = int(self.steps) % self.method.every == 0
        self.steps += 1
        binarizers = self.owner[0].binarizers()
        share = torch.stack([self.share(name, binarizers[name].signs().flatten(1), due) for name in self.names]).sum()
        return self.method.strength * min(1.0, progress / self.method.warmup if self.method.warmup else 1.0) * share

    def share(self, name: str, signs: Tensor, due: bool) -> Tensor:
        """One layer's share, for its signs (out, taps), along its tree, which is found anew where that is `due`."""
        if due:
            self.find(name, signs.detach())
        parents, turn = self.get_buffer(f"{name}_parents"), self.get_buffer(f"{name}_signs")
        child = parents != torch.arange(len(parents), device=parents.device)
        alike = (signs[parents[child]] * turn[child] * signs[child]).sum()
        return (child.sum() * signs.shape[1] - alike) / (2 * signs.numel())

    def find(self, name: str, signs: Tensor) -> None:
        """Find a layer's tree for these signs."""
        bits = (signs > 0).to(torch.uint8).cpu().numpy()
        distances, flips = bit_distances(bits, self.method.complement)
        tree = least_tree(distances, bits.shape[1], self.method.depth)
        turned = flips[tree, range(len(tree))]
        self.get_buffer(f"{name}_parents").copy_(torch.from_numpy(tree))
        self.get_buffer(f"{name}_signs").copy_(torch.from_numpy(1.0 - 2.0 * turned)[:, None])

"""Codebooks: the kernels of a layer come from a few codewords, chosen in one of four ways."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from sw.compact.baselines import MostFrequent, RandomSubset
from sw.compact.method import Evidence, Method, inner_layers, known_layers, register
from sw.compact.nearest import CodebookBinarizer, FixedCodebook
from sw.compact.sparks import SparseSelection
from sw.compact.subset import RefinedSubset
from sw.errors import SubbitError
from sw.network import Encoding, Linear, Network
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.network.words import LONGEST, Words
from sw.train.binarize import DenseBinarizer, latent_of
from sw.train.models import BinaryModel

__all__ = ["WAYS", "Codebook"]


@register
@dataclass(frozen=True, kw_only=True)
class Codebook(Method):
    """`n` codewords a layer, chosen `by` sparks (learned selection), snn (refined subset), frequent or random.

    A layer whose words have fewer taps than `n` needs gets all words there are. Without layers, the inner convolutions
    get codebooks, or the inner dense layers where there is no convolution. Of learned selection: `exact` takes the
    square assignment of the paper, `temperature` and `iterations` are Sinkhorn's, `noise` the size of the Gumbel noise
    at first. `every` is how many steps a choice lasts (0: one of learned selection, 5 of a refined subset). Of learned
    selection and of frequent words, plain signs train for the share `warm` of the training; `settled` is the share
    after which a learned selection stays. Without training, sparks takes the centres of clusters of the words, from
    which its selection starts.
    """

    kind: ClassVar[str] = "codebook"
    n: int = 32
    by: str = "sparks"
    exact: bool = False
    every: int = 0
    temperature: float = 1.0
    iterations: int = 10
    noise: float = 0.0
    warm: float = 0.3
    settled: float = 0.6

    def __post_init__(self) -> None:
        if not 4 <= self.n <= 1 << LONGEST:
            raise SubbitError(f"a codebook's n must be from 4 to {1 << LONGEST}, not {self.n}")
        if self.by not in WAYS:
            raise SubbitError(f"a codebook is chosen by {', '.join(WAYS)}, not {self.by!r}")
        if self.iterations < 1 or not self.temperature > 0:
            raise SubbitError("a codebook's iterations must be at least 1, and its temperature positive")
        if self.every < 0 or not self.noise >= 0:
            raise SubbitError("a codebook's every and noise must not be negative")
        if not 0.0 <= self.warm < self.settled <= 1.0:
            raise SubbitError("a codebook's warm must be at least 0, and its settled above that and at most 1")

    def attach(self, model: BinaryModel) -> None:
        binarizers = model.binarizers()
        for name in known_layers(self.layers, model) or inner_layers(model, convolutions=True):
            binarizer = binarizers[name]
            if not isinstance(binarizer, DenseBinarizer) and type(binarizer) is not FixedCodebook:
                raise SubbitError(f"{name} is compacted already: give a layer one codebook, before any other method")
            model.set_binarizer(name, self.binarizer(name, binarizer.latent, binarizer.kernel_shape))

    def convert(self, network: Network, evidence: Evidence | None = None) -> Network:
        if self.by == "snn":
            raise SubbitError("the codewords of snn come from training: choose by=sparks or by=frequent without it")
        chosen = known_layers(self.layers, network) or inner_layers(network, convolutions=True)
        layers = [
            replace(layer, weights=self.encoded(layer.name, layer.weights))
            if isinstance(layer, Linear) and layer.name in chosen
            else layer
            for layer in network.layers
        ]
        return replace(network, layers=tuple(layers))

    @torch.no_grad()
    def encoded(self, name: str, weights: Encoding) -> Encoding:
        """The codewords that training would start from for these weights, and each word the nearest of them.

        The nearest has the fewest other bits; of several it is the lowest. Two levels stay what they were.
        """
        if isinstance(weights, TwoLevelEncoding):
            return replace(weights, inner=self.encoded(name, weights.inner))
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            binarizer = self.binarizer(name, latent_of(weights.decode()), weights.shape)
            binarizer.before_step(1.0)  # as after the whole of a training in which no weight has moved
            return binarizer.eval().export()

    def binarizer(self, name: str, latent: Tensor, shape: tuple[int, ...]) -> CodebookBinarizer:
        """What gives layer `name`, with weights of this `shape`, its codebook. Raises SubbitError for other shapes."""
        try:
            words = Words(shape)
        except ValueError as error:
            raise SubbitError(f"{name} cannot have a codebook: {error}") from None
        return WAYS[self.by](self, latent, min(self.n, words.codewords))


def _sparks(method: Codebook, latent: Tensor, n: int) -> CodebookBinarizer:
    return SparseSelection(
        latent,
        n,
        exact=method.exact,
        every=method.every or 1,
        temperature=method.temperature,
        iterations=method.iterations,
        noise=method.noise,
        warm=method.warm,
        settled=method.settled,
    )


WAYS: dict[str, Callable[[Codebook, Tensor, int], CodebookBinarizer]] = {
    "sparks": _sparks,
    "snn": lambda method, latent, n: RefinedSubset(latent, n, method.every or 5),
    "frequent": lambda method, latent, n: MostFrequent(latent, n, method.warm),
    "random": lambda method, latent, n: RandomSubset(latent, n),
}

"""A Network back as a PyTorch model that gives the same scores, to be trained further.

Weights become latent ones of one size; a Threshold becomes batch normalisation and quantisation, with the statistics of
the sums that images make, so that what normalises a batch in training is what the network has learned to expect. What a
model of `sw.train` does not know is refused: branches, and levels whose thresholds no batch normalisation can make.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from sw.compact.nearest import FixedCodebook
from sw.errors import SubbitError
from sw.network import (
    BitPlanes,
    BitSlices,
    Convolution,
    Dense,
    DenseEncoding,
    Encoding,
    Layer,
    Linear,
    MaxPool,
    Network,
    Scores,
    TensorType,
    Thermometer,
    Threshold,
)
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.sparse import smallest
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.train import layers as modules
from sw.train.binarize import DenseBinarizer, LatentBinarizer, WeightBinarizer, latent_of
from sw.train.estimators import Levels
from sw.train.export import thresholds
from sw.train.layers import Activation
from sw.train.models import BinaryModel, ModelSpec, slices_text

__all__ = ["FixedLevels", "model_of", "spec_of"]

EXACT = 1 << 24
LATENT = 0.1  # A tenth of the way that a latent weight can go: some hundred steps turn it round.
BLOCK = 100
LEAST_VARIANCE = 1.0  # Sums that vary by less are as good as constant.
Moments = tuple[np.ndarray, np.ndarray]


class FixedLevels(WeightBinarizer):
    """Two levels that stay as they are given, for the bits of another binariser."""

    def __init__(self, inner: LatentBinarizer, ratio: int, fraction: int) -> None:
        super().__init__(inner.shape)
        self.inner, self.ratio, self.fraction = inner, ratio, fraction

    @property
    def unit(self) -> int:
        return 1 << self.fraction

    def signs(self) -> torch.Tensor:
        return self.inner.signs()

    def forward(self) -> torch.Tensor:
        return self.signs() * self.unit + self.ratio

    def export(self) -> TwoLevelEncoding:
        inner = self.inner.export()
        if isinstance(inner, DenseEncoding):
            inner = smallest(inner)
        return TwoLevelEncoding(inner, self.ratio, self.fraction)

    def after_step(self) -> None:
        self.inner.after_step()


def spec_of(network: Network) -> ModelSpec:
    """What a model of `network` is, as far as a spec can tell it; its layers are made by `model_of`."""
    steps, encoding, padding, bits = [], "planes", "-1", 1
    for layer in network.layers:
        match layer:
            case Convolution(padding=pad):
                steps.append(f"conv {layer.outputs} kernel {max(layer.kernel)} pad {pad.amount} stride {layer.stride}")
                plain = pad.kind != "level" and network.source(layer).domain == "levels"
                padding = pad.kind if pad.amount and plain else padding
            case Dense():
                steps.append(f"dense {layer.outputs}")
            case MaxPool():
                steps.append(f"pool {layer.size}")
            case Threshold():
                bits = max(bits, layer.bits)
            case BitSlices():
                encoding = slices_text(layer.slices)
            case Thermometer(thresholds=table):
                encoding = f"thermometer:{min(table.shape[1], 2**network.input.bits - 1)}"
    image = network.input
    return ModelSpec(
        shape=(image.height, image.width, image.channels),
        bits=image.bits,
        classes=network.classes,
        topology=", ".join(steps),
        encoding=encoding,
        padding="-1" if padding == "none" else padding,
        activation_bits=bits,
    )


def model_of(
    network: Network, images: np.ndarray | None = None, spec: ModelSpec | None = None, latent: float = LATENT
) -> BinaryModel:
    """The model that `sw.train.export.export` turns into a Network of the same scores, with the same layers' names.

    `images`, uint8 (n, height, width, channels), give the statistics of batch normalisation; without them those are
    guessed, which changes nothing until the model is trained. `spec`, by default `spec_of(network)`, gives the
    estimator and the dropout. `latent` is the size of latent weights, at most 1. Codebooks and levels stay; reuse
    and sparse encodings are ways to store weights, which an export finds anew. Raises SubbitError.
    """
    spec = spec or spec_of(network)
    moments = _moments(network, images)
    made: dict[str, nn.Module] = {}
    before = "input"
    for layer in network.layers:
        if layer.reads != (before,):
            raise SubbitError(
                f"{layer.name} reads {layer.reads[0]}, not {before}: only a chain of layers can be trained"
            )
        if hasattr(nn.ModuleDict(), layer.name):
            raise SubbitError(f"PyTorch can have no layer called {layer.name!r}: give it another name to train it")
        made[layer.name] = _MODULES[type(layer)](
            layer, network.source(layer), spec, moments.get(layer.reads[0]), latent
        )
        before = layer.name
    model = BinaryModel(spec, made)
    next(iter(model.weighted().values())).dropout = spec.input_dropout
    return model


def _moments(network: Network, images: np.ndarray | None) -> dict[str, Moments]:
    """Mean and variance of every channel of the sums of every layer, over images and pixels."""
    found: dict[str, Moments] = {}
    linear = [layer for layer in network.layers if isinstance(layer, Linear)]
    if images is None or not len(images):
        for layer in linear:
            variance = float(layer.taps * network.source(layer).magnitude ** 2)
            found[layer.name] = np.zeros(layer.outputs), np.full(layer.outputs, variance)
        return found
    totals = {layer.name: [np.zeros(layer.outputs), np.zeros(layer.outputs), 0] for layer in linear}
    for start in range(0, len(images), BLOCK):
        run = network.run(images[start : start + BLOCK])
        for name, total in totals.items():
            sums = run.activations[name].astype(np.float64)
            sums = sums.reshape(-1, sums.shape[-1])
            total[0] += sums.sum(axis=0)
            total[1] += np.square(sums).sum(axis=0)
            total[2] += len(sums)
    for name, (first, second, count) in totals.items():
        mean = first / count
        found[name] = mean, second / count - np.square(mean)
    return found


def _binarizer(weights: Encoding, latent: float) -> WeightBinarizer:
    """What gives these weights, with their codebook and their levels."""
    if isinstance(weights, TwoLevelEncoding):
        inner = _binarizer(weights.inner, latent)
        assert isinstance(inner, LatentBinarizer)
        return FixedLevels(inner, weights.ratio, weights.fraction)
    hidden = latent_of(weights.decode(), latent)
    if isinstance(weights, CodebookEncoding):
        return FixedCodebook(hidden, torch.from_numpy(weights.codewords.astype(np.float32)) * 2.0 - 1.0)
    return DenseBinarizer(hidden)


def _check_sums(layer: Linear, source: TensorType) -> None:
    reach = layer.taps * layer.product(source)
    if reach >= EXACT:
        raise SubbitError(f"{layer.name} can reach sums of {reach:,}, and PyTorch's float32 is exact to {EXACT:,}")


def _convolution(layer: Convolution, source: TensorType, spec: ModelSpec, _: Any, latent: float) -> nn.Module:
    _check_sums(layer, source)
    ends = (source.low, source.high)
    return modules.BinaryConv2d(_binarizer(layer.weights, latent), layer.stride, layer.padding, ends)


def _dense(layer: Dense, source: TensorType, spec: ModelSpec, _: Any, latent: float) -> nn.Module:
    _check_sums(layer, source)
    return modules.BinaryLinear(_binarizer(layer.weights, latent), spec.dropout)


def _scores(layer: Scores, source: TensorType, spec: ModelSpec, moments: Moments, latent: float) -> nn.Module:
    """Scores in units of their spread, so that the loss starts with logits that it can use."""
    scale, base = (torch.from_numpy(row.astype(np.float64)) for row in (layer.scale, layer.bias))
    spread = float(moments[1].mean()) * float(np.square(layer.scale).mean())
    return modules.Scores(len(layer.scale), max(1.0, spread), scale, base)


def _activation(layer: Threshold, source: TensorType, spec: ModelSpec, moments: Moments, _: float) -> nn.Module:
    """Batch normalisation that has its cuts between the sums that the thresholds part."""
    table = np.clip(layer.thresholds, source.low, source.high + 1)
    first, step = _even_cuts(layer.name, table, source)
    made = Activation(len(table), Levels(layer.bits, spec.estimator))
    norm = made.norm
    mean, variance = moments
    with torch.no_grad():
        norm.mean.copy_(torch.from_numpy(mean))
        norm.variance.copy_(torch.from_numpy(np.maximum(variance, LEAST_VARIANCE)))
        spread = torch.sqrt(norm.variance.double() + norm.epsilon).numpy()
        half = table.shape[1] // 2
        slope = 1.0 / spread if layer.bits == 1 else 2.0 ** (2 - layer.bits) / step
        slope = np.where(layer.invert, -slope, slope)
        norm.gamma.copy_(torch.from_numpy(slope * spread))
        slope = norm.gamma.double().numpy() / spread
        norm.beta.copy_(torch.from_numpy((norm.mean.double().numpy() - (first + half * step)) * slope))
    again, invert = thresholds(made, source.low, source.high)
    if not (np.array_equal(again, table) and np.array_equal(invert, layer.invert)):
        raise SubbitError(f"{layer.name} has thresholds that no batch normalisation makes exactly")
    return made


def _even_cuts(name: str, table: np.ndarray, source: TensorType) -> tuple[np.ndarray, np.ndarray]:
    """The first cut and the step of evenly spaced cuts that part the sums as `table` (channels, cuts) does.

    A cut lies between t - 1 and t; below the lowest or above the highest sum it has one side only. Cuts c + j s do so
    for some c where no two of them ask s to be more than two others let it be.
    """
    least = np.where(table <= source.low, -np.inf, table - 1.0)
    most = np.where(table > source.high, np.inf, table.astype(np.float64))
    least = np.where(table > source.high, float(source.high), least)
    most = np.where(table <= source.low, float(source.low), most)
    low, high = np.zeros(len(table)), np.full(len(table), np.inf)
    for apart in range(1, table.shape[1]):
        low = np.maximum(low, ((least[:, apart:] - most[:, :-apart]) / apart).max(axis=1))
        high = np.minimum(high, ((most[:, apart:] - least[:, :-apart]) / apart).min(axis=1))
    if (low >= high).any():
        raise SubbitError(f"{name} has thresholds that are not evenly spaced: no batch normalisation of sw.train fits")
    step = np.where(np.isfinite(high), (low + np.where(np.isfinite(high), high, 0.0)) / 2, low + 1.0)
    moved = np.arange(table.shape[1]) * step[:, None]
    start, stop = (least - moved).max(axis=1), (most - moved).min(axis=1)
    start, stop = np.where(np.isfinite(start), start, stop - 1), np.where(np.isfinite(stop), stop, start + 1)
    return (start + stop) / 2, step


_MODULES: dict[type[Layer], Callable[..., nn.Module]] = {
    Thermometer: lambda layer, *_: modules.ThermometerInput(torch.from_numpy(layer.thresholds)),
    BitPlanes: lambda layer, *_: modules.PlanesInput(layer.planes),
    BitSlices: lambda layer, *_: modules.SlicesInput(layer.slices),
    Convolution: _convolution,
    Dense: _dense,
    Threshold: _activation,
    MaxPool: lambda layer, *_: modules.MaxPool(layer.size),
    Scores: _scores,
}

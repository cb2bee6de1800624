"""Two levels and fewer slices for a network that is finished: rules of ours for what training would have found.

Latent weights, by which training says which weight matters, are gone. So of an output's ones those that stay are spread
evenly, levels are the nearest in the least squares to the weights that were, and a slice that is left out is taken to
be what it is on average. What reads the sums takes up the levels' size, turned outputs and the averages.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from sw.errors import SubbitError
from sw.network import (
    BitPlanes,
    BitSlices,
    DenseEncoding,
    Encoding,
    Layer,
    Linear,
    Network,
    Scores,
    TensorType,
    Threshold,
)
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.sparse import smallest
from sw.network.encodings.two_level import TwoLevelEncoding

__all__ = ["input_slices", "with_slices", "with_two_levels"]


def with_two_levels(network: Network, names: list[str], ones: float, fraction: int) -> Network:
    """`network` with two levels in the layers `names`, of whose weights at most the share `ones` is one.

    An output with more ones than zeros is turned round, with what reads it, which costs nothing. Where that is not
    enough, outputs keep as many ones each as the share allows. Raises SubbitError for a layer that has two levels.
    """
    for name in names:
        layer = network.layer(name)
        assert isinstance(layer, Linear)
        if not layer.plain:
            raise SubbitError(f"{name} has two levels already: give each layer one two-level method only")
        bits = layer.weights.decode().reshape(layer.outputs, -1)
        turned = 2 * bits.sum(axis=1, dtype=np.int64) > layer.taps
        before = bits ^ turned[:, None]
        after = _spread(before, int(ones * before.size + 1e-6))
        # With the upper level at 1, the lower one is the mean of what is to be zero.
        lower = float(2.0 * before[after == 0].mean() - 1.0) if (after == 0).any() else -1.0
        ratio, shift = _whole_ratio((1.0 + lower) / (1.0 - lower), fraction)
        weights = TwoLevelEncoding(smallest(DenseEncoding(after.reshape(layer.weights.shape))), ratio, shift)
        means = _Meaning((1 << shift) * 2.0 / (1.0 - lower), np.zeros(layer.outputs), turned)
        fresh = replace(layer, weights=weights)
        network = _exchanged(network, network.layers, fresh, fresh.output(network.source(layer)), means)
    return network


def _spread(bits: np.ndarray, allowed: int) -> np.ndarray:
    """`bits` (outputs, taps) with at most `allowed` ones: as many in each output as there can be, evenly apart."""
    counts = bits.sum(axis=1, dtype=np.int64)
    low, high = 0, bits.shape[1]
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(counts, middle).sum() <= allowed else (low, middle - 1)
    kept = np.zeros_like(bits)
    for output, row in enumerate(bits):
        places = np.nonzero(row)[0]
        number = min(low, len(places))
        # Outputs start at different places, so that none of the taps is left out by all of them.
        chosen = (np.arange(number) * len(places) // max(number, 1) + output) % max(len(places), 1)
        kept[output, places[chosen]] = 1
    return kept


def _whole_ratio(ratio: float, fraction: int) -> tuple[int, int]:
    """`ratio` as a whole number over 2**f, f being at most `fraction` and as small as it can be."""
    whole = round(ratio * (1 << fraction))
    while fraction and whole % 2 == 0:
        whole, fraction = whole // 2, fraction - 1
    return whole, fraction


@dataclass(frozen=True)
class _Meaning:
    """What fresh sums stand for: what was a sum y of output o is near `size` (y - `shift`[o]), or `size` (-y) where o
    is `turned`; such an output has no shift."""

    size: float
    shift: np.ndarray
    turned: np.ndarray


def _exchanged(network: Network, layers: Iterable[Layer], fresh: Linear, now: TensorType, means: _Meaning) -> Network:
    """`network` made of `layers`, with `fresh` in the place of the one of that name, and its sums read as they mean.

    `now` is the type of its output.
    """
    was = network.shapes[fresh.name]
    made: list[Layer] = []
    for layer in layers:
        if layer.name == fresh.name:
            made.append(fresh)
        elif fresh.name not in layer.reads:
            made.append(layer)
        elif isinstance(layer, Threshold):
            made.append(_reading(layer, was, now, means))
        else:
            assert isinstance(layer, Scores)
            pixels = len(layer.scale) // len(means.shift)
            turned, shift = np.tile(means.turned, pixels), np.tile(means.shift, pixels)
            bias = np.round(means.size * (layer.bias + layer.scale * shift)).astype(np.int64)
            made.append(replace(layer, scale=np.where(turned, -layer.scale, layer.scale), bias=bias))
    return replace(network, layers=tuple(made))


def _reading(layer: Threshold, was: TensorType, now: TensorType, means: _Meaning) -> Threshold:
    """A Threshold for sums that stand for others; what was always or never reached stays so.

    A turned sum is at least 1 - t where the sum itself is not at least t.
    """
    turned = means.turned[:, None]
    table = np.where(turned, 1 - layer.thresholds[:, ::-1], layer.thresholds)
    moved = np.ceil(means.size * (table - 0.5 - means.shift[:, None])).astype(np.int64)
    moved = np.where(table <= was.low, now.low, np.where(table > was.high, now.high + 1, moved))
    return replace(layer, thresholds=moved, invert=layer.invert ^ means.turned)


def input_slices(network: Network) -> tuple[int, ...]:
    """The bits of a pixel that `network` looks at. Raises SubbitError where it has none that could be left out."""
    picking, _ = _entry(network)
    if isinstance(picking, BitSlices):
        return picking.slices
    return tuple(range(network.input.bits)) if picking is None else picking.planes


def _entry(network: Network) -> tuple[BitPlanes | BitSlices | None, Linear]:
    """What picks the bits of a pixel, if anything does, and the layer that weighs them. Raises SubbitError."""
    path: list[Layer] = []
    name = "input"
    while not path or isinstance(path[-1], BitPlanes | BitSlices):
        readers = [layer for layer in network.layers if name in layer.reads]
        if len(readers) != 1:
            raise SubbitError(f"slices are left out of a chain of layers, and {len(readers)} layers read {name}")
        path += readers
        name = readers[0].name
    first, last = path[0], path[-1]
    if len(path) > 2 or not isinstance(last, Linear):
        raise SubbitError(f"slices are left out of pixels that a layer weighs bit by bit, and {last.name} does not")
    return (first, last) if isinstance(first, BitPlanes | BitSlices) else (None, last)


def with_slices(network: Network, kept: tuple[int, ...], images: np.ndarray | None = None) -> Network:
    """`network` looking at the bits `kept` of its pixels alone, the others taken as their mean over `images`.

    Without images, bits are taken to be one half of the time. Raises SubbitError where the input has no bits to leave
    out.
    """
    picking, linear = _entry(network)
    every, image, layers, fresh = input_slices(network), network.input, list(network.layers), linear
    shares = np.full((image.channels, len(every)), 0.5)
    if images is not None:
        shares = np.stack([(images >> bit & 1).mean(axis=(0, 1, 2)) for bit in every], axis=1)
    left_out = np.array([bit not in kept for bit in every])
    narrower: Layer
    if isinstance(picking, BitSlices):
        means = np.where(left_out, 2.0 * shares - 1.0, 0.0).reshape(-1)
        weights = _of_channels(linear, network.source(linear), ~np.tile(left_out, image.channels))
        fresh = replace(linear, weights=weights)
        narrower = replace(picking, slices=kept)
    else:
        means = (np.where(left_out, shares, 0.0) * np.exp2(every)).sum(axis=1)
        name = "encode" if picking is None else picking.name
        while picking is None and any(layer.name == name for layer in layers):
            name += "_"
        narrower = BitPlanes(name=name, reads=("input",), planes=kept)
        fresh = replace(linear, reads=(name,))
    layers = [narrower, *(layer for layer in layers if layer is not picking)]
    matrix = linear.matrix.T.reshape(linear.outputs, -1, network.source(linear).channels)
    shift = matrix.sum(axis=1, dtype=np.float64) @ means
    now = fresh.output(narrower.output(image.type))
    return _exchanged(network, layers, fresh, now, _Meaning(1.0, shift, np.zeros(linear.outputs, bool)))


def _of_channels(layer: Linear, source: TensorType, stays: np.ndarray) -> Encoding:
    """A layer's weights of the input channels that stay, in the encoding that they had where it still fits."""
    weights = layer.weights
    bits = weights.decode().reshape(layer.outputs, -1, source.channels)[:, :, stays]
    bits = bits.reshape(*weights.shape[:-1], weights.shape[-1] // source.channels * int(stays.sum()))
    if isinstance(weights, TwoLevelEncoding):
        return replace(weights, inner=smallest(DenseEncoding(bits)))
    if isinstance(weights, CodebookEncoding) and weights.words.kernel > 1:
        return CodebookEncoding.of(bits, weights.codewords)  # A word lies within one input channel.
    return DenseEncoding(bits)

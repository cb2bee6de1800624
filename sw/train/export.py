"""From a trained model to a Network that computes the same integers, and the proof that it does."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sw import network as net
from sw.network.encodings.sparse import SparseEncoding
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.train.layers import (
    Activation,
    BinaryConv2d,
    BinaryLinear,
    Both,
    BothLevels,
    MaxPool,
    PlanesInput,
    Scores,
    SlicesInput,
    ThermometerInput,
    image_order,
)
from sw.train.models import BinaryModel

__all__ = ["Comparison", "Mismatch", "compare", "export", "thresholds"]


def export(model: BinaryModel, name: str | None = None) -> net.Network:
    """The Network that computes what `model` computes in eval mode, layer by layer, under the same layer names."""
    spec = model.spec
    image = net.Input(*spec.shape, spec.bits)
    layers: list[net.Layer] = []
    source, kind = "input", image.type
    for layer_name, module in model.layers.items():
        layer = _LAYERS[type(module)](module, layer_name, (source,), kind)
        layers.append(layer)
        source, kind = layer_name, layer.output(kind)
    return net.Network(name=name or _identifier(spec.topology), input=image, layers=tuple(layers))


def _identifier(topology: str) -> str:
    return topology if topology.replace("-", "").isalnum() else "custom"


def thresholds(activation: Activation, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds int64 (channels, 2**k - 1) and inversions bool (channels,) for sums from `low` to `high`.

    Found by bisection over the integers with the computation of eval mode itself. Its elementary operations are each
    rounded correctly, hence monotone in the sum; so every level is reached at one integer, and the bisection finds it.
    A channel that never reaches a level gets `high + 1` there, one that always does gets `low`.
    """
    with torch.no_grad():
        invert = (activation.norm.gamma < 0).cpu()
    channels, steps = len(invert), 2**activation.levels.bits - 1
    rise = torch.arange(1, steps + 1)[None]  # cut j separates level j - 1 from level j
    # At an inverted channel the level falls along the sums: sums below the threshold have reached it.
    start = torch.full((channels, steps), low)
    stop = torch.full((channels, steps), high + 1)  # the answer lies in start .. stop
    device = activation.norm.gamma.device
    while bool((start < stop).any()):
        middle = torch.div(start + stop, 2, rounding_mode="floor")
        level = activation.level_of(middle.T.to(device)).cpu().T  # (channels, steps)
        passed = (level >= rise) ^ invert[:, None]
        stop = torch.where(passed, middle, stop)
        start = torch.where(passed | (start >= stop), start, middle + 1)
    return np.sort(start.numpy(), axis=1), invert.numpy()


def _thermometer(module: ThermometerInput, name: str, reads: tuple[str, ...], _: net.TensorType) -> net.Layer:
    return net.Thermometer(name=name, reads=reads, thresholds=module.thresholds.cpu().numpy())


def _planes(module: PlanesInput, name: str, reads: tuple[str, ...], _: net.TensorType) -> net.Layer:
    return net.BitPlanes(name=name, reads=reads, planes=module.planes)


def _slices(module: SlicesInput, name: str, reads: tuple[str, ...], _: net.TensorType) -> net.Layer:
    return net.BitSlices(name=name, reads=reads, slices=module.slices)


def _convolution(module: BinaryConv2d, name: str, reads: tuple[str, ...], _: net.TensorType) -> net.Layer:
    weights = module.binarizer.export()
    return net.Convolution(name=name, reads=reads, weights=weights, stride=module.stride, padding=module.padding)


def _dense(module: BinaryLinear, name: str, reads: tuple[str, ...], _: net.TensorType) -> net.Layer:
    return net.Dense(name=name, reads=reads, weights=module.binarizer.export())


def _threshold(module: Activation, name: str, reads: tuple[str, ...], source: net.TensorType) -> net.Layer:
    table, invert = thresholds(module, source.low, source.high)
    return net.Threshold(name=name, reads=reads, thresholds=table, invert=invert)


def _both(module: Both, name: str, reads: tuple[str, ...], _: net.TensorType) -> net.Layer:
    once = np.eye(module.features, dtype=np.uint8)
    weights = TwoLevelEncoding(SparseEncoding.of(np.concatenate([once, once])), 1, 0)
    return net.Dense(name=name, reads=reads, weights=weights)


def _both_levels(module: BothLevels, name: str, reads: tuple[str, ...], source: net.TensorType) -> net.Layer:
    steps = np.arange(1, 2**module.bits)
    table = np.tile(4 * steps - 2 * len(steps), (source.channels, 1))
    return net.Threshold(name=name, reads=reads, thresholds=table, invert=np.arange(len(table)) >= len(table) // 2)


def _pool(module: MaxPool, name: str, reads: tuple[str, ...], _: net.TensorType) -> net.Layer:
    return net.MaxPool(name=name, reads=reads, size=module.size)


def _scores(module: Scores, name: str, reads: tuple[str, ...], _: net.TensorType) -> net.Layer:
    with torch.no_grad():
        scale, bias = (row.to(torch.int64).cpu().numpy() for row in (module.whole_scale(), module.whole_bias()))
    return net.Scores(name=name, reads=reads, scale=scale, bias=bias)


_LAYERS: dict[type[nn.Module], Callable[..., net.Layer]] = {
    ThermometerInput: _thermometer,
    PlanesInput: _planes,
    SlicesInput: _slices,
    BinaryConv2d: _convolution,
    BinaryLinear: _dense,
    Both: _both,
    BothLevels: _both_levels,
    Activation: _threshold,
    MaxPool: _pool,
    Scores: _scores,
}


@dataclass(frozen=True)
class Mismatch:
    """The first place where a model and a Network differ, in the order of layers, images, rows, columns, channels."""

    layer: str
    image: int
    row: int
    column: int
    channel: int
    model: float
    network: int

    def __str__(self) -> str:
        place = f"image {self.image}, pixel ({self.row}, {self.column}), channel {self.channel}"
        return f"{self.layer} differs at {place}: PyTorch has {self.model:g}, the Network has {self.network}"


@dataclass(frozen=True)
class Comparison:
    """What a comparison looked at, and the first difference, if any."""

    images: int
    layers: int
    values: int
    mismatch: Mismatch | None

    @property
    def equal(self) -> bool:
        """Whether every value was the same."""
        return self.mismatch is None

    def __str__(self) -> str:
        if self.mismatch:
            return str(self.mismatch)
        return f"equal on {self.images} images at all {self.layers} layers ({self.values} values)"


@torch.no_grad()
def compare(model: BinaryModel, network: net.Network, images: np.ndarray, batch: int = 250) -> Comparison:
    """Run both on uint8 images (n, height, width, channels) and compare the activations of every layer, exactly."""
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    looked = 0
    try:
        for start in range(0, len(images), batch):
            part = images[start : start + batch]
            traced = model.trace(torch.tensor(part, device=device).permute(0, 3, 1, 2).float())
            run = network.run(part)
            if list(traced) != list(run.activations):
                raise ValueError(f"network must have the layers {list(traced)}, not {list(run.activations)}")
            for name, values in traced.items():
                ours = stored(values, network.shapes[name])
                theirs = run.activations[name]
                looked += theirs.size
                if ours.shape != theirs.shape:
                    raise ValueError(f"{name} must have the shape {ours.shape[1:]}, not {theirs.shape[1:]}")
                if not np.array_equal(ours, theirs):
                    at = np.argwhere(ours != theirs)[0]
                    where = tuple(at)
                    image, row, column, channel = map(int, at)
                    mismatch = Mismatch(
                        name, start + image, row, column, channel, float(ours[where]), int(theirs[where])
                    )
                    return Comparison(start + len(part), len(traced), looked, mismatch)
    finally:
        model.train(training)
    return Comparison(len(images), len(network.layers), looked, None)


def stored(values: Tensor, kind: net.TensorType) -> np.ndarray:
    """PyTorch's values in the units in which a Network stores a tensor of this type; levels as their number."""
    array = image_order(values).cpu().double().numpy()
    return (array - kind.low) / 2 if kind.domain == "levels" else array

"""Binary networks by name: what they are made of, and the PyTorch module that trains.

A topology is a line of text, `conv 64 pad 1, pool, dense 512`, read left to right. Every conv and dense is followed by
batch normalisation and quantisation; pooling comes after that, so that in hardware it is an OR. `both` before a dense
layer gives it the complement of every input too, for weights of 0 and 1, which have no sign. A last dense layer to the
classes, and the scores, are added to every topology.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sw.errors import SubbitError
from sw.network import Padding
from sw.network.padding import PaddingKind
from sw.train.binarize import DenseBinarizer, WeightBinarizer
from sw.train.estimators import ESTIMATORS, Levels
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
    even_thresholds,
)

__all__ = ["TOPOLOGIES", "BinaryModel", "ModelSpec", "Step", "parse_topology", "slices_text"]

TOPOLOGIES = {
    # Fully connected networks of FINN (Umuroglu et al., FPGA 2017, section 5.1) and Brevitas.
    "tfc": "dense 64, dense 64, dense 64",
    "sfc": "dense 256, dense 256, dense 256",
    "lfc": "dense 1024, dense 1024, dense 1024",
    # A small convolutional network for digits and MNIST.
    "cnn": "conv 32 pad 1, conv 32 pad 1, pool, conv 64 pad 1, conv 64 pad 1, pool, dense 256",
    # FINN's CNV for 32 x 32 images.
    "cnv": "conv 64, conv 64, pool, conv 128, conv 128, pool, conv 256, conv 256, dense 512, dense 512",
    # VGG-small, as binary-network papers use it for CIFAR-10 (Zhang et al., LQ-Nets; Qin et al., IR-Net).
    "vgg-small": "conv 128 pad 1, conv 128 pad 1, pool, conv 256 pad 1, conv 256 pad 1, pool, "
    "conv 512 pad 1, conv 512 pad 1, pool",
}


MOST_WEIGHTS = 1 << 28  # of a layer


@dataclass(frozen=True)
class Step:
    """One part of a topology: `kind` is conv, pool, both or dense; `size` its channels, its square or its features."""

    kind: str
    size: int
    kernel: int = 3
    pad: int = 0
    stride: int = 1


def parse_topology(text: str) -> tuple[Step, ...]:
    """The steps of a topology's name or text. Raises SubbitError where it cannot be read."""
    return tuple(_parse_step(part.split(), part.strip()) for part in TOPOLOGIES.get(text, text).split(","))


def _parse_step(words: list[str], part: str) -> Step:
    usage = 'a topology is a name or a text such as "conv 32 kernel 3 pad 1 stride 1, pool 2, dense 256"'
    options = {"conv": ("kernel", "pad", "stride"), "pool": (), "dense": ()}
    if words == ["both"]:
        return Step("both", 2)
    if words == ["pool"]:
        words = ["pool", "2"]
    if not words or words[0] not in options or len(words) % 2 or not all(word.isdecimal() for word in words[1::2]):
        known = ", ".join(TOPOLOGIES)
        raise SubbitError(f"{part!r} is no part of a topology: {usage}; the names are {known}")
    given = dict(zip(words[2::2], map(int, words[3::2]), strict=True))
    if not set(given) <= set(options[words[0]]) or int(words[1]) < 1:
        raise SubbitError(f"{part!r} is no part of a topology: {usage}")
    step = Step(words[0], int(words[1]), **given)
    for name, value, low, high in (
        ("kernel", step.kernel, 1, 7),
        ("stride", step.stride, 1, 2),
        ("pad", step.pad, 0, step.kernel - 1),
        ("pool", step.size if step.kind == "pool" else 2, 2, 16),
    ):
        if not low <= value <= high:
            raise SubbitError(f"{part!r} cannot be: {name} must be from {low} to {high}, not {value}")
    return step


@dataclass(frozen=True)
class ModelSpec:
    """Everything that fixes a model but its parameters; plain values, so that a checkpoint can carry it.

    `shape`: (height, width, channels) of an image; `bits`: those of a pixel. `topology`: a name or a text. `width`:
    factor on all channels and features. `encoding`: how pixels enter: `threshold` (one bit a pixel), `thermometer:N`
    (N bits), `planes` (the integers), `planes:N` (the N upper planes), `slices` (every bit a channel of its own),
    `slices:N` (the N upper bits) or `slices:7+6+4` (these bits; `slices:4+` is one).
    `padding`: what padded taps read as: -1, +1 or zero (a layer that reads pixels always pads with zero).
    `activation_bits`: bits of an activation. `estimator`: the gradient of the activations' sign.
    `input_dropout`, `dropout`: share of the inputs of the first, and of every later dense layer, left out in training.
    """

    shape: tuple[int, int, int]
    bits: int
    classes: int
    topology: str = "cnn"
    width: float = 1.0
    encoding: str = "threshold"
    padding: PaddingKind = "-1"
    activation_bits: int = 1
    estimator: str = "ste"
    input_dropout: float = 0.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.width < float("inf"):
            raise SubbitError(f"width must be positive, not {self.width!r}")
        if self.padding not in ("-1", "+1", "zero"):
            raise SubbitError(f"padding must be -1, +1 or zero, not {self.padding!r}")
        if self.estimator not in ESTIMATORS:
            raise SubbitError(f"estimator must be one of {', '.join(ESTIMATORS)}, not {self.estimator!r}")
        if self.activation_bits not in range(1, 9):
            raise SubbitError(f"activation_bits must be from 1 to 8, not {self.activation_bits!r}")
        for field in ("input_dropout", "dropout"):
            if not 0.0 <= getattr(self, field) < 1.0:
                raise SubbitError(f"{field} must be at least 0 and below 1, not {getattr(self, field)!r}")
        self.input_layer()
        parse_topology(self.topology)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint; `ModelSpec.of` is the inverse."""
        return {**asdict(self), "shape": list(self.shape)}

    @classmethod
    def of(cls, values: dict[str, Any]) -> "ModelSpec":
        """The spec that `as_dict` told."""
        return cls(**{**values, "shape": tuple(values["shape"])})

    def input_layer(self) -> nn.Module | None:
        """The layer that encodes the pixels, or None where they go in as they are."""
        kind, _, number = self.encoding.partition(":")
        if kind == "planes" and not number:
            return None
        if kind == "slices" and "+" in number:
            return SlicesInput(self._named_slices(number))
        if kind in ("threshold", "slices") and self.encoding == kind:
            number = "1" if kind == "threshold" else str(self.bits)
        top = self.bits if kind in ("planes", "slices") else 2**self.bits - 1
        known = kind in ("threshold", "thermometer", "planes", "slices")
        if not known or not number.isdecimal() or not 1 <= int(number) <= top:
            raise SubbitError(
                f"encoding must be threshold, thermometer:N, planes, planes:N, slices, slices:N or slices:A+B with N "
                f"from 1 to {top} for {self.bits}-bit pixels, not {self.encoding!r}"
            )
        if kind in ("planes", "slices"):
            upper = tuple(range(self.bits - int(number), self.bits))
            return PlanesInput(upper) if kind == "planes" else SlicesInput(upper)
        return ThermometerInput(torch.tensor([even_thresholds(int(number), self.bits)] * self.shape[2]))

    def _named_slices(self, text: str) -> tuple[int, ...]:
        """The bits in a text such as 7+6+4, ascending. Raises SubbitError."""
        words = text.removesuffix("+").split("+")
        numbers = [int(word) for word in words if word.isdecimal()]
        if len(set(numbers)) < len(words) or max(numbers) >= self.bits:
            raise SubbitError(
                f"encoding must name different bits from 0 to {self.bits - 1}, as in slices:2+0 or slices:2+, not "
                f"{self.encoding!r}"
            )
        return tuple(sorted(numbers))


def slices_text(slices: tuple[int, ...]) -> str:
    """The encoding text that names these bits."""
    return f"slices:{'+'.join(map(str, sorted(slices, reverse=True)))}{'+' if len(slices) == 1 else ''}"


class BinaryModel(nn.Module):
    """A binary network: `layers`, by the names that the Network's layers will have, one after the other.

    They are made as `spec` tells, or given. `regularisers` are terms of the loss, each a `Regulariser`, by a name of
    their own; a compaction method adds them.
    Images are (n, channels, height, width), pixels as float32 whole numbers. `forward` gives logits (n, classes).
    """

    def __init__(self, spec: ModelSpec, layers: dict[str, nn.Module] | None = None) -> None:
        super().__init__()
        self.spec = spec
        self.layers = nn.ModuleDict(_Builder(spec).build() if layers is None else layers)
        self.regularisers = nn.ModuleDict()

    def forward(self, images: Tensor) -> Tensor:
        x = images
        for layer in self.layers.values():
            x = layer(x)
        return x

    def scores(self, images: Tensor) -> Tensor:
        """Whole class scores (n, classes), those of the Network when in eval mode."""
        return list(self.trace(images).values())[-1]

    def trace(self, images: Tensor) -> dict[str, Tensor]:
        """Values after every layer, by its name; the last are the whole scores in place of the logits."""
        x, seen = images, {}
        for name, layer in self.layers.items():
            x = layer.scores(x) if isinstance(layer, Scores) else layer(x)
            seen[name] = x
        return seen

    def weighted(self) -> dict[str, BinaryConv2d | BinaryLinear]:
        """The layers that have weights, by name."""
        return {n: m for n, m in self.layers.items() if isinstance(m, BinaryConv2d | BinaryLinear)}

    def binarizers(self) -> dict[str, WeightBinarizer]:
        """The weight binariser of every layer that has weights, by the layer's name."""
        return {name: layer.binarizer for name, layer in self.weighted().items()}

    def set_binarizer(self, name: str, binarizer: WeightBinarizer) -> None:
        """Put `binarizer` in the place of layer `name`'s own. This is where a compaction method attaches."""
        layers = self.weighted()
        if name not in layers:
            raise SubbitError(f"{name!r} is no layer with weights: they are {', '.join(layers)}")
        if binarizer.shape != layers[name].binarizer.shape:
            raise ValueError(f"binarizer must have the shape {layers[name].binarizer.shape}, not {binarizer.shape}")
        layers[name].binarizer = binarizer

    def ready(self) -> bool:
        """Whether every layer's weights are as compact as they are to be."""
        return all(binarizer.ready() for binarizer in self.binarizers().values())

    def set_progress(self, sharpness: float) -> None:
        """Give every activation IR-Net's t for this part of the training."""
        for module in self.modules():
            if isinstance(module, Levels):
                module.sharpness = sharpness


class _Builder:
    """Reads a topology from left to right and keeps what the next layer has to know about the one before it."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.height, self.width, self.channels = spec.shape
        self.top = 2**spec.activation_bits - 1
        self.ends = (0, 2**spec.bits - 1)
        self.pixels = True
        self.mirrored = False
        self.layers: dict[str, nn.Module] = {}
        self.count = {"conv": 0, "pool": 0, "both": 0, "dense": 0}

    def build(self) -> dict[str, nn.Module]:
        """The layers of a model, by name and in order. Raises SubbitError where the image is too small."""
        encode = self.spec.input_layer()
        if encode is not None:
            self.layers["encode"] = encode
        if isinstance(encode, ThermometerInput):
            self.channels, self.ends, self.pixels = encode.thresholds.numel(), (-1, 1), False
        if isinstance(encode, SlicesInput):
            self.channels, self.ends, self.pixels = self.channels * len(encode.slices), (-1, 1), False
        for step in parse_topology(self.spec.topology):
            if (self.count["dense"] or self.mirrored) and step.kind not in ("dense", "both"):
                raise SubbitError(f"topology {self.spec.topology!r} must have its dense layers last, not {step.kind}")
            getattr(self, step.kind)(step)
        reach = max(abs(end) for end in self.ends)
        last = self.dense_sums(self.spec.classes)
        self.layers["scores"] = Scores(self.spec.classes, last.taps * reach * reach)
        return self.layers

    def name(self, kind: str) -> str:
        self.count[kind] += 1
        return f"{kind}{self.count[kind]}"

    def dropout(self) -> float:
        first = self.count["conv"] + self.count["dense"] == 1
        return self.spec.input_dropout if first else self.spec.dropout

    def size(self, step: Step) -> int:
        return max(1, round(step.size * self.spec.width))

    def weights(self, name: str, *shape: int) -> DenseBinarizer:
        if math.prod(shape) > MOST_WEIGHTS:
            raise SubbitError(
                f"{name} must have at most {MOST_WEIGHTS:,} weights, not {math.prod(shape):,}: make it smaller"
            )
        return DenseBinarizer.initial(shape)

    def activation(self, name: str, channels: int) -> None:
        self.layers[f"{name}_act"] = Activation(channels, Levels(self.spec.activation_bits, self.spec.estimator))
        self.channels, self.ends, self.pixels = channels, (-self.top, self.top), False

    def shrink(self, name: str, height: int, width: int) -> None:
        if min(height, width) < 1:
            shape = "x".join(map(str, self.spec.shape[:2]))
            raise SubbitError(
                f"topology {self.spec.topology!r} needs images larger than {shape}: nothing is left after {name}"
            )
        self.height, self.width = height, width

    def conv(self, step: Step) -> None:
        name = self.name("conv")
        kind: PaddingKind = "zero" if self.pixels else self.spec.padding
        padding = Padding(kind, step.pad) if step.pad else Padding()
        weights = self.weights(name, self.size(step), self.channels, step.kernel, step.kernel)
        drop = self.dropout() if name == "conv1" else 0.0
        self.layers[name] = BinaryConv2d(weights, step.stride, padding, self.ends, drop)
        height, width = ((n + 2 * step.pad - step.kernel) // step.stride + 1 for n in (self.height, self.width))
        self.shrink(name, height, width)
        self.activation(name, self.size(step))

    def pool(self, step: Step) -> None:
        name = self.name("pool")
        if self.pixels:
            raise SubbitError(f"topology {self.spec.topology!r} pools pixels: put a conv before it")
        self.layers[name] = MaxPool(step.size)
        self.shrink(name, self.height // step.size, self.width // step.size)

    def dense_sums(self, features: int) -> BinaryLinear:
        name = self.name("dense")
        weights = self.weights(name, features, self.height * self.width * self.channels)
        layer = self.layers[name] = BinaryLinear(weights, self.dropout(), self.mirrored)
        self.height, self.width, self.mirrored = 1, 1, False
        return layer

    def both(self, _: Step) -> None:
        if self.pixels or self.mirrored:
            reads = "pixels: give an encoding of thresholds" if self.pixels else "complements: leave one out"
            raise SubbitError(f"topology {self.spec.topology!r} has a both that reads {reads}")
        name, features = self.name("both"), self.height * self.width * self.channels
        self.layers[name], self.layers[f"{name}_act"] = Both(features), BothLevels(self.ends[1].bit_length())
        self.height, self.width, self.channels, self.mirrored = 1, 1, 2 * features, True

    def dense(self, step: Step) -> None:
        self.dense_sums(self.size(step))
        self.activation(f"dense{self.count['dense']}", self.size(step))

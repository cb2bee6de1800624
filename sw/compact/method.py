"""What a compaction method is, and how one is told in a line of text.

    METHOD[:OPTION=VALUE[,OPTION=VALUE ...]][@LAYER[+LAYER ...]]

`codebook:n=32`, `two-level:ones=0.05@conv2+conv3`, `reuse`. Without layers a method takes those that suit it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from sw.errors import SubbitError
from sw.network import Linear, Network
from sw.train.config import TrainConfig
from sw.train.data import DataSet
from sw.train.fit import TrainResult
from sw.train.models import BinaryModel

__all__ = [
    "METHODS",
    "Evidence",
    "Method",
    "Revision",
    "Stage",
    "convert",
    "inner_layers",
    "known_layers",
    "parse_methods",
    "register",
    "weight_shapes",
]

METHODS: dict[str, type["Method"]] = {}
_M = TypeVar("_M", bound="type[Method]")


@dataclass(frozen=True)
class Stage:
    """What a method has at hand that trains a network of its own before the training to come.

    `train` trains as a config says, without compaction and without test images, in a sub-folder of its own, and goes on
    where an earlier run of it was cut off. `folder` is that of the training to come, for what should be found again
    by its resumption; None where nothing is kept. `tell` shows the user a line.
    """

    data: DataSet
    folder: Path | None
    train: Callable[[TrainConfig], TrainResult]
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Revision:
    """The training that takes the place of the one that was asked for, and what was `found`, as plain values."""

    config: TrainConfig
    found: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Images to judge by, uint8 (n, height, width, channels), and what is right for each of them, int64 (n,).

    `classes` are labels, or where there are none the classes that a network gave before it was changed.
    """

    images: np.ndarray
    classes: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Method(ABC):
    """A way to make a network compact: its options are the fields of its dataclass, `layers` where it is used.

    `revise` changes the training before it begins, `attach` a model before it trains; `finish` changes the Network that
    was exported from it. A method does its work in one of them or in several. `convert` changes a Network that was
    trained before, or elsewhere.
    Options are whole numbers, numbers, words, or yes and no; `__post_init__` checks them and raises SubbitError.
    """

    kind: ClassVar[str]
    layers: tuple[str, ...] = ()

    def revise(self, config: TrainConfig, stage: Stage) -> Revision:
        """The training to take the place of `config`, found out in a stage before it; by default the same.

        Called again when a training is resumed, and must then come to the same. Raises SubbitError, before anything
        is written, where the method does not suit `config`.
        """
        return Revision(config)

    @abstractmethod
    def attach(self, model: BinaryModel) -> None:
        """Give layers of `model` other weight binarisers, or the model another term of the loss, before training."""

    def finish(self, network: Network) -> Network:
        """The exported Network with what this method adds after training. Its scores stay what they were."""
        return network

    def convert(self, network: Network, evidence: Evidence | None = None) -> Network:
        """A finished Network made compact without training, whatever that costs; by default `finish`, which is free.

        `evidence` is what a choice may be made by. Raises SubbitError where the method can only train, or does not
        suit the network.
        """
        if type(self).finish is Method.finish:
            raise SubbitError(f"{self.kind} is a way to train: give it to `subbit train --compact`")
        return self.finish(network)

    def __str__(self) -> str:
        """The text that `parse_methods` reads as this method; options at their defaults are left out."""
        told = [
            f"{field.name.replace('_', '-')}={_text(getattr(self, field.name))}"
            for field in fields(self)
            if field.name != "layers" and getattr(self, field.name) != field.default
        ]
        options = f":{','.join(told)}" if told else ""
        return f"{self.kind}{options}{'@' + '+'.join(self.layers) if self.layers else ''}"


def register(method: _M) -> _M:
    """Class decorator: make a method known by its kind."""
    METHODS[method.kind] = method
    return method


def parse_methods(texts: Iterable[str]) -> list[Method]:
    """The methods that `texts` tell, in their order. Raises SubbitError, one sentence, where one cannot be read."""
    return [_parse(text) for text in texts]


def convert(network: Network, methods: Iterable[Method], evidence: Evidence | None = None) -> Network:
    """A finished Network with these methods, one after the other, without training. Raises SubbitError."""
    for method in methods:
        network = method.convert(network, evidence)
    return network


def _parse(text: str) -> Method:
    head, _, places = text.partition("@")
    kind, _, options = head.partition(":")
    if kind not in METHODS:
        raise SubbitError(f"{text!r} is no compaction: it starts with one of {', '.join(sorted(METHODS))}")
    method = METHODS[kind]
    known = {field.name.replace("_", "-"): field for field in fields(method) if field.name != "layers"}
    values: dict[str, Any] = {}
    for option in filter(None, options.split(",")):
        name, _, value = option.partition("=")
        if name not in known:
            listed = ", ".join(f"{key}={_text(field.default)}" for key, field in known.items())
            raise SubbitError(f"{text!r}: {kind} has no option {name!r}, its options are {listed}")
        values[known[name].name] = _value(text, name, value, known[name].default)
    layers = tuple(places.split("+")) if places else ()
    if "@" in text and not all(layers or ("",)):
        raise SubbitError(f"{text!r}: after @ stand the names of layers, joined by +")
    return method(**values, layers=layers)


def _value(text: str, name: str, value: str, default: Any) -> Any:
    """`value` read as the type of the option's default."""
    kinds = {bool: "yes or no", int: "a whole number", float: "a number", str: "a word"}
    try:
        if isinstance(default, bool):
            return {"yes": True, "no": False}[value]
        if isinstance(default, str) and not value:
            raise ValueError
        return type(default)(value)
    except (KeyError, ValueError):
        raise SubbitError(f"{text!r}: {name} must be {kinds[type(default)]}, not {value!r}") from None


def _text(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def weight_shapes(owner: BinaryModel | Network) -> dict[str, tuple[int, ...]]:
    """The shape of the weights of every layer that has any, (out, kernel_h, kernel_w, in) or (out, in), by its name."""
    if isinstance(owner, Network):
        return {layer.name: layer.weights.shape for layer in owner.layers if isinstance(layer, Linear)}
    return {name: binarizer.kernel_shape for name, binarizer in owner.binarizers().items()}


def known_layers(names: tuple[str, ...], owner: BinaryModel | Network) -> list[str]:
    """`names`, once each is known to be a layer of `owner` that has weights. Raises SubbitError."""
    weighted = weight_shapes(owner)
    for name in names:
        if name not in weighted:
            raise SubbitError(f"{name!r} is no layer with weights: they are {', '.join(weighted)}")
    return list(names)


def inner_layers(owner: BinaryModel | Network, convolutions: bool = False) -> list[str]:
    """The weighted layers between the first and the last, which compaction spares as the papers do.

    With `convolutions`, of these only the ones whose kernel is larger than 1x1, where there are any. What has no inner
    layers gives all that it has.
    """
    shapes = weight_shapes(owner)
    inner = list(shapes)[1:-1] or list(shapes)
    kernels = [name for name in inner if len(shapes[name]) == 4 and max(shapes[name][1:3]) > 1]
    return kernels if convolutions and kernels else inner

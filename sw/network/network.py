"""The Network: integer layers in order, each naming the layers it reads. What ``run`` computes defines correct."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from sw.network.layers import Layer, Linear, Scores
from sw.network.tensor import TensorType

__all__ = ["LONGEST_SIDE", "Input", "Network", "Run", "winners"]

BLOCK_BYTES = 32 << 20
LONGEST_SIDE = 4096
MOST_VALUES = 1 << 24
LONGEST_NAME = 64


@dataclass(frozen=True)
class Input:
    """The images that a Network takes: unsigned pixels of ``bits`` bits, (height, width, channels)."""

    height: int
    width: int
    channels: int
    bits: int = 8

    def __post_init__(self) -> None:
        for field in ("height", "width", "channels"):
            if not 1 <= getattr(self, field) <= LONGEST_SIDE:
                raise ValueError(f"{field} must be from 1 to {LONGEST_SIDE}, not {getattr(self, field)!r}")
        if not 1 <= self.bits <= 8:
            raise ValueError(f"bits must be from 1 to 8, not {self.bits!r}")

    @property
    def type(self) -> TensorType:
        """The type of the image tensor."""
        return TensorType.pixels(self.height, self.width, self.channels, tuple(range(self.bits)))


def winners(scores: np.ndarray) -> np.ndarray:
    """The class of the largest score, of several the first, int64 (images,), for scores (images, classes)."""
    return scores.argmax(axis=1)


def checked_size(name: str, shape: TensorType) -> TensorType:
    """``shape``, of what ``name`` gives. Raises ValueError where it has too many values to be computed."""
    if shape.size > MOST_VALUES:
        raise ValueError(f"{name} must have at most {MOST_VALUES} values, not {shape.size}")
    return shape


@dataclass(frozen=True)
class Run:
    """What a Network computed: ``activations`` of every layer by name, each (images, height, width, channels).

    ``scores`` are int64 (images, classes) and ``classes`` the first index of the largest score.
    """

    activations: dict[str, np.ndarray]
    scores: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """Winning class of each image, int64 (images,)."""
        return winners(self.scores)


@dataclass(frozen=True, eq=False)
class Network:
    """Integer layers in the order in which they are computed; the last one gives the scores.

    Raises ValueError where a name is taken twice, a layer reads what does not stand before it, the shapes do not fit,
    or an image would have more than 2**24 values in any layer.
    """

    name: str
    input: Input
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers or not isinstance(self.layers[-1], Scores):
            raise ValueError("layers must end with Scores")
        known = {"input"}
        for layer in self.layers:
            if not layer.name.isidentifier() or layer.name in known:
                raise ValueError(f"a layer's name must be a new identifier, not {layer.name!r}")
            if not layer.name.isascii() or len(layer.name) > LONGEST_NAME:
                raise ValueError(f"a layer's name must have at most {LONGEST_NAME} plain letters, not {layer.name!r}")
            if len(layer.reads) != 1 or not known.issuperset(layer.reads):
                raise ValueError(f"{layer.name}.reads must name one layer before it, not {layer.reads!r}")
            known.add(layer.name)
        _ = self.shapes

    @cached_property
    def shapes(self) -> dict[str, TensorType]:
        """Tensor type of the output of every layer, and of "input"."""
        shapes = {"input": checked_size("input", self.input.type)}
        for layer in self.layers:
            shapes[layer.name] = checked_size(layer.name, layer.output(shapes[layer.reads[0]]))
        return shapes

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.shapes[self.layers[-1].name].size

    def layer(self, name: str) -> Layer:
        """The layer of that name. Raises KeyError for an unknown one."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    def source(self, layer: Layer) -> TensorType:
        """Type of the tensor that ``layer`` reads."""
        return self.shapes[layer.reads[0]]

    def check_images(self, images: np.ndarray) -> np.ndarray:
        """``images``, uint8 (n, height, width, channels) with pixels below 2**bits. Raises ValueError otherwise."""
        images = np.asarray(images)
        wanted = (self.input.height, self.input.width, self.input.channels)
        if images.ndim != 4 or images.shape[1:] != wanted:
            raise ValueError(f"images must be of shape (n, {wanted[0]}, {wanted[1]}, {wanted[2]}), not {images.shape}")
        if images.dtype != np.uint8:
            raise ValueError(f"images must be uint8, not {images.dtype}")
        if images.size and int(images.max()) >> self.input.bits:
            raise ValueError(f"pixels must be below {1 << self.input.bits}, not {int(images.max())}")
        return images

    def run(self, images: np.ndarray) -> Run:
        """Compute every layer for uint8 images (n, height, width, channels); sums come as int32 or int64."""
        blocks = list(self._blocks(self.check_images(images)))
        kept = {
            layer.name: np.concatenate([self._integers(block[layer.name]) for block in blocks]) for layer in self.layers
        }
        return Run(kept, kept[self.layers[-1].name].reshape(len(images), self.classes))

    def score(self, images: np.ndarray) -> np.ndarray:
        """Scores alone, int64 (n, classes): as ``run``, with nothing kept between."""
        last = self.layers[-1].name
        blocks = [block[last].reshape(-1, self.classes) for block in self._blocks(self.check_images(images))]
        return np.concatenate(blocks)

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Winning class of each image, int64 (n,)."""
        return winners(self.score(images))

    def _blocks(self, images: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
        """Activations block by block, each small enough that its windows stay near the processor."""
        largest = max(self._window_bytes())
        size = max(1, min(len(images), BLOCK_BYTES // largest))
        for start, stop in pairwise([*range(0, len(images), size), len(images)]) if len(images) else [(0, 0)]:
            known = {"input": images[start:stop]}
            for layer in self.layers:
                known[layer.name] = layer.compute(known[layer.reads[0]], self.source(layer))
            yield known

    def _window_bytes(self) -> Iterator[int]:
        for layer in self.layers:
            taps = layer.taps if isinstance(layer, Linear) else 1
            pixels = self.shapes[layer.name].height * self.shapes[layer.name].width
            yield 4 * max(taps * pixels, self.shapes[layer.name].size)

    @staticmethod
    def _integers(array: np.ndarray) -> np.ndarray:
        if array.dtype == np.float32:
            return array.astype(np.int32)
        return array.astype(np.int64) if array.dtype == np.float64 else array

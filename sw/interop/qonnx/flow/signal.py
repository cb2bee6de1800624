"""A tensor of the graph while it is being read: which integers it is made of, and what has been done to each since.

Between two layers with weights nothing mixes the elements of a tensor. So it is told by an integer tensor of the
Network (pixels, or the sums of a layer), the place of each element in it, and a chain of nodes that acts on single
numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from onnx import NodeProto

from sw.interop.qonnx.graph.execute import run_chain
from sw.interop.qonnx.graph.operators import Step
from sw.interop.qonnx.graph.refusal import refuse

__all__ = ["Border", "Pool", "Signal", "Source"]

MOST_NODES = 64


@dataclass(frozen=True, eq=False)
class Source:
    """Integers from ``low`` to ``high`` of the Network's layer ``name``, of the shape (height, width, channels).

    In the graph the integer n of channel c is the float32 nearest to (scale[c] n + shift[c]) / divisor, or where there
    is a ``table`` (high - low + 1, channels) what that says. ``colours`` are the channels of the image that the
    channels are of, where they are other than those.
    """

    name: str
    shape: tuple[int, int, int]
    low: int
    high: int
    scale: np.ndarray
    shift: np.ndarray
    divisor: float = 1.0
    table: np.ndarray | None = None
    colours: np.ndarray | None = None

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.shape[2]

    def values(self, numbers: np.ndarray) -> np.ndarray:
        """The graph's float32 for integers (rows, channels)."""
        if self.table is not None:
            return self.table[numbers - self.low, np.arange(self.channels)]
        return ((self.scale * numbers + self.shift) / self.divisor).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Pool:
    """A maximum over size x size, after the first ``after`` steps of the chain."""

    node: NodeProto
    size: int
    after: int


@dataclass(frozen=True, eq=False)
class Border:
    """``amount`` rows and columns of ``value`` around the image ``tensor``, from the node that puts them there."""

    node: NodeProto
    amount: int
    value: float
    tensor: str


@dataclass(frozen=True, eq=False)
class Signal:
    """A tensor of the graph, called ``tensor`` there.

    ``order`` has its shape, with one image, and says where in (height, width, channels) of ``shape`` each element is:
    the shape of the source, made smaller by the ``pools``.
    """

    tensor: str
    source: Source
    shape: tuple[int, int, int]
    order: np.ndarray
    steps: tuple[Step, ...] = ()
    pools: tuple[Pool, ...] = ()
    border: Border | None = None
    opsets: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, tensor: str, source: Source, order: np.ndarray, opsets: dict[str, int]) -> "Signal":
        """The source itself."""
        return cls(tensor, source, source.shape, order, opsets=opsets)

    @property
    def channel(self) -> np.ndarray:
        """The channel of each element, in the tensor's shape."""
        return self.order % self.source.channels

    def then(self, node: NodeProto, known: dict[str, np.ndarray]) -> "Signal":
        """The output of an elementwise node."""
        if len(self.steps) == MOST_NODES:
            raise refuse(node, f"is one of more than {MOST_NODES} in a row without weights: export a simplified model")
        step = Step.of(node, self.tensor, known, self.channel)
        return replace(self, tensor=node.output[0], steps=(*self.steps, step))

    def arranged(self, tensor: str, order: np.ndarray) -> "Signal":
        """The same elements as the tensor of that name, in another order or shape."""
        return replace(self, tensor=tensor, order=order)

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """The tensor's shape, with the border that a Pad has put around it."""
        border = 2 * self.border.amount if self.border else 0
        return tuple(size + (border if at >= 2 else 0) for at, size in enumerate(self.order.shape))

    @property
    def bare(self) -> str:
        """The tensor without that border."""
        return self.border.tensor if self.border else self.tensor

    def images(self) -> np.ndarray | None:
        """Which channel of the source each channel of a (1, channels, height, width) tensor is; None for any other."""
        height, width, channels = self.shape
        if self.order.shape != (1, channels, height, width):
            return None
        first = self.order[0, :, 0, 0]
        places = (np.arange(height)[:, None] * width + np.arange(width)) * channels
        return first if np.array_equal(self.order[0], first[:, None, None] + places) else None

    def evaluate(self, steps: int | None = None) -> Callable[[np.ndarray], np.ndarray]:
        """A function from integers (rows, channels) to the graph's float32, by its first ``steps`` nodes or all."""
        return lambda numbers: run_chain(self.steps[:steps], self.source.values(numbers), self.opsets)

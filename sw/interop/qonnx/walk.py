"""From the graph's input to its scores, one node after another, and the Network that comes out."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from onnx import NodeProto

from sw.interop.qonnx.flow.colours import added, picked
from sw.interop.qonnx.flow.shapes import check_end, pad, pool, shaped
from sw.interop.qonnx.flow.signal import Signal, Source
from sw.interop.qonnx.graph.execute import fold
from sw.interop.qonnx.graph.file import LIMIT, Graph, constant_of
from sw.interop.qonnx.graph.operators import ELEMENTWISE, ENDS, FOLDED, LINEAR, PASSED, POOLS, SHAPING
from sw.interop.qonnx.graph.refusal import Refused, label, refuse
from sw.interop.qonnx.layers.activation import read_levels
from sw.interop.qonnx.layers.ends import End, read_scores
from sw.interop.qonnx.layers.linear import Node, Operand, border_of, layer_of, read_node
from sw.interop.qonnx.layers.pixels import Layout, Pixels, read_pixels
from sw.interop.qonnx.layers.weights import Binary, NotBinary, binary
from sw.network import Input, Layer, Linear, Network, TensorType

__all__ = ["Reading", "Walk"]

REASONS = {
    "Concat": "joins branches: train the network as one chain of layers",
    "AveragePool": "takes averages: train it with MaxPool",
    "GlobalAveragePool": "takes averages: train it with MaxPool and a dense layer",
    "QuantAvgPool2d": "takes averages: train it with MaxPool",
    "ConvTranspose": "is a transposed convolution: train it with Conv",
    "Trunc": "cuts bits off sums: train it with a quantiser in its place",
}


JOINS = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Min"})


@dataclass(frozen=True, eq=False)
class Reading:
    """A layer with weights, as the graph has it: what it reads there, its weights, and what it makes."""

    layer: Linear
    node: Node
    signal: Signal
    operand: Operand
    weights: Binary
    made: Signal


class Walk:
    """Follows the image through ``graph``. What it has found is in its attributes when ``network`` has been called.

    ``known`` are all constant tensors, ``nodes`` those that the image goes through, ``shapes`` the shapes of what they
    make, ``signal`` the scores, ``ended`` their tensor, and ``table`` that of quantised pixels.
    """

    def __init__(self, graph: Graph, pixels: Pixels, layout: Layout) -> None:
        self.graph, self.pixels = graph, pixels
        self.known = dict(graph.constants)
        self.makers: dict[str, NodeProto] = {}
        self.layers: list[Layer] = []
        self.types: dict[str, TensorType] = {}
        self.readings: list[Reading] = []
        self.counts: dict[str, int] = {}
        self.bits, self.table = pixels.bits, None
        self.shape, self.order = layout.shape, layout.order
        self.signal = Signal.of(graph.input, pixels.source(self.shape), self.order, graph.opsets)
        # What is made of the image before the first layer with weights, and how often each tensor will be read.
        self.early = {graph.input: self.signal}
        self.readers = Counter(name for node in graph.nodes for name in node.input)
        self.nodes: list[NodeProto] = []
        self.shapes: dict[str, tuple[int, ...]] = {graph.input: graph.shape}
        self.ended = ""
        self.behind: set[str] = set()  # What follows the scores and keeps their order.
        self.end: End | None = None

    def network(self, name: str) -> Network:
        """The Network. Raises Refused, with the node's name and the reason, where there is none."""
        for node in self.graph.nodes:
            self.step(node)
        if not self.readings:
            raise Refused("it has no layer with weights: export the whole model")
        last = self.signal.tensor
        other = [name for name in self.graph.ends if name not in self.behind | {last}]
        if other:
            raise Refused(f"its output {other[0]} is not the end of one chain from its input: export the scores alone")
        self.ended = self.ended or last
        scores, self.end = read_scores(self.signal, "scores")
        self.add(scores)
        return Network(name, Input(*self.shape, self.bits), tuple(self.layers))

    def step(self, node: NodeProto) -> None:
        """One node more, of constants or on the image's way."""
        names = [name for name in node.input if name]
        if node.op_type == "Constant":
            self.known[node.output[0]] = constant_of(node)
        elif node.op_type == "Shape" and names[0] in self.shapes:
            shape = (self.graph.batch, *self.shapes[names[0]][1:])
            self.known |= fold(node, {names[0]: np.zeros(shape, np.float32)}, self.graph.opsets)
        elif all(name in self.known for name in names):
            if node.op_type not in FOLDED:
                raise refuse(node, "reads constants alone: export the model with its result in its place")
            self.known |= fold(node, self.known, self.graph.opsets)
            self.makers |= dict.fromkeys(node.output, node)
        else:
            self.advance(node, names)

    def advance(self, node: NodeProto, names: list[str]) -> None:
        """A node that the image goes through."""
        signal, kind = self.signal, node.op_type
        if self.behind.issuperset(set(names) - self.known.keys()) and kind in SHAPING | PASSED | {"Cast"}:
            self.behind.update(node.output)
            return
        early = [] if self.readings else [self.early[name] for name in names if name in self.early]
        signal = early[0] if early else signal
        for name in names:
            self.readers[name] -= 1
            if not self.readers[name]:
                self.early.pop(name, None)
        stranger = [name for name in names if name not in self.known and name != signal.tensor]
        if kind == "Add" and len(early) == 2:
            self.follow(node, added(node, *early))
            return
        if self.ended or stranger:
            read = stranger[0] if stranger else signal.tensor
            if kind in JOINS and len(names) == 2 and not self.known.keys() & set(names):
                raise refuse(node, "joins two branches, as a residual connection does: train a network of one chain")
            raise refuse(node, f"reads {read} where another node does too: train the network as one chain of layers")
        if kind in REASONS:
            raise refuse(node, REASONS[kind])
        if signal.border is not None and kind not in {"Conv"} | PASSED:
            raise refuse(signal.border.node, "pads what no convolution reads next: put it right in front of one")
        if kind in LINEAR:
            signal = self.multiply(node, signal)
        elif kind in PASSED:
            signal = replace(signal, tensor=node.output[0])
        elif kind in ELEMENTWISE:
            signal = signal.then(node, self.known)
        elif kind in SHAPING:
            signal = shaped(node, signal, self.known, self.graph.batch)
        elif kind in POOLS:
            signal = pool(node, signal)
        elif kind == "Mod" and early:
            signal = signal.then(node, self.known)
        elif kind == "Gather" and early:
            signal = picked(node, signal, self.known)
        elif kind == "Pad":
            signal = pad(node, signal, self.known)
        elif kind in ENDS:
            check_end(node, signal, self.known)
            self.ended = signal.tensor
            self.behind.update(node.output)
            return
        else:
            raise refuse(node, "is read on constants alone: export the model without it")
        self.follow(node, signal)

    def follow(self, node: NodeProto, signal: Signal) -> None:
        """Go on with ``signal``, which ``node`` has made."""
        sizes = [kept.order.size for kept in (signal, *self.early.values())]
        if max(sizes) * self.graph.batch > LIMIT or sum(sizes) > 2 * LIMIT:
            raise refuse(node, f"makes a tensor of shape {signal.order.shape}: train a smaller model")
        self.nodes.append(node)
        self.signal = signal
        self.shapes[signal.tensor] = signal.tensor_shape
        if not self.readings:
            self.early[signal.tensor] = signal

    def multiply(self, node: NodeProto, signal: Signal) -> Signal:
        """A layer with weights; what stands before it becomes whole layers of the Network."""
        found = read_node(node, signal.tensor, self.known)
        weights = self.binary(found)
        border = border_of(found, signal)
        if self.readings:
            maker, act = self.readings[-1].node.node, f"{signal.source.name}_act"
            layers, operand = read_levels(found, signal, border, maker, act, lambda: self.name("pool"))
        else:
            encoded = read_pixels(found, signal, border, self.pixels, lambda: self.name("pool"))
            layers, operand, self.bits, self.table = encoded.layers, encoded.operand, encoded.bits, encoded.table
            try:
                self.types["input"] = Input(*self.shape, self.bits).type
            except ValueError as error:
                raise Refused(
                    f"its images cannot be {self.shape} ({error}): name their shape (--image-shape)"
                ) from error
        for layer in layers:
            self.add(layer)
        try:
            layer, lines = layer_of(self.name("conv" if found.convolves else "dense"), found, weights, signal, operand)
            self.add(layer)
        except ValueError as error:
            raise refuse(node, f"does not fit what it reads ({error}): export the model again") from error
        kind = self.types[layer.name]
        slope = np.array([float(line.slope) for line in lines])
        source = Source(layer.name, kind.shape, kind.low, kind.high, slope, np.array([float(at.shift) for at in lines]))
        places = np.arange(kind.size).reshape(kind.shape)
        order = places.transpose(2, 0, 1)[None] if found.convolves else places.reshape(1, -1)
        made = Signal.of(node.output[0], source, order, self.graph.opsets)
        self.readings.append(Reading(layer, found, signal, operand, weights, made))
        return made

    def binary(self, found: Node) -> Binary:
        """The bits of a node's weights. Raises Refused with the quantiser that made them, where they are not binary."""
        try:
            return binary(found.weights)
        except NotBinary as error:
            reason = f"{error}: train the network with 1-bit weights"
        name = found.node.input[1]
        while name in self.makers:
            maker = self.makers[name]
            if maker.op_type in ("Quant", "IntQuant"):
                bits = float(self.known[maker.input[3]].reshape(-1)[0])
                raise refuse(maker, f"quantises weights to {bits:g} bits, and {label(found.node)} has {reason}")
            name = maker.input[0]
        raise refuse(found.node, f"has {reason}")

    def name(self, kind: str) -> str:
        """The next name of that kind: conv1, conv2, dense1."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{kind}{self.counts[kind]}"

    def add(self, layer: Layer) -> None:
        """One layer more. Raises ValueError where it does not fit what it reads."""
        self.types[layer.name] = layer.output(self.types[layer.reads[0]])
        self.layers.append(layer)

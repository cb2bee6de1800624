"""A node with weights as a layer of the Network, and the exact line that leads from its sums to the graph's."""

from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from onnx import NodeProto

from sw.interop.qonnx.flow.signal import Border, Signal
from sw.interop.qonnx.graph.file import attribute
from sw.interop.qonnx.graph.refusal import refuse
from sw.interop.qonnx.layers.weights import Binary
from sw.network import Convolution, Dense, Linear, Padding

__all__ = ["Line", "Node", "Operand", "border_of", "layer_of", "read_node"]


@dataclass(frozen=True, eq=False)
class Node:
    """What a Conv, Gemm or MatMul says: float ``weights`` (outputs, ...) and ``bias`` (outputs,)."""

    node: NodeProto
    weights: np.ndarray
    bias: np.ndarray
    stride: int = 1
    border: int = 0

    @property
    def convolves(self) -> bool:
        """Whether it is a convolution."""
        return self.node.op_type == "Conv"


@dataclass(frozen=True, eq=False)
class Operand:
    """What a node with weights reads, in the Network: channel c of the graph is ``repeat`` channels of ``layer``.

    In the graph an element is worth scale sign[c] (the sum of their values) + shift[c], exactly.
    """

    layer: str
    repeat: int
    scale: Fraction
    sign: np.ndarray
    shift: tuple[Fraction, ...]
    padding: Padding = field(default_factory=Padding)


@dataclass(frozen=True)
class Line:
    """The graph's number for the Network's sum of one output: slope sum + shift."""

    slope: Fraction
    shift: Fraction


def read_node(node: NodeProto, variable: str, known: dict[str, np.ndarray]) -> Node:
    """The parts of a node that multiplies ``variable`` by constants. Raises Refused for what no layer does."""
    if node.input[0] != variable or len(node.input) < 2 or node.input[1] not in known:
        raise refuse(node, f"does not multiply {variable} by constant weights from the right: export it as x W + b")
    if len(node.input) > 2 and node.input[2] and node.input[2] not in known:
        raise refuse(node, f"adds {node.input[2]}, which is not constant: export it as x W + b")
    weights = known[node.input[1]]
    given = known[node.input[2]] if len(node.input) > 2 and node.input[2] else np.zeros(1, np.float32)
    read = {"Conv": read_convolution, "Gemm": read_gemm, "MatMul": read_product}[node.op_type]
    found = read(node, weights)
    outputs = len(found.weights)
    if given.size not in (1, outputs) or not np.isfinite(given).all():
        raise refuse(
            node, f"adds a bias of shape {given.shape} to {outputs} outputs, or no finite one: export it again"
        )
    beta = attribute(node, "beta", 1.0) if node.op_type == "Gemm" else 1.0
    bias = float(beta) * np.broadcast_to(given.astype(np.float64).reshape(-1), outputs)
    return Node(node, found.weights, bias, found.stride, found.border)


def read_convolution(node: NodeProto, weights: np.ndarray) -> Node:
    """Kernel, stride and border of a convolution."""
    if weights.ndim != 4:
        raise refuse(node, f"has weights of shape {weights.shape}: only convolutions over rows and columns are read")
    group, kernel = attribute(node, "group", 1), weights.shape[2:]
    if group != 1:
        raise refuse(node, f"has {group} groups: train it with convolutions over all channels (groups=1)")
    dilations, strides = _pair(node, "dilations"), _pair(node, "strides")
    if dilations != [1, 1]:
        raise refuse(node, f"has a dilation of {dilations}: train it with neighbouring taps (dilation=1)")
    if strides not in ([1, 1], [2, 2]):
        raise refuse(node, f"has a stride of {strides}: train it with a stride of 1 or 2 both ways")
    if max(kernel) > 7:
        raise refuse(node, f"has a kernel of {kernel[0]}x{kernel[1]}: train it with one of at most 7x7")
    pads = attribute(node, "pads", [0, 0, 0, 0])
    auto = attribute(node, "auto_pad", "NOTSET")
    if auto == "SAME_UPPER" and strides == [1, 1] and kernel[0] == kernel[1] and kernel[0] % 2:
        pads = [kernel[0] // 2] * 4
    elif auto not in ("NOTSET", "VALID"):
        raise refuse(node, f"has its padding chosen by {auto}: export it with explicit pads")
    if len(set(pads)) != 1 or pads[0] < 0:
        raise refuse(node, f"has the unequal padding {pads}: train it with the same number of zeros on every side")
    return Node(node, weights, np.zeros(0), strides[0], int(pads[0]))


def _pair(node: NodeProto, name: str) -> list[int]:
    return list(attribute(node, name, [1, 1]))


def read_gemm(node: NodeProto, weights: np.ndarray) -> Node:
    """A dense layer, its weights one row an output."""
    if attribute(node, "transA", 0):
        raise refuse(node, "reads its input transposed: export it as x W + b")
    _expect_matrix(node, weights)
    alpha = np.float32(attribute(node, "alpha", 1.0))
    return Node(node, alpha * (weights if attribute(node, "transB", 0) else weights.T), np.zeros(0))


def read_product(node: NodeProto, weights: np.ndarray) -> Node:
    """A dense layer without bias."""
    _expect_matrix(node, weights)
    return Node(node, weights.T, np.zeros(0))


def _expect_matrix(node: NodeProto, weights: np.ndarray) -> None:
    if weights.ndim != 2:
        raise refuse(node, f"has weights of shape {weights.shape}: export it with a matrix")


def layer_of(name: str, found: Node, weights: Binary, signal: Signal, operand: Operand) -> tuple[Linear, list[Line]]:
    """The Network's layer, and for each of its outputs the line to the graph's number."""
    channels, node = signal.source.channels, found.node
    bits = weights.bits
    if found.convolves:
        images = signal.images()
        if images is None:
            raise refuse(node, f"reads {signal.tensor}, whose axes are not those of an image in order: export it again")
        if bits.shape[1] != channels:
            raise refuse(node, f"has weights for {bits.shape[1]} channels and reads {channels}: export it again")
        ours = np.empty(bits.shape, np.uint8)
        ours[:, images] = bits
        ours = ours.transpose(0, 2, 3, 1)  # (outputs, rows, columns, channels)
    else:
        order = signal.order.reshape(-1)
        if signal.order.shape != (1, bits.shape[1]) or not np.array_equal(np.sort(order), np.arange(len(order))):
            raise refuse(
                node, f"reads {signal.tensor} of shape {signal.order.shape}: put a Flatten in front of the dense layer"
            )
        ours = np.empty(bits.shape, np.uint8)
        ours[:, order] = bits
    by_channel = ours.reshape(len(ours), -1, channels)
    lines = _lines(weights, by_channel, found.bias, operand)
    turned = operand.sign < 0
    if turned.any() and not weights.plain:
        raise refuse(
            node, "has two-level weights and reads channels that fall where others rise: train it with plain weights"
        )
    stored = np.repeat(by_channel ^ turned.astype(np.uint8), operand.repeat, axis=2)
    reads = (operand.layer,)
    if found.convolves:
        shape = (*ours.shape[:3], channels * operand.repeat)
        encoding = weights.encoding(stored.reshape(shape))
        return Convolution(
            name=name, reads=reads, weights=encoding, stride=found.stride, padding=operand.padding
        ), lines
    return Dense(name=name, reads=reads, weights=weights.encoding(stored.reshape(len(ours), -1))), lines


def _lines(weights: Binary, by_channel: np.ndarray, bias: np.ndarray, operand: Operand) -> list[Line]:
    """Sum of W v = unit scale (sum of values times levels) + unit (values of each channel) shift + bias, exactly."""
    taps, (outputs, positions, channels) = by_channel, by_channel.shape
    ones = taps.sum(axis=1, dtype=np.int64)
    if len(set(operand.shift)) == 1:
        totals = weights.totals(positions * channels, ones.sum(axis=1))
        shifts = [int(total) * operand.shift[0] for total in totals]
    else:
        table = weights.totals(positions, ones)
        shifts = [
            sum((int(total) * shift for total, shift in zip(row, operand.shift, strict=True)), Fraction(0))
            for row in table
        ]
    return [
        Line(weights.unit[row] * operand.scale, weights.unit[row] * shifts[row] + Fraction(float(bias[row])))
        for row in range(outputs)
    ]


def border_of(found: Node, signal: Signal) -> Border | None:
    """The border that a convolution reads: its own zeros, or those that a Pad has put there before."""
    if signal.border is None:
        return Border(found.node, found.border, 0.0, signal.tensor) if found.border else None
    if found.border and signal.border.value != 0.0:
        raise refuse(signal.border.node, "pads with another value than the convolution after it: pad in one place")
    return replace(signal.border, amount=signal.border.amount + found.border)

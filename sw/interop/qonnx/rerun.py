"""The graph once more, for many images at once, as it is or with the scales taken out of its sums.

As it is, the executor adds float32 multiples of scales, and rounds where they are no powers of two. The other model is
the same in real numbers: what a node with weights reads is divided by its scale, the node multiplies whole numbers by
whole numbers, which float32 adds exactly, and its sums are multiplied by all scales at once, in float64. Every other
node is the graph's own.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from sw.interop.qonnx.graph.execute import make_model, quietly
from sw.interop.qonnx.graph.operators import PASSED
from sw.interop.qonnx.reader import Imported
from sw.interop.qonnx.walk import Reading, Walk
from sw.network import Network

__all__ = ["executed"]

MOST = 1 << 25
LARGEST_BATCH = 500


def executed(
    imported: Imported, images: np.ndarray, *, whole: bool = False
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """The executor's tensors by name, block by block, each block with the number of its first image.

    With ``whole`` the sums are those of whole numbers. Raises Refused where qonnx cannot execute the graph.
    """
    walk = imported.walk
    total = sum(int(np.prod(shape)) for shape in walk.shapes.values())
    for node in walk.nodes:
        if node.op_type == "MultiThreshold":  # A byte for each of its steps.
            total += int(np.prod(walk.shapes[node.output[0]])) * walk.known[node.input[1]].shape[1] // 4
    size = max(1, min(LARGEST_BATCH, MOST // total, len(images)))
    models: dict[int, ModelWrapper] = {}
    entry = walk.pixels.source(walk.shape)
    for start in range(0, len(images), size):
        part = images[start : start + size]
        if len(part) not in models:
            models[len(part)] = Copy(imported.network, walk, len(part), whole).model()
        real = entry.values(part.reshape(-1, entry.channels).astype(np.int64)).reshape(len(part), -1)
        given = real[:, walk.order.reshape(-1)].reshape(len(part), *walk.graph.shape[1:])
        with quietly("the model"):
            yield start, execute_onnx(models[len(part)], {walk.graph.input: given}, return_full_exec_context=True)


class Copy:
    """The nodes that the image goes through, up to the scores, for ``batch`` images at once, constants folded."""

    def __init__(self, network: Network, walk: Walk, batch: int, whole: bool) -> None:
        self.network, self.walk, self.batch = network, walk, batch
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.shapes: dict[str, tuple[int, ...]] = {name: (batch, *shape[1:]) for name, shape in walk.shapes.items()}
        self.doubles: list[str] = []
        self.whole = {reading.node.node.output[0]: reading for reading in walk.readings} if whole else {}

    def model(self) -> ModelWrapper:
        """The model."""
        for node in self.walk.nodes:
            if node.output[0] in self.whole:
                self.multiply(self.whole[node.output[0]])
            else:
                self.copy(node)
        ends = (self.walk.graph.input, self.walk.ended)
        inputs, outputs = ({name: self.shapes.pop(name)} for name in ends)
        opsets = self.walk.graph.opsets
        return ModelWrapper(make_model(self.nodes, inputs, outputs, self.shapes, self.constants, opsets, self.doubles))

    def copy(self, node: NodeProto) -> None:
        """A node as it is, but for the number of images."""
        copy = NodeProto()
        copy.CopyFrom(node)
        if node.op_type in PASSED:
            del copy.output[1:]
        if node.op_type == "Reshape":
            copy.input[1] = f"{node.output[0]}_shape"
            self.constants[copy.input[1]] = np.array(self.shapes[node.output[0]], np.int64)
        self.constants |= {name: self.walk.known[name] for name in copy.input if name in self.walk.known}
        self.nodes.append(copy)

    def multiply(self, reading: Reading) -> None:
        """A node with weights, on whole numbers."""
        operand, signal, node = reading.operand, reading.signal, reading.node.node
        result, kind = node.output[0], self.network.shapes[operand.layer]
        shift = np.array([float(part) for part in operand.shift])
        shape, channel = (self.batch, *signal.order.shape[1:]), signal.channel
        last = self.cast(signal.bare, f"{result}_double", shape, double=True)
        last = self.node("Sub", last, f"{result}_centred", shape, shift[channel], double=True)
        last = self.node("Div", last, f"{result}_multiples", shape, np.array(float(operand.scale)), double=True)
        last = self.node("Add", last, f"{result}_half", shape, np.array(0.5), double=True)
        last = self.node("Floor", self.cast(last, f"{result}_single", shape), f"{result}_levels", shape)
        border, weights = operand.padding, reading.weights.values()
        if reading.node.convolves:
            amount, made = border.amount, self.shapes[result]
            if amount:
                value = float(border.value(kind) * operand.repeat * operand.sign[0])
                wide = (*shape[:2], shape[2] + 2 * amount, shape[3] + 2 * amount)
                last = self.pad(last, f"{result}_padded", wide, amount, value)
            strides = [reading.node.stride] * 2
            last = self.node("Conv", last, f"{result}_sums", made, weights.astype(np.float32), strides=strides)
            rows = (1, -1, 1, 1)
        else:
            made, rows = self.shapes[result], (1, -1)
            last = self.node("MatMul", last, f"{result}_sums", made, weights.T.astype(np.float32))
        source = reading.made.source
        last = self.cast(last, f"{result}_wide", made, double=True)
        last = self.node("Mul", last, f"{result}_scaled", made, source.scale.reshape(rows), double=True)
        last = self.node("Add", last, f"{result}_moved", made, source.shift.reshape(rows), double=True)
        self.cast(last, result, made)

    def node(
        self,
        kind: str,
        read: str,
        name: str,
        shape: tuple[int, ...],
        constant: np.ndarray | None = None,
        double: bool = False,
        **attributes: Any,
    ) -> str:
        """A node of our own; returns the name of its output."""
        inputs = [read]
        if constant is not None:
            inputs.append(f"{name}_with")
            self.constants[inputs[1]] = constant
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        self.shapes[name] = shape
        if double:
            self.doubles.append(name)
        return name

    def cast(self, read: str, name: str, shape: tuple[int, ...], double: bool = False) -> str:
        """The same numbers in the other width."""
        return self.node(
            "Cast", read, name, shape, double=double, to=TensorProto.DOUBLE if double else TensorProto.FLOAT
        )

    def pad(self, read: str, name: str, shape: tuple[int, ...], amount: int, value: float) -> str:
        """A border of ``value``, as the opset writes it."""
        pads = [0, 0, amount, amount] * 2
        if self.walk.graph.opsets[""] < 11:
            return self.node("Pad", read, name, shape, mode="constant", pads=pads, value=value)
        self.node("Pad", read, name, shape, np.array(pads, np.int64), mode="constant")
        self.constants[f"{name}_value"] = np.array(value, np.float32)
        self.nodes[-1].input.append(f"{name}_value")
        return name

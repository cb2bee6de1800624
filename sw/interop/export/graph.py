"""An ONNX graph that grows node by node, every tensor with its shape."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

__all__ = ["QONNX", "Graph"]

QONNX = "qonnx.custom_op.general"
QUANTISED = frozenset(["BipolarQuant", "MultiThreshold", "Quant"])
KINDS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int64): TensorProto.INT64}


class Graph:
    """Nodes in the order in which they are computed, the constants that they read, and the shape of every tensor.

    Names of tensors are the caller's: a layer's output is called like the layer, and what lies within a layer has its
    name, a dot and a word.
    """

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.tensors: dict[str, ValueInfoProto] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}

    def tensor(self, name: str, shape: Sequence[int], kind: np.dtype[Any] | type = np.float32) -> str:
        """Make a tensor of this shape known."""
        self.shapes[name] = tuple(shape)
        self.tensors[name] = helper.make_tensor_value_info(name, KINDS[np.dtype(kind)], list(shape))
        return name

    def constant(self, name: str, array: np.ndarray, kind: type = np.float32) -> str:
        """A constant; ``array`` must hold what ``kind`` can."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype=kind), name))
        self.shapes[name] = np.shape(array)
        return name

    def node(
        self,
        kind: str,
        reads: Sequence[str],
        name: str,
        shape: Sequence[int] | None = None,
        of: type = np.float32,
        **attributes: Any,
    ) -> str:
        """A node of ``kind`` whose output ``name`` has ``shape``, by default that of what it reads first."""
        domain = QONNX if kind in QUANTISED else ""
        self.nodes.append(helper.make_node(kind, list(reads), [name], name=name, domain=domain, **attributes))
        return self.tensor(name, self.shapes[reads[0]] if shape is None else shape, of)

    def proto(self, name: str, source: str, result: str, text: str) -> GraphProto:
        """The graph from the tensor ``source`` to ``result``, with ``text`` as its description."""
        inner = [info for known, info in self.tensors.items() if known not in (source, result)]
        return helper.make_graph(
            self.nodes,
            name,
            [self.tensors[source]],
            [self.tensors[result]],
            initializer=self.constants,
            doc_string=text,
            value_info=inner,
        )

"""Parts of a graph through qonnx's own executor: a node whose inputs are constant, a chain of elementwise nodes."""

import warnings
from collections.abc import Collection, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_node, execute_onnx

from sw.interop.qonnx.graph.file import LIMIT
from sw.interop.qonnx.graph.operators import Step
from sw.interop.qonnx.graph.refusal import Refused, label, refuse

__all__ = ["fold", "make_model", "quietly", "run_chain"]

PREFERRED = 1  # What qonnx takes for a domain that the file does not import.


@contextmanager
def quietly(what: str) -> Any:
    """Turns whatever the executor raises into one sentence about ``what``; its warnings say nothing to a user."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Refused:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
        raise Refused(f"{what} cannot be executed by qonnx ({first[:200]}): export the model again") from error


def make_model(
    nodes: Sequence[NodeProto],
    inputs: dict[str, tuple[int, ...]],
    outputs: dict[str, tuple[int, ...]],
    between: dict[str, tuple[int, ...]],
    constants: dict[str, np.ndarray],
    opsets: dict[str, int],
    doubles: Collection[str] = (),
) -> ModelProto:
    """A model of float32 tensors of these shapes, float64 for ``doubles``, and constants of their own types."""

    def infos(shapes: dict[str, tuple[int, ...]]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(name, TensorProto.DOUBLE if name in doubles else TensorProto.FLOAT, shape)
            for name, shape in shapes.items()
        ]

    typed = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in constants.items()
    ]
    graph = helper.make_graph(
        list(nodes),
        "part",
        infos(inputs),
        infos(outputs),
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
        value_info=[*infos(between), *typed],
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def fold(node: NodeProto, known: dict[str, np.ndarray], opsets: dict[str, int]) -> dict[str, np.ndarray]:
    """The outputs of a node whose inputs are all ``known``. Raises Refused where it cannot be computed."""
    constants = {name: known[name] for name in node.input if name}
    with quietly(label(node)):
        if node.domain:
            shapes = [np.broadcast_shapes(*(array.shape for array in constants.values()))]
            types = [TensorProto.FLOAT]
        else:
            shapes, types = inferred(node, constants, opsets)
        if any(np.prod([float(size) for size in shape]) > LIMIT for shape in shapes):
            raise refuse(node, "makes a constant that is too large: export the model again")
        outputs = [name for name in node.output if name]
        graph = helper.make_graph(
            [node],
            "constant",
            [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
                for name, array in constants.items()
            ],
            [helper.make_tensor_value_info(*row) for row in zip(outputs, types, shapes, strict=False)],
        )
        context: dict[str, Any] = {**constants, "": None}
        context |= {name: np.zeros((), np.float32) for name in outputs}
        execute_node(node, context, graph, opsets.get(node.domain, PREFERRED))
        return {name: np.asarray(context[name]) for name in outputs}


def inferred(
    node: NodeProto, constants: dict[str, np.ndarray], opsets: dict[str, int]
) -> tuple[list[tuple[int, ...]], list[int]]:
    """Shapes and element types of what a standard node makes of constants."""
    model = make_model([node], {}, {}, {}, constants, opsets)
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in node.output if name)
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    shapes, types = [], []
    for value in graph.output:
        kind = value.type.tensor_type
        if not kind.HasField("shape") or any(not dim.HasField("dim_value") for dim in kind.shape.dim):
            raise refuse(node, "makes a constant of unknown shape: export the model again")
        shapes.append(tuple(dim.dim_value for dim in kind.shape.dim))
        types.append(kind.elem_type)
    return shapes, types


def run_chain(steps: Sequence[Step], x: np.ndarray, opsets: dict[str, int]) -> np.ndarray:
    """What the nodes of ``steps``, one after another, make of float32 ``x`` (rows, channels); the same shape."""
    if not steps:
        return x
    nodes, constants, last = [], {}, len(steps) - 1
    for at, step in enumerate(steps):
        node = NodeProto()
        node.CopyFrom(step.node)
        for place, name in enumerate(node.input):
            node.input[place] = f"t{at}" if name == "x" else name and f"{name}_{at}"
        node.output[0] = f"t{at + 1}"
        nodes.append(node)
        constants |= {f"{name}_{at}": array for name, array in step.constants.items()}
    between = {f"t{at}": x.shape for at in range(1, last + 1)}
    with quietly(" and ".join(label(step.original) for step in steps)):
        model = make_model(nodes, {"t0": x.shape}, {f"t{last + 1}": x.shape}, between, constants, opsets)
        return execute_onnx(ModelWrapper(model), {"t0": x})[f"t{last + 1}"]

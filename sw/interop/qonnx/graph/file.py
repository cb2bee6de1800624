"""A QONNX file as a graph that is safe to walk: sorted, of known operators, with all its data in one file."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, numpy_helper

from sw.errors import SubbitError
from sw.interop.qonnx.graph.operators import CUSTOM_DOMAINS, KNOWN, REAL
from sw.interop.qonnx.graph.refusal import QUANTISED, Refused, label, refuse

__all__ = ["LIMIT", "Graph", "attribute", "constant_of", "load"]

LIMIT = 1 << 25
"""Elements that any tensor may have."""
LARGEST_FILE = 1 << 30
MOST_NODES = 4096
MOST_VERSION = 1000
OLDEST_OPSET = 7  # Where batch normalisation took its present form.
FINN, QONNX = "finn.custom_op.general", "qonnx.custom_op.general"


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order in which they can be computed, those alone that lead to ``output``.

    ``constants`` are the initialisers, ``input`` the one tensor that is neither constant nor computed, ``shape`` its
    shape with one image in the batch, ``batch`` how many images the file has there, 1 where it leaves that open.
    ``ends`` are all outputs that the file names.
    """

    name: str
    nodes: tuple[NodeProto, ...]
    constants: dict[str, np.ndarray]
    input: str
    shape: tuple[int, ...]
    batch: int
    ends: tuple[str, ...]
    opsets: dict[str, int]


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:
    """The value of a node's attribute, text decoded, or ``default`` where it has none of that name."""
    for found in node.attribute:
        if found.name == name:
            value = onnx.helper.get_attribute_value(found)
            return value.decode(errors="replace") if isinstance(value, bytes) else value
    return default


def load(path: str | os.PathLike[str]) -> Graph:
    """Read the graph in ``path``. Raises SubbitError where the file is no whole model, Refused where a node is."""
    model = parse(Path(path))
    proto = model.graph
    if len(proto.node) > MOST_NODES:
        raise Refused(f"it has {len(proto.node):,} nodes: export one network of at most {MOST_NODES:,}")
    opsets = {entry.domain.removeprefix("ai.onnx"): entry.version for entry in model.opset_import}
    newest, version = onnx.defs.onnx_opset_version(), opsets.get("", 0)
    if not OLDEST_OPSET <= version <= newest:
        raise Refused(f"its operators are of ONNX opset {version}: export it with one from {OLDEST_OPSET} to {newest}")
    if not all(1 <= number <= MOST_VERSION for number in (model.ir_version, *opsets.values())):
        raise Refused("its versions of ONNX and of operators are no versions: export the model again")
    if len(model.functions) or len(proto.sparse_initializer):
        raise Refused("it has functions or sparse tensors of its own: export it with plain nodes and tensors")
    context = onnx.checker.C.CheckerContext()
    context.ir_version, context.opset_imports = model.ir_version, opsets
    for node in proto.node:
        check_node(node)
        if not node.domain:
            try:
                onnx.checker.check_node(node, context)
            except (onnx.checker.ValidationError, UnicodeDecodeError) as error:
                reason = str(error).strip().splitlines()[0].rstrip(".")
                raise refuse(node, f"is no {node.op_type} of ONNX ({reason}): export the model again") from error
    constants = {tensor.name: array_of(tensor) for tensor in proto.initializer}
    inputs = [value for value in proto.input if value.name not in constants]
    if len(inputs) != 1:
        raise Refused(f"it has {len(inputs)} inputs: export a model that reads one tensor of images")
    ends = tuple(value.name for value in proto.output)
    if not ends:
        raise Refused("it has no output: export the whole model")
    nodes = alive(in_order(proto.node, {inputs[0].name, *constants}), ends)
    batch, *sizes = input_shape(inputs[0])
    return Graph(proto.name, nodes, constants, inputs[0].name, (1, *sizes), batch, ends, opsets)


def parse(path: Path) -> ModelProto:
    """The file as ONNX; nothing else is read, whatever it refers to."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise SubbitError(f"{path} is larger than {LARGEST_FILE >> 20} MiB: name the model of a binary network.")
        model = ModelProto.FromString(path.read_bytes())
    except OSError as error:
        raise SubbitError(f"{path} cannot be read ({error.strerror or error}): name a QONNX file.") from error
    except DecodeError as error:
        raise SubbitError(f"{path} is no whole ONNX file: export it again or fetch another copy.") from error
    if not model.graph.node or not model.opset_import:
        raise SubbitError(f"{path} holds no ONNX graph: name a QONNX file, as Brevitas exports it.")
    if not all(isinstance(text, str) for text in texts(model)):
        raise SubbitError(f"{path} has names that are no text: export it again or fetch another copy.")
    return model


def texts(model: ModelProto) -> Iterator[str | bytes]:
    """All names in a model; protobuf gives what is no UTF-8 as bytes."""
    graph = model.graph
    yield from (entry.domain for entry in model.opset_import)
    yield from (named.name for named in (graph, *graph.initializer, *graph.input, *graph.output))
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (found.name for found in node.attribute)


def check_node(node: NodeProto) -> None:
    """Raise Refused for an operator that is not known or hides a graph; FINN's older name of QONNX's domain goes."""
    if node.domain == FINN:
        node.domain = QONNX
    if node.domain == "ai.onnx":
        node.domain = ""
    if not node.domain and node.op_type in REAL - KNOWN:
        raise refuse(node, f"is an activation of real numbers: train the network with {QUANTISED} in its place")
    if node.op_type not in KNOWN or (node.domain and node.domain not in CUSTOM_DOMAINS):
        raise refuse(node, "is an operator that no binary network here is made of: export the model without it")
    for found in node.attribute:
        if found.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
            raise refuse(node, "holds a graph of its own: export the model without control flow")
        if found.type == AttributeProto.TENSOR:
            array_of(found.t)
    if not node.output or not node.output[0]:
        raise Refused(f"{node.name or node.op_type} has no output: export the model again")


def array_of(tensor: TensorProto) -> np.ndarray:
    """The array in ``tensor``. Raises Refused where it lies elsewhere, is too large or is not what its shape says."""
    if tensor.data_location == TensorProto.EXTERNAL or len(tensor.external_data):
        raise Refused(f"the tensor {tensor.name} lies in another file: save the model with all data in one file")
    if min(tensor.dims, default=0) < 0 or np.prod([float(size) for size in tensor.dims]) > LIMIT:
        raise Refused(f"the tensor {tensor.name} has the shape {tuple(tensor.dims)}: export the model again")
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise Refused(f"the tensor {tensor.name} is damaged: export the model again or fetch another copy") from error


def input_shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """Shape of the input, one image where their number is open. Raises Refused where it is not fixed or not float32."""
    kind = value.type.tensor_type
    if kind.elem_type != TensorProto.FLOAT or not kind.HasField("shape"):
        raise Refused(f"the input {value.name} is no float32 tensor of a known shape: export it as one")
    sizes = [dim.dim_value for dim in kind.shape.dim]
    if not 2 <= len(sizes) <= 4 or min(sizes[1:]) < 1:
        told = ", ".join(str(dim.dim_value or dim.dim_param or "?") for dim in kind.shape.dim)
        raise Refused(
            f"the input {value.name} has the shape ({told}): export it as (images, features) or "
            "(images, channels, height, width), fixed but for the images"
        )
    sizes[0] = max(1, sizes[0])
    if np.prod([float(size) for size in sizes]) > LIMIT:
        raise Refused(f"the input {value.name} has the shape {tuple(sizes)}: export a model of fewer or smaller images")
    return tuple(sizes)


def in_order(nodes: Iterable[NodeProto], known: set[str]) -> list[NodeProto]:
    """The nodes so that each stands behind those that it reads. Raises Refused where there is no such order."""
    made: dict[str, NodeProto] = {}
    for node in nodes:
        for name in filter(None, node.output):
            if name in made or name in known:
                raise refuse(node, f"makes {name}, which something else makes too: export the model again")
            made[name] = node
    waiting = {id(node): len({name for name in node.input if name in made}) for node in made.values()}
    readers: dict[str, list[NodeProto]] = {}
    for node in unique(made.values()):
        for name in dict.fromkeys(filter(None, node.input)):
            if name not in made and name not in known:
                raise refuse(node, f"reads {name}, which nothing makes: export the model again")
            readers.setdefault(name, []).append(node)
    ready = [node for node in unique(made.values()) if not waiting[id(node)]]
    for node in ready:
        for name in filter(None, node.output):
            for reader in readers.get(name, ()):
                waiting[id(reader)] -= 1
                if not waiting[id(reader)]:
                    ready.append(reader)
    stuck = [node for node in unique(made.values()) if waiting[id(node)]]
    if stuck:
        raise refuse(stuck[0], "reads what is made from its own output: export the model again")
    return ready


def unique(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Each node once."""
    return iter({id(node): node for node in nodes}.values())


def alive(nodes: list[NodeProto], ends: tuple[str, ...]) -> tuple[NodeProto, ...]:
    """Those nodes that lead to one of the outputs. Raises Refused where nothing makes an output."""
    wanted, kept = set(ends), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(filter(None, node.input))
    missing = [name for name in ends if not any(name in node.output for node in kept)]
    if missing:
        raise Refused(f"nothing makes the output {missing[0]}: export the model again")
    return tuple(reversed(kept))


def constant_of(node: NodeProto) -> np.ndarray:
    """What a Constant node gives. Raises Refused for anything but numbers."""
    for found in node.attribute:
        if found.name == "value":
            return array_of(found.t)
        if found.name in ("value_float", "value_floats", "value_int", "value_ints"):
            kind = np.float32 if "float" in found.name else np.int64
            return np.array(onnx.helper.get_attribute_value(found), kind)
    raise Refused(f"{label(node)} holds no plain numbers: export the model again")

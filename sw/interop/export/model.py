"""The whole of a Network as an ONNX model, and as a file."""

import json
import os
from typing import Any

import onnx
from onnx import StringStringEntryProto, TensorAnnotation, helper

from sw.errors import SubbitError
from sw.files import atomic_write
from sw.interop.export.graph import QONNX, Graph
from sw.interop.export.layers import add_layer
from sw.network import Linear, Network, Scores

__all__ = ["INPUT", "METADATA", "model_of", "write"]

INPUT = "input"
"""The graph's input, as a Network calls its image."""
METADATA = "subbit"
"""The key of the metadata that hold, as JSON, what ONNX has no place for."""
OPSET, IR = 11, 8  # What qonnx and FINN write themselves.


def model_of(network: Network, batch: int = 1) -> onnx.ModelProto:
    """The model that computes the scores of ``network`` for ``batch`` images at once.

    It reads ``input``, float32 (batch, channels, height, width), pixels as whole numbers from 0, and its output has the
    name of the last layer: (batch, classes), float32, or int64 where a score can pass 2**24. The output of every other
    layer is the tensor of its name. Raises SubbitError where the network cannot be told in ONNX without rounding.
    """
    image = network.input
    graph = Graph()
    graph.tensor(INPUT, (batch, image.channels, image.height, image.width))
    for layer in network.layers:
        if isinstance(layer, Scores) and layer is not network.layers[-1]:
            raise SubbitError(f"{layer.name} gives scores in the middle of {network.name}: export it up to there")
        add_layer(graph, layer, network.source(layer))
    result = network.layers[-1].name
    text = (
        f"{INPUT}: whole pixels from 0 to {(1 << image.bits) - 1} as float32, (images, channels, rows, columns). "
        f"{result}: whole scores; the class is the first of the largest."
    )
    proto = graph.proto(network.name, INPUT, result, text)
    proto.quantization_annotation.append(
        TensorAnnotation(
            tensor_name=INPUT,
            quant_parameter_tensor_names=[StringStringEntryProto(key="finn_datatype", value=f"UINT{image.bits}")],
        )
    )
    model = helper.make_model(
        proto,
        producer_name="subbit",
        ir_version=IR,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(QONNX, 1)],
    )
    helper.set_model_props(model, {METADATA: json.dumps(_described(network))})
    return model


def _described(network: Network) -> dict[str, Any]:
    """What the graph does not show: how the weights are stored, and what that takes."""
    layers = [layer for layer in network.layers if isinstance(layer, Linear)]
    weights = sum(layer.taps * layer.outputs for layer in layers)
    return {
        "network": network.name,
        "pixel_bits": network.input.bits,
        "bits_per_weight": sum(layer.weights.stored_bits() for layer in layers) / weights if weights else 0.0,
        "layers": {
            layer.name: {
                "encoding": str(layer.weights),
                "weights": layer.taps * layer.outputs,
                "weight_bits": layer.weights.stored_bits(),
                "table_bits": layer.weights.table_bits(),
                "levels": list(layer.weights.values),
            }
            for layer in layers
        },
    }


def write(network: Network, path: str | os.PathLike[str]) -> onnx.ModelProto:
    """Write the model of ``network`` to ``path``, whole or not at all, and return it. Raises SubbitError."""
    model = model_of(network)
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return model

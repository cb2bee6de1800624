"""qonnx's executor on a file as it was written: no node changed, as many images at a time as it says."""

from pathlib import Path

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.infer_shapes import InferShapes

__all__ = ["executed_alone"]


def executed_alone(path: Path, values: np.ndarray) -> np.ndarray:
    """The first output for each of ``values``, which are the graph's inputs, (n, ...)."""
    model = ModelWrapper(str(path))
    entry = model.graph.input[0]
    # A file for any number of images is one for a single image.
    first = entry.type.tensor_type.shape.dim[0]
    size = first.dim_value = first.dim_value or 1
    model.graph.output[0].type.tensor_type.ClearField("shape")
    model = model.transform(InferShapes()).transform(FoldConstants())
    result = model.graph.output[0].name
    starts = range(0, len(values), size)
    return np.concatenate([execute_onnx(model, {entry.name: values[at : at + size]})[result] for at in starts])

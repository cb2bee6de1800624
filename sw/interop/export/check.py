"""Whether an exported model gives a Network's scores: both are run, the model by qonnx's own executor."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from sw.interop.export.model import INPUT
from sw.network import Network

__all__ = ["Check", "check", "run"]


@dataclass(frozen=True)
class Check:
    """What was compared: ``images``, ``scores`` of them, and where the first difference is, as a sentence."""

    images: int
    scores: int
    mismatch: str | None

    @property
    def equal(self) -> bool:
        """Whether every score was the same."""
        return self.mismatch is None


def run(model: onnx.ModelProto, images: np.ndarray, progress: Callable[[int], object] | None = None) -> np.ndarray:
    """Scores (n, classes) of ``model`` for uint8 images (n, height, width, channels), by qonnx's executor.

    The model's batch must divide n. ``progress`` is called with the number of images that are done.
    """
    wrapper = ModelWrapper(model)
    batch = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    result = model.graph.output[0].name
    found = []
    for start in range(0, len(images), batch):
        pixels = images[start : start + batch].transpose(0, 3, 1, 2).astype(np.float32)
        found.append(execute_onnx(wrapper, {INPUT: pixels})[result])
        if progress:
            progress(start + batch)
    return np.concatenate(found)


def check(
    network: Network, model: onnx.ModelProto, images: np.ndarray, progress: Callable[[int], object] | None = None
) -> Check:
    """Compare the scores of ``model`` with those of ``network`` on uint8 images (n, height, width, channels)."""
    ours, theirs = network.score(network.check_images(images)), run(model, images, progress)
    places = np.argwhere(ours != theirs)
    if not len(places):
        return Check(len(images), ours.size, None)
    image, score = map(int, places[0])
    told = f"image {image} has score {score} = {ours[image, score]} in the network and {theirs[image, score]} in ONNX"
    return Check(len(images), ours.size, told)

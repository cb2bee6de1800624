"""The public functions for networks that other tools trained; ``subbit.library`` gives them beside the rest."""

from collections.abc import Callable
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from subbit.extras import require

if TYPE_CHECKING:
    from sw.interop.qonnx import Imported, Proof

__all__ = ["import_qonnx", "prove_qonnx"]


def import_qonnx(
    path: str | PathLike[str],
    *,
    name: str | None = None,
    bits: int = 8,
    low: float = 0.0,
    high: float = 1.0,
    shape: tuple[int, int, int] | None = None,
    quantised: bool = False,
) -> "Imported":
    """Read the binary network in the QONNX file at ``path``; its ``network`` computes the same integers.

    Pixel p of ``bits`` bits enters the graph as low + (high - low) p / (2**bits - 1). ``shape`` is (height, width,
    channels) of the images where the graph reads them flat. With ``quantised`` the Network's pixels are the levels of
    the graph's first quantiser, and ``pixels`` of the result turns images into them. ``name`` is by default the file's.

    Raises SubbitError where onnx or qonnx is missing, the file is damaged, or a node does what no Network does: which.
    """
    require("interop", "import of QONNX")
    from sw.interop.qonnx import Pixels, read_qonnx

    return read_qonnx(path, pixels=Pixels(bits, low, high, shape, quantised), name=name)


def prove_qonnx(imported: "Imported", images: np.ndarray, progress: Callable[[int], object] | None = None) -> "Proof":
    """Compare an imported Network with its graph, run by qonnx, on ``images``, uint8 (n, height, width, channels).

    Every quantised tensor, the scores and the classes are compared. ``progress`` is called with the number of images
    that are done. A difference is no exception: read ``passed``. Raises SubbitError where qonnx cannot run the graph.
    """
    require("interop", "running QONNX")
    from sw.interop.qonnx import prove

    return prove(imported, images, progress)

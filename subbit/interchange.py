"""The public functions for other tools' files; ``subbit.library`` gives them beside the rest."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from subbit.extras import require
from sw.network import Network

if TYPE_CHECKING:
    from sw.interop.export import Check

__all__ = ["check_qonnx", "export_qonnx"]


def export_qonnx(network: Network, path: str | PathLike[str]) -> None:
    """Write ``network`` as QONNX, float32 pixels (1, channels, height, width) in and its whole scores (1, classes) out.

    Raises SubbitError where onnx or qonnx is missing, the file cannot be written, or a sum does not fit float32.
    """
    require("interop", "export to QONNX")
    from sw.interop.export import write

    write(network, path)


def check_qonnx(
    network: Network,
    path: str | PathLike[str],
    images: np.ndarray,
    progress: Callable[[int], object] | None = None,
) -> "Check":
    """Run the file at ``path`` in qonnx on ``images``, uint8 (n, height, width, channels), and compare every score.

    ``progress`` is called with the number of images done. Raises SubbitError where onnx or qonnx is missing.
    """
    require("interop", "checking QONNX")
    import onnx

    from sw.interop.export import check

    return check(network, onnx.load_model(Path(path)), images, progress)

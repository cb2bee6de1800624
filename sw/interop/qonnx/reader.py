"""A QONNX file as a Network, with what is needed to tell its integers as the file's real numbers."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sw.errors import SubbitError, printable
from sw.interop.qonnx.graph.file import Graph, load
from sw.interop.qonnx.graph.refusal import Refused
from sw.interop.qonnx.layers.ends import End
from sw.interop.qonnx.layers.pixels import Pixels
from sw.interop.qonnx.walk import Walk
from sw.network import Network

__all__ = ["Imported", "read_qonnx"]

MOST_LETTERS = 500


@dataclass(frozen=True, eq=False)
class Imported:
    """A Network and the graph that it computes.

    The graph's scores are factor[class] * score + shift[class] of ``end``. ``walk`` has what the check needs.
    """

    network: Network
    walk: Walk
    end: End

    @property
    def tensors(self) -> dict[str, str]:
        """For each layer whose numbers stand in the graph the name of that tensor there."""
        found = {}
        for reading in self.walk.readings:
            if reading.operand.layer != "input":
                found[reading.operand.layer] = reading.signal.tensor
            found[reading.layer.name] = reading.made.tensor
        return found | {self.network.layers[-1].name: self.walk.ended}

    def pixels(self, images: np.ndarray) -> np.ndarray:
        """The Network's pixels for images uint8 (n, height, width, channels): the same, or their levels by a table."""
        table = self.walk.table
        return images if table is None else table[images, np.arange(images.shape[3])]


def read_qonnx(path: str | os.PathLike[str], *, pixels: Pixels | None = None, name: str | None = None) -> Imported:
    """Read the binary network in the QONNX file at ``path``; ``name`` is by default the file's.

    ``pixels`` says how images of whole numbers become the graph's input. Raises SubbitError, with the node's name and
    the reason, for a graph that no Network computes, and for a file that is no whole model.
    """
    given, title = pixels or Pixels(), name or identifier(Path(path).stem)
    try:
        graph = load(path)
        walk, network = walked(graph, given, title)
    except Refused as error:
        raise SubbitError(f"{path} cannot be imported: {printable(str(error), MOST_LETTERS)}") from error
    assert walk.end is not None
    return Imported(network, walk, walk.end)


def walked(graph: Graph, pixels: Pixels, name: str) -> tuple[Walk, Network]:
    """The walk through ``graph``, for the first layout of its input that fits. Raises the refusal that came last."""
    refusals: list[tuple[int, Refused]] = []
    for layout in pixels.layouts(graph.shape):
        walk = Walk(graph, pixels, layout)
        try:
            return walk, walk.network(name)
        except Refused as error:
            refusals.append((len(walk.nodes), error))
    raise max(refusals, key=lambda refusal: refusal[0])[1]


def identifier(text: str) -> str:
    """``text`` with anything but letters, digits and hyphens as hyphens."""
    return re.sub(r"[^0-9A-Za-z-]+", "-", text).strip("-") or "imported"

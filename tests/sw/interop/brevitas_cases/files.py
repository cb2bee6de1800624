"""The files of the Brevitas test networks: what each is, its images, and what PyTorch said; read without Brevitas."""

import json
import zlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

__all__ = ["FOLDER", "IMAGES", "BrevitasFile", "brevitas_files", "random_images", "save_answers"]

FOLDER = Path(__file__).parent.parent / "brevitas"
"""Holds manifest.json, NAME.onnx of every network, NAME.npz with the answers of those that can be imported, and
trained_NAME.npz with the numbers of those that were trained."""

IMAGES = 1000
"""Random images that PyTorch's answers are kept of."""


@dataclass(frozen=True)
class BrevitasFile:
    """A network exported by Brevitas.

    ``shape`` is (height, width, channels) of an image of ``bits``-bit pixels; pixel p is worth (p - ``zero``) /
    ``divisor`` to the graph, in float32. ``axes`` is the layout of the graph's input, "NCHW" or "NHWC"; ``ends`` is
    what it gives: "scores", their "softmax", or the "class".
    ``activations`` are the bits of the activations, layer by layer, the input's own quantiser first where there is one.
    ``refusal`` lists words that the sentence must have where the network cannot be imported. ``images_crc`` is the
    CRC-32 of the random images, ``exporter`` which of Brevitas' two exporters wrote the file.
    """

    name: str
    about: str
    shape: tuple[int, int, int]
    bits: int
    zero: int
    divisor: int
    axes: str
    ends: str
    activations: tuple[int, ...]
    refusal: tuple[str, ...]
    exporter: str
    images_crc: int

    @property
    def path(self) -> Path:
        """The QONNX file."""
        return FOLDER / f"{self.name}.onnx"

    @property
    def range(self) -> tuple[float, float]:
        """What the lowest and the highest pixel are worth to the graph."""
        return -self.zero / self.divisor, ((1 << self.bits) - 1 - self.zero) / self.divisor

    @cached_property
    def images(self) -> np.ndarray:
        """The random images, uint8 (1000, height, width, channels). Raises ValueError where NumPy draws others."""
        images = random_images(self.name, self.shape, self.bits)
        if zlib.crc32(images.tobytes()) != self.images_crc:
            raise ValueError(f"the random images of {self.name} are not those that its answers are kept of")
        return images

    def values(self, images: np.ndarray) -> np.ndarray:
        """What the graph reads for ``images``: float32, in its own layout."""
        real = (images.astype(np.float32) - np.float32(self.zero)) / np.float32(self.divisor)
        return np.ascontiguousarray(real.transpose(0, 3, 1, 2)) if self.axes == "NCHW" else real

    @cached_property
    def answers(self) -> tuple[np.ndarray, np.ndarray]:
        """PyTorch's outputs for ``images``, (1000, classes) float32: of the model, and of its twin in float64, rounded.

        Where they are the same up to rounding in the last layer, the float64 ones stand for both.
        """
        with np.load(FOLDER / f"{self.name}.npz") as file:
            double = file["double"]
            single = double.copy()
            single[file["rows"]] = file["single"]
        return single, double

    def row(self) -> dict[str, object]:
        """This network's entry of the manifest."""
        return asdict(self)


def save_answers(file: BrevitasFile, single: np.ndarray, double: np.ndarray) -> None:
    """Keep what `BrevitasFile.answers` reads."""
    apart = np.abs(single - double).reshape(len(single), -1).max(axis=1)
    rows = np.flatnonzero(apart > 1e-5 * np.abs(double).max())
    np.savez_compressed(FOLDER / f"{file.name}.npz", double=double, rows=rows, single=single[rows])


def random_images(name: str, shape: tuple[int, int, int], bits: int) -> np.ndarray:
    """1,000 images of evenly distributed pixels, uint8, the same for the same name."""
    draw = np.random.default_rng(zlib.crc32(name.encode()))
    return draw.integers(0, 1 << bits, (IMAGES, *shape), dtype=np.uint8)


def brevitas_files() -> list[BrevitasFile]:
    """Every network of the manifest."""
    rows = json.loads((FOLDER / "manifest.json").read_text())
    return [BrevitasFile(**{key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}) for row in rows]

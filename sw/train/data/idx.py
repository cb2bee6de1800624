"""MNIST and Fashion-MNIST from their four idx files (LeCun, Cortes, Burges; Xiao, Rasul, Vollgraf)."""

import math
import struct
import zlib
from pathlib import Path

import numpy as np

from sw.errors import SubbitError
from sw.files import read_gzip
from sw.train.data.dataset import DataSet
from sw.train.data.files import SourceFile, obtain

__all__ = ["load_fashion_mnist", "load_mnist", "read_idx"]

MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MNIST = tuple(
    SourceFile(name, md5, MNIST_URL + name)
    for name, md5 in (
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    )
)
FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FASHION = tuple(
    SourceFile(name, md5, FASHION_URL + name)
    for name, md5 in (
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    )
)
DIGITS = tuple(str(digit) for digit in range(10))
GARMENTS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array in a gzipped idx file. Raises SubbitError where the file is damaged."""
    try:
        data = read_gzip(path)
        zero, kind, axes = struct.unpack(">HBB", data[:4])
        shape = struct.unpack(f">{axes}I", data[4 : 4 + 4 * axes])
    except (OSError, EOFError, ValueError, zlib.error, struct.error) as error:
        raise SubbitError(f"{path} is not a gzipped idx file ({error}): fetch it again") from error
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * axes)
    if zero or kind != 8 or not 1 <= axes <= 4 or values.size != math.prod(shape):
        raise SubbitError(f"{path} is not an idx file of bytes of the shape that it announces: fetch it again")
    return values.reshape(shape)


def _load(name: str, files: tuple[SourceFile, ...], classes: tuple[str, ...], data_dir: str | Path | None) -> DataSet:
    parts = [read_idx(path) for path in obtain(name, files, data_dir)]
    images = [np.ascontiguousarray(part[..., None]) for part in parts[::2]]
    labels = [part.astype(np.int64) for part in parts[1::2]]
    return DataSet(name, images[0], labels[0], images[1], labels[1], 8, classes)


def load_mnist(data_dir: str | Path | None = None) -> DataSet:
    """MNIST: 60,000 + 10,000 handwritten digits, 28 x 28 x 1, 8 bits."""
    return _load("mnist", MNIST, DIGITS, data_dir)


def load_fashion_mnist(data_dir: str | Path | None = None) -> DataSet:
    """Fashion-MNIST: 60,000 + 10,000 garments, 28 x 28 x 1, 8 bits."""
    return _load("fashion-mnist", FASHION, GARMENTS, data_dir)

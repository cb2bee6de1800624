"""CIFAR-10 from its original archive (Krizhevsky 2009), read without running anything that is in it."""

import io
import pickle
import tarfile
import zlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from sw.errors import SubbitError
from sw.files import read_gzip
from sw.train.data.dataset import DataSet
from sw.train.data.files import SourceFile, obtain

__all__ = ["load_cifar10"]

ARCHIVE = SourceFile(
    "cifar-10-python.tar.gz",
    "c58f30108f718f92721af3b95e74349a",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
)
BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
MOST_MEMBERS = 100
DAMAGE = (OSError, EOFError, KeyError, ValueError, RecursionError, zlib.error)
IMAGE_BYTES = 3 * 32 * 32
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class _Kept:
    """Stands for whatever numpy would make of a pickle: keeps what it is told, and does nothing."""

    def __init__(self, *told: Any) -> None:
        self.state: Any = told

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _PlainUnpickler(pickle._Unpickler):
    """Reads the archive's batches, which are pickles of byte arrays, without calling anything that they name.

    It is the one in Python: that in C makes its memo as long as the pickle says.
    """

    allowed: ClassVar = {("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"{module}.{name} does not belong in a CIFAR-10 batch")
        return _Kept


def _members(path: Path) -> dict[str, bytes]:
    """The batches in the archive, as they are. Raises one of `DAMAGE` or TarError where one is missing."""
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(read_gzip(path))) as archive:
        for member, _ in zip(archive, range(MOST_MEMBERS), strict=False):
            folder, _, name = member.name.partition("/")
            if folder == "cifar-10-batches-py" and name in BATCHES and member.isreg():
                stream = archive.extractfile(member)
                found[name] = b"" if stream is None else stream.read()
    if missing := [name for name in BATCHES if name not in found]:
        raise KeyError(f"{missing[0]} is not in it")
    return {name: found[name] for name in BATCHES}


def _batch(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of a batch. Raises ValueError where they are not in it."""
    try:
        content = _PlainUnpickler(io.BytesIO(data), encoding="bytes").load()
        pixels, labels = content[b"data"].state[4], content[b"labels"]
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # A damaged pickle makes the unpickler do anything that Python can refuse.
        raise ValueError(f"a batch is damaged: {type(error).__name__}") from error
    if not isinstance(pixels, bytes) or not isinstance(labels, list) or len(pixels) != len(labels) * IMAGE_BYTES:
        raise ValueError("a batch has not as many images as labels")
    if not labels or not all(type(label) is int and 0 <= label < len(CLASSES) for label in labels):
        raise ValueError(f"a batch has labels that are not from 0 to {len(CLASSES) - 1}")
    images = np.frombuffer(pixels, np.uint8).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, np.array(labels, dtype=np.int64)


def load_cifar10(data_dir: str | Path | None = None) -> DataSet:
    """CIFAR-10: 50,000 + 10,000 colour photographs, 32 x 32 x 3, 8 bits."""
    (path,) = obtain("cifar10", (ARCHIVE,), data_dir)
    train, test = read_archive(path)
    return DataSet("cifar10", *train, *test, 8, CLASSES)


def read_archive(path: Path) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """(images, labels) of the training and of the test part. Raises SubbitError where the archive is damaged."""
    try:
        parts = {name: _batch(data) for name, data in _members(path).items()}
    except (*DAMAGE, tarfile.TarError, pickle.UnpicklingError) as error:
        raise SubbitError(f"{path} is not the CIFAR-10 archive for Python ({error}): fetch it again") from error
    test = parts.pop("test_batch")
    images, labels = zip(*parts.values(), strict=True)
    return (np.concatenate(images), np.concatenate(labels)), (np.ascontiguousarray(test[0]), test[1])

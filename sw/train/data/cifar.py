"""CIFAR-10 from its original archive (Krizhevsky 2009), read without running anything that is in it."""

import pickle
import tarfile
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np

from sw.errors import SubbitError
from sw.train.data.dataset import DataSet
from sw.train.data.files import SourceFile, obtain

__all__ = ["load_cifar10"]

ARCHIVE = SourceFile(
    "cifar-10-python.tar.gz",
    "c58f30108f718f92721af3b95e74349a",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class _PlainUnpickler(pickle.Unpickler):
    """Reads the archive's batches, which are pickles: only what numpy needs to rebuild a byte array may be called."""

    allowed: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"): np.array(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"{module}.{name} does not belong in a CIFAR-10 batch")
        return self.allowed[module, name]


def _batch(stream: IO[bytes]) -> tuple[np.ndarray, np.ndarray]:
    content = _PlainUnpickler(stream, encoding="bytes").load()
    images = content[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, np.array(content[b"labels"], dtype=np.int64)


def load_cifar10(data_dir: str | Path | None = None) -> DataSet:
    """CIFAR-10: 50,000 + 10,000 colour photographs, 32 x 32 x 3, 8 bits."""
    (path,) = obtain("cifar10", (ARCHIVE,), data_dir)
    train, test = read_archive(path)
    return DataSet("cifar10", *train, *test, 8, CLASSES)


def read_archive(path: Path) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """(images, labels) of the training and of the test part. Raises SubbitError where the archive is damaged."""
    parts = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
                stream = archive.extractfile(f"cifar-10-batches-py/{name}")
                if stream is None:
                    raise KeyError(name)
                parts[name] = _batch(stream)
    except (OSError, EOFError, KeyError, ValueError, tarfile.TarError, pickle.UnpicklingError) as error:
        raise SubbitError(f"{path} is not the CIFAR-10 archive for Python ({error}): fetch it again") from error
    test = parts.pop("test_batch")
    images, labels = zip(*parts.values(), strict=True)
    return (np.concatenate(images), np.concatenate(labels)), (np.ascontiguousarray(test[0]), test[1])

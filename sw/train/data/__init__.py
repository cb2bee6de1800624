"""Data sets by name: `load("digits")`, `load("mnist")`, `load("folder:PATH")`."""

from pathlib import Path

from sw.errors import SubbitError
from sw.train.data.cifar import load_cifar10
from sw.train.data.dataset import DataSet, stratified_split
from sw.train.data.digits import load_digits
from sw.train.data.folder import load_folder
from sw.train.data.idx import load_fashion_mnist, load_mnist

__all__ = ["DATA_SETS", "DataSet", "load", "stratified_split"]

DATA_SETS = ("digits", "mnist", "fashion-mnist", "cifar10", "folder:PATH")
_PUBLISHED = {"mnist": load_mnist, "fashion-mnist": load_fashion_mnist, "cifar10": load_cifar10}


def load(name: str, data_dir: str | Path | None = None, size: tuple[int, int] | None = None, seed: int = 0) -> DataSet:
    """The data set called `name`, one of DATA_SETS.

    `data_dir` is the folder with the original files of a published set; without it they are downloaded and checked.
    `size` (height, width) and `seed` (of the split) are for `folder:PATH`. Raises SubbitError, with what to do.
    """
    kind, _, path = name.partition(":")
    if kind == "folder" and path:
        return load_folder(path, size, seed=seed)
    if name == "digits":
        return load_digits()
    if name in _PUBLISHED:
        return _PUBLISHED[name](data_dir)
    raise SubbitError(f"{name!r} is no data set: it must be one of {', '.join(DATA_SETS)}")

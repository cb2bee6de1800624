"""The data sets that networks are trained on and judged by, and CIFAR-10 where its original files are not at hand."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from sw.errors import SubbitError
from sw.train.data import load
from sw.train.data.dataset import DataSet
from sw.train.data.folder import load_folder

__all__ = ["add_data_options", "data_set", "stored_test", "test_set"]


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """The options that say where the images are."""
    parser.add_argument("--data-dir", type=Path, help="folder with a folder of original files for each data set")
    parser.add_argument("--cifar10", type=Path, help=".npz of test_images and test_labels in place of CIFAR-10's")
    parser.add_argument(
        "--cifar10-images", type=Path, help="folder of images, train/CLASS and test/CLASS, in place of CIFAR-10's files"
    )


def data_set(name: str, given: argparse.Namespace) -> DataSet:
    """The data set ``name``, from where the options say, or downloaded. Raises SubbitError where it is missing."""
    if name != "cifar10" or given.cifar10_images is None:
        return load(name, None if given.data_dir is None or name == "digits" else str(given.data_dir / name))
    data = replace(load_folder(given.cifar10_images), name=name)
    if given.cifar10 is None:
        return data
    images, labels = stored_test(given.cifar10)
    return replace(data, test_images=images, test_labels=labels)


def test_set(name: str, given: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """The test images and labels of the data set ``name``. Raises SubbitError where they are missing or damaged."""
    if name == "cifar10" and given.cifar10 is not None:
        return stored_test(given.cifar10)
    data = data_set(name, given)
    return data.test_images, data.test_labels


def stored_test(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """The test images and labels of an .npz. Raises SubbitError where they cannot be read."""
    try:
        with np.load(file) as stored:
            return stored["test_images"], stored["test_labels"].astype(np.int64)
    except (OSError, KeyError, ValueError) as error:
        raise SubbitError(f"{file} must be an .npz with test_images and test_labels ({error})") from None

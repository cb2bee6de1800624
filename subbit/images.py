"""Images for a network: from a file, at random, or the test images of a data set."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from subbit.arrays import read_array
from sw.errors import SubbitError
from sw.network import Network

if TYPE_CHECKING:
    from sw.train.data import DataSet

__all__ = ["chosen_images", "random_images", "read_images", "test_images", "test_set"]

RANDOM = 8


def read_images(path: Path, network: Network) -> np.ndarray:
    """Images uint8 (n, height, width, channels) for ``network`` from a .npy file, or a .npz file (its array "images").

    Images of one channel may come as (n, height, width). Raises SubbitError, one sentence, for anything else.
    """
    loaded = read_array(path)
    if loaded.ndim == 3 and network.input.channels == 1:
        loaded = loaded[..., None]
    try:
        return network.check_images(loaded)
    except ValueError as error:
        raise SubbitError(f"{path} does not fit the network {network.name}: {error}") from error


def random_images(network: Network, number: int, seed: int = 0) -> np.ndarray:
    """``number`` images of evenly distributed pixels, uint8 (n, height, width, channels)."""
    image = network.input
    shape = (number, image.height, image.width, image.channels)
    return np.random.default_rng(seed).integers(0, 1 << image.bits, shape, dtype=np.uint8)


def test_set(data: str, data_dir: str | None, network: Network) -> "DataSet":
    """A data set whose test images ``network`` takes. Raises SubbitError where it is missing or does not fit."""
    from sw.train.data import load

    size = (network.input.height, network.input.width) if data.startswith("folder:") else None
    found = load(data, data_dir, size)
    try:
        network.check_images(found.test_images)
    except ValueError as error:
        raise SubbitError(f"{data} does not fit the network {network.name}: {error}") from error
    return found


def test_images(data: str, data_dir: str | None, network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Test images and labels of a data set. Raises SubbitError where it is missing or does not fit the network."""
    found = test_set(data, data_dir, network)
    return found.test_images, found.test_labels


def chosen_images(
    network: Network,
    images: Path | None,
    random: int | None,
    data: str | None,
    data_dir: Path | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The images that a user names in one of three ways, or 8 random ones, with their labels where they have any.

    Raises SubbitError where more than one way is given, or what is named does not fit the network.
    """
    if sum(source is not None for source in (images, random, data)) > 1:
        raise SubbitError("only one of --images, --random and --data can be given")
    if images is not None:
        return read_images(images, network), None
    if data is not None:
        return test_images(data, None if data_dir is None else str(data_dir), network)
    return random_images(network, RANDOM if random is None else random, seed), None

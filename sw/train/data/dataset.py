"""A data set in memory, and what is true of every one."""

from dataclasses import dataclass

import numpy as np

__all__ = ["DataSet", "stratified_split"]


@dataclass(frozen=True, eq=False)
class DataSet:
    """Labelled images: a part to train on and a part to test on, once.

    Images are uint8 (n, height, width, channels) with pixels below 2**bits; labels int64 (n,), 0 .. classes - 1.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    bits: int
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            images, labels = getattr(self, f"{part}_images"), getattr(self, f"{part}_labels")
            if images.ndim != 4 or images.dtype != np.uint8 or not len(images):
                raise ValueError(
                    f"{part}_images must be uint8 (n, height, width, channels), not {images.dtype} {images.shape}"
                )
            if images.shape[1:] != self.train_images.shape[1:]:
                raise ValueError(f"{part}_images must be of the shape of train_images, not {images.shape[1:]}")
            if int(images.max()) >> self.bits:
                raise ValueError(f"{part}_images must have pixels below {2**self.bits}, not {images.max()}")
            if labels.shape != (len(images),) or labels.dtype != np.int64:
                raise ValueError(f"{part}_labels must be int64 ({len(images)},), not {labels.dtype} {labels.shape}")
            if labels.min() < 0 or labels.max() >= self.classes:
                raise ValueError(f"{part}_labels must be from 0 to {self.classes - 1}, not {labels.max()}")

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of an image."""
        height, width, channels = self.train_images.shape[1:]
        return height, width, channels


def stratified_split(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices (kept, held out), ascending; about `share` of every class is held out, at least one, by the seed."""
    random = np.random.default_rng(seed)
    held = []
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        held.append(members[: max(1, round(share * len(members)))])
    out = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), out), out

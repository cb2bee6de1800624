"""What a network says of labelled images: how many are right, what is taken for what, and some of them to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sw.errors import SubbitError
from sw.network import Network, winners

if TYPE_CHECKING:
    from sw.train.data import DataSet

__all__ = ["Answers", "Sample", "answers_of"]

#: How many right and how many wrong images are shown.
RIGHT, WRONG = 4, 8


@dataclass(frozen=True)
class Sample:
    """An image of the test split, uint8 (height, width, channels), its class, and the network's scores, (classes,)."""

    index: int
    image: np.ndarray
    truth: int
    answer: int
    scores: np.ndarray

    @property
    def right(self) -> bool:
        """Whether the answer is the image's class."""
        return self.answer == self.truth

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the pixels."""
        return {"index": self.index, "truth": self.truth, "answer": self.answer, "scores": self.scores.tolist()}


@dataclass(frozen=True)
class Answers:
    """Test images of ``data`` by their class (rows) and the network's answer (columns), int64 (classes, classes).

    ``of``: how many images the test split has, of which all were looked at or the first ones.
    """

    data: str
    of: int
    names: tuple[str, ...]
    confusion: np.ndarray
    samples: tuple[Sample, ...]

    @cached_property
    def images(self) -> int:
        """How many images were looked at."""
        return int(self.confusion.sum())

    @cached_property
    def right(self) -> int:
        """How many answers are the image's class."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return self.right / self.images

    @property
    def recalls(self) -> list[float | None]:
        """Of each class, the share of its images that were recognised; None where there are none."""
        totals = self.confusion.sum(axis=1)
        return [int(hit) / int(total) if total else None for hit, total in zip(self._hits, totals, strict=True)]

    @property
    def precisions(self) -> list[float | None]:
        """Of each answer, the share that was right; None where it was never given."""
        totals = self.confusion.sum(axis=0)
        return [int(hit) / int(total) if total else None for hit, total in zip(self._hits, totals, strict=True)]

    @property
    def _hits(self) -> np.ndarray:
        return np.diag(self.confusion)

    @property
    def confused(self) -> list[tuple[str, str, int]]:
        """The pairs (class, wrong answer, images) that occur most, at most ten of them."""
        wrong = self.confusion - np.diag(self._hits)
        order = np.argsort(-wrong, axis=None, kind="stable")[:10]
        places = [divmod(int(at), len(self.names)) for at in order]
        return [(self.names[row], self.names[column], int(wrong[row, column])) for row, column in places
                if wrong[row, column]]  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "data": self.data,
            "split": "test",
            "of": self.of,
            "images": self.images,
            "right": self.right,
            "accuracy": self.accuracy,
            "classes": list(self.names),
            "confusion": self.confusion.tolist(),
            "samples": [sample.as_dict() for sample in self.samples],
        }


def answers_of(network: Network, data: "DataSet", limit: int | None = None) -> Answers:
    """What ``network`` says of the test images of ``data``, or the first ``limit`` of them.

    Raises SubbitError where the data has another number of classes.
    """
    if data.classes != network.classes:
        raise SubbitError(
            f"{data.name} has {data.classes} classes and the network {network.name} tells {network.classes}: "
            "name the data that it was trained on."
        )
    images, labels = data.test_images[:limit], data.test_labels[:limit]
    scores = network.score(images)
    classes = winners(scores)
    confusion = np.zeros((data.classes, data.classes), np.int64)
    np.add.at(confusion, (labels, classes), 1)
    samples = [
        Sample(at, images[at], int(labels[at]), int(classes[at]), scores[at])
        for at in (*_right(labels, classes), *_wrong(labels, scores))
    ]
    return Answers(data.name, len(data.test_images), data.class_names, confusion, tuple(samples))


def _right(labels: np.ndarray, classes: np.ndarray) -> Sequence[int]:
    """The first right answer of each class, and of those the first ones."""
    right = np.flatnonzero(labels == classes)
    _, first = np.unique(labels[right], return_index=True)
    return sorted(right[first].tolist())[:RIGHT]


def _wrong(labels: np.ndarray, scores: np.ndarray) -> Sequence[int]:
    """The wrong answers that were the surest: the winner far above the image's own class."""
    lead = scores.max(axis=1) - scores[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(winners(scores) != labels)
    return [int(at) for at in wrong[np.argsort(-lead[wrong], kind="stable")][:WRONG]]

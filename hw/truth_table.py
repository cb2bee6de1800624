"""Functions of a few bits as lists of their values."""

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["reduced"]

Input = TypeVar("Input")


def reduced(values: Sequence[int], inputs: Sequence[Input]) -> tuple[list[int], list[Input]]:
    """The same function of those of its ``inputs`` that it depends on: value j is that where input i holds bit i of
    j."""
    kept, left = list(values), list(inputs)
    for i in reversed(range(len(left))):
        low = [value for j, value in enumerate(kept) if not j >> i & 1]
        if low == [value for j, value in enumerate(kept) if j >> i & 1]:
            kept = low
            del left[i]
    return kept, left

"""The step function from integers to the few values of a quantised tensor, found by trying every integer.

The very nodes of the graph are run by qonnx's executor on all integers that a channel can take, so that its rounding,
its clipping and its ties are in the result whatever the nodes are. Where these are more than ``MOST`` numbers, every
n-th is tried first, and then those between two that differ: each node is monotone, rounding included, so that equal
ends have equal numbers between them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["BLOCK", "Curve", "NotSteps", "grid_of", "trace"]

MOST = 1 << 24
BLOCK = 1 << 18  # A MultiThreshold makes 255 times as many bytes of them.
MOST_CHANGES = 255

Function = Callable[[np.ndarray], np.ndarray]


class NotSteps(Exception):
    """The function takes more values than 8 bits can tell apart; the message says how many, at least."""


@dataclass(frozen=True, eq=False)
class Curve:
    """What each channel is at ``low``, and where it changes: at ``place[i]`` channel ``channel[i]`` becomes
    ``value[i]``.

    Sorted by channel, then place.
    """

    low: int
    high: int
    first: np.ndarray
    channel: np.ndarray
    place: np.ndarray
    value: np.ndarray

    def values(self) -> np.ndarray:
        """All values that occur, ascending, float64."""
        return np.unique(np.concatenate([self.first, self.value]).astype(np.float64))

    def rows(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each channel the places where it changes, and the values before, between and behind them."""
        ends = np.searchsorted(self.channel, np.arange(len(self.first) + 1))
        for channel, first in enumerate(self.first):
            part = slice(ends[channel], ends[channel + 1])
            yield self.place[part], np.concatenate([[first], self.value[part]])

    def direction(self) -> np.ndarray:
        """For each channel 1 where it rises, -1 where it falls, 0 where it stays; 2 where it does both."""
        found = []
        for _, values in self.rows():
            moves = set(np.sign(np.diff(values)).astype(int).tolist())
            found.append(moves.pop() if len(moves) == 1 else 2 if moves else 0)
        return np.array(found)


def grid_of(low: int, high: int, channels: int) -> np.ndarray:
    """Integers from ``low`` to ``high``, all or so many that the channels together have at most ``MOST``."""
    stride = max(1, -(-(high - low + 1) * channels // MOST))
    return np.append(np.arange(low, high, stride), high)


def trace(function: Function, low: int, high: int, channels: int, *, limit: int = MOST_CHANGES) -> Curve:
    """The curve of ``function``, from integers (rows, channels) to float32, on ``low`` .. ``high``.

    Raises NotSteps where a channel changes more than ``limit`` times.
    """
    points = grid_of(low, high, channels)
    first, before, last = None, np.empty(0, np.float32), low
    pending: list[tuple[np.ndarray, ...]] = []  # channel, left, right, values there
    changes = np.zeros(channels, np.int64)
    rows = max(1, BLOCK // channels)
    for start in range(0, len(points), rows):
        part = points[start : start + rows]
        values = function(np.repeat(part[:, None], channels, axis=1))
        if first is None:
            first = before = values[0]
        joined, at = np.concatenate([before[None], values]), np.append(last, part)
        where, channel = np.nonzero(joined[1:] != joined[:-1])
        pending.append((channel, at[where], at[where + 1], joined[where, channel], joined[where + 1, channel]))
        before, last = values[-1], int(part[-1])
        changes += np.bincount(channel, minlength=channels)
        if changes.max() > limit:
            raise NotSteps(f"at least {int(changes.max()) + 1} values")
    assert first is not None
    table = refine(function, [np.concatenate(column) for column in zip(*pending, strict=True)], channels, limit)
    order = np.lexsort((table[1], table[0]))
    return Curve(low, high, first, table[0][order], table[1][order], table[2][order])


def refine(function: Function, pending: list[np.ndarray], channels: int, limit: int) -> tuple[np.ndarray, ...]:
    """Channel, place and new value of every change inside the pending intervals, by halving them."""
    done: list[tuple[np.ndarray, ...]] = []
    channel, left, right, before, after = pending
    while len(channel):
        near = right - left == 1
        done.append((channel[near], right[near], after[near]))
        channel, left, right, before, after = (column[~near] for column in (channel, left, right, before, after))
        if not len(channel):
            break
        middle = (left + right) // 2
        value = at_points(function, channel, middle, channels)
        halves = [(channel, left, middle, before, value), (channel, middle, right, value, after)]
        kept = [[column[half[3] != half[4]] for column in half] for half in halves]
        channel, left, right, before, after = (np.concatenate(columns) for columns in zip(*kept, strict=True))
        if len(channel) and np.bincount(channel).max() > limit:
            raise NotSteps(f"at least {limit + 2} values")
    return tuple(np.concatenate(columns) for columns in zip(*done, strict=True)) if done else tuple(pending[:3])


def at_points(function: Function, channel: np.ndarray, numbers: np.ndarray, channels: int) -> np.ndarray:
    """The function at single integers, each of its channel."""
    order = np.argsort(channel, kind="stable")
    sizes = np.bincount(channel, minlength=channels)
    row = np.empty(len(channel), np.int64)
    row[order] = np.arange(len(channel)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    table = np.zeros((int(sizes.max()), channels), np.int64)
    table[row, channel] = numbers
    return function(table)[row, channel]

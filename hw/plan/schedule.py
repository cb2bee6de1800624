"""Buffers by arithmetic: how large each must be for the slowest stage alone to set the pace.

Every stage is a fixed sequence of steps a frame: each takes known cycles, needs a known number of input words, frees
some and makes some elements. Let B be the largest work (cycles a frame) of any stage. Stretch every stage's steps
evenly over B cycles and start it as early as its inputs allow: this is a periodic schedule with interval B. The
occupancy of each buffer in that schedule is the depth it gets. The hardware does not follow the schedule, it runs each
step as soon as it can; but a system in which steps only wait for words and for room never does worse than any schedule
that the same buffers admit (monotonicity of marked graphs: Commoner et al. 1971; Baccelli et al., Synchronization and
Linearity, 1992). So the interval is B exactly, and nothing can deadlock, at any folding, with no simulation.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["Steps", "buffer_words", "start_after"]

# Cycles from a step's end to the moment when its buffer's writer sees the room, and the rounding of a stretched step.
TURNAROUND = 3
FRAMES_BACK = 6


@dataclass(frozen=True, eq=False)
class Steps:
    """One frame of a stage: int64 arrays over its steps.

    ``cycles``: cycles of each step. ``needs``: input words that must have come for it to begin. ``frees``: the input
    word up to which the buffer is free once it has ended, negative where the window reaches into the padding.
    ``makes``: output elements made by its end. ``words``: input words of a frame.
    """

    cycles: np.ndarray
    needs: np.ndarray
    frees: np.ndarray
    makes: np.ndarray
    words: int

    @property
    def work(self) -> int:
        """Cycles of all steps."""
        return int(self.cycles.sum())

    def starts(self, interval: int) -> np.ndarray:
        """When each step begins if the frame is stretched over ``interval``, from the stage's own start."""
        return (np.cumsum(self.cycles) - self.cycles) * (interval / self.work)

    def ends(self, interval: int) -> np.ndarray:
        """When each step ends."""
        return np.cumsum(self.cycles) * (interval / self.work)


def arrivals(source: Steps, lanes: int, words: int, interval: int) -> np.ndarray:
    """When each word of ``lanes`` elements comes out of ``source``, from its start."""
    step = np.searchsorted(source.makes, (np.arange(words) + 1) * lanes)
    return source.ends(interval)[step]


def start_after(source: Steps, sink: Steps, lanes: int, interval: int) -> float:
    """How long after ``source`` ``sink`` must start for every word to be there when its step begins."""
    come = np.append(-np.inf, arrivals(source, lanes, sink.words, interval))
    return float((come[sink.needs] - sink.starts(interval)).max()) + 1


def buffer_words(source: Steps, sink: Steps, lanes: int, interval: int) -> int:
    """Words of ``lanes`` elements that the buffer between two stages must hold for the interval to be reached."""
    delay = start_after(source, sink, lanes, interval)
    written = arrivals(source, lanes, sink.words, interval)
    ends = sink.ends(interval) + delay + TURNAROUND
    # Before a frame's first step has ended it has freed nothing that the frame before it has not.
    steps = np.append(-FRAMES_BACK * sink.words * 2, sink.frees)
    freed = np.full(sink.words, -FRAMES_BACK * sink.words * 2)
    # The sink may still be some frames back when a word of this frame is written.
    for back in range(FRAMES_BACK + int(delay // interval)):
        done = np.searchsorted(ends, written + back * interval, side="right")
        freed = np.maximum(freed, steps[done] - back * sink.words)
    return int((np.arange(sink.words) + 1 - freed).max())

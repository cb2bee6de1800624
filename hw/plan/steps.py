"""The steps of every kind of stage: how long each takes, what it needs, what it frees and what it makes."""

from dataclasses import replace

import numpy as np

from hw.layer.pool import PoolShape
from hw.layer.unit import Rhythm
from hw.layer.window import WindowShape
from hw.plan.schedule import Steps
from hw.stream.repack import RepackShape

__all__ = ["pooled", "repack_steps", "window_cycles", "window_steps"]


def window_steps(shape: WindowShape, rhythm: Rhythm) -> Steps:
    """Steps of a window generator and its compute unit: those of every window's rhythm, and the pixels between."""
    return serial_steps(shape, rhythm) if shape.is_serial else parallel_steps(shape, rhythm)


def window_cycles(shape: WindowShape, rhythm: Rhythm) -> int:
    """Cycles a frame of a window generator and its compute unit."""
    work = shape.windows * rhythm.work
    if shape.is_serial:
        return max(shape.in_words, work)
    return (shape.height + 2 * shape.pad) * (shape.width + 2 * shape.pad) - shape.windows + work


def serial_steps(shape: WindowShape, rhythm: Rhythm) -> Steps:
    """Steps of the serial generator: a window is freed, up to the next one's origin, after its last step."""
    parts = shape.channels // shape.lanes
    rows, columns = shape.origins[:, 0], shape.origins[:, 1]
    bottom = np.minimum(rows + shape.kernel[0], shape.height) - 1
    right = np.minimum(columns + shape.kernel[1], shape.width) - 1
    needs = (bottom * shape.width + right + 1) * parts
    origins = (rows * shape.width + columns) * parts
    following = np.append(origins[1:], shape.in_words + origins[0])
    steps = len(rhythm.cycles)
    frees = np.repeat(origins, steps)
    frees[steps - 1 :: steps] = following
    return Steps(
        cycles=np.tile(rhythm.cycles, shape.windows),
        needs=np.repeat(needs, steps),
        frees=frees,
        makes=np.cumsum(np.tile(rhythm.makes, shape.windows)),
        words=shape.in_words,
    )


def parallel_steps(shape: WindowShape, rhythm: Rhythm) -> Steps:
    """Steps of the parallel generator: every padded pixel passes, and with the last of a window its rhythm begins."""
    height, width = shape.height + 2 * shape.pad, shape.width + 2 * shape.pad
    inside = np.pad(np.ones((shape.height, shape.width), bool), shape.pad)
    ends = np.zeros((height, width), bool)
    y, x = (shape.origins + shape.pad).T
    ends[y + shape.kernel[0] - 1, x + shape.kernel[1] - 1] = True
    repeats = np.where(ends, len(rhythm.cycles), 1).reshape(-1)
    emits = np.repeat(ends.reshape(-1), repeats)
    needs = np.repeat(np.cumsum(inside.reshape(-1)), repeats)
    cycles, makes = np.ones(len(emits), np.int64), np.zeros(len(emits), np.int64)
    cycles[emits] = np.tile(rhythm.cycles, shape.windows)
    makes[emits] = np.tile(rhythm.makes, shape.windows)
    return Steps(cycles=cycles, needs=needs, frees=needs, makes=np.cumsum(makes), words=shape.in_words)


def pooled(steps: Steps, shape: PoolShape) -> Steps:
    """The same steps with the elements that leave a pool behind them."""
    size = shape.size
    rows, columns = np.arange(shape.height), np.arange(shape.width)
    ends = [(axis % size == size - 1) & (axis < len(axis) // size * size) for axis in (rows, columns)]
    emits = (ends[0][:, None] & ends[1]).reshape(-1)
    made = np.append(0, np.cumsum(np.repeat(emits, shape.parts)) * shape.lanes)
    return replace(steps, makes=made[steps.makes // shape.lanes])


def repack_steps(shape: RepackShape, words: int) -> Steps:
    """Steps of a narrowing repack that takes ``words`` words a frame: one for each word out."""
    out = words * shape.lanes_in // shape.lanes_out
    elements = (np.arange(out) + 1) * shape.lanes_out
    return Steps(
        cycles=np.ones(out, np.int64),
        needs=-(-elements // shape.lanes_in),
        frees=elements // shape.lanes_in,
        makes=elements,
        words=words,
    )

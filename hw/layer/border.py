"""Which kernel positions of a window lie in the padding, how many, and what they add to a count: small tables over
the window's place."""

from collections.abc import Sequence

import numpy as np
from amaranth import Cat, Module, Signal, Value

from hw.layer.window import WindowShape
from hw.stream.counter import Loop
from sw.network.agreement import Agreement

__all__ = [
    "agreements",
    "axis_outside",
    "counts",
    "missing_count",
    "missing_positions",
    "outside_at",
    "registered_outside",
    "skipped_count",
]

AXES = ("row", "column")


def missing_positions(m: Module, shape: WindowShape, row: Value, column: Value) -> Value:
    """Kernel positions outside the image for the window at (row, column) of the output: combinational.

    Only the first and last few rows and columns differ, so each axis is told as a class, and the classes index a table.
    """
    rows, columns = shape.kernel
    classes, sizes = [], []
    for name, place, count, kernel, size in (
        ("row_class", row, shape.out_height, rows, shape.height),
        ("column_class", column, shape.out_width, columns, shape.width),
    ):
        inside = [
            sum(shape.pad <= at * shape.stride + tap < size + shape.pad for tap in range(kernel)) for at in range(count)
        ]
        kinds = sorted(set(inside), reverse=True)
        found = Signal(range(max(2, len(kinds))), name=name)
        with m.Switch(place):
            for at, tapped in enumerate(inside):
                if tapped != kinds[0]:
                    with m.Case(at):
                        m.d.comb += found.eq(kinds.index(tapped))
        classes.append(found)
        sizes.append(kinds)
    missing = Signal(range(rows * columns + 1))
    with m.Switch(Cat(*classes)):
        for i, tall in enumerate(sizes[0]):
            for j, wide in enumerate(sizes[1]):
                with m.Case(i | j << len(classes[0])):
                    m.d.comb += missing.eq(rows * columns - tall * wide)
    return missing


def missing_count(m: Module, agreement: Agreement, positions: int, missing: Value) -> Value:
    """What ``missing`` skipped positions, of ``positions`` in a kernel, add to a count: combinational."""
    table = Signal(range(positions * agreement.per_position + 1), name="missing_table")
    with m.Switch(missing):
        for skipped in range(1, positions + 1):
            with m.Case(skipped):
                m.d.comb += table.eq(skipped * agreement.per_position)
    return table


def skipped_count(agreement: Agreement, skip: np.ndarray) -> int:
    """The same for the mask (taps,) of a window."""
    return int(skip.sum()) // agreement.skip_channels * agreement.per_position if agreement.skip_channels else 0


def agreements(
    weights: np.ndarray, agreement: Agreement, planes: tuple[int, ...], window: np.ndarray, skip: np.ndarray
) -> np.ndarray:
    """Counts int64 (rows,) of the stored taps (taps,) of one window against rows of weight bits, as ``agreement``
    says; plane ``planes[i]`` of a tap is its bit i."""
    count = np.zeros(len(weights), np.int64)
    for place, plane in enumerate(planes):
        agree = (((window.astype(np.int64) >> place) & 1) == weights) & ~skip
        count += agree.sum(axis=1) << plane
    return (count << int(agreement.doubled)) + skipped_count(agreement, skip)


def counts(
    weights: np.ndarray, agreement: Agreement, planes: tuple[int, ...], window: np.ndarray, skip: np.ndarray
) -> np.ndarray:
    """What hardware counts for rows of weight bits, int64 (rows,): `agreements`, and with two levels the window sum."""
    signs = np.vstack([weights, np.ones_like(weights[:1])])
    found = agreements(signs, agreement, planes, window, skip)
    return agreement.counts(found[:-1], found[-1])


def outside_at(shape: WindowShape, axis: int) -> list[list[int]]:
    """For each kernel row (``axis`` 0) or column (1), the windows' places in which it lies outside the image."""
    size, count = (shape.height, shape.out_height) if axis == 0 else (shape.width, shape.out_width)
    return [
        [place for place in range(count) if not shape.pad <= place * shape.stride + tap < size + shape.pad]
        for tap in range(shape.kernel[axis])
    ]


def axis_outside(m: Module, shape: WindowShape, axis: int, place: Value) -> list[Signal]:
    """For each kernel row (``axis`` 0) or column (1), whether it lies outside in the window at ``place``.

    Combinational.
    """
    flags = []
    for tap, at in enumerate(outside_at(shape, axis)):
        flag = Signal(name=f"outside_{AXES[axis]}_{tap}")
        if at:
            with m.Switch(place), m.Case(*at):
                m.d.comb += flag.eq(1)
        flags.append(flag)
    return flags


def registered_outside(m: Module, shape: WindowShape, places: Sequence[Loop], done: Value) -> list[list[Signal]]:
    """For each kernel row, and for each column, whether it lies outside in the window that is now read, from registers.

    ``places`` are the loops over the window's column and its row, which go on at ``done``.
    """
    column, row = places
    flags = []
    for axis, loop, turn in ((0, row, done & column.done), (1, column, done)):
        flags.append([])
        for tap, at in enumerate(outside_at(shape, axis)):
            flag = Signal(name=f"outside_{AXES[axis]}_{tap}", init=0 in at)
            if at:
                with m.If(turn):
                    m.d.sync += flag.eq(0)
                    with m.Switch(loop.value), m.Case(*((place - 1) % loop.count for place in at)):
                        m.d.sync += flag.eq(1)
            flags[-1].append(flag)
    return flags

"""What a layer reads from the sums of the one before it: thresholds, pools, and the value of their levels."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
from onnx import NodeProto

from sw.interop.qonnx.flow.levels import Grid, fit, table
from sw.interop.qonnx.flow.signal import Border, Signal
from sw.interop.qonnx.flow.steps import BLOCK, Curve, NotSteps, grid_of, trace
from sw.interop.qonnx.graph.operators import QUANTISERS, REAL
from sw.interop.qonnx.graph.refusal import QUANTISED, label, refuse
from sw.interop.qonnx.layers.linear import Node, Operand
from sw.network import Layer, MaxPool, Padding, Threshold
from sw.network.padding import PaddingKind

__all__ = ["read_levels"]


def read_levels(
    found: Node, signal: Signal, border: Border | None, maker: NodeProto, name: str, pools: Callable[[], str]
) -> tuple[list[Layer], Operand]:
    """The Threshold called ``name`` and the pools behind it, and what ``found`` reads then.

    ``maker`` is the node that makes the sums, ``pools`` gives the next pool's name. Raises Refused where the tensor has
    too many values or unequal steps, or a padding is none of its levels.
    """
    source = signal.source
    last = signal.steps[-1].original if signal.steps else maker
    try:
        curve = trace(signal.evaluate(), source.low, source.high, source.channels)
    except NotSteps:
        _check_quantised(found, signal)
        raise refuse(
            found.node,
            f"reads what {label(last)} makes, which is no quantised activation: put a quantiser of at most 8 bits in "
            "front of it",
        ) from None
    direction = curve.direction()
    if (direction == 2).any():
        _check_quantised(found, signal)
        raise refuse(last, "makes numbers that rise and fall along the sums: train it without")
    turned = _turned(signal, direction)
    grid, offset = _grid(found, signal, curve, border)
    thresholds, invert = table(curve, grid, offset.astype(np.float64), turned)
    layers: list[Layer] = [Threshold(name=name, reads=(source.name,), thresholds=thresholds, invert=invert)]
    for pool in signal.pools:
        layers.append(MaxPool(name=pools(), reads=(layers[-1].name,), size=pool.size))
    padding = Padding() if border is None else Padding(grid.padding, border.amount, grid.border)
    if turned.any() and padding.kind in ("-1", "+1", "level"):
        assert border is not None
        if not turned.all():
            raise refuse(
                border.node,
                "pads with one of the levels where some channels fall behind a pool and others rise: put the "
                "quantiser in front of the pool",
            )
        kinds: dict[PaddingKind, PaddingKind] = {"-1": "+1", "+1": "-1", "level": "level"}
        padding = replace(padding, kind=kinds[padding.kind], level=grid.top - grid.border if grid.border else 0)
    shift = tuple(grid.middle + part for part in offset)
    return layers, Operand(layers[-1].name, 1, grid.step / 2, np.where(turned, -1, 1), shift, padding)


def _check_quantised(found: Node, signal: Signal) -> None:
    """Raise Refused where ``found`` reads an activation of real numbers, and nothing there is quantised."""
    if any(step.original.op_type in QUANTISERS for step in signal.steps):
        return
    for step in reversed(signal.steps):
        if step.original.op_type in REAL:
            raise refuse(
                step.original,
                f"is an activation of real numbers that {label(found.node)} reads unquantised: train the network with "
                f"{QUANTISED} in its place",
            )


def _turned(signal: Signal, direction: np.ndarray) -> np.ndarray:
    """The channels whose values fall along what their pools keep, so that the largest level must be the smallest value.

    A pool of numbers that rise with the sums keeps the largest sum, one of numbers that fall the smallest.
    """
    kept = np.zeros(len(direction), int)
    for pool in signal.pools:
        here = _direction(signal, pool.after)
        if (here == 2).any() or (kept * here < 0).any():
            raise refuse(pool.node, "pools numbers that rise and fall along the sums: put the quantiser in front of it")
        kept = np.where(kept, kept, here)
    return kept * direction < 0


def _direction(signal: Signal, steps: int) -> np.ndarray:
    """For each channel whether the numbers behind so many nodes rise (1), fall (-1), stay (0), or none of these (2)."""
    source, function = signal.source, signal.evaluate(steps)
    points = grid_of(source.low, source.high, source.channels)
    rows = max(2, BLOCK // source.channels)
    rises, falls = np.zeros(source.channels, bool), np.zeros(source.channels, bool)
    for start in range(0, max(1, len(points) - 1), rows - 1):
        part = points[start : start + rows]
        moves = np.diff(function(np.repeat(part[:, None], source.channels, axis=1)), axis=0)
        rises |= (moves > 0).any(axis=0)
        falls |= (moves < 0).any(axis=0)
    return np.where(rises & falls, 2, rises.astype(int) - falls)


def _grid(found: Node, signal: Signal, curve: Curve, border: Border | None) -> tuple[Grid, np.ndarray]:
    """The grid of all channels' values, and what each channel has added to it, as fractions."""
    values = curve.values()
    if len(values) == 1:
        raise refuse(
            found.node,
            f"reads {signal.tensor}, which is always {values[0]:g}: train it with a quantiser that tells sums apart (a "
            "1-bit one must see negative numbers, and none are left behind a Relu)",
        )
    none = np.full(len(curve.first), Fraction(0), object)
    grid = fit(values, None if border is None else border.value)
    if grid is not None:
        return grid, none
    if border is not None and fit(values) is not None:
        raise refuse(
            border.node,
            f"pads with {border.value:g}, which is neither a level nor the middle of the levels of {signal.tensor} "
            f"({values[0]:g} to {values[-1]:g}): train it without padding, or with a quantiser that has that level",
        )
    lowest = np.array([float(values.min()) for _, values in curve.rows()])
    rows = [values - low for (_, values), low in zip(curve.rows(), lowest, strict=True)]
    grid = None if border is not None else fit(np.unique(np.concatenate(rows)))
    if grid is None:
        _check_quantised(found, signal)
        raise refuse(
            found.node,
            f"reads {signal.tensor}, whose {len(values)} values are not in equal steps, the same for all channels: "
            "train it with one activation scale for the whole tensor",
        )
    return grid, np.array([Fraction(low) for low in lowest], object)

"""The search for a channel's steps, and the grid that their values lie on."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sw.interop.qonnx.flow import steps
from sw.interop.qonnx.flow.levels import fit, table
from sw.interop.qonnx.flow.steps import NotSteps, trace


def staircase(places, values, falls):
    """A function of integers (rows, channels) that takes ``values`` in turn, changing at ``places``."""

    def function(numbers):
        level = (numbers[..., None] >= places).sum(axis=-1)
        level = np.where(falls, len(values) - 1 - level, level)
        return np.take(values, level).astype(np.float32)

    return function


@pytest.mark.parametrize("most", [1 << 24, 600, 40])
def test_coarse_search_finds_every_step(monkeypatch, rng, most):
    """However few points are tried first, the steps are those of trying all."""
    monkeypatch.setattr(steps, "MOST", most)
    monkeypatch.setattr(steps, "BLOCK", 50)
    places = np.sort(rng.integers(-300, 301, (5, 3)), axis=1)
    places[3] = 7  # three steps at one place
    places[4] = [-300, 300, 400]  # the first always passed, the last never
    falls = np.array([False, True, False, True, False])
    curve = trace(staircase(places, [0.0, 1.0, 2.0, 3.0], falls), -300, 300, 5)
    grid = fit(curve.values())
    assert grid is not None
    thresholds, invert = table(curve, grid, np.zeros(5), np.zeros(5, bool))
    np.testing.assert_array_equal(thresholds, np.clip(places, -300, 301))
    np.testing.assert_array_equal(invert, falls)


def test_turned_channels_store_the_highest_level_for_the_lowest_value(rng):
    places = np.sort(rng.integers(-20, 21, (2, 3)), axis=1)
    curve = trace(staircase(places, [0.0, 1.0, 2.0, 3.0], np.array([False, True])), -30, 30, 2)
    grid = fit(curve.values())
    assert grid is not None
    thresholds, invert = table(curve, grid, np.zeros(2), np.ones(2, bool))
    np.testing.assert_array_equal(thresholds, places)
    np.testing.assert_array_equal(invert, [True, False])


@pytest.mark.parametrize("most", [1 << 24, 64])
def test_more_steps_than_eight_bits_have(monkeypatch, most):
    monkeypatch.setattr(steps, "MOST", most)
    with pytest.raises(NotSteps, match="at least 25[67] values|at least .* values"):
        trace(lambda numbers: numbers.astype(np.float32), -200, 200, 1)


def test_direction_of_a_channel():
    curve = trace(lambda n: np.stack([n[:, 0] > 0, n[:, 1] < 0, 0 * n[:, 2], np.abs(n[:, 3]) > 2], 1), -5, 5, 4)
    assert curve.direction().tolist() == [1, -1, 0, 2]


@settings(max_examples=60, deadline=None)
@given(
    scale=st.floats(2.0**-20, 2.0**20, width=32),
    lowest=st.integers(-255, 128),
    steps=st.integers(1, 255),
    missing=st.sets(st.integers(2, 253)),
)
def test_a_scale_is_found_again(scale, lowest, steps, missing):
    """Multiples of a float32 scale give a scale with just these multiples, though some are missing."""
    chosen = np.array([number for number in range(steps + 1) if number not in missing]) + lowest
    values = (np.float64(scale) * chosen).astype(np.float32).astype(np.float64)
    grid = fit(values)
    assert grid is not None
    # Few high multiples can have two neighbouring scales that float32 rounds to the same values.
    assert abs(grid.step / Fraction(scale) - 1) <= Fraction(1, 1 << 22)
    assert grid.low == grid.step * lowest
    np.testing.assert_array_equal((float(grid.step) * chosen).astype(np.float32), values)
    levels = grid.level(values)
    assert levels.min() == 0
    assert levels.max() <= grid.top
    np.testing.assert_allclose(float(grid.low) + float(grid.step) * levels, values, rtol=2.0**-20, atol=1e-6 * scale)


@pytest.mark.parametrize(
    ("values", "border", "bits", "low", "kind"),
    [
        ([-1, 1], 0, 1, -1, "zero"),
        ([0, 1, 2, 3], 0, 2, 0, "-1"),
        ([1, 2], 0, 2, 0, "-1"),
        ([-3, -2], 0, 2, -3, "+1"),
        ([-0.5, 0.5, 1.5], 0, 2, -1.5, "zero"),
        ([-1, 1], -1, 1, -1, "-1"),
        ([-1, 1], 1, 1, -1, "+1"),
        ([0, 2, 4], 0, 2, 0, "-1"),
        ([-1, 0, 1], 0, 2, -1, 1),
        ([-2, -1, 0, 1], 0, 2, -2, 2),
        ([-1, 1], 5, 2, -1, "+1"),
        ([-0.75, -0.25, 0.5], -0.25, 3, -0.75, 2),
    ],
)
def test_borders(values, border, bits, low, kind):
    """``kind`` is a number where the border is a level between the ends."""
    grid = fit(np.array(values, np.float64), float(border))
    assert grid is not None
    told = (kind, 0) if isinstance(kind, str) else ("level", kind)
    assert (grid.bits, grid.low, grid.padding, grid.border) == (bits, Fraction(low), *told)


def test_a_value_between_the_levels_is_no_border():
    assert fit(np.array([-2, -1, 0, 1], np.float64), 0.3) is None
    assert fit(np.array([-2, -1, 0, 1], np.float64), 0.0) is not None


@pytest.mark.parametrize("values", [[0, 1, 2.5, 3.14159], [0, 1, np.inf], [0, np.nan], [0.0, 1.0, 300.0]])
def test_no_grid(values):
    assert fit(np.array(values, np.float64)) is None


def test_values_that_rounding_split_are_one():
    third = np.float32(1 / 3)
    assert fit(np.array([0, third, np.nextafter(third, np.float32(1)), 2 * third], np.float64)).bits == 2

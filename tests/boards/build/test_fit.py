"""What is expected to fit, by estimates that were corrected by a measured design."""

from dataclasses import replace

import numpy as np
import pytest

from boards.build import fit
from boards.build.area import Areas
from boards.build.fit import Correction, fastest_that_fits, plan_that_fits, rate_that_fits
from hw.plan.area import pipeline_area
from hw.plan.cost import stage_area
from hw.plan.device import device
from hw.plan.pipeline import pipeline
from hw.plan.plan import Plan
from hw.plan.search import plan_for_rate
from hw.plan.space import Space
from hw.synthesis import Area
from sw.errors import SubbitError
from sw.network import Convolution, Dense, DenseEncoding, Input, Network, Scores, Thermometer, Threshold

UP5K = device("ice40-up5k")


def medium_network(rng):
    """Large enough for its area to follow its folding."""

    def weights(*shape):
        return DenseEncoding(rng.integers(0, 2, shape, dtype=np.uint8))

    def threshold(name, source, channels):
        return Threshold(
            name=name, reads=(source,), thresholds=np.zeros((channels, 1), np.int64), invert=np.zeros(channels, bool)
        )

    layers = (
        Thermometer(name="encode", reads=("input",), thresholds=np.array([[128]])),
        Convolution(name="conv1", reads=("encode",), weights=weights(8, 3, 3, 1)),
        threshold("act1", "conv1", 8),
        Convolution(name="conv2", reads=("act1",), weights=weights(16, 3, 3, 8)),
        threshold("act2", "conv2", 16),
        Dense(name="dense1", reads=("act2",), weights=weights(4, 256)),
        Scores(name="scores", reads=("dense1",), scale=np.ones(4, np.int64), bias=np.zeros(4, np.int64)),
    )
    return Network("medium", Input(8, 8, 1, 8), layers)


@pytest.fixture
def network(rng):
    return medium_network(rng)


@pytest.fixture
def space(network):
    return Space(network, family="ice40")


@pytest.fixture
def plan(network):
    """At 60,000 frames a second."""
    return plan_for_rate(network, Plan(device=UP5K.name), 60_000, "ice40")


def measured(network, plan, factor, odd=None):
    """A design that took ``factor`` times as many tables as estimated, and 100 of the rest; stage ``odd`` ten times."""
    stages = {}
    for stage in pipeline(network, plan).stages:
        area = stage_area(stage, "ice40")
        luts = round((10 if stage.name == odd else factor) * area.luts)
        stages[stage.name] = Area(luts, round(area.ffs), 0, area.brams, 0)
    stages["link"] = Area(100, 50, 0, 2, 0)
    total = Area(
        *(sum(getattr(area, kind) for area in stages.values()) for kind in ("luts", "ffs", "carries", "brams")), 0
    )
    return Areas(total, stages)


def test_what_was_measured(network, plan):
    found = measured(network, plan, 1.5)
    correction = Correction.measured(network, plan, "ice40", found, 2 * found.total.luts)
    assert correction.luts == pytest.approx(3.0, rel=0.02)
    assert correction.ffs == pytest.approx(1.0, rel=0.02)
    assert correction.beside == (200.0, 50, 2)


def test_an_estimate_that_is_far_off_counts_for_nothing(network, plan):
    found = measured(network, plan, 1.5, odd="conv1_window")
    correction = Correction.measured(network, plan, "ice40", found, found.total.luts)
    assert correction.luts == pytest.approx(1.5, rel=0.05)


def test_the_fastest_that_fits_leaves_room_for_the_rest(network, space):
    small = replace(UP5K, luts=1100, ffs=1100, block_rams=16)
    free = Correction(1.0, 1.0, 1.0, (0.0, 0.0, 0))
    full = Correction(1.5, 1.0, 1.0, (100.0, 50.0, 2))
    plan = Plan(device=UP5K.name)
    fast, slow = (fastest_that_fits(space, plan, small, each) for each in (free, full))
    areas = [pipeline_area(pipeline(network, each), "ice40") for each in (fast, slow)]
    assert pipeline(network, fast).interval < pipeline(network, slow).interval
    assert within(areas[0], small, free)
    assert within(areas[1], small, full)
    assert not within(areas[0], small, full)


def within(area, device, correction):
    """Whether that much is expected to fit."""
    luts, ffs, brams = correction.beside
    return (
        correction.luts * area.luts + luts <= 0.98 * device.luts
        and correction.ffs * area.ffs + ffs <= 0.98 * device.ffs
        and correction.brams * area.brams + brams <= device.block_rams
    )


def test_the_rate_that_fits_is_the_highest(network, space, plan):
    small = replace(UP5K, luts=1100, ffs=1100, block_rams=16)
    correction = Correction(1.5, 1.0, 1.0, (100.0, 50.0, 2))
    rate = rate_that_fits(space, plan, small, correction)
    assert rate is not None

    intervals = [int(plan.clock_hz / rate), int(plan.clock_hz / (1.3 * rate))]
    slow, fast = (plan_that_fits(space, plan, interval, small, correction) for interval in intervals)
    assert slow is not None
    assert within(pipeline_area(pipeline(network, slow), "ice40"), small, correction)
    assert pipeline(network, slow).interval <= intervals[0]
    assert fast is None
    assert rate < plan.clock_hz / pipeline(network, plan).interval
    assert f"{rate:g}" == str(int(rate))


def test_some_weights_in_block_ram_and_some_in_tables(network, space, plan, monkeypatch):
    free = Correction(0.98, 1.0, 1.0, (0.0, 0.0, 0))
    base = {name: replace(fold, rom="logic") for name, fold in plan.folding.items()}
    areas = {}
    for blocks in ((), ("conv2",), ("dense1",), ("conv2", "dense1")):
        folding = base | {name: replace(base[name], rom="block") for name in blocks}
        areas[blocks] = pipeline_area(pipeline(network, replace(plan, folding=folding)), "ice40")
    # The search by one price finds none of them, as may be in larger networks.
    monkeypatch.setattr(fit, "least_area_in", lambda *each: replace(plan, folding=base) if each[3] is None else None)
    for blocks, area in areas.items():
        small = replace(UP5K, luts=int(area.luts) + 2, ffs=9999, block_rams=area.brams)
        found = plan_that_fits(space, plan, 10**6, small, free)
        assert found is not None, blocks
        assert within(pipeline_area(pipeline(network, found), "ice40"), small, free)
    none = replace(UP5K, luts=int(areas["conv2", "dense1"].luts) - 60, ffs=9999, block_rams=areas[()].brams)
    assert plan_that_fits(space, plan, 10**6, none, free) is None


def test_nothing_fits(space, plan):
    assert rate_that_fits(space, plan, UP5K, Correction(100.0, 1.0, 1.0)) is None
    with pytest.raises(SubbitError, match=r"^medium does not fit ice40-up5k at any folding: take a larger device\.$"):
        fastest_that_fits(space, plan, UP5K, Correction(100.0, 1.0, 1.0))

"""Which plan a build takes, and which one it offers, where the design that was measured does not fit."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import subbit
from boards.board import board
from boards.build.build import Measured
from boards.build.failure import BuildFailure, DoesNotFit
from boards.build.fit import Correction
from hw.plan.pipeline import pipeline
from hw.plan.plan import Plan
from hw.plan.search import plan_for_rate
from subbit import building
from subbit.building import clock_within
from subbit.console import Failed
from sw.errors import SubbitError
from sw.network import Dense, DenseEncoding, Input, Network, Scores, Thermometer, Threshold
from tests.boards.build.test_fit import measured, medium_network

ROOM = 5280
#: Logic cells for a table: so many that the network is large for the device.
CELLS = 5


@pytest.fixture
def network(rng):
    return medium_network(rng)


@pytest.fixture
def rate(network):
    """Frames a second of a plan."""
    return lambda plan: plan.clock_hz / pipeline(network, plan).interval


@pytest.fixture
def factory(monkeypatch, tmp_path):
    """Designs that take ``factor`` as many tables as estimated, and five times as many logic cells; the plans tried."""
    plans = []

    class Builder:
        factor = 1.0

        def __init__(self, place, target, stages, runner, tell):
            pass

        def measure(self):
            areas = measured(self.network, plans[-1], self.factor)
            packed = CELLS * areas.total.luts
            if packed > ROOM:
                raise DoesNotFit({"logic cells": (packed, ROOM)}, areas, packed)
            return Measured(areas, packed)

        def implement(self, measured, seeds, jobs, seed_seconds):
            raise BuildFailure("far enough")

    def write(network, plan, target, folder, baud):
        folder.mkdir()
        (folder / "board.json").write_text(json.dumps({"board": target.name}))
        plans.append(plan)
        Builder.network = network

    monkeypatch.setattr(building, "Builder", Builder)
    monkeypatch.setattr(building, "write_design", write)
    return Builder, plans


def build(network, tmp_path, **settings):
    subbit.build(network, "icebreaker", tmp_path / "out", name="net.safetensors", **settings)


def test_a_design_that_is_too_large_names_a_build_that_fits(network, factory, rate, tmp_path):
    kind, plans = factory
    kind.factor = 1.3
    with pytest.raises(Failed) as caught:
        build(network, tmp_path, fps=80_000, output="class", baud=115_200)
    found = re.fullmatch(
        r"the design takes ([\d,]+) logic cells where there are 5,280, at ([\d,]+) frames a second; ([\d,]+) are "
        r"expected to fit: subbit build net.safetensors --board icebreaker --fps (\d+) --output-kind class "
        r"--baud 115200",
        str(caught.value),
    )
    assert found, caught.value
    assert int(found[1].replace(",", "")) > ROOM
    assert found[2] == f"{rate(plans[-1]):,.0f}"
    assert found[3].replace(",", "") == found[4]
    # What is offered does fit, and hardly faster does not.
    with pytest.raises(Failed, match=r"^far enough$"):
        build(network, tmp_path, fps=float(found[4]), output="class")
    with pytest.raises(Failed, match=r"^the design takes "):
        build(network, tmp_path, fps=1.5 * float(found[4]), output="class")


def test_a_design_that_is_too_large_is_planned_again_at_its_rate(network, factory, rate, tmp_path):
    _, plans = factory
    with pytest.raises(Failed, match=r"^far enough$"):
        build(network, tmp_path, fps=80_000)
    sizes = [CELLS * measured(network, plan, 1.0).total.luts for plan in plans]
    assert len(plans) > 1
    assert all(size > ROOM for size in sizes[:-1])
    assert sizes[-1] <= ROOM
    assert rate(plans[-1]) >= 80_000


def test_the_clock_of_the_plan_is_in_the_command(network, factory, tmp_path):
    plan = plan_for_rate(network, Plan(device="ice40-up5k", clock_hz=24e6), 187_500, "ice40")
    with pytest.raises(Failed, match=r"--board icebreaker --fps \d+ --clock 24$"):
        build(network, tmp_path, plan=plan)


def test_no_folding_fits(network, factory, tmp_path):
    kind, _ = factory
    kind.factor = 1.9
    with pytest.raises(
        Failed,
        match=r"^the design takes [\d,]+ logic cells where there are 5,280: no folding of medium is expected to fit "
        r"iCEBreaker; take a board with a larger FPGA, or make the network compact \(subbit train --compact\)$",
    ):
        build(network, tmp_path, fps=40_000)


def test_a_network_that_is_far_too_large_is_refused_before_tools_run(factory, rng, tmp_path):
    _, plans = factory
    weights = [DenseEncoding(rng.integers(0, 2, shape, dtype=np.uint8)) for shape in ((8191, 256), (2, 8191))]
    layers = (
        Thermometer(name="encode", reads=("input",), thresholds=np.array([[128]])),
        Dense(name="dense1", reads=("encode",), weights=weights[0]),
        Threshold(name="t1", reads=("dense1",), thresholds=np.zeros((8191, 1), int), invert=np.zeros(8191, bool)),
        Dense(name="last", reads=("t1",), weights=weights[1]),
        Scores(name="scores", reads=("last",), scale=np.ones(2, int), bias=np.zeros(2, int)),
    )
    with pytest.raises(
        SubbitError,
        match=r"^the design is expected to take (.* and )?[\d,]+ block RAMs where there are 30: no folding of huge is "
        r"expected to fit iCEBreaker; take a board with a larger FPGA, or make the network compact "
        r"\(subbit train --compact\)$",
    ):
        build(Network("huge", Input(16, 16, 1, 8), layers), tmp_path)
    assert not plans
    assert not list(tmp_path.glob("out*"))


@pytest.mark.slow
@pytest.mark.parametrize(("expected", "factor"), [(5.9, 0.6), (1.0, 1.0)], ids=["up", "down"])
def test_the_most_frames_are_found_by_measuring(network, factory, rate, tmp_path, monkeypatch, expected, factor):
    kind, plans = factory
    kind.factor = factor
    usual = Correction(expected, 1.0, 1.0, (500.0, 50.0, 2))
    monkeypatch.setattr(building.Correction, "usual", lambda family: usual)
    with pytest.raises(Failed, match=r"^far enough$"):
        build(network, tmp_path, max_fps=True)
    fit = [plan for plan in plans if CELLS * measured(network, plan, factor).total.luts <= ROOM]
    assert 1 < len(plans) <= 5
    assert rate(plans[-1]) == max(map(rate, fit))
    assert (rate(plans[-1]) > rate(plans[0])) == (factor < 1)


@pytest.mark.slow
def test_nothing_that_was_tried_fits(network, factory, tmp_path):
    kind, _ = factory
    kind.factor = 1.9
    with pytest.raises((Failed, SubbitError), match=r"does not fit|no folding"):
        build(network, tmp_path, max_fps=True)


def test_a_plan_is_taken_as_it_is(network, factory, tmp_path):
    _, plans = factory
    plan = plan_for_rate(network, Plan(device="ice40-up5k"), 20_000, "ice40")
    with pytest.raises(Failed, match=r"^far enough$"):
        build(network, tmp_path, plan=plan)
    with pytest.raises(Failed, match=r"^far enough$"):
        build(network, tmp_path, plan=plan, clock_mhz=24)
    assert plans == [plan, replace(plan, clock_hz=24e6)]


def test_without_a_wish_the_plan_is_the_planner_s(network, factory, tmp_path):
    _, plans = factory
    with pytest.raises(Failed, match=r"^far enough$"):
        build(network, tmp_path)
    assert plans == [subbit.plan(network, device="ice40-up5k").plan]


@pytest.mark.parametrize(
    ("name", "reached", "clock"),
    [
        ("icebreaker", 37.85, 37.5),
        ("icebreaker", 12.0, 12.0),
        ("icebreaker", 11.9, None),
        ("tang-nano-9k", 37.85, 37.8),
    ],
)
def test_clock_within_reach(name, reached, clock):
    assert clock_within(board(name), reached) == clock

"""A network on bit slices, generated and run in every simulator that is installed."""

import numpy as np
import pytest

from hw.generate import generate
from hw.layer.encode import EncodeShape
from hw.plan.cost import stage_area
from hw.plan.pipeline import Stage
from hw.plan.plan import Folding, Plan
from sim import available, simulate
from sw.network import BitSlices, Convolution, Dense, DenseEncoding, Input, Network, Padding, Scores, Threshold


def sliced(rng, slices=(1, 5, 7)):
    """Two colours of 8 bits, three slices of each, padded with ones."""

    def weights(*shape):
        return DenseEncoding(rng.integers(0, 2, shape, dtype=np.uint8))

    cuts = rng.integers(-9, 10, (4, 1))
    layers = (
        BitSlices(name="encode", reads=("input",), slices=slices),
        Convolution(
            name="conv1", reads=("encode",), weights=weights(4, 3, 3, 2 * len(slices)), padding=Padding("+1", 1)
        ),
        Threshold(name="conv1_act", reads=("conv1",), thresholds=cuts, invert=rng.random(4) < 0.5),
        Dense(name="dense1", reads=("conv1_act",), weights=weights(3, 80)),
        Scores(name="scores", reads=("dense1",), scale=np.ones(3, np.int64), bias=rng.integers(-3, 4, 3)),
    )
    return Network("sliced", Input(4, 5, 2), layers)


def both_ways():
    """Every simulator with one pixel a beat and with two, the other way round among the slow tests."""
    for simulator in available():
        for beat in (1, 2):
            slow = (simulator == "icarus") == (beat == 2)
            yield pytest.param(simulator, beat, marks=[pytest.mark.slow] * slow)


@pytest.mark.parametrize(("simulator", "beat"), list(both_ways()))
def test_sliced_pixels_in_verilog_are_those_of_the_network(simulator, beat, rng, make_images, tmp_path):
    network = sliced(rng)
    plan = Plan({"conv1": Folding(2, 3), "dense1": Folding(1, 4)}, pixels_per_beat=beat)
    generated = generate(network, plan, tmp_path / "sliced")
    images = make_images(network, 8)
    report = simulate(generated, network, images, simulator)
    assert (report.problem, report.images, report.layers) == (None, 8, ("encode", "conv1_act"))
    assert report.cycles_per_frame == report.planned_cycles_per_frame == generated.cycles
    np.testing.assert_array_equal(report.scores, network.score(images))


@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_slices_are_wires_and_cost_what_as_many_planes_do(family):
    slices = EncodeShape(2, 8, 2, slices=(1, 5, 7))
    planes = EncodeShape(2, 8, 2, planes=(1, 5, 7))
    assert (slices.lanes_out, slices.bits_out) == (12, 1)
    assert stage_area(Stage("encode", slices), family) == stage_area(Stage("encode", planes), family)

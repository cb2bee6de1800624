"""Convolutions around whose images one of the levels stands, or a pixel, in every datapath."""

from dataclasses import replace

import numpy as np
import pytest

from hw.generate import generate
from hw.plan.plan import Folding, Plan
from sim import simulate
from sw.network import (
    BitPlanes,
    Convolution,
    Dense,
    DenseEncoding,
    Input,
    Network,
    Padding,
    Scores,
    Threshold,
)
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.two_level import TwoLevelEncoding
from tests.simulators import needs_icarus


def bits(rng, *shape):
    return DenseEncoding(rng.integers(0, 2, shape, dtype=np.uint8))


def codewords(rng):
    return CodebookEncoding(np.array([[1, 1, 0, 1], [0, 1, 0, 0]], np.uint8), rng.integers(0, 2, (6, 4)), (6, 2, 2, 4))


def network_of(rng, weights, level):
    """Two planes of a pixel of 34 around the image, and around its 2-bit levels the one called ``level``."""
    layers = (
        BitPlanes(name="encode", reads=("input",), planes=(1, 3, 5)),
        Convolution(
            name="conv1", reads=("encode",), weights=bits(rng, 4, 3, 3, 2), padding=Padding("level", 1, 0b100010)
        ),
        Threshold(
            name="conv1_act",
            reads=("conv1",),
            thresholds=np.sort(rng.integers(-150, 150, (4, 3)), axis=1),
            invert=rng.random(4) < 0.5,
        ),
        Convolution(name="conv2", reads=("conv1_act",), weights=weights, padding=Padding("level", 1, level)),
        Threshold(
            name="conv2_act", reads=("conv2",), thresholds=rng.integers(-9, 10, (6, 1)), invert=rng.random(6) < 0.5
        ),
        Dense(name="dense1", reads=("conv2_act",), weights=bits(rng, 3, 180)),
        Scores(name="scores", reads=("dense1",), scale=np.ones(3, np.int64), bias=rng.integers(-3, 4, 3)),
    )
    return Network("padded", Input(4, 5, 2), layers)


@pytest.mark.slow
@needs_icarus
@pytest.mark.parametrize(
    ("folding", "encoding"),
    [
        (Folding(2, 2), bits),
        (Folding(3, 8), bits),
        (Folding(2, 4, datapath="bit-serial"), bits),
        (Folding(6, 16, datapath="unrolled"), bits),
        (Folding(2, 2, datapath="sparse"), lambda *given: TwoLevelEncoding(bits(*given), 1, 1)),
        (Folding(2, 4, datapath="lookup"), codewords),
    ],
    ids=lambda given: getattr(given, "datapath", ""),
)
def test_the_verilog_pads_by_the_level(folding, encoding, rng, make_images, tmp_path):
    weights = encoding(rng) if encoding is codewords else encoding(rng, 6, 2, 2, 4)
    network = network_of(rng, weights, level=2)
    images = make_images(network, 8)
    conv2 = network.layer("conv2")
    source = network.source(conv2)
    levels = network.run(images).activations["conv1_act"]
    other = replace(conv2, padding=Padding("level", 1, 1))
    assert (conv2.compute(levels, source) != other.compute(levels, source)).any()
    plan = Plan({"conv1": Folding(2, 2), "conv2": folding, "dense1": Folding(1, 6)})
    report = simulate(generate(network, plan, tmp_path / "padded"), network, images, "icarus")
    assert report.passed, report

"""A network whose layers take every datapath, with plans that put its tables into every kind of memory."""

from dataclasses import replace

import numpy as np

from hw.plan.plan import Folding, Plan
from sw.network import (
    Convolution,
    Dense,
    DenseEncoding,
    Input,
    MaxPool,
    Network,
    Padding,
    Scores,
    Thermometer,
    Threshold,
)
from sw.network.encodings.codebook import CodebookEncoding

__all__ = ["PLANS", "mixed", "plain"]


def plain(seed: int, *, thresholds: bool = True) -> Network:
    """Two convolutions and a dense layer over 6 x 6 pixels of four bits; five classes."""
    rng = np.random.default_rng(seed)

    def bits(*shape: int) -> DenseEncoding:
        return DenseEncoding(rng.integers(0, 2, shape).astype(np.uint8))

    other = rng if thresholds else np.random.default_rng(0)
    layers = (
        Thermometer(name="encode", reads=("input",), thresholds=np.array([[8]])),
        Convolution(name="conv1", reads=("encode",), weights=bits(8, 3, 3, 1), stride=1, padding=Padding("none", 0)),
        _threshold("t1", "conv1", other, 8, 4),
        Convolution(name="conv2", reads=("t1",), weights=bits(16, 3, 3, 8), stride=1, padding=Padding("none", 0)),
        _threshold("t2", "conv2", other, 16, 20),
        Dense(name="dense", reads=("t2",), weights=bits(5, 64)),
        # The extremes are in every network, so that the width of the offsets is the same.
        Scores(
            name="scores",
            reads=("dense",),
            scale=np.ones(5, int),
            bias=np.array([63, -63, *other.integers(-63, 64, 3)]),
        ),
    )
    return Network("plain", Input(6, 6, 1, 4), layers)


def mixed(seed: int) -> Network:
    """A padded convolution, one of codewords, pooling, and two dense layers over 8 x 8 pixels; four classes."""
    rng = np.random.default_rng(seed)
    numbers = rng.choice(512, 8, replace=False)
    words = CodebookEncoding(
        ((numbers[:, None] >> np.arange(9)) & 1).astype(np.uint8), rng.integers(0, 8, (8, 8)), (8, 3, 3, 8)
    )
    few = DenseEncoding((rng.random((12, 32)) < 0.2).astype(np.uint8))
    last = DenseEncoding(rng.integers(0, 2, (4, 12)).astype(np.uint8))
    first = DenseEncoding(rng.integers(0, 2, (8, 3, 3, 1)).astype(np.uint8))
    layers = (
        Thermometer(name="encode", reads=("input",), thresholds=np.array([[7]])),
        Convolution(name="conv1", reads=("encode",), weights=first, stride=1, padding=Padding("-1", 1)),
        _threshold("t1", "conv1", rng, 8, 4),
        MaxPool(name="pool1", reads=("t1",), size=2),
        Convolution(name="conv2", reads=("pool1",), weights=words, stride=1, padding=Padding("none", 0)),
        _threshold("t2", "conv2", rng, 8, 20),
        Dense(name="dense1", reads=("t2",), weights=few),
        _threshold("t3", "dense1", rng, 12, 8),
        Dense(name="last", reads=("t3",), weights=last),
        Scores(name="scores", reads=("last",), scale=np.ones(4, int), bias=rng.integers(-9, 10, 4)),
    )
    return Network("mixed", Input(8, 8, 1, 4), layers)


PLAIN = Plan(
    {"conv1": Folding(1, 9, "block"), "conv2": Folding(2, 8, "block"), "dense": Folding(1, 16, "block")},
    pixels_per_beat=1,
    output="scores",
)
LOGIC = replace(PLAIN, folding={name: replace(folding, rom="logic") for name, folding in PLAIN.folding.items()})
MIXED = Plan(
    {
        "conv1": Folding(8, 9, "auto"),
        "conv2": Folding(2, 9, "block", "lookup"),
        "dense1": Folding(2, 8, "block", "sparse"),
        "last": Folding(4, 12, "auto", "unrolled"),
    },
    pixels_per_beat=1,
    output="class",
)
#: By name, what makes the network and its plan.
PLANS = {"block": (plain, PLAIN), "logic": (plain, LOGIC), "mixed": (mixed, MIXED)}


def _threshold(name: str, reads: str, rng: np.random.Generator, channels: int, span: int) -> Threshold:
    table = rng.integers(-span, span + 1, (channels, 1))
    return Threshold(name=name, reads=(reads,), thresholds=table, invert=rng.random(channels) < 0.5)

"""The accelerators that mutants are made of: one a datapath, small, with folds, padding, tables and buffers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.networks import codebook_weights, few_weights, random_weights, reused_weights, two_level_weights
from hw.plan.plan import Folding, Plan
from sw.network import (
    BitPlanes,
    BitSlices,
    Convolution,
    Dense,
    Encoding,
    Input,
    Layer,
    MaxPool,
    Network,
    Padding,
    Scores,
    Thermometer,
    Threshold,
)
from sw.network.words import Words

__all__ = ["SUBJECTS", "Subject"]

Make = Callable[[np.random.Generator, tuple[int, ...]], Encoding]


@dataclass(frozen=True)
class Subject:
    """A ``network`` and the ``plan`` under which it shows a datapath; ``shows`` says what occurs in it."""

    name: str
    shows: str
    network: Network
    plan: Plan


def plain(rng: np.random.Generator, shape: tuple[int, ...]) -> Encoding:
    """Weights of -1 and +1 with equal chances."""
    return random_weights(rng, *shape)


def codebook(rng: np.random.Generator, shape: tuple[int, ...]) -> Encoding:
    """Weights of five codewords."""
    return codebook_weights(rng, shape, min(5, Words(shape).codewords))


def few(rng: np.random.Generator, shape: tuple[int, ...]) -> Encoding:
    """Two-level weights of which one in eight is one."""
    return few_weights(rng, shape, 1 / 8)


def reused(rng: np.random.Generator, shape: tuple[int, ...]) -> Encoding:
    """Outputs each made from the one before, every third from its complement."""
    return reused_weights(rng, shape, np.arange(shape[0]) % 3 == 2)


def network(
    first: Layer,
    make: Make,
    *,
    channels: int = 1,
    fill: str = "-1",
    levels: int = 1,
    stride: int = 1,
    widths: tuple[int, int] = (4, 6),
) -> Network:
    """Two convolutions, the first padded and pooled, and a dense layer, over 8x8 pixels of four bits; seeded.

    ``levels`` thresholds follow each convolution. The second convolution's weights, and the dense layer's where they
    can be like that, are made by ``make``.
    """
    rng = np.random.default_rng(6)
    image = Input(8, 8, channels, 4)
    layers: list[Layer] = [first]
    kind = first.output(image.type)

    def add(layer: Layer) -> None:
        nonlocal kind
        layers.append(layer)
        kind = layer.output(kind)

    def threshold(name: str) -> None:
        reach = max(1, kind.magnitude // 4)
        table = np.sort(rng.integers(-reach, reach + 1, (kind.channels, levels)), axis=1)
        add(Threshold(name=name, reads=(layers[-1].name,), thresholds=table, invert=rng.random(kind.channels) < 0.3))

    shape = (widths[0], 3, 3, kind.channels)
    own = make if make in (reused, two_level_weights) else plain
    add(Convolution(name="conv1", reads=(first.name,), weights=own(rng, shape), padding=Padding(fill, 1)))
    threshold("conv1_act")
    add(MaxPool(name="pool1", reads=("conv1_act",), size=2))
    around = Padding("zero", 1) if stride > 1 else Padding()
    weights = make(rng, (widths[1], 3, 3, widths[0]))
    add(Convolution(name="conv2", reads=("pool1",), weights=weights, stride=stride, padding=around))
    threshold("conv2_act")
    add(Dense(name="dense1", reads=("conv2_act",), weights=make(rng, (3, kind.size))))
    bias = rng.integers(-3, 4, 3)
    scale = np.ones(3, np.int64) if levels == 1 else np.array([3, 5, -4])
    add(Scores(name="scores", reads=("dense1",), scale=scale, bias=bias))
    return Network("mutated", image, tuple(layers))


def plan(conv1: Folding, conv2: Folding, dense1: Folding, output: str = "scores", beat: int = 1) -> Plan:
    """A plan by layer."""
    folding = {"conv1": conv1, "conv2": conv2, "dense1": dense1}
    return Plan(folding, pixels_per_beat=beat, output="class" if output == "class" else "scores")


ONE = Thermometer(name="encode", reads=("input",), thresholds=np.array([[8]]))
THREE = Thermometer(name="encode", reads=("input",), thresholds=np.array([[3, 8, 12], [2, 7, 13]]))
PLANES = BitPlanes(name="encode", reads=("input",), planes=(1, 3))
SLICES = BitSlices(name="encode", reads=("input",), slices=(1, 2, 3))

SUBJECTS: dict[str, Subject] = {
    subject.name: subject
    for subject in (
        Subject(
            "xnor",
            "folded XNOR and popcount: parallel and serial windows, repack, pool, results",
            network(ONE, plain),
            plan(Folding(2, 3), Folding(2, 2), Folding(3, 4)),
        ),
        Subject(
            "lookup",
            "codeword lookup in convolutions and dense layers, zero padding, stride 2",
            # Three groups of words a window, and more folds than beats: both halves of the tables are full at times.
            network(ONE, codebook, stride=2, widths=(6, 12)),
            plan(Folding(6, 9), Folding(1, 18, "auto", "lookup"), Folding(1, 8, "auto", "lookup")),
        ),
        Subject(
            "reuse",
            "channel reuse: unrolled layers whose outputs are made one from the other",
            network(ONE, reused),
            plan(*(Folding(*size, datapath="unrolled") for size in ((4, 9), (6, 36), (3, 24)))),
        ),
        Subject(
            "sparse",
            "two levels: listed taps in conv2 and dense1, zero padding, stride 2",
            network(ONE, few, stride=2),
            plan(Folding(1, 9), Folding(2, 2, "auto", "sparse"), Folding(1, 4, "auto", "sparse")),
        ),
        Subject(
            "planes",
            "kept bit planes, two at once and one after the other; two-bit activations",
            network(PLANES, plain, channels=2, fill="zero", levels=3),
            plan(Folding(2, 6), Folding(2, 4, "auto", "bit-serial"), Folding(3, 2)),
        ),
        Subject(
            "unrolled",
            "weights as constants, zero padding",
            network(ONE, plain, stride=2),
            plan(*(Folding(*size, datapath="unrolled") for size in ((4, 9), (6, 36), (3, 24)))),
        ),
        Subject(
            "slices",
            "bit slices as channels, two pixels a beat",
            network(SLICES, plain, fill="+1"),
            plan(Folding(2, 9), Folding(2, 2), Folding(1, 4), beat=2),
        ),
        Subject(
            "thermometer",
            "three thresholds a colour, two-bit activations, the class alone",
            network(THREE, plain, channels=2, levels=3),
            plan(Folding(1, 6), Folding(1, 4), Folding(1, 1), "class"),
        ),
        Subject(
            "two-level",
            "two levels on XNOR and popcount",
            network(ONE, two_level_weights),
            plan(Folding(2, 3), Folding(3, 4), Folding(1, 4)),
        ),
        Subject(
            "loaded",
            "tables in single-port RAM that are loaded first",
            network(ONE, plain),
            plan(Folding(2, 3, "spram"), Folding(2, 2, "spram", "sparse"), Folding(3, 4, "spram")),
        ),
    )
}

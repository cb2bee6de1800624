"""Random networks with random plans: every kind of layer and of padding, odd sizes, extreme weights and thresholds."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from hw.plan.datapath import DATAPATHS
from hw.plan.plan import Folding, Plan
from sw.network import (
    BitPlanes,
    BitSlices,
    Convolution,
    Dense,
    DenseEncoding,
    Encoding,
    Input,
    Layer,
    Linear,
    MaxPool,
    Network,
    Padding,
    Scores,
    TensorType,
    Thermometer,
    Threshold,
)
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.network.words import Words

__all__ = ["networks", "plans", "random_images"]


class Chain:
    """Layers put one after another, each reading the one before."""

    def __init__(self, image: Input) -> None:
        self.layers: list[Layer] = []
        self.type: TensorType = image.type

    @property
    def source(self) -> tuple[str, ...]:
        return (self.layers[-1].name if self.layers else "input",)

    def add(self, layer: Layer) -> None:
        self.type = layer.output(self.type)
        self.layers.append(layer)


@st.composite
def networks(draw: st.DrawFn, largest: int = 8) -> Network:
    """Networks over up to ``largest`` x ``largest`` pixels with up to three convolutions and three dense layers."""
    image = Input(
        draw(st.integers(1, largest)),
        draw(st.integers(1, largest)),
        draw(st.integers(1, 4)),
        draw(st.sampled_from([1, 4, 8])),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    chain = Chain(image)
    encode(draw, rng, chain, image)
    for number in range(draw(st.integers(0, 3))):
        convolution(draw, rng, chain, number)
    for number in range(draw(st.integers(0, 2))):
        dense(draw, rng, chain, f"dense{number}", draw(st.sampled_from([1, 3, 4, 6, 8])))
    classes = draw(st.sampled_from([2, 3, 5, 10]))
    dense(draw, rng, chain, "last", classes, threshold=False)
    plain = draw(st.booleans())
    scale = np.ones(classes, int) if plain else rng.integers(-9, 10, classes)
    chain.add(Scores(name="scores", reads=chain.source, scale=scale, bias=rng.integers(-9, 10, classes)))
    return Network("random", image, tuple(chain.layers))


def encode(draw: st.DrawFn, rng: np.random.Generator, chain: Chain, image: Input) -> None:
    top = 1 << image.bits
    kind = draw(st.sampled_from(["threshold", "thermometer", "planes", "slices", "none"]))
    if kind in ("threshold", "thermometer"):
        levels = 1 if kind == "threshold" else draw(st.integers(2, 4))
        table = np.sort(rng.integers(0, top + 1, (image.channels, levels)), axis=1)
        chain.add(Thermometer(name="encode", reads=chain.source, thresholds=table))
    elif kind in ("planes", "slices"):
        kept = tuple(sorted(draw(st.sets(st.integers(0, image.bits - 1), min_size=1))))
        planes = BitPlanes(name="encode", reads=chain.source, planes=kept)
        chain.add(planes if kind == "planes" else BitSlices(name="encode", reads=chain.source, slices=kept))


def weights(draw: st.DrawFn, rng: np.random.Generator, shape: tuple[int, ...]) -> Encoding:
    kinds = ["random", "random", "random", "few", "zeros", "ones", "two-level", "codebook", "codebook"]
    kind = draw(st.sampled_from(kinds))
    if kind == "codebook" and (np.prod(shape[1:-1]) > 1 or any(shape[-1] % taps == 0 for taps in range(2, 10))):
        return codebook(draw, rng, Words(shape))
    fill = {"zeros": np.zeros, "ones": np.ones, "few": lambda s: rng.random(s) < 0.1}
    bits = fill.get(kind, lambda s: rng.integers(0, 2, s))(shape)
    plain = DenseEncoding(bits.astype(np.uint8))
    if kind != "two-level":
        return plain
    fraction = draw(st.sampled_from([0, 1, 4]))
    # Often with one level that is 0.
    ratio = draw(st.sampled_from([1 << fraction, -1 << fraction]) | st.integers(-(2 << fraction), 2 << fraction))
    return TwoLevelEncoding(plain, ratio, fraction)


def codebook(draw: st.DrawFn, rng: np.random.Generator, words: Words) -> CodebookEncoding:
    """Weights of a few codewords."""
    count = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 16, 32]).filter(lambda count: count <= words.codewords))
    numbers = rng.choice(words.codewords, count, replace=False)
    codewords = ((numbers[:, None] >> np.arange(words.taps)) & 1).astype(np.uint8)
    return CodebookEncoding(codewords, rng.integers(0, count, (words.shape[0], words.count)), words.shape)


def activate(draw: st.DrawFn, rng: np.random.Generator, chain: Chain, name: str) -> None:
    reach, channels = chain.type.magnitude, chain.type.channels
    steps = (1 << draw(st.sampled_from([1, 1, 1, 2]))) - 1
    span = max(1, reach // draw(st.sampled_from([8, 3, 1])))
    table = np.sort(rng.integers(-span, span + 1, (channels, steps)), axis=1)
    # Some channels at the extremes: always, never, and one short of either.
    for channel in range(channels):
        if rng.random() < 0.2:
            table[channel] = rng.choice([-reach - 5, -reach, -reach + 1, reach, reach + 1, reach + 5])
    invert = rng.random(channels) < 0.4
    chain.add(Threshold(name=f"{name}_threshold", reads=chain.source, thresholds=table, invert=invert))


def convolution(draw: st.DrawFn, rng: np.random.Generator, chain: Chain, number: int) -> None:
    kind = draw(st.sampled_from(["none", "zero"] + (["-1", "+1"] if chain.type.domain == "levels" else [])))
    limit = 7 if kind != "none" else 4
    rows = draw(st.integers(1, limit if kind != "none" else min(limit, chain.type.height)))
    columns = draw(st.integers(1, limit if kind != "none" else min(limit, chain.type.width)))
    least = max(0, -(-(rows - chain.type.height) // 2), -(-(columns - chain.type.width) // 2))
    most = min(rows, columns) - 1
    if kind == "none" or most < max(1, least):
        kind, amount = "none", 0
        rows, columns = min(rows, chain.type.height), min(columns, chain.type.width)
    else:
        amount = draw(st.integers(max(1, least), most))
    between = range(1, chain.type.high) if chain.type.domain == "levels" else chain.type.planes
    level = 0
    if kind == "zero" and between and draw(st.booleans()):
        kind, level = "level", draw(st.sampled_from(list(between)))
        level = level if chain.type.domain == "levels" else 1 << level
    shape = (draw(st.sampled_from([1, 2, 3, 4, 6])), rows, columns, chain.type.channels)
    chain.add(
        Convolution(
            name=f"conv{number}",
            reads=chain.source,
            weights=weights(draw, rng, shape),
            stride=draw(st.sampled_from([1, 1, 2])),
            padding=Padding(kind, amount, level),
        )
    )
    activate(draw, rng, chain, f"conv{number}")
    side = min(chain.type.height, chain.type.width)
    if side >= 2 and draw(st.booleans()):
        chain.add(MaxPool(name=f"pool{number}", reads=chain.source, size=draw(st.integers(2, min(3, side)))))


def dense(
    draw: st.DrawFn, rng: np.random.Generator, chain: Chain, name: str, outputs: int, *, threshold: bool = True
) -> None:
    matrix = weights(draw, rng, (outputs, chain.type.size))
    chain.add(Dense(name=name, reads=chain.source, weights=matrix))
    if threshold:
        activate(draw, rng, chain, name)


@st.composite
def plans(draw: st.DrawFn, network: Network, widest: int = 64) -> Plan:
    """Plans for ``network``: any divisor for PE and SIMD, 1 and odd ones, at most about ``widest`` lanes a layer; for a
    codebook mostly lookup. Now and then everything at once: all pixels in a beat and every layer unrolled."""
    linear = [layer for layer in network.layers if isinstance(layer, Linear)]
    if all(layer.taps * layer.outputs <= 400 for layer in linear) and draw(st.sampled_from([True, False, False])):
        whole = {layer.name: Folding(layer.outputs, layer.taps, datapath="unrolled") for layer in linear}
        return Plan(whole, network.input.height * network.input.width, draw(st.sampled_from(["class", "scores"])))
    folding = {}
    lookup = DATAPATHS["lookup"]
    for layer in network.layers:
        if isinstance(layer, Linear):
            rom = draw(st.sampled_from(["auto", "block", "logic", "spram", "shared"]))
            if lookup.refusal(layer, network) is None and draw(st.sampled_from([True, True, False])):
                found = draw(st.sampled_from(list(lookup.foldings(layer, network))))
                folding[layer.name] = replace(found, rom=rom)
                continue
            serial = divisors(network.source(layer).channels, widest)
            way = draw(st.sampled_from(["xnor", "xnor", "xnor", "sparse", "bit-serial", "unrolled"]))
            small = layer.taps * layer.outputs <= 400 and DATAPATHS["unrolled"].refusal(layer, network) is None
            if way == "unrolled" and small:
                folding[layer.name] = Folding(layer.outputs, layer.taps, rom, way)
                continue
            if way == "sparse":
                pe = draw(st.sampled_from(divisors(layer.outputs, 4)))
                folding[layer.name] = Folding(pe, draw(st.sampled_from(serial)), rom, "sparse")
            else:
                simd = draw(st.sampled_from([draw(st.sampled_from(divisors(layer.taps, widest))), *serial]))
                pe = draw(st.sampled_from(divisors(layer.outputs, max(1, widest // simd))))
                way = "xnor" if way == "unrolled" or DATAPATHS[way].refusal(layer, network) else way
                folding[layer.name] = Folding(pe, simd, rom, way)
    pixels = network.input.height * network.input.width
    return Plan(
        folding,
        pixels_per_beat=draw(st.sampled_from(divisors(pixels, 4))),
        output=draw(st.sampled_from(["scores", "class"])),
    )


def divisors(number: int, most: int) -> list[int]:
    """Divisors of ``number`` up to ``most``."""
    return [d for d in range(1, min(number, most) + 1) if number % d == 0]


def random_images(network: Network, count: int, seed: int = 0) -> np.ndarray:
    """``count`` images: the first all zero, the second all ones, the others random."""
    image = network.input
    shape = (count, image.height, image.width, image.channels)
    images = np.random.default_rng(seed).integers(0, 1 << image.bits, shape, dtype=np.uint8)
    images[:1], images[1:2] = 0, (1 << image.bits) - 1
    return images


def dense_network(classes: int = 5) -> Network:
    """Three dense layers of 0 and 1 for 12 pixels."""
    rng = np.random.default_rng(8)
    source = "encode"
    layers: list[Layer] = [Thermometer(name="encode", reads=("input",), thresholds=np.array([[8]]))]
    for name, outputs, taps in (("first", 9, 12), ("second", 6, 9), ("last", classes, 6)):
        bits = (rng.random((outputs, taps)) < 0.3).astype(np.uint8)
        layers.append(Dense(name=name, reads=(source,), weights=TwoLevelEncoding(DenseEncoding(bits), 1, 0)))
        source = name
        if name != "last":
            limits, invert = rng.integers(-3, 4, (outputs, 1)), rng.random(outputs) < 0.5
            layers.append(Threshold(name=f"{name}_act", reads=(name,), thresholds=limits, invert=invert))
            source = f"{name}_act"
    scale = np.ones(classes, int)
    layers.append(Scores(name="scores", reads=("last",), scale=scale, bias=rng.integers(-2, 3, classes)))
    return Network("whole", Input(3, 4, 1, 4), tuple(layers))

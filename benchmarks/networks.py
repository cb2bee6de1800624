"""Random weights in published topologies and foldings, for measuring what does not depend on the weights."""

from dataclasses import replace

import numpy as np

from hw.plan.plan import Folding, Plan
from sw.network import (
    BitPlanes,
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
from sw.network.encodings.reuse import ReuseEncoding
from sw.network.encodings.sparse import SparseEncoding
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.network.words import Words

__all__ = [
    "CNV_FOLDING",
    "SFC_FOLDING",
    "cnv",
    "cnv_of_codewords",
    "codebook_layer",
    "codebook_weights",
    "few_weights",
    "lfc",
    "mlp",
    "one_layer",
    "plan_for",
    "random_weights",
    "reused_weights",
    "sfc",
    "two_level_weights",
]

#: PE and SIMD of the published folding of CNV-W1A1 (Xilinx/finn-examples, cnv-w1a1 folding configuration).
CNV_FOLDING = [(16, 3), (32, 32), (16, 32), (16, 32), (4, 32), (1, 32), (1, 4), (1, 8), (5, 1)]
#: 16 x 16 products a cycle in each layer but the last: 784 cycles a frame, the rate of a pixel a beat.
SFC_FOLDING = [(16, 49), (16, 16), (16, 16), (2, 16)]


def random_weights(rng: np.random.Generator, *shape: int) -> DenseEncoding:
    """Weights of +-1 with equal chances."""
    return DenseEncoding(rng.integers(0, 2, shape, dtype=np.uint8))


def codebook_weights(rng: np.random.Generator, shape: tuple[int, ...], n: int) -> CodebookEncoding:
    """Weights made of ``n`` random codewords, each as likely."""
    words = Words(shape)
    numbers = rng.choice(words.codewords, n, replace=False)
    codewords = ((numbers[:, None] >> np.arange(words.taps)) & 1).astype(np.uint8)
    return CodebookEncoding(codewords, rng.integers(0, n, (shape[0], words.count)), shape)


def few_weights(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> TwoLevelEncoding:
    """Two-level weights of which a ``share`` is one, listed."""
    return TwoLevelEncoding(SparseEncoding.of((rng.random(shape) < share).astype(np.uint8)), -3, 2)


def two_level_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> TwoLevelEncoding:
    """Two-level weights, as many of one as of the other."""
    return TwoLevelEncoding(random_weights(rng, *shape), 3, 2)


def reused_weights(rng: np.random.Generator, shape: tuple[int, ...], turned: np.ndarray) -> ReuseEncoding:
    """Outputs of which each is made from the one before, with a sixth of the bits changed, and from its complement
    where it is ``turned``, bool (outputs,)."""
    rows = [rng.integers(0, 2, shape[1:], dtype=np.uint8)]
    for flip in turned[1:]:
        rows.append(rows[-1] ^ flip ^ (rng.random(shape[1:]) < 1 / 6))
    parents = np.maximum(np.arange(shape[0]) - 1, 0)
    return ReuseEncoding.of(DenseEncoding(np.array(rows, np.uint8)), parents, turned)


def codebook_layer(side: int, shape: tuple[int, ...], n: int, seed: int = 0, *, padded: bool = True) -> Network:
    """A layer whose weights of ``shape`` are random words out of ``n`` codewords, with its thresholds, over ``side`` x
    ``side`` pixels; a convolution is zero-padded by 1, or not."""
    rng = np.random.default_rng(seed)
    weights = codebook_weights(rng, shape, n)
    image = Input(side, side, shape[-1], 1) if len(shape) == 4 else Input(1, 1, shape[-1], 1)
    first = Thermometer(name="encode", reads=("input",), thresholds=np.ones((shape[-1], 1), int))
    return one_layer(image, first, weights, rng, padded=padded)


def one_layer(
    image: Input, first: Layer, weights: Encoding, rng: np.random.Generator, *, padded: bool = True
) -> Network:
    """A layer of these ``weights`` with random thresholds, after the encoder ``first``, and a dense one for scores."""
    if len(weights.shape) == 4:
        pad = Padding("zero", 1) if padded else Padding()
        layer: Linear = Convolution(name="layer", reads=("encode",), weights=weights, padding=pad)
    else:
        layer = Dense(name="layer", reads=("encode",), weights=weights)
    kind = layer.output(first.output(image.type))
    threshold = activation(rng, "threshold", layer, kind)
    last = Dense(name="last", reads=("threshold",), weights=random_weights(rng, 2, kind.size))
    scores = Scores(name="scores", reads=("last",), scale=np.ones(2, int), bias=np.zeros(2, int))
    return Network("layer", image, (first, layer, threshold, last, scores))


def activation(rng: np.random.Generator, name: str, source: Layer, kind: TensorType) -> Threshold:
    """Thresholds near zero, a quarter of the channels inverted."""
    table = rng.integers(-(kind.magnitude // 8) - 1, kind.magnitude // 8 + 2, (kind.channels, 1))
    return Threshold(name=name, reads=(source.name,), thresholds=table, invert=rng.random(kind.channels) < 0.25)


def chain(name: str, image: Input, steps: list[tuple[str, int]], first: Layer, seed: int) -> Network:
    """A network of 3x3 convolutions without padding, 2x2 pools and dense layers; the last step gives the scores."""
    rng = np.random.default_rng(seed)
    layers = [first]
    kind = first.output(image.type)
    for number, (step, size) in enumerate(steps):
        reads = (layers[-1].name,)
        if step == "pool":
            layers.append(MaxPool(name=f"pool{number}", reads=reads, size=size))
            kind = layers[-1].output(kind)
            continue
        if step == "conv":
            weights = random_weights(rng, size, 3, 3, kind.channels)
            layer: Linear = Convolution(name=f"conv{number}", reads=reads, weights=weights)
        else:
            layer = Dense(name=f"dense{number}", reads=reads, weights=random_weights(rng, size, kind.size))
        layers.append(layer)
        kind = layer.output(kind)
        if number < len(steps) - 1:
            layers.append(activation(rng, f"threshold{number}", layer, kind))
            kind = layers[-1].output(kind)
    ones = np.ones(kind.size, np.int64)
    layers.append(Scores(name="scores", reads=(layers[-1].name,), scale=ones, bias=ones * 0))
    return Network(name, image, tuple(layers))


def mlp(name: str, width: int, seed: int = 0) -> Network:
    """Three hidden dense layers of ``width`` over 28x28 pixels with one threshold."""
    first = Thermometer(name="encode", reads=("input",), thresholds=np.array([[128]]))
    return chain(name, Input(28, 28, 1), [("dense", width)] * 3 + [("dense", 10)], first, seed)


def sfc() -> Network:
    """FINN's SFC, 784-256x3-10 (Umuroglu et al., FPGA 2017, section 5.1)."""
    return mlp("sfc", 256)


def lfc() -> Network:
    """FINN's LFC, 784-1024x3-10."""
    return mlp("lfc", 1024)


def cnv() -> Network:
    """FINN's CNV over 32x32 colour images of 8 bits."""
    steps = [("conv", 64)] * 2 + [("pool", 2)] + [("conv", 128)] * 2 + [("pool", 2)] + [("conv", 256)] * 2
    first = BitPlanes(name="encode", reads=("input",), planes=tuple(range(8)))
    return chain("cnv", Input(32, 32, 3), steps + [("dense", 512)] * 2 + [("dense", 10)], first, 0)


def cnv_of_codewords(n: int, planes: tuple[int, ...]) -> Network:
    """`cnv` that reads only the given bit planes of a pixel, and whose convolutions but the first have kernels of ``n``
    random codewords."""
    rng, plain = np.random.default_rng(1), cnv()
    layers = []
    for layer in plain.layers:
        if isinstance(layer, BitPlanes):
            layers.append(replace(layer, planes=planes))
        elif isinstance(layer, Convolution) and layer.name != "conv0":
            layers.append(replace(layer, weights=codebook_weights(rng, layer.weights.shape, n)))
        else:
            layers.append(layer)
    return replace(plain, name=f"cnv_n{n}", layers=tuple(layers))


def plan_for(network: Network, folding: list[tuple[int, int]]) -> Plan:
    """A plan with PE and SIMD for the layers in order."""
    names = [layer.name for layer in network.layers if isinstance(layer, Linear)]
    return Plan({name: Folding(*pair) for name, pair in zip(names, folding, strict=True)}, output="scores")

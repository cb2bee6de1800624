"""Networks that went out as QONNX and came back."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from sw.compact.method import convert, parse_methods
from sw.errors import SubbitError
from sw.interop.export import write
from sw.interop.qonnx import Pixels, read_qonnx
from sw.network import (
    BitPlanes,
    BitSlices,
    Convolution,
    Dense,
    DenseEncoding,
    Input,
    Linear,
    MaxPool,
    Network,
    Padding,
    Scores,
    Thermometer,
    Threshold,
)
from sw.network.padding import NO_PADDING
from tests.networks import networks, random_images


def there_and_back(network, path):
    top = (1 << network.input.bits) - 1
    write(network, path)
    return read_qonnx(path, pixels=Pixels(network.input.bits, 0.0, float(top))).network


def bits(rng, *shape):
    return DenseEncoding(rng.integers(0, 2, shape, np.uint8))


def network_of(rng, padding, encoding, around=NO_PADDING, pooled=False):
    """Two convolutions, one of 2-bit levels, a pool, two dense layers; pixels, or what ``encoding`` makes of them.

    ``padding`` stands around the second convolution, ``around`` around the first; ``pooled`` puts a pool before it.
    """
    first = [encoding] if encoding else []
    if pooled:
        first.append(MaxPool(name="pool0", reads=("encode",), size=2))
    border = Padding(padding, 1, 2 if padding == "level" else 0) if padding != "none" else NO_PADDING
    size = 12 if padding != "none" else 8
    side = (size + (4 if padding == "none" else 2) - 2 * around.amount) * (2 if pooled else 1)
    image = Input(side, side, 2)
    reads = (first[-1].name if first else "input",)
    kind = encoding.output(image.type) if encoding else image.type
    steps, reach = 3 if padding == "level" else 1, kind.high * 3
    layers = (
        *first,
        Convolution(name="conv1", reads=reads, weights=bits(rng, 4, 3, 3, kind.channels), padding=around),
        Threshold(
            name="conv1_act",
            reads=("conv1",),
            thresholds=np.sort(rng.integers(-reach, reach, (4, steps)), axis=1),
            invert=rng.random(4) < 0.5,
        ),
        Convolution(name="conv2", reads=("conv1_act",), weights=bits(rng, 5, 3, 3, 4), padding=border),
        Threshold(
            name="conv2_act",
            reads=("conv2",),
            thresholds=np.sort(rng.integers(-9, 10, (5, 3)) * 2, axis=1),
            invert=rng.random(5) < 0.5,
        ),
        MaxPool(name="pool1", reads=("conv2_act",), size=2),
        Dense(name="dense1", reads=("pool1",), weights=bits(rng, 6, (size // 2) ** 2 * 5)),
        Threshold(
            name="dense1_act",
            reads=("dense1",),
            thresholds=rng.integers(-20, 20, (6, 1)) * 2,
            invert=rng.random(6) < 0.5,
        ),
        Dense(name="dense2", reads=("dense1_act",), weights=bits(rng, 3, 6)),
        Scores(name="scores", reads=("dense2",), scale=np.ones(3, np.int64), bias=np.array([0, 4, 1])),
    )
    return Network("there", image, layers)


def same(network, back, rng):
    """Assert that ``back`` has the layers of ``network``, and computes the same in each."""
    assert [type(layer) for layer in back.layers] == [type(layer) for layer in network.layers]
    for ours, theirs in zip(network.layers, back.layers, strict=True):
        if isinstance(ours, Linear):
            np.testing.assert_array_equal(theirs.weights.decode(), ours.weights.decode())
        if isinstance(ours, Convolution):
            assert theirs.padding == ours.padding
        if isinstance(ours, Threshold):
            np.testing.assert_array_equal(theirs.invert, ours.invert)
        if isinstance(ours, Thermometer):
            np.testing.assert_array_equal(theirs.thresholds, ours.thresholds)
        if isinstance(ours, BitPlanes):
            assert theirs.planes == ours.planes
        if isinstance(ours, BitSlices):
            assert theirs.slices == ours.slices
    images = rng.integers(0, 256, (50, *network.input.type.shape), np.uint8)
    run, again = network.run(images), back.run(images)
    for ours, theirs in zip(network.layers, back.layers, strict=True):
        np.testing.assert_array_equal(again.activations[theirs.name], run.activations[ours.name])


@pytest.mark.parametrize("padding", ["none", "-1", "+1", "zero", "level"])
def test_weights_paddings_and_scores_come_back(rng, tmp_path, padding):
    network = network_of(rng, padding, None)
    same(network, there_and_back(network, tmp_path / "there.onnx"), rng)


@pytest.mark.parametrize(
    ("planes", "around"),
    [
        ((4, 5, 6, 7), Padding("zero", 1)),
        ((0, 1, 2), NO_PADDING),
        ((2, 3), Padding("level", 1, 8)),
        ((0, 2, 3, 7), Padding("level", 1, 129)),
        ((0, 7), Padding("zero", 1)),
        ((3,), Padding("level", 1, 8)),
    ],
)
def test_planes_come_back(rng, tmp_path, planes, around):
    """Any of a pixel's planes, also with gaps, and what stands around them."""
    network = network_of(rng, "-1", BitPlanes(name="encode", reads=("input",), planes=planes), around)
    same(network, there_and_back(network, tmp_path / "there.onnx"), rng)


BORDERS = [(Padding("-1", 1), False), (NO_PADDING, True), (Padding("+1", 1), True), (Padding("zero", 1), False)]


@pytest.mark.parametrize(
    ("slices", "around", "pooled"),
    [(which, *border) for which, border in zip([(3,), (0, 7), (1, 5, 6), tuple(range(8))], BORDERS, strict=True)],
)
def test_bit_slices_come_back(rng, tmp_path, slices, around, pooled):
    network = network_of(rng, "-1", BitSlices(name="encode", reads=("input",), slices=slices), around, pooled)
    same(network, there_and_back(network, tmp_path / "there.onnx"), rng)


@pytest.mark.parametrize(
    ("steps", "around", "pooled"), [(steps, *border) for steps, border in zip([1, 2, 5, 16], BORDERS, strict=True)]
)
def test_thermometers_come_back(rng, tmp_path, steps, around, pooled):
    """Thresholds that are never reached or always, and in no order, among them."""
    table = rng.integers(1, 256, (2, steps))
    table[1, -1] = 256 if steps > 2 else 0
    network = network_of(rng, "-1", Thermometer(name="encode", reads=("input",), thresholds=table), around, pooled)
    same(network, there_and_back(network, tmp_path / "there.onnx"), rng)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(network=networks(largest=6))
def test_random_networks_come_back(network, tmp_path_factory):
    """Every class is the same."""
    try:
        back = there_and_back(network, tmp_path_factory.mktemp("there") / "there.onnx")
    except SubbitError as error:
        # Thresholds may be such that nothing but one value is left, which is told.
        if "which is always" in str(error):
            return
        raise
    images = random_images(network, 12)
    np.testing.assert_array_equal(back.classify(images), network.classify(images))


@pytest.mark.parametrize("text", ["two-level:ones=0.3@conv2", "codebook:n=8@conv2", "reuse"])
def test_compact_networks_come_back_as_what_they_compute(rng, tmp_path, text):
    network = convert(network_of(rng, "-1", None), parse_methods([text]))
    back = there_and_back(network, tmp_path / "there.onnx")
    images = rng.integers(0, 256, (50, *network.input.type.shape), np.uint8)
    np.testing.assert_array_equal(back.classify(images), network.classify(images))
    values = [layer.weights.values for layer in network.layers if isinstance(layer, Linear)]
    assert [layer.weights.values for layer in back.layers if isinstance(layer, Linear)] == values

"""Networks that went out as QONNX and came back."""

import numpy as np
import pytest

from sw.compact.method import convert, parse_methods
from sw.interop.export import write
from sw.interop.qonnx import Pixels, read_qonnx
from sw.network import BitPlanes, DenseEncoding, Input, Linear, Network, Scores, Threshold
from sw.network.layers import Convolution, Dense, MaxPool, Padding


def there_and_back(network, path):
    top = (1 << network.input.bits) - 1
    write(network, path)
    return read_qonnx(path, pixels=Pixels(network.input.bits, 0.0, float(top))).network


def bits(rng, *shape):
    return DenseEncoding(rng.integers(0, 2, shape, np.uint8))


def network_of(rng, padding, planes):
    """Two convolutions, one of them of 2-bit levels, a pool, two dense layers; pixels, or their upper planes."""
    first = [BitPlanes(name="encode", reads=("input",), planes=planes)] if planes else []
    border = Padding(padding, 1) if padding != "none" else Padding()
    size = 12 if padding != "none" else 8
    layers = (
        *first,
        Convolution(name="conv1", reads=("encode" if planes else "input",), weights=bits(rng, 4, 3, 3, 2)),
        Threshold(
            name="conv1_act", reads=("conv1",), thresholds=rng.integers(-900, 900, (4, 1)), invert=rng.random(4) < 0.5
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
    side = 14 if padding != "none" else 12
    return Network("there", Input(side, side, 2), layers)


@pytest.mark.parametrize("padding", ["none", "-1", "+1", "zero"])
@pytest.mark.parametrize("planes", [(), (4, 5, 6, 7)])
def test_weights_paddings_and_scores_come_back(rng, tmp_path, padding, planes):
    network = network_of(rng, padding, planes)
    back = there_and_back(network, tmp_path / "there.onnx")
    assert [type(layer) for layer in back.layers] == [type(layer) for layer in network.layers]
    for ours, theirs in zip(network.layers, back.layers, strict=True):
        if isinstance(ours, Linear):
            np.testing.assert_array_equal(theirs.weights.decode(), ours.weights.decode())
        if isinstance(ours, Convolution):
            assert theirs.padding == ours.padding
        if isinstance(ours, Threshold):
            np.testing.assert_array_equal(theirs.invert, ours.invert)
    images = rng.integers(0, 256, (50, *network.input.type.shape), np.uint8)
    run, again = network.run(images), back.run(images)
    for ours, theirs in zip(network.layers, back.layers, strict=True):
        np.testing.assert_array_equal(again.activations[theirs.name], run.activations[ours.name])


@pytest.mark.parametrize("text", ["two-level:ones=0.3@conv2", "codebook:n=8@conv2", "reuse"])
def test_compact_networks_come_back_as_what_they_compute(rng, tmp_path, text):
    network = convert(network_of(rng, "-1", ()), parse_methods([text]))
    back = there_and_back(network, tmp_path / "there.onnx")
    images = rng.integers(0, 256, (50, *network.input.type.shape), np.uint8)
    np.testing.assert_array_equal(back.classify(images), network.classify(images))
    values = [layer.weights.values for layer in network.layers if isinstance(layer, Linear)]
    assert [layer.weights.values for layer in back.layers if isinstance(layer, Linear)] == values

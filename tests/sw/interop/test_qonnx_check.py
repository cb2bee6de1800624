"""The comparison with qonnx's executor finds every fault that is put into a Network, and excuses rounding alone."""

from dataclasses import replace

import numpy as np
import pytest

from sw.interop.qonnx import Pixels, check, prove, read_qonnx
from sw.network import Convolution, Dense, DenseEncoding, Network, Padding, Scores, Thermometer, Threshold
from tests.sw.interop.graphs import Chain, pixels_of, signs


def make(rng, scale=1.0):
    chain = Chain(1, 1, 6, 6).node("Sub", 0.5).bipolar(scale)
    chain.conv(signs(rng, 4, 1, 3, 3) * np.float32(scale), pad=1).norm(rng, 4, 3 * scale**2).node("Relu")
    chain.quant(2, scale / 2).pool().conv(signs(rng, 4, 4, 3, 3), pad=1).norm(rng, 4, 6 * scale).bipolar().flat()
    return chain.dense(signs(rng, 5, 36))


@pytest.fixture
def imported(tmp_path, rng):
    return read_qonnx(make(rng).save(tmp_path))


def with_layer(imported, name, **changes):
    """The same import with one layer of the Network changed, in the walk too."""
    network = imported.network
    layers = tuple(replace(layer, **changes) if layer.name == name else layer for layer in network.layers)
    changed = Network(network.name, network.input, layers)
    for at, reading in enumerate(imported.walk.readings):
        if reading.layer.name == name:
            imported.walk.readings[at] = replace(reading, layer=changed.layer(name))
    return replace(imported, network=changed)


def flipped(layer):
    bits = layer.weights.decode().copy()
    bits.reshape(-1)[5] ^= 1
    return DenseEncoding(bits)


FAULTS = {
    "input threshold": lambda n: ("encode", {"thresholds": n.layer("encode").thresholds + 1}),
    "weight of a convolution": lambda n: ("conv1", {"weights": flipped(n.layer("conv1"))}),
    "weight behind levels": lambda n: ("conv2", {"weights": flipped(n.layer("conv2"))}),
    "weight of the last layer": lambda n: ("dense1", {"weights": flipped(n.layer("dense1"))}),
    "threshold": lambda n: ("conv2_act", {"thresholds": n.layer("conv2_act").thresholds + np.eye(4, 1, dtype=int) * 2}),
    "direction": lambda n: ("conv2_act", {"invert": ~n.layer("conv2_act").invert}),
    "zeros around bits": lambda n: ("conv1", {"padding": Padding("-1", 1)}),
    "zeros around levels": lambda n: ("conv2", {"padding": Padding("zero", 1)}),
}


@pytest.mark.parametrize(
    ("fault", "whole"), [*((fault, False) for fault in FAULTS), ("weight behind levels", True), ("direction", True)]
)
def test_faults_are_found(imported, fault, whole):
    images = pixels_of(imported, 60)
    images[2:, 0, 0] = 128  # a pixel right at the threshold
    wrong = with_layer(imported, *FAULTS[fault](imported.network)[:1], **FAULTS[fault](imported.network)[1])
    found = check(wrong, images, whole=whole)
    assert not found.equal
    assert not found.passed


def test_the_first_tensor_that_differs_is_where_the_fault_is(imported):
    images = pixels_of(imported, 60)
    name, changes = FAULTS["weight behind levels"](imported.network)
    found = check(with_layer(imported, name, **changes), images)
    assert [part.different for part in found.tensors[:2]] == [0, 0]
    assert found.tensors[2].different
    assert found.tensors[2].layer == "conv2_act"


def test_scores_in_another_order_are_found(imported):
    scores = imported.network.layer("scores")
    images = pixels_of(imported, 60)
    wrong = check(with_layer(imported, "scores", bias=scores.bias + np.array([40, 0, 0, 0, 0])), images)
    assert wrong.classes_different
    assert not wrong.passed


def test_rounding_is_excused_and_counted(tmp_path, rng):
    """Sums of an even number of +-0.1 are not zero in float32 where they are zero: the sign is the executor's luck."""
    weights = np.float32(0.1) * signs(rng, 16, 24)
    chain = Chain(1, 24).node("Sub", 0.5).bipolar(0.1).dense(weights).bipolar().dense(signs(rng, 4, 16))
    imported = read_qonnx(chain.save(tmp_path))
    images = pixels_of(imported, 500)
    proof = prove(imported, images)
    assert proof.passed
    assert not proof.graph.equal
    hidden = proof.graph.tensors[1]
    assert hidden.different == hidden.rounded > 0
    assert hidden.unexplained == 0
    assert proof.whole is not None
    assert proof.whole.numbers_equal
    # A threshold one step off hides behind all that rounding, and is found where there is none.
    act = imported.network.layer("dense1_act")
    wrong = prove(with_layer(imported, "dense1_act", thresholds=act.thresholds + 2), images)
    assert wrong.graph.passed
    assert wrong.whole is not None
    assert wrong.whole.tensors[1].unexplained
    assert not wrong.passed


def test_report_as_json(imported):
    facts = prove(imported, pixels_of(imported, 4)).as_dict()
    assert facts["passed"]
    assert facts["without_rounding"] is None
    assert facts["graph"]["images"] == 4
    assert facts["graph"]["tensors"][0] == {
        "layer": "encode",
        "tensor": "t1",
        "numbers": 144,
        "different": 0,
        "rounded": 0,
        "unexplained": 0,
    }


@pytest.mark.parametrize("whole", [False, True])
def test_nothing_is_found_where_nothing_is_wrong(imported, whole):
    found = check(imported, pixels_of(imported, 60), whole=whole)
    assert found.equal
    assert found.passed


def test_layers_know_their_tensors(imported):
    kinds = [type(layer) for layer in imported.network.layers]
    assert kinds[:3] == [Thermometer, Convolution, Threshold]
    assert kinds[-2:] == [Dense, Scores]
    tensors = imported.tensors
    assert list(tensors) == ["encode", "conv1", "pool1", "conv2", "conv2_act", "dense1", "scores"]
    assert (tensors["encode"], tensors["conv1"], tensors["scores"]) == ("t1", "t2", "t11")


def test_pixels_through_the_table_of_a_quantiser(tmp_path, rng):
    """FINN's CNV: (2 p / 255 - 1) in steps of 1/128, which is no multiple of the pixels; levels go in as pixels."""
    chain = Chain(1, 3, 5, 5).node("Mul", 2.0).node("Sub", 1.0).quant(8, 2.0**-7, signed=1, mode="HALF_UP")
    chain.conv(signs(rng, 6, 3, 3, 3)).norm(rng, 6, 3).bipolar().flat().dense(signs(rng, 4, 54))
    path = chain.save(tmp_path)
    imported = read_qonnx(path, pixels=Pixels(quantised=True))
    images = pixels_of(imported, 40)
    found = check(imported, images)
    assert found.equal
    given = imported.pixels(images)
    expected = np.minimum(images.astype(int) + (images >= 128), 255)
    np.testing.assert_array_equal(given, expected)
    assert (imported.network.classify(given) == found.answers).all()

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from sw.errors import SubbitError
from sw.interop.export import INPUT, METADATA, check, model_of, write
from sw.interop.export.check import run
from sw.network import (
    BitPlanes,
    BitSlices,
    Convolution,
    Dense,
    DenseEncoding,
    Input,
    Linear,
    Network,
    Padding,
    Scores,
    Thermometer,
    Threshold,
)
from sw.network.encodings.reuse import ReuseEncoding
from sw.network.encodings.sparse import SparseEncoding
from sw.network.encodings.two_level import TwoLevelEncoding
from tests.networks import networks, random_images


def stored_otherwise(draw, encoding):
    """The same weights, or some, in another encoding."""
    kind = draw(st.sampled_from(["same", "sparse", "reuse"]))
    if isinstance(encoding, TwoLevelEncoding):
        return replace(encoding, inner=stored_otherwise(draw, encoding.inner))
    if kind == "sparse":
        return SparseEncoding.of(encoding.decode())
    if kind == "reuse" and isinstance(encoding, DenseEncoding):
        parents = [draw(st.integers(0, number)) for number in range(encoding.shape[0])]
        flips = [parent != number and draw(st.booleans()) for number, parent in enumerate(parents)]
        return ReuseEncoding.of(encoding, np.array(parents), np.array(flips))
    return encoding


@st.composite
def any_networks(draw):
    network = draw(networks())
    layers = [
        replace(layer, weights=stored_otherwise(draw, layer.weights)) if isinstance(layer, Linear) else layer
        for layer in network.layers
    ]
    return replace(network, layers=tuple(layers))


def tensors(network, images):
    """Every tensor of the model, by its name, for these images at once."""
    pixels = images.transpose(0, 3, 1, 2).astype(np.float32)
    return execute_onnx(ModelWrapper(model_of(network, len(images))), {INPUT: pixels}, return_full_exec_context=True)


def stored(tensor, kind):
    """A tensor of the model as a Network stores it."""
    array = tensor.transpose(0, 2, 3, 1) if tensor.ndim == 4 else tensor[:, None, None, :]
    return (array - kind.low) / 2 if kind.domain == "levels" else array


@settings(max_examples=40, deadline=None, derandomize=True)
@given(network=any_networks())
def test_qonnx_computes_every_layer_of_any_network(network):
    images = random_images(network, 6)
    model = model_of(network, 6)
    onnx.checker.check_model(model, full_check=False)
    found, wanted = tensors(network, images), network.run(images)
    for name, activations in wanted.activations.items():
        np.testing.assert_array_equal(stored(found[name], network.shapes[name]), activations, err_msg=name)
    np.testing.assert_array_equal(found[network.layers[-1].name], wanted.scores)


def test_a_file_holds_the_model_and_its_check_finds_a_wrong_score(small_network, make_images, tmp_path):
    write(small_network, tmp_path / "small.onnx")
    model = onnx.load_model(tmp_path / "small.onnx")
    images = make_images(small_network, 3)
    assert check(small_network, model, images).equal
    assert [run(model, images).dtype, run(model, images).shape] == [np.float32, (3, 3)]
    last = small_network.layers[-1]
    other = replace(
        small_network, layers=(*small_network.layers[:-1], replace(last, bias=last.bias + np.array([0, 0, 1])))
    )
    found = check(other, model, images)
    score = other.score(images)[0, 2]
    assert found.mismatch == f"image 0 has score 2 = {score} in the network and {score - 1}.0 in ONNX"


def test_what_onnx_has_no_place_for_is_in_the_metadata(codebook_network):
    model = model_of(codebook_network)
    assert [entry.key for entry in model.metadata_props] == [METADATA]
    told = json.loads(model.metadata_props[0].value)
    conv = codebook_network.layer("conv2")
    words = len(conv.weights.codewords)
    assert told["layers"]["conv2"] == {
        "encoding": f"codebook of {words}",
        "weights": 216,
        "weight_bits": conv.weights.stored_bits(),
        "table_bits": 9 * words,
        "levels": [-1, 1],
    }
    assert (told["network"], told["pixel_bits"]) == ("small", 8)
    assert 0 < told["bits_per_weight"] < 2
    annotation = model.graph.quantization_annotation[0]
    assert (annotation.tensor_name, annotation.quant_parameter_tensor_names[0].value) == (INPUT, "UINT8")


def dense(name, source, bits):
    return Dense(name=name, reads=(source,), weights=DenseEncoding(np.asarray(bits, np.uint8)))


def scores(source, scale, bias):
    return Scores(name="scores", reads=(source,), scale=np.array(scale), bias=np.array(bias))


ENDS = np.stack([np.zeros((241, 273, 1), np.uint8), np.full((241, 273, 1), 255, np.uint8)])


def test_sums_are_exact_up_to_the_last_that_float32_holds():
    """65,793 pixels of 255 make 2**24 - 1, with either sign."""
    bits = np.stack([np.ones(241 * 273), np.zeros(241 * 273)])
    network = Network("ends", Input(241, 273, 1), (dense("d", "input", bits), scores("d", [1, 1], [0, 0])))
    model = model_of(network, 2)
    assert run(model, ENDS).tolist() == [[0, 0], [2**24 - 1, 1 - 2**24]]
    assert run(model, ENDS).dtype == np.float32
    assert check(network, model, ENDS).equal
    wider = Network("over", Input(241, 274, 1), (dense("d", "input", np.ones((1, 241 * 274))), scores("d", [1], [0])))

    with pytest.raises(
        SubbitError, match="^d can reach sums of 16,838,670, and ONNX's float32 holds whole numbers to "
    ):
        model_of(wider)


@pytest.mark.parametrize(
    ("scale", "bias", "kind"),
    [
        ([1, 1], [0, 0], np.float32),
        ([1, -1], [0, 1], np.int64),
        ([-(10**9), 10**9], [7, -(10**15)], np.int64),
        ([549_755_813_887, -549_755_813_887], [2**24 - 1, 1 - 2**24], np.int64),
    ],
)
def test_scores_are_exact_at_both_ends_whatever_their_size(scale, bias, kind):
    bits = np.stack([np.ones(241 * 273), np.zeros(241 * 273)])
    network = Network("ends", Input(241, 273, 1), (dense("d", "input", bits), scores("d", scale, bias)))
    found = run(model_of(network, 2), ENDS)
    assert found.dtype == kind
    top = 2**24 - 1
    wanted = [[end * scale[0] + bias[0], -end * scale[1] + bias[1]] for end in (0, top)]
    assert [[int(score) for score in row] for row in found.tolist()] == wanted
    assert network.score(ENDS).tolist() == wanted


@pytest.mark.parametrize(
    "kept", [(0,), (7,), (0, 1), (3, 4, 5), (5, 6, 7), (0, 2, 4, 6), (0, 1, 6, 7), tuple(range(8))]
)
@pytest.mark.parametrize("kind", [BitPlanes, BitSlices])
def test_every_pixel_value_loses_the_bits_that_are_not_kept(kind, kept):
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 8, 2)
    field = {"planes" if kind is BitPlanes else "slices": kept}
    picked = kind(name="pick", reads=("input",), **field)
    size = 256 * (1 if kind is BitPlanes else len(kept))
    network = Network("pick", Input(16, 8, 2), (picked, dense("d", "pick", np.ones((1, size))), scores("d", [1], [0])))
    found = stored(tensors(network, images)["pick"], network.shapes["pick"])
    np.testing.assert_array_equal(found, network.run(images).activations["pick"])


def test_layers_may_follow_one_another_in_any_order_and_branch(rng):
    """A convolution after a dense layer, scores of an image, a layer that nobody reads."""

    def bits(*shape):
        return DenseEncoding(rng.integers(0, 2, shape, np.uint8))

    thresholds = rng.integers(-3, 4, (6, 1))
    network = Network(
        "odd",
        Input(4, 5, 2, 4),
        (
            Thermometer(name="encode", reads=("input",), thresholds=np.array([[3, 9, 16], [0, 5, 12]])),
            Convolution(name="unread", reads=("encode",), weights=bits(2, 2, 3, 6), stride=2),
            Dense(name="dense", reads=("encode",), weights=bits(6, 120)),
            Threshold(name="act", reads=("dense",), thresholds=thresholds, invert=rng.random(6) < 0.5),
            Convolution(name="point", reads=("act",), weights=bits(4, 3, 3, 6), padding=Padding("+1", 1)),
            Threshold(
                name="act2", reads=("point",), thresholds=np.array([[-9, 0, 2]] * 4), invert=np.array([True, False] * 2)
            ),
            Convolution(name="wide", reads=("act2",), weights=bits(3, 2, 2, 4), padding=Padding("-1", 1)),
            Scores(name="scores", reads=("wide",), scale=rng.integers(-3, 4, 12), bias=rng.integers(-9, 9, 12)),
        ),
    )
    images = random_images(network, 8)
    found = check(network, model_of(network, 8), images)
    assert found.equal, found.mismatch


def test_scores_in_the_middle_are_refused(rng):
    bits = DenseEncoding(np.ones((3, 4), np.uint8))
    middle = scores("d", [1, 1, 1], [0, 0, 0])
    network = Network(
        "two",
        Input(2, 2, 1),
        (
            Dense(name="d", reads=("input",), weights=bits),
            replace(middle, name="early"),
            replace(middle, reads=("d",)),
        ),
    )
    with pytest.raises(SubbitError, match="^early gives scores in the middle of two: export it up to there$"):
        model_of(network)

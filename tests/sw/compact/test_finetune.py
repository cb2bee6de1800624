"""Networks trained further: they start where they were, keep what they have, and stop and go on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sw.compact.finetune import fine_tune, validation_part
from sw.compact.method import convert, parse_methods
from sw.compact.restore import FixedLevels, model_of
from sw.compact.train import train
from sw.errors import SubbitError
from sw.network import BitPlanes, Linear, Network, Scores, Threshold, digest
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.train.config import TrainConfig
from sw.train.export import compare
from sw.train.fit import TrainingStopped, accuracy

FURTHER = TrainConfig(
    epochs=4, batch=30, learning_rate=5e-3, validation=0.2, progress=False, accelerator="cpu", augment="none"
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(blobs):
    """A network that was trained on the blobs."""
    config = replace(FURTHER, topology="conv 6 pad 1, pool, conv 8 pad 1, dense 16", epochs=6, learning_rate=0.02)
    return train(config, blobs)[0]


def encoding(network, name):
    layer = network.layer(name)
    assert isinstance(layer, Linear)
    return layer.weights


def right(network, data):
    held = validation_part(data, FURTHER.validation, FURTHER.seed)
    return float((network.classify(held.images) == held.classes).mean())


def test_a_model_says_at_first_what_its_network_said(finished, blobs):
    model = model_of(finished, blobs.train_images)
    held = validation_part(blobs, 0.2, 0)
    assert compare(model, finished, blobs.test_images).equal
    assert accuracy(model, held.images, held.classes) == right(finished, blobs)
    # The statistics are those of a batch: in training mode most activations are what they are in eval mode.
    pixels = torch.tensor(blobs.train_images).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        still = model.eval().trace(pixels)
        moving = model.train().trace(pixels)
    for name, layer in zip(still, finished.layers, strict=True):
        if isinstance(layer, Threshold):
            assert (still[name] == moving[name]).float().mean() > 0.97


def test_a_codebook_costs_less_after_training_further(finished, blobs):
    texts = ("codebook:n=4,by=frequent",)
    without = convert(finished, parse_methods(texts))
    tuned, result = fine_tune(finished, replace(FURTHER, compact=texts, epochs=8), blobs)
    assert encoding(tuned, "conv2").kind == "codebook"
    assert len(encoding(tuned, "conv2").codewords) == 4
    assert compare(result.model, tuned, blobs.test_images).equal
    assert right(tuned, blobs) == result.validation_accuracy > right(without, blobs)
    assert [layer.name for layer in tuned.layers] == [layer.name for layer in finished.layers]


def test_two_levels_and_slices_are_trained_further(finished, blobs):
    texts = ("slices:keep=2", "two-level:ones=0.2@conv2", "reuse@dense1")
    tuned, result = fine_tune(finished, replace(FURTHER, compact=texts), blobs)
    assert isinstance(tuned.layers[0], BitPlanes)
    assert len(tuned.layers[0].planes) == 2
    bits = encoding(tuned, "conv2").decode()
    assert bits.mean() <= 0.2
    assert encoding(tuned, "dense1").kind == "reuse"
    assert compare(result.model, tuned, blobs.test_images).equal


def test_codebooks_and_levels_stay_where_no_method_is_given(finished, blobs):
    start = convert(finished, parse_methods(["codebook:n=6@conv2", "two-level:ones=0.3@dense1"]))
    model = model_of(start)
    assert isinstance(model.binarizers()["dense1"], FixedLevels)
    tuned, _ = fine_tune(start, replace(FURTHER, learning_rate=0.05), blobs)
    np.testing.assert_array_equal(encoding(tuned, "conv2").codewords, encoding(start, "conv2").codewords)
    assert isinstance(encoding(tuned, "dense1"), TwoLevelEncoding)
    assert encoding(tuned, "dense1").values == encoding(start, "dense1").values
    changed = [encoding(tuned, name).decode() != encoding(start, name).decode() for name in ("conv2", "dense1")]
    assert any(part.any() for part in changed)
    smaller, _ = fine_tune(start, replace(FURTHER, epochs=2, compact=("codebook:n=4@conv2",)), blobs)
    assert len(encoding(smaller, "conv2").codewords) == 4


def test_scores_keep_their_factors_and_their_large_biases(finished, blobs):
    factor, bias = np.array([3, -1, 2]), np.array([2**40 + 1, -5, 7])
    last = replace(finished.layers[-1], scale=factor, bias=bias)
    network = replace(finished, layers=(*finished.layers[:-1], last))
    model = model_of(network)
    assert compare(model, network, blobs.test_images).equal
    tuned, result = fine_tune(network, replace(FURTHER, epochs=1), blobs)
    assert isinstance(tuned.layers[-1], Scores)
    np.testing.assert_array_equal(tuned.layers[-1].scale, factor)
    assert compare(result.model, tuned, blobs.test_images).equal


def test_a_stopped_training_goes_on_to_the_same_network(finished, blobs, tmp_path, interrupted):
    config = replace(FURTHER, compact=("codebook:n=6",), epochs=3)
    straight, _ = fine_tune(finished, config, blobs)
    stopped = pytest.raises(TrainingStopped, match="^training was stopped in epoch 3 of 3: go on with resume ")
    with interrupted(9), stopped:
        fine_tune(finished, replace(config, output=str(tmp_path / "run")), blobs)
    last = str(tmp_path / "run" / "last.ckpt")
    resumed, _ = fine_tune(finished, replace(config, resume=last), blobs)
    assert digest(resumed) == digest(straight)
    other = replace(finished, layers=(*finished.layers[:-1], replace(finished.layers[-1], bias=np.array([1, 2, 3]))))
    wanted = f"was trained with start = '{digest(finished)}', not '{digest(other)}': resume with the same$"
    with pytest.raises(SubbitError, match=wanted):
        fine_tune(other, replace(config, resume=last), blobs)


def test_what_does_not_fit_is_told(finished, blobs):
    wanted = "^custom reads images of 8x8x1 pixels of 4 bits, and blobs has 8x8x1 pixels of 5 bits$"
    with pytest.raises(SubbitError, match=wanted):
        fine_tune(finished, FURTHER, replace(blobs, bits=5))
    with pytest.raises(SubbitError, match="^custom tells 3 classes apart, and blobs has 4$"):
        fine_tune(finished, FURTHER, replace(blobs, class_names=(*blobs.class_names, "d")))


def changed(network, name, **fields):
    layers = [replace(layer, **fields) if layer.name == name else layer for layer in network.layers]
    return Network(network.name, network.input, tuple(layers))


def test_what_cannot_be_trained_is_told(finished):
    act = finished.layer("conv1_act")
    uneven = np.tile([0, 1, 9], (6, 1))
    with pytest.raises(
        SubbitError, match="^conv1_act has thresholds that are not evenly spaced: no batch normalisation"
    ):
        model_of(changed(finished, "conv1_act", thresholds=uneven))
    even = np.tile([-8, 1, 9], (6, 1))  # 8.5 apart
    assert isinstance(act, Threshold)
    wide = changed(finished, "conv1_act", thresholds=even)
    assert compare(model_of(wide), wide, np.zeros((2, 8, 8, 1), np.uint8)).equal
    renamed = [replace(finished.layers[0], name="values"), replace(finished.layers[1], reads=("values",))]
    network = replace(finished, layers=(*renamed, *finished.layers[2:]))
    with pytest.raises(
        SubbitError, match="^PyTorch can have no layer called 'values': give it another name to train it$"
    ):
        model_of(network)
    first = finished.layers[0]
    twice = replace(finished, layers=(first, replace(first, name="other"), *finished.layers[1:]))
    with pytest.raises(SubbitError, match="^other reads input, not conv1: only a chain of layers can be trained$"):
        model_of(twice)

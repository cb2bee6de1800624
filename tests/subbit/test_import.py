"""``subbit import``: what it writes, what it tells, and its exit status."""

import json

import numpy as np
import pytest

from subbit import library
from tests.sw.interop.graphs import Chain, signs


@pytest.fixture
def model(tmp_path, rng):
    """A small convolutional model."""
    chain = Chain(1, 1, 8, 8).node("Sub", 0.5).bipolar().conv(signs(rng, 4, 1, 3, 3), pad=1).norm(rng, 4).pool()
    return chain.bipolar().flat().dense(signs(rng, 3, 64)).save(tmp_path)


def test_network_is_written_and_proved(command, model, tmp_path):
    outcome = command("import", model, "-o", "n.safetensors", "--json")
    assert outcome.status == 0
    document = json.loads(outcome.out)
    assert (document["images"], document["check"]["passed"], document["layers"]) == (100, True, 6)
    assert document["check"]["graph"]["equal"]
    assert document["tensors"]["scores"] == "t7"
    network = library.load(tmp_path / "n.safetensors")
    assert (network.name, network.input.height, network.classes) == ("chain", 8, 3)


def test_table_and_name(command, model, tmp_path):
    outcome = command("import", model, "-o", "n.safetensors", "--name", "mine", "--check", "7")
    assert outcome.status == 0
    assert "in qonnx against mine, 7 images" in outcome.out
    assert "mine: 8x8x1 8-bit pixels in, 3 classes, 6 layers; wrote n.safetensors" in outcome.out
    assert command("inspect", "n.safetensors").status == 0


def test_without_a_check(command, model):
    outcome = command("import", model, "-o", "n.safetensors", "--check", "0")
    assert outcome.out == "chain: 8x8x1 8-bit pixels in, 3 classes, 6 layers; wrote n.safetensors\n"


def test_named_images_and_those_that_the_network_takes(command, tmp_path, rng):
    chain = Chain(1, 1, 5, 5).node("Mul", 2.0).node("Sub", 1.0).quant(4, 0.125, signed=1)
    model = chain.conv(signs(rng, 6, 1, 3, 3)).bipolar().flat().dense(signs(rng, 4, 54)).save(tmp_path)
    np.save("images.npy", rng.integers(0, 256, (9, 5, 5, 1), np.uint8))
    options = ("--quantised-input", "--images", "images.npy", "--save-images", "levels.npz")
    outcome = command("import", model, "-o", "n.safetensors", *options, "--json")
    assert outcome.status == 0
    assert json.loads(outcome.out)["images"] == 9
    levels = np.load("levels.npz")["images"]
    assert (levels.shape, levels.max()) == ((9, 5, 5, 1), 15)
    network = library.load("n.safetensors")
    assert network.input.bits == 4
    network.check_images(levels)


def test_a_difference_ends_with_status_1_and_writes_nothing(command, model, tmp_path, monkeypatch):
    from sw.interop.qonnx.check import Check

    monkeypatch.setattr(Check, "passed", property(lambda self: False))
    outcome = command("import", model, "-o", "n.safetensors")
    assert outcome.status == 1
    assert "no network was written" in outcome.out
    assert not (tmp_path / "n.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--input-range", "1"), "--input-range must be LOW,HIGH, as in 0,1 or -1,1, not '1'"),
        (("--input-range", "0,0"), "low and high must be two different numbers, not 0.0 and 0.0"),
        (("--image-shape", "8,8"), "--image-shape must be HEIGHT,WIDTH,CHANNELS, as in 28,28,1, not '8,8'"),
        (("--image-shape", "8,8,2"), "the images' shape must have 64 pixels in all, not (8, 8, 2)"),
        (
            ("--check", "0", "--data", "digits"),
            "--images, --data and --save-images are for comparing: leave --check 0 out",
        ),
    ],
)
def test_mistakes(command, model, options, sentence):
    outcome = command("import", model, "-o", "n.safetensors", *options)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == f"subbit: error: {sentence}\n"


def test_refusal(command, tmp_path, rng):
    model = Chain(1, 12).dense(rng.normal(size=(3, 12)).astype(np.float32)).save(tmp_path)
    outcome = command("import", model, "-o", "n.safetensors")
    assert outcome.status == 2
    assert outcome.err == (
        f"subbit: error: {model} cannot be imported: MatMul_0 (MatMul) has weights of 36 values in place of two: "
        "train the network with 1-bit weights\n"
    )


def test_missing_extra(command, model, monkeypatch):
    monkeypatch.setattr("subbit.extras.find_spec", lambda name: None if name == "qonnx" else name)
    outcome = command("import", model, "-o", "n.safetensors")
    assert outcome.err == (
        "subbit: error: import of QONNX needs qonnx, which is not installed: run pip install 'subbit[interop]'\n"
    )

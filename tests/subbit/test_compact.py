"""``subbit compact``: what it writes, what it says of it, and how it ends."""

import json
from pathlib import Path

import numpy as np
import pytest

import subbit
from subbit.compaction import changes
from sw.compact.finished import with_two_levels
from sw.network import Linear, load

DIGITS = Path(__file__).parents[2] / "benchmarks" / "boards" / "networks" / "digits.safetensors"


def text_of(outcome):
    return " ".join(outcome.out.split())


def test_a_codebook_and_what_it_changed(command, network_file, small_network, make_images):
    np.save("images.npy", make_images(small_network, 40))
    call = ("compact", network_file, "-o", "out.safetensors", "--compact", "codebook:n=4", "--images", "images.npy")
    document = json.loads(command(*call, "--json").out)
    after = load("out.safetensors")
    differ = {
        layer.name: int((layer.weights.decode() != after.layer(layer.name).weights.decode()).sum())
        for layer in small_network.layers
        if isinstance(layer, Linear)
    }
    assert {layer["name"]: layer["changed"] for layer in document["layers"]} == differ
    assert differ["conv2"] > 0 == differ["conv1"]
    images = np.load("images.npy")
    same = (after.classify(images) == small_network.classify(images)).mean()
    assert document["judged"] == {"by": "the network's answers before", "images": 40, "before": 1.0, "after": same}
    assert (document["test"], document["training"], document["methods"]) == (None, None, ["codebook:n=4"])
    conv2 = document["layers"][1]
    assert (conv2["before"]["encoding"], conv2["after"]["encoding"]) == ("dense", "codebook of 4")
    assert conv2["after"]["weight_bits"] == 24 * 2 + 4 * 9 < conv2["before"]["weight_bits"] == 216
    told = text_of(command(*call))
    assert f"{100 * same:.2f} % right after and 100.00 % before, by the network's answers before (40 images)" in told
    assert f"{100 * differ['conv2'] / 216:.2f} %" in told


def test_bits_a_weight_and_nothing_to_judge_by(command, network_file):
    outcome = command("compact", network_file, "-o", "out.safetensors", "--bits-per-weight", 0.9)
    assert "what this costs in right answers was not measured: name images with --data or --images" in text_of(outcome)
    assert subbit.inspect(load("out.safetensors")).bits_per_weight <= 0.9


def test_an_output_that_was_turned_round_has_not_changed(small_network):
    after = with_two_levels(small_network, ["conv1", "conv2", "dense1"], 0.5, 4)
    assert [change.changed for change in changes(small_network, after)] == [0, 0, 0]
    fewer = with_two_levels(small_network, ["conv2"], 0.25, 4)
    bits = small_network.layer("conv2").weights.decode().reshape(6, -1)
    ones = np.minimum(bits.sum(axis=1), 36 - bits.sum(axis=1)).sum()
    left = fewer.layer("conv2").weights.decode().sum()
    assert changes(small_network, fewer)[1].changed == ones - left > 0


def test_labels_of_validation_and_test_images(command):
    call = ("compact", DIGITS, "-o", "out.safetensors", "--compact", "slices:keep=2", "--data", "digits", "--json")
    document = json.loads(command(*call, "--test").out)
    assert document["judged"]["by"] == "the labels of validation images"
    assert document["judged"]["before"] > 0.97
    assert document["test"]["images"] == 359
    assert document["layers"][0]["changed"] == 0
    assert json.loads(command(*call).out)["test"] is None


def test_fine_tuning_stops_and_goes_on(command, interrupted):
    call = ("compact", DIGITS, "-o", "out.safetensors", "--compact", "codebook:n=8", "--data", "digits", "--json",
            "--fine-tune", 2, "--accelerator", "cpu")  # fmt: skip
    with interrupted(15):
        outcome = command(*call)
    folder = "out.safetensors.training"
    assert outcome.status == 130
    kept = f"subbit: stopped: {folder} keeps the last whole epoch: give the same command with --resume to go on"
    assert outcome.err.splitlines()[-1] == kept
    assert not Path("out.safetensors").exists()
    again = command(*call)
    assert again.status == 2
    assert again.err.startswith(f"subbit: error: {folder} holds a training already: add --resume to go on with it")
    document = json.loads(command(*call, "--resume").out)
    assert document["training"]["epochs"] == 2
    assert not Path(folder).exists()
    assert document["layers"][1]["after"]["encoding"] == "codebook of 8"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--resume"], "--resume, --checkpoints and --max-minutes are of a training: add --fine-tune EPOCHS"),
        (["--fine-tune", "3"], "--fine-tune and --test need labelled images: name a data set with --data"),
        (["--test"], "--fine-tune and --test need labelled images: name a data set with --data"),
        (["--data", "digits", "--images", "x.npy"], "only one of --images and --data can be given"),
        (["--data", "digits"], "small reads images of 8x8x1 pixels of 8 bits, and digits has 8x8x1 pixels of 4 bits"),
        (["--compact", "slices:keep=3"], "slices are left out of pixels that a layer weighs bit by bit, and encode"),
        (["--compact", "codebook:n=8,by=snn"], "the codewords of snn come from training: choose by=sparks or"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(command, network_file, arguments, sentence):
    outcome = command("compact", network_file, "-o", "out.safetensors", *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert f"subbit: error: {sentence}" in " ".join(outcome.err.split())
    assert not Path("out.safetensors").exists()

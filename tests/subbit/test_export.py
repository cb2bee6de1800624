"""``subbit export``: the file, the check, and how it ends."""

import json

import numpy as np
import onnx
import pytest

import subbit
from subbit import extras
from subbit.interchange import check_qonnx
from sw.network import load


def test_a_network_goes_out_and_qonnx_agrees(command, network_file):
    outcome = command("export", network_file, "-o", "small.onnx", "--check", 4, "--json")
    assert (outcome.status, json.loads(outcome.out)["equal"], json.loads(outcome.out)["images"]) == (0, True, 4)
    told = command("export", network_file, "-o", "small.onnx")
    assert told.out.startswith("small.onnx: ")
    assert told.out.endswith(" bytes, not compared\n")


def test_named_images_are_compared(command, network_file, make_images):
    np.save("images.npy", make_images(load(network_file), 5))
    outcome = command("export", network_file, "-o", "small.onnx", "--check", 3, "--images", "images.npy")
    assert outcome.out.endswith("all scores equal in qonnx on 3 images\n")
    outcome = command("export", network_file, "-o", "other.onnx", "--images", "images.npy")
    wanted = "subbit: error: --images and --data are for comparing: say how many with --check\n"
    assert (outcome.status, outcome.err) == (2, wanted)


def test_a_file_of_another_network_is_found_out(command, network_file, make_images, tmp_path, monkeypatch):
    network = load(network_file)
    subbit.export_qonnx(network, "small.onnx")
    model = onnx.load_model("small.onnx")
    bias = next(constant for constant in model.graph.initializer if constant.name == "scores.bias")
    values = onnx.numpy_helper.to_array(bias) + np.array([0, 1, 0], np.float32)
    bias.CopyFrom(onnx.numpy_helper.from_array(values, "scores.bias"))
    onnx.save_model(model, "other.onnx")
    images = make_images(network, 3)
    score = network.score(images)[0, 1]
    found = check_qonnx(network, "other.onnx", images)
    assert found.mismatch == f"image 0 has score 1 = {score} in the network and {score + 1}.0 in ONNX"
    monkeypatch.setattr("subbit.library.export_qonnx", lambda network, path: onnx.save_model(model, path))
    outcome = command("export", network_file, "-o", "wrong.onnx", "--check", 2)
    assert outcome.status == 1
    assert " bytes, differs: image 0 has score 1 = " in outcome.out


def test_what_is_missing_is_told(command, network_file, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "qonnx" else name)
    outcome = command("export", network_file, "-o", "small.onnx")
    wanted = "subbit: error: export to QONNX needs qonnx, which is not installed: run pip install 'subbit[interop]'\n"
    assert (outcome.status, outcome.err) == (2, wanted)


@pytest.mark.parametrize("place", ["missing/small.onnx", "."])
def test_a_place_that_cannot_be_written(command, network_file, place):
    outcome = command("export", network_file, "-o", place)
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert outcome.err.startswith("subbit: error: ")

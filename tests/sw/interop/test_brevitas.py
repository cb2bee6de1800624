"""Networks that Brevitas exported: imported, they answer as PyTorch and as qonnx's executor; others are refused."""

import re

import numpy as np
import pytest

from benchmarks.brevitas import compare, imported, refusal, same_as_pytorch, simulated
from sim import available
from sw.interop.qonnx import check
from sw.network import Threshold
from tests.sw.interop.brevitas_cases.files import FOLDER, brevitas_files

FILES = brevitas_files()
TAKEN = [file for file in FILES if not file.refusal]
REFUSED = [file for file in FILES if file.refusal]
TIED = "ties"
"""Made so that float32 sums of +-0.1 miss the zero at which the sign turns."""


def named(file):
    return file.name


def test_the_folder_holds_the_files_of_the_manifest():
    found = {path.stem for path in FOLDER.glob("*.onnx")}
    assert found == {file.name for file in FILES}
    assert len(TAKEN) >= 12
    assert {bits for file in TAKEN for bits in file.activations} >= {1, 2, 3}
    assert {file.exporter for file in TAKEN} == {"dynamo", "torchscript"}


@pytest.mark.parametrize("file", TAKEN, ids=named)
def test_every_answer_is_that_of_pytorch_in_float64(file):
    found = imported(file)
    assert same_as_pytorch(file, found).all()
    bits = tuple(layer.bits for layer in found.network.layers if isinstance(layer, Threshold))
    assert bits == file.activations[-len(bits) :]


@pytest.mark.parametrize("file", TAKEN, ids=named)
def test_qonnx_has_the_same_levels(file):
    found = imported(file)
    told = check(found, file.images[:100])
    assert told.passed
    off = {part.layer: part.different for part in told.tensors if part.different}
    assert off.keys() == ({"dense1_act"} if file.name == TIED else set())
    whole = check(found, file.images[:100], whole=True)
    assert whole.passed
    assert not any(part.different for part in [*whole.tensors, whole.scores])


def test_float32_alone_makes_the_tied_network_differ():
    [file] = [file for file in TAKEN if file.name == TIED]
    single, double = file.answers
    assert (np.abs(single - double).max(axis=1) > 0.1).sum() > 500
    told = check(imported(file), file.images)
    assert told.passed
    assert sum(part.different for part in told.tensors) == sum(part.rounded for part in told.tensors) > 1000


@pytest.mark.parametrize("file", REFUSED, ids=named)
def test_what_no_network_computes_is_refused_in_one_sentence(file):
    sentence = refusal(file)
    assert all(word.lower() in sentence.lower() for word in file.refusal)
    assert not re.search(r"\. [A-Z]|\n", sentence)


@pytest.mark.slow
@pytest.mark.parametrize("file", TAKEN, ids=named)
def test_the_verilog_of_each_answers_as_the_network(file, tmp_path):
    found = simulated(file, 20, tmp_path / "verilog")
    assert {name: equal for name, equal in found.items() if name != "cycles"} == dict.fromkeys(available(), 20)


@pytest.mark.slow
@pytest.mark.parametrize("file", TAKEN, ids=named)
def test_a_thousand_images_are_explained(file):
    row = compare(file)
    assert row["images"] == row["PyTorch"] == 1000
    assert row["unexplained"] == 0
    if file.name != TIED:
        assert row["levels off"] == 0
        assert row["qonnx"] + row["equal scores"] == 1000

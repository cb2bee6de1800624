"""Records of simulations: what they say, and when they stop to count."""

import json
from dataclasses import replace

import numpy as np
import pytest

from sim.accelerator import PatternReport, SimulationReport
from subbit.classification import Classification
from subbit.proof import FOLDER, VirtualPort, found, images_digest, keep_answers, keep_simulation
from sw.errors import SubbitError
from sw.network import Network, save


@pytest.fixture
def built(design):
    """The design of the small network for a board, with netlists that stand for those of a build."""
    for name in ("synth.json", "routed.json", "top.bin"):
        (design / name).write_text(name)
    return design


@pytest.fixture
def images(small_network, make_images):
    return make_images(small_network, 5)


def simulated(simulator="verilator", images=5, mismatches=0, problem=None):
    """What a checked simulation reports."""
    patterns = (PatternReport(0.0, 0.0, 900, 0.1), PatternReport(0.25, 0.25, 2000, 0.1))
    return SimulationReport(
        simulator=simulator, mode="checked", images=images, mismatches=mismatches, problem=problem, mismatch=None,
        cycles=900, cycles_per_frame=180, planned_cycles_per_frame=180, latency=200, seconds=0.1, build_seconds=1.0,
        layers=("conv1_act", "dense1"), patterns=patterns, scores=np.zeros((images, 3)), classes=np.zeros(images),
    )  # fmt: skip


def answered(equal=5, images=5):
    """What a board is said to have answered."""
    return Classification("icebreaker", "somewhere", np.zeros(images, int), None, equal, 1.0, 100.0, 12_000_000, 0, 0)


def test_a_simulation_is_on_record_as_it_was(generated, small_network, images):
    assert keep_simulation(generated, small_network, images, simulated(), 7) is None
    (each,) = found(generated, small_network)
    run = each.run
    assert (each.stale, each.folder, run.passed) == (None, generated, True)
    assert (run.stage, run.by, run.images, run.equal, run.problem) == ("accelerator", "verilator", 5, 5, None)
    assert (run.layers, run.patterns, run.cycles, run.seed, run.data) == (2, 2, 180, 7, images_digest(images))


def test_other_questions_are_added_and_the_same_one_is_answered_anew(generated, small_network, images):
    keep_simulation(generated, small_network, images, simulated(), 0)
    keep_simulation(generated, small_network, images, simulated(), 0)
    assert len(found(generated, small_network)) == 1
    keep_simulation(generated, small_network, images, simulated("icarus"), 0)
    keep_simulation(generated, small_network, images, simulated(), 1)
    keep_simulation(generated, small_network, images[:3], simulated(images=3), 0)
    runs = [each.run for each in found(generated, small_network)]
    assert sorted((run.by, run.seed, run.images) for run in runs) == [
        ("icarus", 0, 5), ("verilator", 0, 3), ("verilator", 0, 5), ("verilator", 1, 5)
    ]  # fmt: skip


def test_a_failure_is_on_record_too(generated, small_network, images):
    keep_simulation(generated, small_network, images, simulated(mismatches=2, problem="layer conv1_act, image 0"), 0)
    (each,) = found(generated, small_network)
    assert (each.stale, each.run.equal, each.run.problem) == (None, 3, "layer conv1_act, image 0")
    assert each.run.passed is False


def test_a_broken_stream_rule_is_no_proof_though_all_results_are_equal(generated, small_network, images):
    keep_simulation(generated, small_network, images, simulated(problem="valid was withdrawn"), 0)
    assert found(generated, small_network)[0].run.passed is False


def test_a_changed_design_makes_a_record_stale(generated, small_network, images):
    keep_simulation(generated, small_network, images, simulated(), 0)
    source = generated / "accelerator.sv"
    text = source.read_text()
    source.write_text(text + "\n")
    assert found(generated, small_network)[0].stale == "the design has changed since"
    source.unlink()
    assert found(generated, small_network)[0].stale == "the design is no longer there"
    source.write_text(text)
    assert found(generated, small_network)[0].stale is None


def test_another_network_makes_a_record_stale(generated, small_network, images):
    keep_simulation(generated, small_network, images, simulated(), 0)
    scores = replace(small_network.layers[-1], bias=small_network.layers[-1].bias + 1)
    other = Network("small", small_network.input, (*small_network.layers[:-1], scores))
    save(other, generated / "network.safetensors")
    assert found(generated, other)[0].stale == "the network is another one now"


@pytest.mark.parametrize(
    ("stage", "file"),
    [("rtl", "top.sv"), ("synthesised", "synth.json"), ("routed", "routed.json"), ("bitstream", "top.bin")],
)
def test_each_stage_of_a_board_has_its_own_files(built, small_network, images, stage, file):
    port = VirtualPort.of("/dev/pts/7", "icarus", stage)
    assert port == "/dev/pts/7"
    assert keep_answers(built, small_network, images, port, answered()) is None
    (each,) = found(built, small_network)
    assert (each.run.stage, each.run.by, each.run.passed, each.stale) == (stage, "icarus", True, None)
    for name in ("top.sv", "synth.json", "routed.json", "top.bin"):
        text = (built / name).read_text()
        (built / name).write_text(text + " ")
        assert (found(built, small_network)[0].stale is not None) == (name == file)
        (built / name).write_text(text)


def test_a_port_that_was_named_is_told_as_that(built, small_network, images):
    keep_answers(built, small_network, images, "/dev/ttyUSB1", answered(equal=4))
    run = found(built, small_network)[0].run
    assert (run.stage, run.by, run.problem) == ("port", "/dev/ttyUSB1", "answers are not the network's")


def test_words_that_are_loaded_belong_to_the_design(built, small_network, images):
    description = json.loads((built / "board.json").read_text())
    weights = {"file": "weights.bin", "address": 0x20000, "words": 2}
    (built / "board.json").write_text(json.dumps(description | {"weights": weights}))
    (built / "weights.bin").write_bytes(b"1234")
    keep_answers(built, small_network, images, VirtualPort.of("x", "verilator", "routed"), answered())
    assert found(built, small_network)[0].stale is None
    (built / "weights.bin").write_bytes(b"1235")
    assert found(built, small_network)[0].stale == "the design has changed since"


def test_what_cannot_be_recorded_is_told_and_no_more(generated, small_network, images):
    (generated / FOLDER).write_text("in the way")
    told = keep_simulation(generated, small_network, images, simulated(), 0)
    assert told is not None
    assert told.startswith("not recorded: ")
    assert found(generated, small_network) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"format": 1', '"format": 2'),
        lambda text: text.replace('"equal": 5', '"equal": -5'),
        lambda text: text.replace('"equal": 5', '"equal": "5"'),
        lambda text: text.replace('"by"', '"from"'),
        lambda text: text.replace("accelerator", "molten"),
    ],
)
def test_a_damaged_record_is_refused(generated, small_network, images, damage):
    keep_simulation(generated, small_network, images, simulated(), 0)
    (path,) = (generated / FOLDER).iterdir()
    path.write_text(damage(path.read_text()))
    with pytest.raises(SubbitError) as caught:
        found(generated, small_network)
    assert str(caught.value).startswith(f"{path} is a damaged record (")
    assert str(caught.value).endswith("): remove it, and simulate again.")
    assert "\n" not in str(caught.value)

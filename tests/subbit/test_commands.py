"""What each command prints, and how it ends."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import typer.main

import subbit
from hw.plan.datapath import DATAPATHS
from subbit import proof
from subbit.cli import app
from sw.compact.method import parse_methods
from sw.network import Linear
from sw.network.encodings.codebook import CodebookEncoding

COMMANDS = (
    *("train", "compact", "inspect", "export", "plan", "generate", "simulate"),
    *("build", "weights", "flash", "classify", "board", "report", "demo"),
)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_tells_every_option_with_its_default(command, name):
    outcome = command(name, "--help")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith(f"Usage: subbit {name} ")
    for parameter in typer.main.get_command(app).commands[name].params:
        for spelling in (*parameter.opts, *parameter.secondary_opts):
            assert spelling.startswith("-") is False or spelling in outcome.out
        if isinstance(parameter.default, int | float | str) and not isinstance(parameter.default, bool):
            assert f"default: {parameter.default}" in " ".join(outcome.out.split())


def test_help_of_the_whole(command):
    outcome = command("--help")
    assert outcome.status == 0
    assert all(f"  {name} " in outcome.out for name in COMMANDS)


def test_version(command):
    assert command("--version").out == f"subbit {subbit.__version__}\n"


def test_defaults_of_train_are_those_of_the_library():
    from sw.train.config import TrainConfig

    options = {parameter.name: parameter.default for parameter in typer.main.get_command(app).commands["train"].params}
    options["topology"] = options.pop("model")
    options["devices"] = int(options["devices"])
    options["compact"] = tuple(options["compact"] or ())
    own = ("output", "resume", "test", "progress")
    shared = {field.name: field.default for field in fields(TrainConfig) if field.name in options}
    assert {name: options[name] for name in shared if name not in own} == {
        name: default for name, default in shared.items() if name not in own
    }


def test_train_writes_one_file_and_keeps_no_checkpoints(command, tmp_path):
    outcome = command("train", "-o", "net.safetensors", "--model", "dense 16", "--epochs", "2", "--json")
    document = json.loads(outcome.out)
    assert outcome.status == 0
    assert (document["network"], document["epochs"]) == ("net.safetensors", 2)
    assert 0 < document["test_accuracy"] <= 1
    assert os.listdir(tmp_path) == ["net.safetensors"]
    assert subbit.load("net.safetensors").classes == 10


def test_training_goes_on_where_it_was_stopped(command, tmp_path):
    train = ("train", "-o", "net.safetensors", "--model", "dense 16", "--checkpoints", "kept", "--json")
    assert command(*train, "--epochs", "1").status == 0
    outcome = command(*train, "--epochs", "2")
    assert outcome.status == 2
    assert outcome.err == (
        "subbit: error: kept holds a training already: add --resume to go on with it, or remove that folder\n"
    )
    outcome = command(*train, "--epochs", "2", "--resume")
    assert outcome.status == 0
    assert json.loads(outcome.out)["epochs"] == 2


def test_compaction_is_trained_told_and_written(command, tmp_path):
    train = ("train", "-o", "net.safetensors", "--model", "dense 16", "--checkpoints", "kept", "--epochs", "1")
    outcome = command(*train, "--compact", "slices:keep=2,seeds=1", "--json")
    assert outcome.status == 0
    assert "slices: training on all 4 slices\n" in outcome.err
    document = json.loads(outcome.out)
    assert document["settings"]["compact"] == ["slices:keep=2,seeds=1"]
    assert (
        json.loads((tmp_path / "kept" / "slices.json").read_text())["choice"] == document["found"]["slices"]["choice"]
    )
    encode = subbit.load("net.safetensors").layers[0]
    assert list(encode.slices) == document["found"]["slices"]["choice"]["kept"]
    assert document["total"]["weights"] == 64 * 2 * 8 + 8 * 10
    shown = json.loads(command("inspect", "net.safetensors", "--json").out)["layers"][0]
    assert (shown["kind"], shown["thresholds"], shown["rom_bits"]) == ("slices", 0, 0)
    assert shown["detail"] == "bits " + ", ".join(map(str, encode.slices))


def test_inspect(command, network_file):
    document = json.loads(command("inspect", network_file, "--json").out)
    assert [layer["name"] for layer in document["layers"]][-1] == "scores"
    # conv1: 8x8 pixels, 4 outputs, 9 taps; conv2: 2x2 pixels, 6 outputs, 36 taps; dense1: 3 outputs, 24 taps.
    assert document["total"]["operations"] == 2 * (64 * 4 * 9 + 4 * 6 * 36 + 3 * 24)
    assert document["total"]["bit_operations"] == 64 * 4 * 9 + 4 * 6 * 36 + 3 * 24
    assert document["total"]["weights"] == document["total"]["weight_bits"] == 36 + 216 + 72
    # Counts reach 9 and 36, a threshold one more; one of direction a channel. The encoder compares 8 bits once.
    assert document["total"]["rom_bits"] == 324 + 4 * (4 + 1) + 6 * (6 + 1) + 8
    shown = command("inspect", network_file)
    assert "conv2" in shown.out
    assert " ".join(shown.out.split()).endswith(
        "324 weights in 324 bits, 1.000 bits a weight; 394 ROM bits with the thresholds; "
        "3,240 bit operations an image, 100.0 % of the plain network's"
    )


def test_inspect_shows_what_compaction_did(command, small_network):
    bits = np.tile(np.eye(9, dtype=np.uint8)[:3].reshape(3, 3, 3), (8, 1, 1))[:, :, :, None].repeat(4, axis=3)[:6]
    conv = dataclasses.replace(small_network.layer("conv2"), weights=CodebookEncoding.of(bits))
    layers = tuple(conv if layer.name == "conv2" else layer for layer in small_network.layers)
    subbit.save(dataclasses.replace(small_network, layers=layers), "compact.safetensors")
    total = json.loads(command("inspect", "compact.safetensors", "--json").out)["total"]
    # 3 codewords of 9 bits and 2 bits for each of 24 kernels; 4 windows of 4 channels, 3 counted and 6 looked up.
    assert (total["weight_bits"], total["table_bits"]) == (36 + 27 + 48 + 72, 27)
    assert total["bit_operations"] == 64 * 36 + 4 * 4 * (27 + 6 / 2) + 72
    assert total["ones_share"] * 324 == sum(
        layer.weights.decode().sum() for layer in layers if isinstance(layer, Linear)
    )
    shown = command("inspect", "compact.safetensors").out
    assert "codebook of 3" in shown
    assert "tree depth" in shown


def test_compact_loses_nothing(command, network_file, small_network, make_images):
    document = json.loads(command("compact", network_file, "-o", "reused.safetensors", "--json").out)
    reused, images = subbit.load("reused.safetensors"), make_images(small_network, 20)
    assert np.array_equal(reused.score(images), small_network.score(images))
    kinds = {layer.weights.kind for layer in reused.layers if isinstance(layer, Linear)}
    assert "reuse" in kinds
    assert document["after"]["bit_operations"] < document["before"]["bit_operations"] == 3240
    assert document["after"]["depth"] >= 1
    shallow = command("compact", network_file, "-o", "shallow.safetensors", "--compact", "reuse:depth=1")
    assert "outputs at most 1 deep" in " ".join(shallow.out.split())


def test_inspect_draws(command, small_network):
    reused = parse_methods(["reuse"])[0].finish(small_network)
    subbit.save(small_network, "plain.safetensors")
    subbit.save(reused, "reused.safetensors")
    part = {"sets": [[0], [1]], "mean": [0.9, 0.5], "spread": [0.01, 0.02]}
    choice = {"accuracy": 0.95, "dropped": [0], "kept": [1], "single": part, "cumulative": part}
    Path("slices.json").write_text(json.dumps({"choice": choice}))
    outcome = command("inspect", "reused.safetensors", "--pictures", "drawn", "--before", "plain.safetensors",
                      "--slices", "slices.json", "--json")  # fmt: skip
    written = [Path(path) for path in json.loads(outcome.out)["pictures"]]
    assert {path.stem for path in written} >= {"codewords", "reuse-conv2", "slices"}
    for path in written:
        start = b"\x89PNG" if path.suffix == ".png" else b"<?xml"
        assert path.read_bytes().startswith(start)
        assert path.stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--before", "net.safetensors"], "add --pictures FOLDER"),
        (["--pictures", "drawn", "--slices", "net.safetensors"], "is no slices.json of a training"),
        (["--pictures", "drawn", "--before", "missing.safetensors"], "is not there"),
    ],
)
def test_inspect_says_what_cannot_be_drawn(command, network_file, arguments, sentence):
    outcome = command("inspect", network_file, *arguments)
    assert outcome.status == 2
    assert sentence in " ".join(outcome.err.split())


def test_plan_generate_simulate(command, network_file):
    plan = command("plan", network_file, "--fold", "conv1=2,9", "--fold", "conv2=2,4", "-o", "plan.json", "--json")
    document = json.loads(plan.out)
    assert [(layer["pe"], layer["simd"]) for layer in document["layers"]] == [(2, 9), (2, 4), (1, 1)]
    generate = command("generate", network_file, "--plan", "plan.json", "-o", "rtl", "--json")
    assert json.loads(generate.out)["interval"] == document["interval"]
    simulate = command("simulate", "rtl", "--random", "4", "--fast", "--json")
    found = json.loads(simulate.out)
    assert (simulate.status, found["passed"]) == (0, True)
    assert {run["images"] for run in found["simulators"]} == {4}
    assert {run["cycles_per_frame"] for run in found["simulators"]} == {document["interval"]}
    records = proof.found(Path("rtl"), subbit.load(network_file))
    assert [each.run.by for each in records] == [run["simulator"] for run in found["simulators"]]
    assert {(each.stale, each.run.passed, each.run.images, each.run.cycles) for each in records} == {
        (None, True, 4, document["interval"])
    }


def test_plan_explains_every_layer_and_datapath(command, network_file):
    asked = ("plan", network_file, "--device", "hx8k", "--fps", "5000", "--explain")
    document = json.loads(command(*asked, "--json").out)
    chosen = {each["layer"]: each for each in document["alternatives"] if each["chosen"]}
    assert [(layer["layer"], layer["datapath"]) for layer in document["layers"]] == [
        (name, each["datapath"]) for name, each in chosen.items()
    ]
    assert len(document["alternatives"]) == len(document["layers"]) * len(DATAPATHS)
    for each in document["alternatives"]:
        if each["folding"] is None:
            assert each["reason"]
        else:
            assert each["cycles"] <= document["interval"]
            assert each["chosen"] or each["price"] >= 0.99 * chosen[each["layer"]]["price"]
    said = " ".join(command(*asked).out.split())
    assert re.search(r"conv1: .*not sparse, as it has \d+% ones, more than 30%;", said)


def test_a_wrong_weight_is_found_and_named(command, network_file, tmp_path):
    assert command("generate", network_file, "-o", "rtl").status == 0
    source = tmp_path / "rtl" / "accelerator.sv"
    text, flips = re.subn(
        r"(weights\[0\] = \d+'h)([0-9a-f]+);",
        lambda found: f"{found[1]}{int(found[2], 16) ^ 1:x};",
        source.read_text(),
        count=1,
    )
    assert flips == 1
    source.write_text(text)
    outcome = command("simulate", "rtl", "--random", "16", "--simulator", "icarus")
    assert outcome.status == 1
    assert re.search(
        r"^icarus: layer conv\d_act, image \d+, row \d, column \d, channel \d: hardware \d, model \d", outcome.out, re.M
    )


def test_a_closed_pipe_is_no_traceback(network_file):
    script = f"'{sys.executable}' -m subbit inspect '{network_file}' | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_ctrl_c_says_that_nothing_was_written(command, network_file, monkeypatch):
    def interrupted(network):
        raise KeyboardInterrupt

    monkeypatch.setattr("subbit.library.inspect", interrupted)
    outcome = command("inspect", network_file)
    assert (outcome.status, outcome.err) == (130, "subbit: stopped: nothing was written\n")


def test_a_mistake_in_subbit_is_told_as_one(command, network_file, monkeypatch):
    def broken(network):
        raise RuntimeError("odd")

    monkeypatch.setattr("subbit.library.inspect", broken)
    outcome = command("inspect", network_file)
    assert outcome.status == 70
    assert outcome.err == (
        "subbit: error: this is a mistake in subbit (RuntimeError: odd): "
        "please report it with what the same command prints after subbit --debug\n"
    )
    assert "Traceback" in command("--debug", "inspect", network_file).err


def test_importing_subbit_imports_no_torch_and_no_amaranth():
    script = "import subbit, sys; subbit.load; print({'torch', 'amaranth', 'cocotb'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "set()\n"


def test_every_public_name_is_there():
    assert all(callable(getattr(subbit, name)) for name in subbit.__all__ if not name.startswith("_"))
    with pytest.raises(AttributeError, match="^module 'subbit' has no attribute 'fly'$"):
        _ = subbit.fly


def test_a_simulator_that_breaks_is_a_failed_check(command, network_file, monkeypatch):
    from sim.tools import SimulationFailure

    def broken(*arguments, **settings):
        raise SimulationFailure("the simulator ended without a result")

    assert command("generate", network_file, "-o", "rtl").status == 0
    monkeypatch.setattr("sim.accelerator.simulate", broken)
    outcome = command("simulate", "rtl", "--simulator", "icarus")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.endswith("subbit: failed: icarus did not finish: the simulator ended without a result\n")

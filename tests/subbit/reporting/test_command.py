"""``subbit report``: what it writes, what it prints, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subbit.proof import FOLDER, keep_simulation
from sw.network import save
from tests.subbit.reporting.parsed import Parsed
from tests.subbit.test_proof import simulated


@pytest.fixture
def folder(tmp_path, rng):
    """A folder of labelled 8x8 images of three classes, half of them to test on."""
    for part, count in (("train", 1), ("test", 4)):
        for name in ("<i>a</i>".replace("/", "-"), "b", "c"):
            (tmp_path / "photos" / part / name).mkdir(parents=True)
            for at in range(count):
                pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / "photos" / part / name / f"{at}.png")
    return tmp_path / "photos"


def test_a_page_and_its_figures(command, generated, small_network, make_images, folder):
    keep_simulation(generated, small_network, make_images(small_network, 5), simulated(), 0)
    outcome = command("report", generated, "-o", "page.html", "--data", f"folder:{folder}", "--limit", "10", "--json")
    assert (outcome.status, outcome.err) == (0, "")
    document, text = json.loads(outcome.out), Path("page.html").read_text()
    sections = ["topology", "layers", "compaction", "plan", "proof", "accuracy", "images"]
    assert document["sections"] == sections == [each["id"] for each in Parsed(text).all("section")]
    assert (document["report"], document["bytes"]) == ("page.html", len(text.encode()))
    assert document["network"]["total"]["weights"] == 324
    assert sum(layer["plan"]["cycles"] > 0 for layer in document["layers"] if layer["plan"]) == 3
    assert [step["name"] for step in document["plan"]["steps"] if step["slowest"]] == [document["plan"]["slowest"]]
    assert [(run["by"], run["verdict"], run["images_of"]) for run in document["proof"]] == [
        ("verilator", "holds", None)
    ]
    answers = document["answers"]
    assert (answers["data"], answers["split"], answers["images"], answers["of"]) == ("photos", "test", 10, 12)
    assert np.sum(answers["confusion"]) == 10
    assert np.trace(answers["confusion"]) == answers["right"]
    assert answers["classes"] == ["<i>a<-i>", "b", "c"]
    shown = command("report", generated, "-o", "page.html", "--data", f"folder:{folder}", "--limit", "10")
    assert shown.out.startswith(f"page.html: {len(text.encode()):,} bytes\n")
    assert Path("page.html").read_text() == text


def test_a_plan_for_a_network_alone(command, network_file):
    asked = ("report", network_file, "-o", "page.html", "--json")
    document = json.loads(command(*asked, "--device", "hx8k", "--fps", "5000").out)
    assert document["sections"][3:] == ["plan", "proof"][:1]
    assert document["plan"]["device"] == "ice40-hx8k"
    assert document["plan"]["frames_per_second"] >= 5000
    assert all(layer["weights_in"] for layer in document["layers"] if layer["plan"])
    assert command("plan", network_file, "--device", "hx8k", "--fps", "5000", "-o", "plan.json").status == 0
    by_file = json.loads(command(*asked, "--plan", "plan.json").out)
    assert by_file["plan"] == document["plan"]
    text = Parsed(Path("page.html").read_text()).text
    assert "of the LUTs of ice40-hx8k, by estimate" in text
    assert "bottleneck" in text


def test_slices_and_a_title(command, network_file, choice):
    Path("slices.json").write_text(json.dumps({"choice": choice}))
    outcome = command(
        "report", network_file, "-o", "page.html", "--slices", "slices.json", "--title", "A & B", "--json"
    )
    document = json.loads(outcome.out)
    assert (document["title"], document["slices"]["dropped"]) == ("A & B", [0])
    parsed = Parsed(Path("page.html").read_text())
    assert parsed.heads[0] == (1, "A & B")
    assert "Slices of the input" in parsed.text


def test_a_network_without_a_name_is_called_by_its_file(command, small_network):
    from dataclasses import replace

    save(replace(small_network, name="custom"), "mine.safetensors")
    assert json.loads(command("report", "mine.safetensors", "-o", "p.html", "--json").out)["title"] == "mine"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("none.safetensors",), "none.safetensors is not there"),
        (("empty",), "empty is neither a network file nor a folder that `subbit generate` or `subbit build` wrote"),
        (("small.safetensors", "--also", "empty"), "empty is no folder that `subbit generate` or `subbit build` wrote"),
        (("rtl", "--device", "hx8k"), "rtl has a plan of its own"),
        (("rtl", "--plan", "plan.json"), "rtl has a plan of its own"),
        (("small.safetensors", "--plan", "rtl/plan.json", "--fps", "10"), "--plan already says how to fold"),
        (("small.safetensors", "--plan", "small.safetensors"), "is no plan"),
        (("small.safetensors", "--slices", "rtl/plan.json"), "rtl/plan.json is no slices.json of a training"),
        (("small.safetensors", "--slices", "odd.json"), "odd.json is no slices.json of a training"),
        (("small.safetensors", "--data", "digits"), "digits has 10 classes and the network small tells 3"),
        (("small.safetensors", "--data", "molten"), "'molten' is no data set"),
        (("small.safetensors", "-o", "empty"), "empty is a folder"),
        (("small.safetensors", "-o", "none/page.html"), "none/page.html cannot be written"),
    ],
)
def test_what_is_refused(command, network_file, generated, choice, arguments, sentence):
    Path("empty").mkdir()
    choice["single"]["mean"].append(0.5)
    Path("odd.json").write_text(json.dumps({"choice": choice}))
    there = sorted(Path().iterdir())
    outcome = command("report", "-o", "page.html", *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1
    assert sorted(Path().iterdir()) == there


def test_a_plan_of_another_network(command, network_file, generated):
    plan = json.loads(Path("rtl/plan.json").read_text())
    plan["folding"]["conv9"] = plan["folding"].pop("conv1")
    Path("rtl/plan.json").write_text(json.dumps(plan))
    for arguments in ((network_file, "--plan", "rtl/plan.json"), ("rtl",)):
        outcome = command("report", *arguments, "-o", "page.html")
        assert outcome.status == 2
        assert "the plan does not fit the network small: folding must name the layers" in outcome.err


def test_data_of_another_number_of_classes(command, network_file, folder):
    for part in ("train", "test"):
        (folder / part / "d").mkdir()
        Image.new("L", (8, 8)).save(folder / part / "d" / "0.png")
    outcome = command("report", network_file, "-o", "page.html", "--data", f"folder:{folder}")
    assert outcome.status == 2
    assert "photos has 4 classes and the network small tells 3" in outcome.err


def test_a_design_of_another_network(command, network_file, generated, small_network):
    from dataclasses import replace

    scores = replace(small_network.layers[-1], bias=small_network.layers[-1].bias + 1)
    save(replace(small_network, layers=(*small_network.layers[:-1], scores)), "other.safetensors")
    outcome = command("report", "other.safetensors", "--also", "rtl", "-o", "page.html")
    assert outcome.status == 2
    assert "rtl is a design of another network than other.safetensors: leave it out." in outcome.err


def test_damaged_records(command, generated, built, small_network, make_images):
    keep_simulation(generated, small_network, make_images(small_network, 5), simulated(), 0)
    (record,) = Path("rtl", FOLDER).iterdir()
    record.write_text("{}")
    outcome = command("report", "rtl", "-o", "page.html")
    assert (outcome.status, outcome.out) == (2, "")
    assert f"{record} is a damaged record" in outcome.err
    report = json.loads((built / "report.json").read_text())
    for damage in (
        {"used": {"logic cells": {"used": -1, "available": 5}}},
        {"clock_hz": 0},
        {"format": 2},
        {"timing": None},
        {"frames_per_second": "many"},
    ):
        (built / "report.json").write_text(json.dumps(report | damage))
        outcome = command("report", "board", "-o", "page.html")
        assert (outcome.status, outcome.out) == (2, "")
        assert "report.json is no report of a build (" in outcome.err
        assert not Path("page.html").exists()


@pytest.mark.parametrize("module", ["matplotlib", "jinja2"])
def test_without_the_extra(command, network_file, monkeypatch, module):
    monkeypatch.setattr("subbit.extras.find_spec", lambda name: None if name == module else object())
    outcome = command("report", network_file, "-o", "page.html")
    assert (outcome.status, outcome.out) == (2, "")
    assert f"the report needs {module}, which is not installed: run pip install 'subbit[report]'" in outcome.err

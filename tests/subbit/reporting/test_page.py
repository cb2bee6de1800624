"""The page: well-formed, self-contained, with the sections that there is something to show in, and escaped."""

import json
import re
import shutil
from dataclasses import replace
from itertools import pairwise

import pytest

from subbit.proof import FOLDER, VirtualPort, keep_answers, keep_simulation
from subbit.reporting.contents import SECTIONS, gathered
from subbit.reporting.headline import proven_on
from subbit.reporting.page import page
from subbit.reporting.subject import read_subject
from sw.compact.method import parse_methods
from sw.network import Network, save
from tests.subbit.reporting.parsed import Parsed
from tests.subbit.test_proof import answered, simulated

HOSTILE = '<script>alert("x")</script>\'&amp;{{ 7*7 }}'


@pytest.fixture
def images(small_network, make_images):
    return make_images(small_network, 5)


@pytest.fixture
def whole(built, small_network, images, data, choice):
    """Everything that a report can show, of a network with reuse trees and a board that was simulated."""
    reused = parse_methods(["reuse"])[0].finish(small_network)
    save(reused, built / "network.safetensors")
    keep_simulation(shutil.copytree(built.with_name("rtl0"), built.with_name("rtl")), reused, images, simulated(), 0)
    return gathered(read_subject(built, [built.with_name("rtl")]), data=data, choice=choice)


@pytest.fixture(autouse=True)
def accelerator(made_folders, tmp_path):
    shutil.copytree(made_folders / "rtl", tmp_path / "rtl0")


def shown(text):
    return [attributes["id"] for attributes in Parsed(text).all("section")]


def test_a_whole_page_is_well_formed_and_stands_for_itself(whole):
    text = page(whole)
    parsed = Parsed(text)
    assert shown(text) == list(SECTIONS)
    identifiers = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    for tag, attributes in parsed.tags:
        assert tag not in ("script", "link", "iframe", "object", "base", "form")
        assert not any(name.startswith("on") for name in attributes)
        for name, value in attributes.items():
            if name in ("src", "href", "xlink:href", "srcset", "action"):
                assert value.startswith(("#", "data:image/png;base64,"))
            if name in ("href", "xlink:href"):
                assert value[1:] in identifiers
    assert "http:" not in text
    assert "https:" not in text
    for address in re.findall(r"url\(([^)]*)\)", text):
        assert address.strip("'\"")[:1] == "#"
        assert address.strip("'\"")[1:] in identifiers
    assert "@import" not in text


def test_headings_stand_in_order_and_pictures_have_names(whole):
    parsed = Parsed(page(whole))
    levels = [level for level, _ in parsed.heads]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(head.strip() for _, head in parsed.heads)
    assert all(attributes["alt"] for attributes in parsed.all("img"))
    drawings = parsed.all("svg")
    # Twice the topology, words of two convolutions, three trees, slices.
    assert len(drawings) == 2 + 2 + 3 + 1
    assert all(each["role"] == "img" and each["aria-label"] for each in drawings)
    assert parsed.all("html") == [{"lang": "en"}]


def test_the_same_contents_give_the_same_page(whole):
    assert page(whole) == page(whole)


def test_figures_of_a_build_its_proof_and_its_answers(whole):
    text = Parsed(page(whole)).text
    for figure in (
        "1,320 5,280",
        "23.45 MHz",
        "✓ met",
        "conv2 (7.7 ns in 9 cells, 18.6 ns in wires)",
        "yosys 0.70, icepack",
        "✓ equal accelerator, generated Verilog verilator 5 5",
        "20 of 40 images right, 50.00 %",
        "the 40 images of the test split of noise",
        "link and top",
    ):
        assert figure in text
    assert "multipliers" not in text
    assert (
        "50.00 % of 40 test images right; 25 % of the logic cells of ice40-up5k; 20,833 frames a second; "
        "proven bit for bit on 5 images in verilator." in text
    )


def test_a_network_alone_has_no_plan_no_build_and_no_proof(network_file):
    text = page(gathered(read_subject(network_file)))
    assert shown(text) == ["topology", "layers", "compaction"]
    assert "324 weights at 1.000 bits each; 394 ROM bits." in Parsed(text).text


def test_dense_networks_without_compaction_have_nothing_to_show_of_it(small_network, tmp_path):
    first, *_, dense, scores = small_network.layers
    weights = type(dense.weights)(dense.weights.decode()[:, :1].repeat(64, axis=1))
    network = Network("plain", small_network.input, (first, replace(dense, reads=("encode",), weights=weights), scores))
    save(network, tmp_path / "plain.safetensors")
    assert shown(page(gathered(read_subject(tmp_path / "plain.safetensors")))) == ["topology", "layers"]


def test_a_folder_that_was_never_simulated_says_so(generated):
    text = page(gathered(read_subject(generated)))
    assert shown(text) == ["topology", "layers", "compaction", "plan", "proof"]
    assert "No simulation of this design is on record. subbit simulate FOLDER makes one." in Parsed(text).text
    assert "not simulated yet" in Parsed(text).text


def test_a_design_without_a_bitstream_says_so(design):
    text = page(gathered(read_subject(design)))
    assert "build" in shown(text)
    assert "of which no bitstream was made" in Parsed(text).text


def test_stale_records_are_shown_and_do_not_count(generated, small_network, images):
    keep_simulation(generated, small_network, images, simulated(), 0)
    (generated / "accelerator.sv").write_text("// another\n")
    contents = gathered(read_subject(generated))
    text = Parsed(page(contents)).text
    assert contents.holding == contents.failed == []
    assert "out of date accelerator, generated Verilog" in text
    assert "the design has changed since" in text
    assert "not simulated yet" in text
    assert "bit for bit on" not in text


def test_a_failed_simulation_is_the_verdict(generated, small_network, images):
    keep_simulation(generated, small_network, images, simulated(), 0)
    keep_simulation(generated, small_network, images, simulated("icarus", mismatches=1, problem="layer conv1"), 0)
    text = Parsed(page(gathered(read_subject(generated)))).text
    assert "a simulation FAILED" in text
    assert "icarus: layer conv1" in text
    assert "proven" not in text


def test_another_design_of_the_network_proves_nothing_of_this_one(generated, small_network, images, tmp_path):
    other = shutil.copytree(generated, tmp_path / "other")
    folding = json.loads((other / "plan.json").read_text())
    folding["folding"]["conv2"]["pe"] = 3
    (other / "plan.json").write_text(json.dumps(folding))
    keep_simulation(other, small_network, images, simulated(), 0)
    keep_simulation(other, small_network, images, simulated("icarus", mismatches=1), 0)
    contents = gathered(read_subject(generated, [other]))
    assert contents.holding == contents.failed == []
    text = Parsed(page(contents)).text
    assert "not simulated yet" in text
    assert "✓ equal accelerator, generated Verilog, of another design verilator" in text
    save(small_network, tmp_path / "alone.safetensors")
    assert len(gathered(read_subject(tmp_path / "alone.safetensors", [other])).holding) == 1


def test_the_same_hardware_at_another_clock_is_this_design(generated, small_network, images, tmp_path):
    other = shutil.copytree(generated, tmp_path / "other")
    plan = json.loads((other / "plan.json").read_text())
    (other / "plan.json").write_text(json.dumps(plan | {"clock_hz": 5e7, "device": "ice40-hx8k"}))
    keep_simulation(other, small_network, images, simulated(), 0)
    assert len(gathered(read_subject(generated, [other])).holding) == 1


def test_what_is_proven_is_told_by_simulator_and_netlist(built, generated, small_network, make_images):
    for name, images in (("verilator", 9), ("icarus", 4), ("icarus", 2)):
        keep_simulation(generated, small_network, make_images(small_network, images), simulated(name, images), 0)
    for name in ("synth.json", "routed.json"):
        (built / name).write_text(name)
    for stage, simulator, images in (("rtl", "verilator", 9), ("routed", "verilator", 3), ("synthesised", "icarus", 1)):
        port = VirtualPort.of("somewhere", simulator, stage)
        keep_answers(built, small_network, make_images(small_network, images), port, answered(images, images))
    contents = gathered(read_subject(built, [generated]))
    assert proven_on(contents) == (
        "on 9 images in verilator, 4 in icarus, 1 in the synthesised netlist, 3 in the routed netlist"
    )


def test_a_missed_clock_is_told(built):
    path = built / "report.json"
    report = json.loads(path.read_text())
    report["met"] = report["timing"]["met"] = report["timing"]["clocks"][0]["met"] = False
    report["timing"]["clocks"][0]["achieved_mhz"] = 11.0
    path.write_text(json.dumps(report))
    text = Parsed(page(gathered(read_subject(built)))).text
    assert "clock missed" in text
    assert "✗ missed" in text


def test_images_of_a_record_are_named_where_they_are_the_reports_own(generated, small_network, data):
    keep_simulation(generated, small_network, data.test_images[:7], simulated(images=7), 0)
    keep_simulation(generated, small_network, data.test_images[3:5], simulated(images=2), 0)
    contents = gathered(read_subject(generated), data=data)
    assert {each.found.run.images: each.data for each in contents.evidence} == {7: "noise", 2: None}


def test_whatever_comes_from_a_file_is_text(built, small_network, images, data, monkeypatch):
    save(replace(small_network, name=HOSTILE), built / "network.safetensors")
    report = json.loads((built / "report.json").read_text())
    report |= {"device": HOSTILE, "bitstream": HOSTILE, "programs": {HOSTILE: {"version": HOSTILE}}}
    report["used"] = {HOSTILE: {"used": 1, "available": 2}}
    report["stages"][HOSTILE] = report["stages"]["link"]
    report["timing"]["path"][0]["stage"] = HOSTILE
    report["timing"]["clocks"].append({**report["timing"]["clocks"][0], "name": HOSTILE})
    (built / "report.json").write_text(json.dumps(report))
    other = built.with_name("rtl0")
    keep_simulation(other, small_network, images, simulated(HOSTILE, problem=HOSTILE), 0)
    (path,) = (other / FOLDER).iterdir()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"when": HOSTILE}))
    odd = replace(data, name=HOSTILE, class_names=(HOSTILE, "<b>", "'\"><img src=x onerror=alert(1)>"))
    text = page(gathered(read_subject(built, [other]), data=odd))
    parsed = Parsed(text)
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert not any("onerror" in attributes for _, attributes in parsed.tags)
    assert text.count("<script") == 0
    assert parsed.text.count(HOSTILE) > 10
    assert parsed.heads[0] == (1, HOSTILE)

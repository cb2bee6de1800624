"""accelerator.json and board.json as simulations read them: names stay in the folder, values are what they must be."""

import json

import pytest

from sim.design import Design
from sim.netlist.sources import netlist_sources
from sim.virtual_board import VirtualBoard
from sw.errors import SubbitError

PROBE = {
    "layer": "conv1", "path": ["conv1"], "valid": "v", "ready": "r", "payload": "p", "lanes": 1, "bits": 1,
    "height": 2, "width": 2, "channels": 1,
}  # fmt: skip
ACCELERATOR = {
    "top": "accelerator", "sources": ["a.sv"], "output": "scores", "pixels_per_beat": 1, "input": {"bits": 8},
    "result": {"bits": 16, "classes": 3}, "interval": 10, "probes": [PROBE], "load": None,
}  # fmt: skip
BOARD = {"format": 1, "family": "ice40", "top": "top", "sources": ["a.sv"], "cycles_per_bit": 12, "interval": 10}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    for place in (made / "a.sv", tmp_path / "b.sv"):
        place.write_text("module top; endmodule\n")
    return made


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"sources": ["../b.sv"]}, "sources.0"),
        ({"sources": ["/etc/passwd"]}, "sources.0"),
        ({"sources": []}, "sources"),
        ({"load": {"file": "../b.sv", "words": 1}}, "load.file"),
        ({"top": "a; $finish"}, "top"),
        ({"probes": [PROBE | {"path": ["a.b;"]}]}, "probes.0.path.0"),
        ({"probes": [PROBE | {"lanes": 0}]}, "probes.0.lanes"),
        ({"output": "all"}, "output"),
        ({"input": {"bits": "8"}}, "input.bits"),
        ({"interval": 1e999}, "interval"),
    ],
)
def test_a_design_that_cannot_be(folder, change, where):
    (folder / "accelerator.json").write_text(json.dumps(ACCELERATOR))
    assert Design.read(folder).sources == (folder / "a.sv",)
    (folder / "accelerator.json").write_text(json.dumps(ACCELERATOR | change))
    with pytest.raises(
        SubbitError, match=rf"accelerator\.json is damaged \({where}: .*\): write the accelerator again"
    ):
        Design.read(folder)


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "null", '{"top": "\ud800"}'.encode(errors="surrogatepass")])
def test_a_design_that_is_no_object(folder, text):
    (folder / "accelerator.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SubbitError, match=r"is not a generated accelerator|is damaged"):
        Design.read(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"sources": ["../b.sv"]},
        {"cycles_per_bit": 0},
        {"cycles_per_bit": 1 << 40},
        {"interval": -1},
        {"weights": {"file": "../b.sv", "address": 0, "words": 1}},
        {"weights": {"file": "a.sv", "address": 1 << 40, "words": 1}},
        {"weights": {"file": "a.sv", "address": 0, "words": 1 << 40}},
    ],
)
def test_a_board_that_cannot_be(folder, change, monkeypatch):
    monkeypatch.setattr("sim.simulators.require", lambda simulator: None)
    (folder / "board.json").write_text(json.dumps(BOARD))
    VirtualBoard(folder, "icarus")
    (folder / "board.json").write_text(json.dumps(BOARD | change))
    with pytest.raises(SubbitError, match=r"board\.json is damaged \(.*\): write the folder anew"):
        VirtualBoard(folder, "icarus")


def test_weights_that_are_missing_are_said(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("sim.simulators.require", lambda simulator: None)
    (folder / "board.json").write_text(json.dumps(BOARD | {"weights": {"file": "w", "address": 256, "words": 2}}))
    with pytest.raises(SubbitError, match="w is missing: write the folder anew"):
        VirtualBoard(folder, "icarus").write_case(tmp_path)
    (folder / "w").write_bytes(b"\x01\xff")
    VirtualBoard(folder, "icarus").write_case(tmp_path)
    assert (tmp_path / "flash.mem").read_text() == "@100\n01\nff\n"


def test_sources_of_a_stage_stay_in_the_folder(folder):
    (folder / "board.json").write_text(json.dumps(BOARD | {"sources": ["../b.sv"]}))
    with pytest.raises(SubbitError, match=r"board\.json is damaged \(sources\.0: .*\): build the design again"):
        netlist_sources(folder, "rtl")

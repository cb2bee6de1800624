"""Cells by stage, against a netlist that Yosys writes here and now."""

import json

from boards.build.area import areas, cells
from hw.yosys import run_yosys
from tests.boards.build.conftest import DESIGN


def test_cells_by_stage_are_those_in_the_json(tmp_path):
    (tmp_path / "top.sv").write_text(DESIGN)
    run_yosys(tmp_path, ["read_verilog -sv top.sv", "synth_ice40 -top top", "write_json synth.json"])
    netlist = tmp_path / "synth.json"
    whole = json.loads(netlist.read_text())["modules"]["top"]["cells"]
    assert dict(cells(netlist)) == {name: cell["type"] for name, cell in whole.items()}
    found = areas(netlist, ["conv1"])
    kinds = [cell["type"] for cell in whole.values()]
    assert found.total.luts == kinds.count("SB_LUT4") > 0
    assert found.total.carries == kinds.count("SB_CARRY") > 0
    assert set(found.stages) == {"conv1", "the board's top"}
    assert found.stages["conv1"].ffs == found.total.ffs == 8
    assert found.stages["conv1"].carries > found.total.carries / 2
    assert found.stages["the board's top"].luts >= 1
    assert sum(area.luts for area in found.stages.values()) == found.total.luts


def test_cells_of_other_modules_are_left_out(tmp_path):
    (tmp_path / "top.sv").write_text(DESIGN)
    run_yosys(tmp_path, ["read_verilog -sv top.sv", "hierarchy -top top", "proc", "write_json synth.json"])
    netlist = tmp_path / "synth.json"
    whole = json.loads(netlist.read_text())["modules"]
    assert len(whole) == 2
    assert dict(cells(netlist)) == {name: cell["type"] for name, cell in whole["top"]["cells"].items()}
    assert dict(cells(netlist, "part")) == {name: cell["type"] for name, cell in whole["part"]["cells"].items()}

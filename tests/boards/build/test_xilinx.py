"""Vivado's script names the design's own files."""

from boards.build.xilinx import vivado_project


def test_the_script():
    description = {"top": "top", "sources": ["top.sv", "more.sv"], "constraints": "top.xdc"}
    lines = vivado_project(description, "xc7a35ticsg324-1L").splitlines()
    assert lines[0] == "# Run in this folder: vivado -mode batch -source build.tcl"
    assert lines[1:4] == [
        "read_verilog -sv {top.sv more.sv}",
        "read_xdc top.xdc",
        "synth_design -top top -part xc7a35ticsg324-1L -flatten_hierarchy rebuilt",
    ]
    steps = [line.split()[0] for line in lines[4:]]
    assert steps.index("opt_design") < steps.index("place_design") < steps.index("route_design")
    assert "write_bitstream -force top.bit" in lines
    assert lines[-1] == "exit [expr {$slack < 0}]"

"""7-series: the files that Vivado needs, which is not run here."""

from collections.abc import Mapping
from typing import Any

__all__ = ["PROJECT", "vivado_project"]

PROJECT = "build.tcl"


def vivado_project(description: Mapping[str, Any], part: str) -> str:
    """A script for ``vivado -mode batch -source build.tcl``: synthesis, place and route, reports, top.bit.

    ``description`` is board.json; ``part`` the chip as Vivado calls it. The script runs in the folder of the design.
    """
    sources = " ".join(description["sources"])
    constraints = description["constraints"]
    return f"""# Run in this folder: vivado -mode batch -source {PROJECT}
read_verilog -sv {{{sources}}}
read_xdc {constraints}
synth_design -top {description["top"]} -part {part} -flatten_hierarchy rebuilt
opt_design
place_design
phys_opt_design
route_design
report_utilization -hierarchical -file utilization.rpt
report_timing_summary -file timing.rpt
write_checkpoint -force routed.dcp
write_verilog -force -mode funcsim routed.v
write_bitstream -force top.bit
set slack [get_property SLACK [get_timing_paths -max_paths 1]]
puts "worst slack: $slack ns"
exit [expr {{$slack < 0}}]
"""

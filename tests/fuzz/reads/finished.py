"""Finished builds that are read again: to change their weights, to simulate their netlists, to go on from them."""

import json
from functools import cache
from pathlib import Path

from tests.fuzz.reads.base import Files
from tests.fuzz.reads.builds import design, netlist, proof, report_files
from tests.fuzz.reads.data import slices
from tests.fuzz.reads.networks import network

VERILOG = """module cell(clk, o);
  input clk;
  output o;
  reg [3:0] kept [7:0];
  initial begin
    kept[0] = 4'ha;
    kept[1] = 4'b01x0;
    kept[2] = 4'd9;
  end
endmodule
module top(clk, out);
  input clk;
  output [2:1] out;
  cell one (
    .clk(clk)
  );
endmodule
"""

LOG = """
Info: Max frequency for clock 'clk': 30.50 MHz (PASS at 12.00 MHz)
Warning: 1 Hold/min time violations
Info:   hold  0.00 -0.10 Source conv1.a
"""


@cache
def finished() -> Files:
    """What a build for iCE40 leaves: the description, its Verilog, both netlists, the packer's text, the pins, and
    what the placer told."""
    told = json.loads(design()["board.json"]) | {"sources": ["top.sv"], "top": "top", "family": "ice40"}
    files = netlist()
    return {
        **files,
        "board.json": json.dumps(told).encode(),
        "synth.json": files["routed.json"],
        "top.sv": VERILOG.encode(),
        "top.pcf": b"set_io clk 35\nset_io --warn-no-port out[1] 11\nset_io out[2] 37\n",
        "timing.json": nextpnr(),
        "nextpnr-ice40.log": LOG.encode(),
    }


def interrupted() -> Files:
    """What of it an interrupted build reads again."""
    return {name: finished()[name] for name in ("timing.json", "synth.json", "nextpnr-ice40.log")}


def nextpnr() -> bytes:
    """The placer's report of a design of two stages."""
    steps = [
        {"from": {"cell": "conv1.a"}, "to": {"cell": "conv1.b"}, "type": kind, "delay": 1.5}
        for kind in ("clk-to-q", "routing", "logic", "setup")
    ]
    told = {
        "fmax": {"clk": {"achieved": 30.5, "constraint": 12.0}},
        "critical_paths": [{"from": "posedge clk", "to": "posedge clk", "path": steps}],
        "utilization": {"ICESTORM_LC": {"used": 10, "available": 5280}, "ICESTORM_RAM": {"used": 1, "available": 30}},
    }
    return json.dumps(told).encode()


def read_weights(folder: Path) -> None:
    """New weights as far as the packer, which is a program of its own."""
    from unittest.mock import patch

    from boards.weights import replace
    from boards.weights.tables import in_block_ram

    in_block_ram((folder / "top.sv").read_text(errors="replace") if (folder / "top.sv").is_file() else "")
    with patch.object(replace, "_pack"):
        replace.replace_tables(folder, VERILOG, folder / "new")


def read_stages(folder: Path) -> None:
    """The netlists as Verilog, at every stage that needs no other program."""
    from sim.netlist.icebox import pins_of_pcf
    from sim.netlist.sources import files_of, netlist_sources

    for stage in ("rtl", "synthesised", "routed"):
        netlist_sources(folder, stage, work=folder / stage)
        files_of(folder, stage)
    pins_of_pcf(folder / "top.pcf")


def read_placed(folder: Path) -> None:
    """What an interrupted build finds again: the placer's report, and the cells of the netlist."""
    from boards.build.area import areas
    from boards.build.build import FLOWS, reported

    reported(folder, FLOWS["ice40"], ("conv1", "dense1"))
    areas(folder / "synth.json", ("conv1", "dense1"))


@cache
def shown() -> Files:
    """A design with its record of a simulation, and what a build told of it."""
    return {**proof(), **report_files(), "network.safetensors": network()["n.safetensors"]}


@cache
def kept() -> Files:
    from sw.train.config import TrainConfig

    told = json.loads(slices()["slices.json"])
    return {"slices.json": json.dumps(told | {"method": "slices", "config": TrainConfig().as_dict()}).encode()}


def read_kept(folder: Path) -> None:
    """The slices that an earlier training of the same kind kept."""
    from sw.compact.slices import Slices
    from sw.train.config import TrainConfig

    Slices()._found_before(folder / "slices.json", TrainConfig())

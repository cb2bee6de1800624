"""Folders of builds for boards: descriptions, netlists, reports, and records of what was done."""

import json
from functools import cache
from pathlib import Path

import numpy as np

from tests.fuzz.reads.base import Files, small, written
from tests.fuzz.reads.networks import generated, plan


@cache
def design() -> Files:
    """A board's design whose memories are loaded, with the files that a build would add to it."""

    def write(folder: Path) -> None:
        from boards.board import board
        from boards.design import write_design
        from hw.plan.plan import Folding, Plan
        from sw.network import Linear

        whole = small()
        folding = {layer.name: Folding(1, 1, "spram") for layer in whole.layers if isinstance(layer, Linear)}
        write_design(whole, Plan(folding), board("icebreaker"), folder / "b")

    made = {name.removeprefix("b/"): data for name, data in written(write).items()}
    return {name: made[name] for name in ("board.json", "weights.bin")}


def read_description(folder: Path) -> None:
    from boards.host.description import BoardDescription

    found = BoardDescription.load(folder)
    shape = (2, found.height, found.width, found.channels)
    if np.prod(shape, dtype=float) < 1e6:
        sent = found.encode(np.zeros(shape, np.uint8))
        assert [len(image) for image in sent] == [found.image_bytes] * 2
    found.decode(bytes(found.result_bytes))


def read_virtual(folder: Path) -> None:
    from sim.virtual_board import VirtualBoard

    made = VirtualBoard(folder, "icarus")
    (folder / "run").mkdir()
    made.write_case(folder / "run")


def flashed() -> Files:
    """A build, as far as flashing reads it."""
    return {**design(), "flash.bin": bytes(100), "report.json": b'{"format": 1, "met": true, "files": {"a": 1}}'}


def read_flash(folder: Path) -> None:
    from boards.flash import flash_of

    flash_of(folder)


@cache
def netlist() -> Files:
    """A table, a flip-flop and a block RAM as nextpnr writes them, and the packer's text of the block RAM."""
    contents = {f"INIT_{digit:X}": f"{digit:0256b}" for digit in range(16)}
    ram = {
        "type": "ICESTORM_RAM",
        "parameters": {"READ_MODE": "0" * 32, "WRITE_MODE": "0" * 32, **contents},
        "attributes": {"NEXTPNR_BEL": "X8/Y1/ram"},
        "port_directions": {"RADDR_0": "input", "RDATA_0": "output"},
        "connections": {"RADDR_0": [2], "RDATA_0": [4], "RCLK": [2], "RE": ["1"]},
    }
    cells = {
        "lut": {
            "hide_name": 0,
            "type": "SB_LUT4",
            "parameters": {"LUT_INIT": "1010101010101010"},
            "attributes": {"src": "top.sv:1.1-2.2"},
            "port_directions": {"I0": "input", "O": "output"},
            "connections": {"I0": [2], "I1": ["0"], "I2": ["x"], "I3": [4], "O": [3]},
        },
        "ram": ram,
    }
    ports = {
        "clk": {"direction": "input", "bits": [2]},
        "out": {"direction": "output", "bits": [3, 4], "offset": 1},
    }
    module = {"attributes": {"top": "1"}, "settings": {"arch.package": "sg48"}, "ports": ports, "cells": cells}
    lines = [".ram_data 8 1", *(f"{number:064x}" for number in range(16)), ""]
    return {"routed.json": json.dumps({"creator": "x", "modules": {"top": module}}).encode(),
            "top.asc": "\n".join(lines).encode()}  # fmt: skip


def read_netlist(folder: Path) -> None:
    from sim.netlist.cells import adapt
    from sim.netlist.netlist import Netlist
    from sim.netlist.verilog import verilog

    verilog(adapt(Netlist.read(folder / "routed.json"), "ice40"))


def read_memories(folder: Path) -> None:
    from hw.block_ram import FORMATS, RamNetlist
    from sw.files import read_text

    form = FORMATS["ice40"]
    found = RamNetlist(folder / "routed.json", form)
    found.write(found.contents(), folder / "written.json")
    found.places()
    assert all(len(bits) == 4096 for _, _, bits in form.blocks(read_text(folder / "top.asc", "build it").splitlines()))


def steps() -> Files:
    """The folder of a build that was cut off, whose step is done by its key."""
    record = {"synthesis": {"key": "0" * 32, "files": ["synth.json"], "found": {"seconds": 1.5, "tool": "yosys"}}}
    return {
        "b.building/steps.json": json.dumps(record).encode(),
        "b.building/board.json": b"{}",
        "b.building/synth.json": b"{}",
    }


def read_steps(folder: Path) -> None:
    from boards.build.workplace import Workplace

    place = Workplace(folder / "b")
    with place.opened():
        for step in ("synthesis", "routing", "../x"):
            place.done(step, "0" * 32)
        place.keep("board.json")
        place.sizes() if (place.path / "board.json").is_file() else None
        if (place.path / "board.json").is_file():
            place.finish()


def report_files() -> Files:
    """report.json of a build, as far as another reads it."""
    cells = {"luts": 10, "ffs": 4, "carries": 0, "brams": 1}
    told = {
        "format": 1, "board": "icebreaker", "device": "ice40-up5k", "met": True, "clock_hz": 12e6, "interval": 100,
        "timing": {"met": True, "clocks": [{"name": "clk", "achieved_mhz": 14.5, "wanted_mhz": 12.0, "met": True}],
                   "path": []},
        "frames_per_second": 120000.0, "images_per_second_on_link": 1500.0, "seed": 1, "bitstream": "top.bin",
        "used": {"logic cells": {"used": 10, "available": 5280}}, "synthesised": cells,
        "stages": {"conv1": {**cells, "estimated_luts": 9.5}}, "programs": {"yosys": {"version": "0.60"}},
    }  # fmt: skip
    return {"report.json": json.dumps(told).encode()}


def read_report(folder: Path) -> None:
    from subbit.reporting.built import read_built

    read_built(folder)


@cache
def proof() -> Files:
    """A record of a simulation, beside the design that was simulated."""
    from subbit.proof import Run

    run = Run(stage="accelerator", by="icarus", images=9, equal=9, layers=3, patterns=4, cycles=64, seed=0,
              network="0" * 16, design="0" * 64, data="0" * 64, when="2024-01-01T00:00:00Z")  # fmt: skip
    return {**generated(), **plan(), "proof/a.json": run.model_dump_json().encode()}


def read_proof(folder: Path) -> None:
    from subbit.proof import found, kept_files

    found(folder, small())
    kept_files(folder, small())

"""Gowin's bitstreams read back: every setting of a slice, what is refused, and faults that are put in."""

import json
import re
from collections import Counter

import numpy as np
import pytest
from apycula import bslib
from apycula.crc16 import make_crc16_arc

from hw.synthesis import synthesise
from sim.netlist import netlist_sources
from sim.netlist.fuses.cells import Maker
from sim.netlist.fuses.chip import Chip
from sim.netlist.fuses.fabric import Fabric
from sim.netlist.fuses.logic import Slice, Slices, _settings
from sim.netlist.fuses.recovered import pins_of_cst, recovered_gowin
from sim.simulators import SimulationFailure
from sw.errors import SubbitError
from tests.sim.netlist.designs import check_memories, memories, place_and_route
from tests.simulators import needs_icarus

CHIP = "GW1N-9C"
SHAPES = [(512, 18, "block"), (16, 4, "distributed")]
#: A tile of tables, and its type.
PLACE = (20, 12)
#: Digits at the end of a line of a bitstream that are its check.
CHECK = 64
BLANK = np.zeros((712, 2836), np.uint8)


def flip(text, fuses):
    """A bitstream with other values of some fuses, and checks of its lines that are right again."""
    lines = text.splitlines()
    first = next(at for at, line in enumerate(lines) if len(line) > 1000)
    for row, column in fuses:
        line = lines[first + row]
        at = len(line) - CHECK - 1 - column
        lines[first + row] = line[:at] + "10"[int(line[at])] + line[at + 1 :]
    for row in {row for row, _ in fuses}:
        data = lines[first + row][:-CHECK]
        octets = bytes(int(data[start : start + 8], 2) for start in range(0, len(data), 8))
        check = make_crc16_arc()(bytearray(b"\xff" * 6 + octets))
        lines[first + row] = f"{data}{check & 255:08b}{check >> 8:08b}{'1' * 48}"
    return "\n".join([*lines, ""])


def chip_with(fuses=()):
    """The chip with those fuses set in the tile at PLACE, and no other."""
    blank = Chip(CHIP, BLANK)
    bits, (row, column) = BLANK.copy(), blank.first(PLACE)
    for down, across in fuses:
        bits[row + down, column + across] = 1
    return Chip(CHIP, bits)


def test_every_setting_of_a_slice_is_told_from_the_others():
    chip = Chip(CHIP, BLANK)
    kind = chip.tile(PLACE).ttyp
    for number in range(3):
        made = [(chip.setting(kind, f"CLS{number}", wanted), slice_) for wanted, slice_ in _settings(number)]
        by_registers = {fuses: slice_ for fuses, slice_ in made if slice_.registers != ("", "")}
        assert len(by_registers) == len(set(by_registers.values())) == 36
    assert Slice("ALU", ("DFFRE", "DFFSE")) in by_registers.values()


def test_a_slice_is_read_from_its_fuses():
    kind = Chip(CHIP, BLANK).tile(PLACE).ttyp
    wanted = {"REG0_REGSET": "RESET", "REG1_REGSET": "SET", "LSRONMUX": "LSRMUX", "MODE": "ALU", "REGMODE": "FF"}
    fuses = Chip(CHIP, BLANK).setting(kind, "CLS1", wanted)
    chip = chip_with(fuses)
    assert Slices(chip).at(PLACE, 1) == Slice("ALU", ("DFFRE", "DFFSE"))
    strange = chip_with(sorted(fuses)[1:])
    with pytest.raises(SubbitError, match="sets slice 1 of the tile R21C13 as no known one"):
        Slices(strange).at(PLACE, 1)


def test_a_table_is_read_from_its_fuses():
    flags = Chip(CHIP, BLANK).tile(PLACE).bels["LUT6"].flags
    # A table of the fourth input alone, whose switch is set to the output of another.
    chip = chip_with({fuse for bit in range(8) for fuse in flags[bit]})
    maker = Maker(chip, Fabric(chip), 1)
    net = maker.bit(maker.fabric.wire(PLACE, "F6"))
    maker.finish()
    cell = maker.cells["R21C13_LUT6"]
    assert (cell.parameters, cell.connections["F"]) == ({"INIT": "1" * 8 + "0" * 8}, (net,))
    assert [cell.connections[f"I{at}"] for at in range(3)] == [("0",)] * 3
    # No fuse of the switch is set: it is at the output of the first table, all of whose digits are 1.
    assert maker.cells["R21C13_LUT0"].connections["F"] == cell.connections["I3"]
    assert maker.cells["R21C13_LUT0"].parameters == {"INIT": "1" * 16}


def test_a_switch_that_is_set_as_none_is_refused():
    tile = Chip(CHIP, BLANK).tile(PLACE)
    every = frozenset().union(*tile.pips["A0"].values())
    chip = chip_with(every)
    fabric = Fabric(chip)
    with pytest.raises(SubbitError, match="sets the switch of the wire R21C13_A0 as none is that apycula knows"):
        fabric.source(fabric.wire(PLACE, "A0"))
    assert fabric.source(fabric.wire(PLACE, "CE0")) == "VCC"


def test_what_is_missing_or_damaged_is_told(tmp_path):
    database = Chip(CHIP, BLANK).database
    bslib.write_bitstream(str(tmp_path / "blank"), BLANK, database.cmd_hdr, database.cmd_ftr, False, {})
    bitstream = (tmp_path / "blank").read_text()
    settings = {"packer.chipdb": CHIP, "packer.partno": "GW1NR-LV9QN88PC6/I5"}
    ports = {"i": {"direction": "input", "bits": [2]}, "o": {"direction": "output", "bits": [3]}}
    module = {"settings": settings, "attributes": {"top": "1"}, "ports": ports, "cells": {}}
    (tmp_path / "board.json").write_text(json.dumps({"family": "gowin"}))
    (tmp_path / "routed.json").write_text(json.dumps({"modules": {"top": module}}))

    def told():
        with pytest.raises(SubbitError) as caught:
            netlist_sources(tmp_path, "bitstream")
        return str(caught.value).removeprefix(f"{tmp_path}/")

    assert told() == "top.fs is missing: build the design again with 'subbit build'."
    (tmp_path / "top.cst").write_text('IO_LOC "i" 18;\n')
    for damaged in ("", "not ones and zeros\n", bitstream[:4000], bitstream[:3000] + "1" + bitstream[3001:]):
        (tmp_path / "top.fs").write_text(damaged)
        assert told() == f"top.fs is damaged, or no bitstream of {CHIP}: build the design again."
    (tmp_path / "top.fs").write_text(bitstream)
    assert told() == "top.cst gives no pin to o: constrain every port."
    (tmp_path / "top.cst").write_text('IO_LOC "i" 18;\nIO_LOC "o" 17;\n')
    assert told() == "The bitstream does not make an output of the pin of o."


def test_pins_are_read_from_constraints(tmp_path):
    path = tmp_path / "top.cst"
    path.write_text('// board\nIO_LOC "clk" 52;\nIO_PORT "clk" IO_TYPE=LVCMOS33;\nIO_LOC "o[1]" T13;\n')
    assert pins_of_cst(path) == {"clk": "52", "o[1]": "T13"}


@pytest.mark.slow
@pytest.mark.timeout(900)
@needs_icarus
def test_faults_in_a_bitstream_are_seen(tmp_path):
    synthesise(memories(SHAPES), "gowin", netlist=tmp_path / "synth.json", script=["synth_gowin -top top"])
    place_and_route(tmp_path, "gowin")
    path = tmp_path / "top.fs"
    right = path.read_text()

    def read_back():
        sources, _ = netlist_sources(tmp_path, "bitstream", "gowin")
        check_memories(sources, SHAPES, "icarus", tmp_path)

    read_back()
    chip = Chip.read(CHIP, path)
    seen = Counter()
    for fault, fuses in faults(chip, recovered_gowin(tmp_path, "top").cells):
        path.write_text(flip(right, fuses))
        try:
            read_back()
        except (SimulationFailure, SubbitError) as told:
            seen[fault, type(told).__name__] += 1
        else:
            pytest.fail(f"the {fault} at {fuses[0]} was not seen")
    assert {fault for fault, _ in seen} == {"table", "contents", "switch"}


def faults(chip, cells):
    """Fuses that an output depends on: all of a table, what is in block RAM, and one of a switch."""
    names = [name for name, cell in cells.items() if cell.kind == "LUT4" and ("0",) not in cell.connections.values()]
    tables = [re.fullmatch(r"R(\d+)C(\d+)_LUT(\d)", name).groups() for name in names]
    tables = [((int(row) - 1, int(column) - 1), at) for row, column, at in tables]
    for place, at in tables[:2]:
        flags = chip.tile(place).bels[f"LUT{at}"].flags
        yield "table", [np.add(chip.first(place), fuse) for bit in range(16) for fuse in flags[bit]]
    yield "contents", [np.add((chip.database.height, 0), place) for place in np.argwhere(chip.contents)[::2]]
    place, at = tables[0]
    switch = frozenset().union(*chip.tile(place).pips[f"A{at}"].values()) & chip.fuses(place)
    yield "switch", [np.add(chip.first(place), min(switch))]

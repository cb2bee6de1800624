"""What is no netlist is refused before anything is made of it."""

import json

import numpy as np
import pytest

from hw.block_ram import FORMATS, RamNetlist
from hw.netlist_file import read_netlist
from sim.netlist.netlist import Netlist
from sw.errors import SubbitError

CELL = {"type": "SB_LUT4", "parameters": {"LUT_INIT": "1"}, "connections": {"I0": [2, "x"], "O": [3]}}
PORT = {"direction": "input", "bits": [2]}


def module(**change):
    return {"attributes": {"top": "1"}, "ports": {"a": PORT}, "cells": {"lut": CELL}} | change


@pytest.fixture
def write(tmp_path):
    def put(top):
        path = tmp_path / "routed.json"
        path.write_text(json.dumps({"modules": {"top": top}}))
        return path

    return put


def test_a_netlist_is_read(write):
    assert Netlist.read(write(module())).cells["lut"].connections == {"I0": (2, "x"), "O": (3,)}


@pytest.mark.parametrize(
    "top",
    [
        None,
        [],
        module(ports=[]),
        module(cells={"lut": None}),
        module(cells={"lut": CELL | {"type": 4}}),
        module(cells={"lut": CELL | {"connections": {"I0": 2}}}),
        module(cells={"lut": CELL | {"connections": {"I0": ["2; $finish"]}}}),
        module(cells={"lut": CELL | {"connections": {"I0": [-1]}}}),
        module(cells={"lut": CELL | {"connections": {"I0": [2.5]}}}),
        module(cells={"lut": CELL | {"parameters": {"LUT_INIT": [1]}}}),
        module(cells={"lut": CELL | {"attributes": "x"}}),
        module(ports={"a": PORT | {"direction": "sideways"}}),
        module(ports={"a": PORT | {"offset": 1 << 40}}),
        module(ports={"a": PORT | {"bits": "2"}}),
        module(attributes={"top": {}}),
    ],
)
def test_what_is_no_netlist(write, top):
    path = write(top)
    with pytest.raises(ValueError, match=" must "):
        read_netlist(path)
    with pytest.raises(SubbitError, match=r"is not a netlist of Yosys or nextpnr: build the design again\.$"):
        Netlist.read(path)
    with pytest.raises(SubbitError, match="is missing or damaged"):
        RamNetlist(path, FORMATS["ice40"])


@pytest.mark.parametrize("value", ["2", "1" * 257, "", "0b1", 5])
def test_contents_that_are_no_bits(write, value):
    ram = {"type": "ICESTORM_RAM", "parameters": {"INIT_3": value}, "connections": {}}
    netlist = RamNetlist(write(module(cells={"ram": ram})), FORMATS["ice40"])
    with pytest.raises(SubbitError, match=r"is damaged in ram: build the design again"):
        netlist.contents()
    with pytest.raises(SubbitError, match=r"does not tell where its block RAMs are"):
        netlist.places()


@pytest.mark.parametrize(
    "damage", [lambda rows: rows[:9], lambda rows: ["-1", *rows[1:]], lambda rows: ["z", *rows[1:]]]
)
def test_a_block_of_the_packers_text_that_is_none(damage):
    rows = [f"{number:064x}" for number in range(16)]
    form = FORMATS["ice40"]
    ((place, at, bits),) = form.blocks([".ram_data 8 1", *rows])
    assert (place, at, len(bits)) == ("8 1", 1, 4096)
    assert bits.dtype == np.uint8
    with pytest.raises(SubbitError, match=r"^top\.asc is damaged in line 1: build the design again\.$"):
        list(form.blocks([".ram_data 8 1", *damage(rows)]))

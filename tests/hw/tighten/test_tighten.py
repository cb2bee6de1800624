"""Tightened netlists compute what they did: random ones of the cells that are looked at, and layers from Yosys."""

import copy
import json
from collections import Counter
from functools import partial

import numpy as np
import pytest

from hw.netlist_file import check_module
from hw.synthesis import synthesise
from hw.tighten import tighten
from hw.unrolled.component import Combinational
from hw.unrolled.optimise import optimise
from tests.hw.tighten.evaluated import evaluated

PINS = ("I0", "I1", "I2", "I3")
INPUTS = 8
EVERY = (np.arange(1 << INPUTS)[:, None] >> np.arange(INPUTS) & 1).astype(bool)


class Netlist:
    """A netlist under construction: ports x and y, and cells whose outputs are new nets."""

    def __init__(self):
        self.nets = list(range(2, 2 + INPUTS))
        self.module = {"ports": {"x": {"direction": "input", "bits": list(self.nets)}}, "cells": {}}

    def add(self, kind, parameters, inputs, outputs):
        """A cell; returns its new nets, which others may read when they are told so."""
        nets = [1000 + 10 * len(self.module["cells"]) + place for place, _ in enumerate(outputs)]
        directions = dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output")
        connections = {port: [net] for port, net in [*inputs.items(), *zip(outputs, nets, strict=True)]}
        name = f"c{len(self.module['cells'])}"
        self.module["cells"][name] = {
            "type": kind, "parameters": parameters, "port_directions": directions, "connections": connections
        }  # fmt: skip
        return nets

    def any_net(self, rng):
        """A net that may be read, sometimes a constant."""
        return int(rng.choice(self.nets)) if rng.random() < 0.9 else str(rng.integers(2))

    def lut(self, pins, entries):
        return self.add("SB_LUT4", {"LUT_INIT": f"{entries:016b}"}, dict(zip(PINS, pins, strict=True)), ["O"])[0]

    def carry(self, x, y, carry):
        return self.add("SB_CARRY", {}, {"I0": x, "I1": y, "CI": carry}, ["CO"])[0]

    def finished(self, outputs):
        self.module["ports"]["y"] = {"direction": "output", "bits": list(outputs)}
        check_module("top", self.module)
        return {"modules": {"top": self.module}}


def ice40(rng):
    """Chains of sums, some of whose tables read other inputs too, inverters, and tables over all of it."""
    made = Netlist()
    pick = partial(made.any_net, rng)
    for _ in range(4):
        carry, sums = "0", []
        for _ in range(rng.integers(2, 5)):
            x, y = pick(), pick()
            sums.append(
                made.lut(
                    (pick() if rng.random() < 0.2 else "0", x, y, carry),
                    0x6996 if rng.random() < 0.7 else int(rng.integers(1 << 16)),
                )
            )
            carry = made.carry(x, y, carry)
        ways = [*sums, carry]
        inverted = [made.lut((net, "0", "0", "0"), 0x5555) for net in ways if rng.random() < 0.5]
        chosen = [int(net) for net in rng.permutation(ways)[:3]]
        steps = [0b0110, 0b1000, 0b1110, 0b0010]
        order = [*chosen, pick()]
        entries = 0
        for j in range(16):
            known = j >> 3
            for place in range(3):
                known = steps[(place + len(made.module["cells"])) % 4] >> (known | (j >> place & 1) << 1) & 1
            entries |= known << j
        made.nets += [made.lut(tuple(order), entries), *inverted, *(net for net in ways if rng.random() < 0.4)]
    return made.finished(made.nets[-6:])


def ecp5(rng):
    """Chains of halves that add operands from tables of all kinds."""
    made = Netlist()
    pick = partial(made.any_net, rng)
    for _ in range(3):
        carry, fresh, tables = "0", [], []
        if rng.random() < 0.3:
            carry = made.add(
                "LUT4", {"INIT": f"{0xE8E8:016b}"}, dict(zip("ABC", (pick(), pick(), pick()), strict=True)), "Z"
            )[0]
        for _ in range(2):
            operands = []
            for _ in range(4):
                entries = int(rng.choice([0xE8E8, 0x9696, 0x5555, 0x8888, 0x2B2B, 0x7171, rng.integers(1 << 16)]))
                pins = dict(zip("ABCD", (pick(), pick(), pick(), "0"), strict=True))
                table = made.add("LUT4", {"INIT": f"{entries:016b}"}, pins, ["Z"])[0]
                tables.append(table)
                operands.append(int(rng.choice([table, table, *tables])) if rng.random() < 0.7 else pick())
                fresh += [table] if rng.random() < 0.2 else []
            a0, b0, a1, b1 = operands
            inputs = {"A0": a0, "B0": b0, "C0": "0", "D0": "1", "A1": a1, "B1": b1, "C1": "0", "D1": "1", "CIN": carry}
            adds = {"INIT0": f"{0x96AA:016b}", "INIT1": f"{0x96AA:016b}"}
            adds |= {f"INJECT1_{half}": "YES" if rng.random() < 0.1 else "NO" for half in range(2)}
            *sums, carry = made.add("CCU2C", adds, inputs, ["S0", "S1", "COUT"])
            fresh += sums
        made.nets += [*fresh, carry]
    return made.finished(made.nets[-8:])


@pytest.mark.parametrize(("family", "random"), [("ice40", ice40), ("ecp5", ecp5)])
def test_random_netlists_compute_what_they_did_in_fewer_tables(family, random):
    saved = 0
    for seed in range(60):
        document = random(np.random.default_rng(seed))
        top = document["modules"]["top"]
        before, tables = evaluated(top, EVERY), len(top["cells"])
        tighten(document, family)
        check_module("top", top)
        assert (evaluated(top, EVERY) == before).all(), seed
        saved += tables - len(top["cells"])
    assert saved > {"ice40": 120, "ecp5": 150}[family]


@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_layers_compute_what_they_did(family, tmp_path):
    rng = np.random.default_rng(3)
    weights, thresholds = rng.integers(0, 2, (10, 28)), rng.integers(10, 18, (10, 1))
    unrolling = optimise(weights, family, thresholds=thresholds, invert=np.zeros(10, bool), effort=500)
    windows = rng.integers(0, 2, (3000, 28)).astype(bool)
    documents, luts = [], []
    for tightened in (None, True):
        path = tmp_path / "netlist.json"
        area = synthesise(Combinational(unrolling), family, netlist=path, tightened=tightened)
        documents.append(json.loads(path.read_text()))
        assert Counter(cell["type"] for cell in documents[-1]["modules"]["top"]["cells"].values()) == area.cells
        luts.append(area.luts)
    quick = copy.deepcopy(documents[0])
    tighten(quick, family, dense=False)
    for document in (*documents, quick):
        assert (evaluated(document["modules"]["top"], windows) == unrolling.reference(windows)).all()
    cells = [len(document["modules"]["top"]["cells"]) for document in (documents[1], quick, documents[0])]
    assert (luts[0] - luts[1], cells[0] <= cells[1] < cells[2]) == (cells[2] - cells[0], True)
    assert (cells[0] < cells[1]) is (family == "ice40")


def test_what_others_read_or_should_be_kept_stays():
    def kept(change):
        made = Netlist()
        x, y, z, *_ = made.nets
        carry = made.carry(x, y, "0")
        total = made.lut(("0", x, z, carry), 0x6996)
        inverted = made.lut((total, "0", "0", "0"), 0x5555)
        outputs = [inverted]
        change(made, total, outputs)
        document = made.finished(outputs)
        before = copy.deepcopy(document)
        tighten(document, "ice40")
        return len(before["modules"]["top"]["cells"]) - len(document["modules"]["top"]["cells"])

    assert kept(lambda made, total, outputs: None) == 1
    assert kept(lambda made, total, outputs: outputs.append(total)) == 0
    assert kept(lambda made, total, outputs: made.carry(total, "1", "0")) == 0
    assert kept(lambda made, total, outputs: made.module["cells"]["c2"].update(attributes={"keep": "1"})) == 0
    assert kept(lambda made, total, outputs: made.module["cells"]["c1"].update(attributes={"keep": "1"})) == 0


def test_other_families_are_left_alone():
    document = ice40(np.random.default_rng(0))
    before = copy.deepcopy(document)
    tighten(document, "gowin")
    assert document == before

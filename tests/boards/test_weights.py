# amaranth: UnusedElaboratable=no
"""Tables of a finished design replaced: where they lie, what is refused, and what the new netlist computes."""

import json
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from boards.weights import replace_tables
from boards.weights.places import FAMILIES, Misplaced, placement
from boards.weights.tables import Table, Verilog, blank, in_block_ram
from hw.accelerator import Accelerator
from hw.block_ram import FORMATS, RamNetlist
from hw.generate import generate
from hw.plan.plan import Folding
from hw.programs import find_program
from hw.synthesis import synthesise
from hw.verilog import emit
from sim.accelerator import simulate
from sim.netlist import Stage, netlist_sources
from sim.simulators import available
from sw.errors import SubbitError
from tests.networks import random_images
from tests.sim.netlist.designs import PLACERS, place_and_route
from tests.sim.netlist.networks import PLAIN, plain

BITSTREAMS = {"ice40": ("icepack", "top.asc", "top.bin"), "ecp5": ("ecppack", "top.config", "top.bit")}


def table_of(rows, width=20, seed=1):
    """Verilog of one table with random rows, or with those given."""
    if isinstance(rows, int):
        rows = np.random.default_rng(seed).integers(0, 2, (rows, width), dtype=np.uint8)
    values = [sum(int(bit) << place for place, bit in enumerate(row)) for row in rows]
    depth, width = np.shape(rows)
    lines = "".join(f"    weights[{at}] = {width}'h{value:x};\n" for at, value in enumerate(values))
    return (
        f"module top(clk, a, en, q);\n  input clk;\n  input [{(depth - 1).bit_length() - 1}:0] a;\n  input en;\n"
        f'  output reg [{width - 1}:0] q;\n  (* ram_style = "block" *)\n  (* rom_style = "block" *)\n'
        f"  reg [{width - 1}:0] weights [{depth - 1}:0];\n  initial begin\n{lines}  end\n"
        "  always_ff @(posedge clk) if (en) q <= weights[a];\nendmodule\n"
    )


def synthesised(text, family, folder):
    """Contents of the block RAMs of ``text``, named as after placement."""
    synthesise(text, family, netlist=folder / "synth.json")
    return RamNetlist(folder / "synth.json", FORMATS[family]).contents()


class TestVerilog:
    def test_tables_are_read_back(self):
        network, text = plain(1), emit(Accelerator(plain(1), PLAIN), "top")
        tables = Verilog(text, "top").tables()
        roms = Accelerator(network, PLAIN).roms
        assert {name.replace(".", "_") for name in tables} >= roms.keys()
        for name, rom in roms.items():
            bits = next(table.bits for path, table in tables.items() if path.replace(".", "_") == name)
            assert tuple(sum(int(b) << at for at, b in enumerate(row)) for row in bits) == rom.rows, name

    def test_other_weights_are_the_same_logic(self):
        first, second, other = (
            Verilog(emit(Accelerator(network, PLAIN), "top"), "top").skeleton()
            for network in (plain(1), plain(2), plain(2, thresholds=False))
        )
        assert first == second == other

    def test_blank_tables_are_in_block_ram_and_not_constant(self):
        text = in_block_ram(blank(emit(Accelerator(plain(1), PLAIN), "top")))
        assert in_block_ram(text) == text
        assert text.count('(* rom_style = "block" *)') == len(Accelerator(plain(1), PLAIN).roms)
        for name, table in Verilog(text, "top").tables().items():
            if name.split(".")[-1] in ("weights", "thresholds", "offsets"):
                assert (table.bits != table.bits[0]).any(axis=0).all(), name


class TestPlacement:
    @pytest.mark.parametrize(
        ("family", "rows", "width"),
        [
            ("ice40", 100, 20),
            ("ice40", 600, 3),
            pytest.param(*("ice40", 1500, 3), marks=pytest.mark.slow),
            ("ecp5", 100, 40),
            ("ecp5", 600, 1),
            pytest.param(*("ecp5", 1100, 12), marks=pytest.mark.slow),
        ],
    )
    def test_tables_of_any_shape_are_found(self, family, rows, width, tmp_path):
        text = table_of(rows, width)
        contents = synthesised(text, family, tmp_path)
        table = Verilog(text, "top").tables()["weights"]
        (place,) = placement(table, contents, FAMILIES[family])
        other = table.bits ^ 1
        place.put(other, contents)
        assert (place.bits(contents) == other).all()
        expected = synthesised(table_of(other), family, tmp_path)
        assert all((contents[name] == expected[name]).all() for name in expected)

    def test_constant_columns_are_in_logic(self, tmp_path):
        bits = np.random.default_rng(3).integers(0, 2, (100, 20), dtype=np.uint8)
        bits[:, 4], bits[:, 11] = 1, 0
        text = table_of(bits)
        (place,) = placement(
            Verilog(text, "top").tables()["weights"], synthesised(text, "ice40", tmp_path), FAMILIES["ice40"]
        )
        assert sorted(set(range(20)) - set(place.columns)) == [4, 11]

    @pytest.mark.parametrize("family", FAMILIES)
    def test_all_columns_of_a_memory_that_is_written_are_in_block_ram(self, family, tmp_path):
        bits = np.random.default_rng(4).integers(0, 2, (512, 8), dtype=np.uint8)
        bits[:, 2] = 0
        text = table_of(bits).replace("input en;", "input en;\n  input [7:0] d;").replace("a, en", "a, d, en")
        text = text.replace("endmodule", "  always_ff @(posedge clk)\n    if (~en)\n      weights[a] <= d;\nendmodule")
        table = Verilog(text, "top").tables()["weights"]
        assert table.written
        (place,) = placement(table, synthesised(text, family, tmp_path), FAMILIES[family])
        assert place.columns.tolist() == list(range(8))

    def test_what_is_not_where_it_should_be(self, tmp_path):
        text = table_of(100)
        table, contents = Verilog(text, "top").tables()["weights"], synthesised(text, "ice40", tmp_path)
        with pytest.raises(Misplaced, match="is in logic"):
            placement(Table(("other",), table.bits), contents, FAMILIES["ice40"])
        with pytest.raises(Misplaced, match="lies in its block RAMs in a way that is not known"):
            placement(table, contents | {"weights.0.0": contents["weights.0.0"] ^ 1}, FAMILIES["ice40"])
        with pytest.raises(Misplaced, match="has lost some of its block RAMs"):
            placement(table, {"weights.0.1": contents["weights.0.1"]}, FAMILIES["ice40"])

    def test_what_could_be_in_two_places(self):
        # One row that is not zero, at address 0: so it would look in units of 2 bits and of 4.
        bits = np.zeros((3, 2), np.uint8)
        bits[0] = 1
        contents = np.zeros(4096, np.uint8)
        contents[:2] = 1
        with pytest.raises(Misplaced, match="could lie in its block RAMs in several ways"):
            placement(Table(("weights",), bits), {"weights.0.0": contents}, FAMILIES["ice40"])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A function that takes Verilog through the tools to a build of a family."""

    def make(text, family):
        folder = tmp_path_factory.mktemp("build")
        (folder / "top.sv").write_text(text)
        (folder / "board.json").write_text(json.dumps({"family": family, "top": "top", "sources": ["top.sv"]}))
        synthesise(text, family, netlist=folder / "synth.json")
        place_and_route(folder, family, PLACERS[family][1])
        packer, design, bitstream = BITSTREAMS[family]
        options = ["--input", design, "--bit", bitstream] if family == "ecp5" else [design, bitstream]
        subprocess.run([find_program(packer).path, *options], cwd=folder, check=True, capture_output=True)
        return folder

    return make


class TestRefusals:
    @pytest.fixture
    def build(self, tmp_path):
        """A function that makes the files of a build, as far as they are read before anything is refused."""

        def make(text, *, mapped=True):
            folder = tmp_path / "build"
            folder.mkdir()
            (folder / "top.sv").write_text(text)
            (folder / "board.json").write_text(json.dumps({"family": "ice40", "top": "top", "sources": ["top.sv"]}))
            (folder / "routed.json").write_text("")
            if mapped:
                synthesise(text, "ice40", netlist=folder / "routed.json")
            (folder / "top.asc").write_text("")
            return folder

        return make

    def refusal(self, folder, text):
        with pytest.raises(SubbitError) as caught:
            replace_tables(folder, text, folder.with_name("out"))
        assert not folder.with_name("out").exists()
        return str(caught.value).replace(str(folder), "BUILD")

    def test_other_logic(self, build):
        folder = build(emit(Accelerator(plain(1), PLAIN), "top"), mapped=False)
        plan = replace(PLAIN, folding=PLAIN.folding | {"conv2": Folding(4, 8, "block")})
        sentence = self.refusal(folder, emit(Accelerator(plain(2), plan), "top"))
        assert sentence == (
            "The new network needs other logic than BUILD has, in conv2, conv2_window, dense_repack, top: "
            "build it anew with 'subbit build'."
        )

    def test_tables_in_logic(self, build):
        folder = build(table_of(20, 4).replace('"block"', '"logic"'))
        assert self.refusal(folder, table_of(20, 4, seed=2).replace('"block"', '"logic"')) == (
            "The weights in BUILD cannot be replaced: weights is in logic. Build the network anew, with its ROMs in "
            "block RAM if it is to be replaced later."
        )

    def test_constant_columns(self, build):
        bits = np.random.default_rng(3).integers(0, 2, (100, 20), dtype=np.uint8)
        bits[:, 4] = 1
        folder = build(table_of(bits))
        bits[7, 4] = 0
        sentence = self.refusal(folder, table_of(bits))
        assert "weights has bits that were constant and are in logic (4)" in sentence

    def test_no_build(self, tmp_path):
        assert self.refusal(tmp_path, "") == "BUILD is no build: make one with 'subbit build'."
        (tmp_path / "board.json").write_text('{"family": "gowin"}')
        assert self.refusal(tmp_path, "").startswith("Weights are replaced on ice40 and ecp5, not on gowin")


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ice40", "ecp5"])
@pytest.mark.parametrize("simulator", available())
def test_new_weights_are_the_new_network(family, simulator, built, tmp_path):
    network = plain(2)
    folder = built(in_block_ram(blank(emit(Accelerator(plain(1), PLAIN), "top"))), family)
    out = tmp_path / "out"
    changed = replace_tables(folder, in_block_ram(emit(Accelerator(network, PLAIN), "top")), out)
    assert len(changed) == len(Accelerator(network, PLAIN).roms)
    generated = generate(network, PLAIN, tmp_path / "generated")
    stages: list[tuple[Stage, bool]] = [("synthesised", False), ("routed", False), ("routed", True)]
    for stage, read_back in stages:
        sources, _ = netlist_sources(out, stage, top="accelerator", read_back=read_back)
        report = simulate(generated, network, random_images(network, 40), simulator, "fast", sources=sources)
        assert report.passed, (stage, report.problem)
    stale, _ = netlist_sources(folder, "routed", top="accelerator", read_back=True)
    assert not simulate(generated, network, random_images(network, 40), simulator, "fast", sources=stale).passed

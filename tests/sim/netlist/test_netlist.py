"""From a netlist in JSON to Verilog: names, constants, open inputs, and what is refused."""

import json
from dataclasses import replace

import pytest

from sim.netlist import netlist_sources
from sim.netlist.cells import adapt
from sim.netlist.icebox import pins_of_pcf
from sim.netlist.models import library, needed
from sim.netlist.netlist import Cell, Netlist, Port, text_of
from sim.netlist.verilog import verilog
from sw.errors import SubbitError


def table(kind="ICESTORM_LC", parameters=None, **connections):
    bits = {port: (bit,) if isinstance(bit, int | str) else bit for port, bit in connections.items()}
    return Cell("a.b[0]$x", kind, dict(parameters or {}), {}, bits)


def design(cell, **ports):
    return Netlist("top", ports or {"i": Port("input", (2,)), "o": Port("output", (3,))}, {cell.name: cell})


def test_cells_are_instances_by_their_names():
    text = verilog(
        design(table(parameters={"LUT_INIT": "0000000011111111", "S": "LSR", "T": "01 "}, I0=2, O=3, I1="1"))
    )
    assert "  input i;\n  output o;\n" in text
    assert """ICESTORM_LC #(.LUT_INIT(16'b0000000011111111), .S("LSR"), .T("01")) """ in text
    assert "\\a.b[0]$x  (.I0(i), .O(o), .I1(1'b1));" in text


def test_buses_keep_their_order():
    ports = {"i": Port("input", (5, 6), 0, False), "o": Port("output", (7, 6, "0"), 0, False)}
    text = verilog(design(table("RAM", A=(5, 6), O=(8,), Q=(7,)), **ports))
    for part in (".A({i[1], i[0]})", "wire n8;", ".Q(o[0])", "assign o[1] = i[1];", "assign o[2] = 1'b0;"):
        assert part in text


@pytest.mark.parametrize(
    ("value", "text"), [("01x", None), ("LSR", "LSR"), ("0 ", "0"), ("1  ", "1 "), ("0b000", "0b000")]
)
def test_parameters_are_bits_or_text(value, text):
    assert text_of(value) == text


def test_open_inputs_read_what_the_fabric_gives():
    cell = adapt(design(table(I0=2, O=3)), "ice40").cells["a.b[0]$x"]
    assert (cell.connections["CEN"], cell.connections["SR"], cell.connections["I3"]) == (("1",), ("0",), ("0",))
    cell = adapt(design(table("TRELLIS_COMB", A=2, F=3)), "ecp5").cells["a.b[0]$x"]
    assert cell.connections["B"] == ("1",)


def test_pads_are_chosen_by_the_direction_of_the_pin():
    def of(pin, **rest):
        return adapt(design(table("SB_IO", PACKAGE_PIN=pin, **rest)), "ice40").cells["a.b[0]$x"].kind

    assert (of(2, D_IN_0=4), of(3, D_OUT_0=4)) == ("SB_IO_INPUT", "SB_IO_OUTPUT")


def test_carries_of_gowin_come_from_the_cell_before():
    def at(place, **connections):
        cell = table("ALU", {"ALU_MODE": "C2L"}, I2="1", **connections)
        return replace(cell, name=place, attributes={"NEXTPNR_BEL": place})

    cells = [at("X1Y2/ALU5", COUT=7), at("X2Y2/ALU0"), at("X2Y2/ALU1", SUM=3), at("X2Y2/ALU4")]
    found = adapt(Netlist("top", {}, {cell.name: cell for cell in cells}), "gowin").cells
    assert found["X2Y2/ALU0"].connections["CIN"] == (7,)
    assert found["X2Y2/ALU1"].connections["CIN"] == found["X2Y2/ALU0"].connections["COUT"] != (7,)
    assert found["X2Y2/ALU4"].connections["CIN"] == ("0",)


def test_clock_networks_of_ice40_come_from_the_pll():
    pll = Cell("p_PLL", "ICESTORM_PLL", {}, {}, {"LOCK": (5,)}, {"BEL_PAD_INPUT": "X12/Y31/io1"})
    pad = Cell("i$sb_io", "SB_IO", {}, {}, {"PACKAGE_PIN": (2,)}, {"NEXTPNR_BEL": "X12/Y31/io1"})
    gbuf = Cell("$gbuf_p_pllout_a", "SB_GB", {}, {}, {"GLOBAL_BUFFER_OUTPUT": (3,), "USER_SIGNAL_TO_GLOBAL_BUFFER": ()})
    whole = Netlist("top", {"i": Port("input", (2,))}, {cell.name: cell for cell in (pll, pad, gbuf)})
    found = adapt(whole, "ice40").cells
    assert found["p_PLL"].connections["REFERENCECLK"] == (2,)
    assert found[gbuf.name].connections["USER_SIGNAL_TO_GLOBAL_BUFFER"] == found["p_PLL"].connections["PLLOUT_A_GLOBAL"]
    with pytest.raises(SubbitError, match="The source of the clock network other is not known"):
        adapt(Netlist("top", {}, {"other": replace(gbuf, name="other")}), "ice40")


def test_multiplexers_of_ecp5_are_constants():
    parameters = {"CEAMUX": "INV", "ADA0MUX": "0 ", "WEAMUX": "WEA", "CLKBMUX": "INV"}
    cell = adapt(design(table("DP16KD", parameters)), "ecp5").cells["a.b[0]$x"]
    assert [cell.connections[port] for port in ("CEA", "ADA0", "WEA")] == [("0",), ("0",), ("1",)]
    assert cell.parameters == {"CLKBMUX": "INV"}


@pytest.mark.parametrize(
    ("family", "cell", "sentence"),
    [
        ("ice40", table("SB_NEW"), "There is no simulation model for SB_NEW of ice40 (cell a.b[0]$x)."),
        ("ice40", table("SB_HFOSC"), "There is no simulation model for SB_HFOSC of ice40 (cell a.b[0]$x)."),
        (
            "ice40",
            table(parameters={"NEW": "1"}),
            "The simulation model of ICESTORM_LC does not know NEW (cell a.b[0]$x).",
        ),
        ("ice40", table(NEW=1), "The simulation model of ICESTORM_LC has no port NEW (cell a.b[0]$x)."),
        ("ice40", table("SB_LUT4", I0=1), "Input I1 of SB_LUT4 is open and has no known value then (cell a.b[0]$x)."),
        (
            "ecp5",
            table("DP16KD", {"REGMODE_B": "OUTREG"}),
            "The simulation model of DP16KD knows no REGMODE_B 'OUTREG' (cell a.b[0]$x).",
        ),
        ("xc7", table(), "Netlists are simulated for ice40, ecp5, gowin, not for xc7."),
    ],
)
def test_what_has_no_model_is_refused(family, cell, sentence):
    with pytest.raises(SubbitError) as caught:
        adapt(design(cell), family)
    assert str(caught.value) == sentence


def test_models_come_with_what_they_are_made_of_and_without_timing():
    text = needed("ice40", ["ICESTORM_RAM"])
    assert "module SB_RAM40_4K " in text
    assert "module SB_LUT4" not in text
    assert "specify" not in needed("ecp5", ["LUT4", "CCU2C"])
    assert library("ecp5")["DP16KD"].origin == "subbit"
    assert library("ice40")["SB_LUT4"].origin.startswith("Yosys")


def test_files_that_are_missing_or_damaged(tmp_path):
    with pytest.raises(SubbitError, match=r"has no board\.json that names the FPGA's family"):
        netlist_sources(tmp_path, "routed")
    (tmp_path / "board.json").write_text(json.dumps({"family": "gowin", "sources": ["top.sv"]}))
    with pytest.raises(SubbitError, match=r"routed\.json is missing"):
        netlist_sources(tmp_path, "routed")
    (tmp_path / "routed.json").write_text("{}")
    with pytest.raises(SubbitError, match="is not a netlist of Yosys or nextpnr"):
        netlist_sources(tmp_path, "routed")
    with pytest.raises(SubbitError, match="Bitstreams are not read back for ecp5: simulate the routed netlist"):
        netlist_sources(tmp_path, "bitstream", "ecp5")
    with pytest.raises(ValueError, match="stage must be one of rtl, synthesised, routed, bitstream, not 'placed'"):
        netlist_sources(tmp_path, "placed")  # type: ignore[arg-type]


def test_pins_are_read_from_constraints_with_options(tmp_path):
    path = tmp_path / "top.pcf"
    path.write_text("# board\nset_io clk 35\nset_io -nowarn -pullup yes o[1] B6 # x\nset_frequency clk 12\n")
    assert pins_of_pcf(path) == {"clk": "35", "o[1]": "B6"}

"""Pins are those of amaranth-boards, and constraints say them in each family's own words."""

import sys
from dataclasses import replace
from importlib import import_module

import pytest

from boards.board import BOARDS, Site, board
from boards.pins import constraints, pins
from sw.errors import SubbitError


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("icebreaker", {"clk": "35", "rx": "6", "tx": "9", "led_ready": "~37", "led_fault": "~11"}),
        ("icesugar", {"clk": "35", "rx": "4", "tx": "6", "led_ready": "~41", "led_active": "~39", "led_fault": "~40"}),
        (
            "upduino3",
            {"clk": "20", "rx": "28", "tx": "38", "led_ready": "~39", "led_active": "~40", "led_fault": "~41"},
        ),
        ("hx8k-evn", {"clk": "J3", "rx": "B10", "tx": "B12", "led_ready": "C3", "led_active": "B3", "led_fault": "C4"}),
        ("tinyfpga-bx", {"clk": "B2", "rx": "A1", "tx": "A2", "led_ready": "B3"}),
        ("ulx3s-85f", {"clk": "G2", "rx": "M1", "tx": "L4", "led_ready": "B2", "led_active": "C2", "led_fault": "C1"}),
        (
            "orangecrab-25f",
            {"clk": "A9", "rx": "N17", "tx": "M18", "led_ready": "~M3", "led_active": "~J3", "led_fault": "~K4"},
        ),
        ("colorlight-5a-75b", {"clk": "P6", "rx": "M13", "tx": "P11"}),
        (
            "tang-nano-9k",
            {"clk": "52", "rx": "18", "tx": "17", "led_ready": "~10", "led_active": "~11", "led_fault": "~13"},
        ),
        (
            "arty-a7-35t",
            {"clk": "E3", "rx": "A9", "tx": "D10", "led_ready": "H5", "led_active": "J5", "led_fault": "T9"},
        ),
    ],
)
def test_ports_are_on_the_pins_of_the_schematic(name, numbers):
    assert {pin.port: "~" * pin.inverted + pin.number for pin in pins(board(name))} == numbers


@pytest.mark.parametrize("known", BOARDS, ids=lambda known: known.name)
def test_no_pin_is_used_twice(known):
    found = pins(known)
    assert len({pin.number for pin in found}) == len(found) == len(known.sites())


@pytest.mark.parametrize("known", BOARDS, ids=lambda known: known.name)
def test_resources_face_the_way_that_ports_do(known):
    platform = getattr(import_module(f"amaranth_boards.{known.platform.split('.')[0]}"), known.platform.split(".")[1])
    for port, site in known.sites(loads=known.memory is not None).items():
        if ":" in site.name:
            continue
        name, _, part = site.name.partition(".")
        name, _, number = name.partition("#")
        resource = next(r for r in platform.resources if (r.name, r.number) == (name, int(number or 0)))
        ends = {ios.name: ios.ios[0].dir for ios in resource.ios} if part else {"": resource.ios[0].dir}
        assert ends[part] == ("i" if port in ("clk", "rx", "flash_miso") else "o")


def test_ice40_constraints():
    assert constraints(board("icebreaker")) == (
        "# iCEBreaker\n"
        "set_io clk 35\n"
        "set_io -pullup yes rx 6\n"
        "set_io -pullup yes tx 9\n"
        "set_io led_ready 37\n"
        "set_io led_fault 11\n"
        "set_frequency clk 12\n"
    )


@pytest.mark.parametrize("name", ["icebreaker", "icesugar", "upduino3"])
def test_flash_memory_is_constrained_where_it_is_read(name):
    known = board(name)
    added = constraints(known, loads=True).splitlines()
    lines = [line for line in added if "flash" in line]
    assert lines == ["set_io flash_cs 16", "set_io flash_sck 15", "set_io flash_mosi 14", "set_io flash_miso 17"]
    assert [line for line in added if line not in lines] == constraints(known).splitlines()
    assert {pin.port: pin.inverted for pin in pins(known, loads=True)}["flash_cs"]


def test_ecp5_constraints():
    assert constraints(board("colorlight-5a-75b")) == (
        "# Colorlight 5A-75B r7.0\n"
        'LOCATE COMP "clk" SITE "P6";\n'
        'IOBUF PORT "clk" IO_TYPE=LVCMOS33;\n'
        'LOCATE COMP "rx" SITE "M13";\n'
        'IOBUF PORT "rx" IO_TYPE=LVCMOS33 PULLMODE=UP;\n'
        'LOCATE COMP "tx" SITE "P11";\n'
        'IOBUF PORT "tx" IO_TYPE=LVCMOS33;\n'
        'FREQUENCY PORT "clk" 25 MHZ;\n'
    )


def test_gowin_constraints():
    assert constraints(board("tang-nano-9k")).startswith(
        "// Tang Nano 9K\n"
        'IO_LOC "clk" 52;\n'
        'IO_PORT "clk" IO_TYPE=LVCMOS33;\n'
        'IO_LOC "rx" 18;\n'
        'IO_PORT "rx" PULL_MODE=UP IO_TYPE=LVCMOS33;\n'
    )


def test_vivado_constraints():
    assert constraints(board("arty-a7-35t")) == (
        "# Arty A7-35T\n"
        "set_property -dict {PACKAGE_PIN E3 IOSTANDARD LVCMOS33} [get_ports clk]\n"
        "set_property -dict {PACKAGE_PIN A9 IOSTANDARD LVCMOS33} [get_ports rx]\n"
        "set_property -dict {PACKAGE_PIN D10 IOSTANDARD LVCMOS33} [get_ports tx]\n"
        "set_property -dict {PACKAGE_PIN H5 IOSTANDARD LVCMOS33} [get_ports led_ready]\n"
        "set_property -dict {PACKAGE_PIN J5 IOSTANDARD LVCMOS33} [get_ports led_active]\n"
        "set_property -dict {PACKAGE_PIN T9 IOSTANDARD LVCMOS33} [get_ports led_fault]\n"
        "create_clock -name clk -period 10 [get_ports clk]\n"
        "set_false_path -from [get_ports rx]\n"
        "set_false_path -to [get_ports {tx led_ready led_active led_fault}]\n"
        "set_property CFGBVS VCCO [current_design]\n"
        "set_property CONFIG_VOLTAGE 3.3 [current_design]\n"
    )


def test_without_amaranth_boards_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "amaranth_boards", None)
    monkeypatch.delitem(sys.modules, "amaranth_boards.icebreaker", raising=False)
    with pytest.raises(SubbitError, match=r"^The pins of boards are missing: pip install 'subbit\[fpga\]'\.$"):
        pins(board("icebreaker"))


def test_attributes_of_a_part_and_of_the_site_are_added():
    attributes = {"IO_TYPE": "LVCMOS33", "DRIVE": "4", "PULLMODE": "UP"}
    changed = replace(board("ulx3s-85f"), rx=Site("esp32.en"), tx=Site("esp32.gpio5", {"PULLMODE": "NONE"}))
    found = {pin.port: pin.attributes for pin in pins(changed)}
    assert found["rx"] == attributes
    assert found["tx"] == attributes | {"PULLMODE": "NONE"}

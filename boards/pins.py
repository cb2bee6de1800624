"""Pins of a board out of amaranth-boards, and the constraints file that each family's tools read.

Only the tables of a platform are read, ``resources`` and ``connectors``: its class is never instantiated, because that
and its build functions look for tools that are not needed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from boards.board import Board, Site
from sw.errors import SubbitError

__all__ = ["CONSTRAINTS", "Pin", "constraints", "oscillator", "pins"]

#: What the constraints file of a family is called.
CONSTRAINTS: Mapping[str, str] = {"ice40": "top.pcf", "ecp5": "top.lpf", "gowin": "top.cst", "xc7": "top.xdc"}


@dataclass(frozen=True)
class Pin:
    """A port's pin: its ``number`` on the package, whether the board inverts it, its attributes as amaranth-boards
    calls them."""

    port: str
    number: str
    inverted: bool
    attributes: Mapping[str, str | int]


def pins(board: Board, *, loads: bool = False) -> tuple[Pin, ...]:
    """The pins of every port of a design for ``board``, which ``loads`` from flash memory or does not.

    Raises SubbitError where amaranth-boards is not installed.
    """
    platform = _platform(board)
    return tuple(_pin(platform, port, site) for port, site in board.sites(loads=loads).items())


def oscillator(board: Board) -> float:
    """Hertz of the clock at ``board.clock``, by amaranth-boards."""
    return _resource(_platform(board), board.clock.name)[0].clock.frequency


def _platform(board: Board) -> Any:
    module, name = board.platform.split(".")
    try:
        return getattr(import_module(f"amaranth_boards.{module}"), name)
    except ModuleNotFoundError:
        raise SubbitError("The pins of boards are missing: pip install 'subbit[fpga]'.") from None


def _resource(platform: Any, name: str) -> tuple[Any, Any, Any]:
    """The resource ``name#number.part``, the named part of it or the whole, and its pins."""
    name, _, part = name.partition(".")
    name, _, number = name.partition("#")
    resource = next(r for r in platform.resources if (r.name, r.number) == (name, int(number or 0)))
    owner = next(ios for ios in resource.ios if ios.name == part) if part else resource
    return resource, owner, owner.ios[0]


def _pin(platform: Any, port: str, site: Site) -> Pin:
    connector, colon, place = site.name.partition(":")
    if colon:
        found = next(c for c in platform.connectors if f"{c.name}_{c.number}" == connector)
        return Pin(port, found.mapping[place], False, dict(site.attributes))
    resource, owner, ios = _resource(platform, site.name)
    attributes = {**resource.attrs, **owner.attrs, **site.attributes}
    (number,) = ios.names
    return Pin(port, number, ios.invert, attributes)


def constraints(board: Board, *, loads: bool = False) -> str:
    """The text of the board's constraints file: where each port is, of what standard, and the oscillator's clock."""
    writers = {"ice40": _pcf, "ecp5": _lpf, "gowin": _cst, "xc7": _xdc}
    lines = writers[board.family](pins(board, loads=loads), board.oscillator_hz / 1e6)
    comment = "//" if board.family == "gowin" else "#"
    return "".join(f"{line}\n" for line in (f"{comment} {board.title}", *lines))


def _pcf(found: tuple[Pin, ...], megahertz: float) -> list[str]:
    """Physical constraints of iCE40: the standard follows from the bank's voltage and cannot be said."""
    lines = []
    for pin in found:
        pull = "-pullup yes " if pin.attributes.get("PULLUP") else ""
        lines.append(f"set_io {pull}{pin.port} {pin.number}")
    return [*lines, f"set_frequency clk {megahertz:g}"]


def _lpf(found: tuple[Pin, ...], megahertz: float) -> list[str]:
    """Lattice preferences of ECP5."""
    lines = []
    for pin in found:
        attributes = " ".join(f"{key}={value}" for key, value in pin.attributes.items())
        lines += [f'LOCATE COMP "{pin.port}" SITE "{pin.number}";', f'IOBUF PORT "{pin.port}" {attributes};']
    return [*lines, f'FREQUENCY PORT "clk" {megahertz:g} MHZ;']


def _cst(found: tuple[Pin, ...], megahertz: float) -> list[str]:
    """Physical constraints of Gowin, which know no frequency."""
    lines = []
    for pin in found:
        attributes = " ".join(f"{key}={value}" for key, value in pin.attributes.items())
        lines += [f'IO_LOC "{pin.port}" {pin.number};', f'IO_PORT "{pin.port}" {attributes};']
    return lines


def _xdc(found: tuple[Pin, ...], megahertz: float) -> list[str]:
    """Vivado's Tcl. The configuration bank of every board here runs at 3.3 V."""
    lines = []
    for pin in found:
        attributes = " ".join(f"{key} {value}" for key, value in pin.attributes.items())
        lines.append(f"set_property -dict {{PACKAGE_PIN {pin.number} {attributes}}} [get_ports {pin.port}]")
    outputs = " ".join(pin.port for pin in found if pin.port not in ("clk", "rx"))
    return [
        *lines,
        f"create_clock -name clk -period {1e3 / megahertz:g} [get_ports clk]",
        "set_false_path -from [get_ports rx]",
        f"set_false_path -to [get_ports {{{outputs}}}]",
        "set_property CFGBVS VCCO [current_design]",
        "set_property CONFIG_VOLTAGE 3.3 [current_design]",
    ]

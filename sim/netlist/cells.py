"""What turns the cells of a tool's netlist into those of the models: open inputs, parameters, and split buses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sim.netlist import gowin, ice40
from sim.netlist.models import Model, library
from sim.netlist.netlist import Bit, Cell, Netlist, text_of
from sw.errors import SubbitError

__all__ = ["adapt"]


@dataclass(frozen=True)
class Rule:
    """How cells of one kind are taken.

    ``open`` is what an input reads that nothing is connected to, by port, and "" for all others; an input without such
    a value must be connected. ``ignored`` are parameters that say nothing of what the cell computes, "*" all of them;
    ``required`` are those of which the model knows some values only. With ``tied``, a parameter PORTMUX of "0", "1" or
    "INV" stands for a constant or an inverted input.
    ``spare`` are ports that carry nothing of what the cell computes.
    ``slices`` begins the names of the parameters, numbered in two hexadecimal digits, that together are INIT.
    ``placed`` are parameters that follow from where the cell was placed.
    ``pad`` is the port at the pin: the model of a pad is chosen by the direction of the pin, because simulators without
    three states know no inout.
    """

    open: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    required: Mapping[str, frozenset[str]] = field(default_factory=dict)
    spare: frozenset[str] = frozenset()
    pad: str = ""
    tied: bool = False
    slices: str = ""
    placed: Callable[[str], dict[str, str]] | None = None


_ALL = frozenset({"*"})

ICE40 = {
    # The fabric's unrouted wires read 0; clock enables are pulled up (icestorm, "Logic tile", "RAM tile").
    "ICESTORM_LC": Rule({"CEN": "1", "": "0"}),
    "ICESTORM_RAM": Rule({"RCLKE": "1", "WCLKE": "1", "": "0"}),
    "ICESTORM_SPRAM": Rule({"": "0"}),
    **{kind: Rule({"RESETB": "1", "": "0"}, _ALL) for kind in ("SB_PLL40_CORE", "SB_PLL40_PAD", "SB_PLL40_2_PAD")},
    **{kind: Rule({"RESETB": "1", "": "0"}, _ALL) for kind in ("SB_PLL40_2F_CORE", "SB_PLL40_2F_PAD", "ICESTORM_PLL")},
    "SB_IO": Rule({"CLOCK_ENABLE": "1", "": "0"}, pad="PACKAGE_PIN"),
}
_NOREG = frozenset({"NOREG"})
_SELECTS = frozenset({"0b000", "0b111"})
ECP5 = {
    # The fabric's unrouted wires read 1, those of a slice's set/reset 0; what must be 0 elsewhere is set by a parameter
    # (nextpnr ecp5/pack.cc and bitstream.cc).
    # A slice's second table has the multiplexer of two slices, the first that of its two tables.
    "TRELLIS_COMB": Rule({"": "1"}, placed=lambda bel: {"IS_Z1": str(int(bel.endswith("1")))}),
    "TRELLIS_RAMW": Rule({"": "1"}),
    "TRELLIS_FF": Rule({"LSR": "0", "CE": "1", "DI": "1", "M": "1"}),
    "TRELLIS_IO": Rule({"": "0"}, pad="B"),
    "DCCA": Rule({"CE": "1"}),
    "DP16KD": Rule(
        {"": "1"},
        required={"REGMODE_A": _NOREG, "REGMODE_B": _NOREG, "CSDECODE_A": _SELECTS, "CSDECODE_B": _SELECTS},
        tied=True,
        slices="INITVAL_",
    ),
    "EHXPLLL": Rule({"": "0"}, _ALL),
}
_BUSES = {"FBDSEL": 6, "IDSEL": 6, "ODSEL": 6, "PSDA": 4, "DUTYDA": 4, "FDLY": 4}
_DYNAMIC = frozenset(f"{bus}{bit}" for bus, width in _BUSES.items() for bit in range(width))
_BANK = frozenset({"BOTTOM_IO_PORT_A", "BOTTOM_IO_PORT_B"})
_MEMORY = Rule({"": "x"}, slices="INIT_RAM_", required={name: frozenset({"0"}) for name in ("READ_MODE", "READ_MODE0")})
GOWIN = {
    # Inputs that nextpnr leaves open belong to tables that do not depend on them. They are unknown, so that Icarus
    # would show one that did.
    **{kind: Rule({"": "x"}) for kind in ("LUT1", "LUT2", "LUT3", "LUT4", "ALU_PLACED")},
    **dict.fromkeys(("SP", "SPX9", "pROM", "pROMX9", "SDPB", "SDPX9B", "DPB", "DPX9B"), _MEMORY),
    **{kind: Rule(ignored=_ALL, spare=_BANK) for kind in ("IBUF", "OBUF")},
    "RAM16SDP4": Rule({"CE": "1"}),
    "rPLL": Rule({"": "0"}, _ALL, spare=_DYNAMIC),
}
RULES: Mapping[str, Mapping[str, Rule]] = {"ice40": ICE40, "ecp5": ECP5, "gowin": GOWIN}
#: What joins the cells of nextpnr where there is no choice of wires.
FIXED: Mapping[str, Callable[[Netlist], Netlist]] = {"ice40": ice40.with_fixed_wires, "gowin": gowin.with_fixed_wires}


def adapt(netlist: Netlist, family: str) -> Netlist:
    """``netlist`` in cells that `sim.netlist.models` has, each with every input connected to something.

    Raises SubbitError that names a cell of which no model exists, or whose parameters or open inputs have no meaning.
    """
    models = library(family)
    if family in FIXED:
        netlist = FIXED[family](netlist)
    pins = {bit: port.direction for port in netlist.ports.values() for bit in port.bits}
    cells = {name: _adapted(cell, family, models, pins) for name, cell in netlist.cells.items()}
    return Netlist(netlist.top, netlist.ports, cells)


def _adapted(cell: Cell, family: str, models: Mapping[str, Model], pins: Mapping[Bit, str]) -> Cell:
    if family == "gowin" and cell.bel:
        cell = gowin.documented(cell)
    rule, kind = RULES[family].get(cell.kind, Rule()), cell.kind
    if rule.pad:
        kind += {"input": "_INPUT", "output": "_OUTPUT"}.get(pins.get((*cell.connections[rule.pad], "x")[0], ""), "")
    model = models.get(kind)
    if model is None:
        raise SubbitError(f"There is no simulation model for {kind} of {family} (cell {cell.name}).")
    parameters, connections = dict(cell.parameters), dict(cell.connections)
    if rule.slices:
        _join(parameters, rule.slices)
    if rule.placed is not None:
        parameters |= rule.placed(cell.bel)
    if rule.tied:
        _tie(parameters, connections, model)
    parameters = {key: value for key, value in parameters.items() if not {key, "*"} & rule.ignored}
    if unknown := sorted(parameters.keys() - model.parameters):
        raise SubbitError(f"The simulation model of {kind} does not know {', '.join(unknown)} (cell {cell.name}).")
    for key, values in rule.required.items():
        if parameters.get(key, min(values)) not in values:
            raise SubbitError(f"The simulation model of {kind} knows no {key} {parameters[key]!r} (cell {cell.name}).")
    for port in model.inputs:
        if not connections.get(port):
            value = rule.open.get(port, rule.open.get("", ""))
            if not value:
                raise SubbitError(f"Input {port} of {kind} is open and has no known value then (cell {cell.name}).")
            connections[port] = (value,) * model.widths[port]
    connections = {port: bits for port, bits in connections.items() if bits and port not in rule.spare}
    if unknown := sorted(connections.keys() - model.ports.keys()):
        raise SubbitError(f"The simulation model of {kind} has no port {', '.join(unknown)} (cell {cell.name}).")
    return Cell(cell.name, kind, parameters, cell.directions, connections, cell.attributes)


def _tie(parameters: dict[str, str], connections: dict[str, tuple[Bit, ...]], model: Model) -> None:
    """Take the parameters PORTMUX away that the model does not have, and connect the ports as they say."""
    for key in [key for key in parameters if key.endswith("MUX") and key not in model.parameters]:
        port, value = key.removesuffix("MUX"), text_of(parameters.pop(key))
        if value in ("0", "1"):
            connections[port] = (value,)
        elif value == "INV" and not connections.get(port):
            connections[port] = ("0",)
        elif value != port:
            raise SubbitError(f"Input {port} of {model.name} has the multiplexer {value!r}, which has no model.")


def _join(parameters: dict[str, str], begin: str) -> None:
    """Put the slices of a memory's contents together as the parameter INIT; slices left out are 0."""
    slices = {int(key.removeprefix(begin), 16): key for key in parameters if key.startswith(begin)}
    if slices:
        texts = [parameters.pop(slices.pop(index)) if index in slices else None for index in range(max(slices) + 1)]
        width = max(len(text) for text in texts if text is not None)
        parameters["INIT"] = "".join((text or "").rjust(width, "0") for text in reversed(texts))

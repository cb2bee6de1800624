"""What turns the cells of a tool's netlist into those of the models: open inputs, parameters, and split buses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sim.netlist.models import Model, library
from sim.netlist.netlist import Bit, Cell, Netlist, text_of
from sw.errors import SubbitError

__all__ = ["adapt"]


@dataclass(frozen=True)
class Rule:
    """How cells of one kind are taken.

    ``open`` is what an input reads that nothing is connected to, by port, and "" for all others; an input without such
    a value must be connected. ``ignored`` are parameters that say nothing of what the cell computes.
    ``pad`` is the port at the pin: the model of a pad is chosen by the direction of the pin, because simulators without
    three states know no inout.
    """

    open: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    pad: str = ""


ICE40 = {
    # The fabric's unrouted wires read 0; clock enables are pulled up (icestorm, "Logic tile", "RAM tile").
    "ICESTORM_LC": Rule({"CEN": "1", "": "0"}),
    "ICESTORM_RAM": Rule({"RCLKE": "1", "WCLKE": "1", "": "0"}),
    "ICESTORM_SPRAM": Rule({"": "0"}),
    "ICESTORM_PLL": Rule({"": "0"}),
    "SB_IO": Rule({"CLOCK_ENABLE": "1", "": "0"}, pad="PACKAGE_PIN"),
}
ECP5 = {
    # The fabric's unrouted wires read 1; what must be 0 is set by a multiplexer parameter (prjtrellis, nextpnr ecp5/bitstream.cc).
    "TRELLIS_COMB": Rule({"": "1"}, frozenset({"WCKMUX"})),
}
RULES: Mapping[str, Mapping[str, Rule]] = {"ice40": ICE40, "ecp5": ECP5, "gowin": {}}


def adapt(netlist: Netlist, family: str) -> Netlist:
    """``netlist`` in cells that `sim.netlist.models` has, each with every input connected to something.

    Raises SubbitError that names a cell of which no model exists, or whose parameters or open inputs have no meaning here.
    """
    models = library(family)
    pins = {bit: port.direction for port in netlist.ports.values() for bit in port.bits}
    cells = {name: _adapted(cell, family, models, pins) for name, cell in netlist.cells.items()}
    return Netlist(netlist.top, netlist.ports, cells)


def _adapted(cell: Cell, family: str, models: Mapping[str, Model], pins: Mapping[Bit, str]) -> Cell:
    rule, kind = RULES[family].get(cell.kind, Rule()), cell.kind
    if rule.pad:
        kind += {"input": "_INPUT", "output": "_OUTPUT"}.get(pins.get((*cell.connections[rule.pad], "x")[0], ""), "")
    model = models.get(kind)
    if model is None:
        raise SubbitError(f"There is no simulation model for {kind} of {family} (cell {cell.name}).")
    parameters = {key: value for key, value in cell.parameters.items() if key not in rule.ignored}
    if unknown := sorted(parameters.keys() - model.parameters):
        raise SubbitError(f"The simulation model of {kind} does not know {', '.join(unknown)} (cell {cell.name}).")
    connections = dict(cell.connections)
    for port in model.inputs:
        if not connections.get(port):
            value = rule.open.get(port, rule.open.get("", ""))
            if not value:
                raise SubbitError(f"Input {port} of {kind} is open and has no known value then (cell {cell.name}).")
            connections[port] = (value,) * model.widths[port]
    connections = {port: bits for port, bits in connections.items() if bits}
    if unknown := sorted(connections.keys() - model.ports.keys()):
        raise SubbitError(f"The simulation model of {kind} has no port {', '.join(unknown)} (cell {cell.name}).")
    return Cell(cell.name, kind, parameters, cell.directions, connections, cell.attributes)

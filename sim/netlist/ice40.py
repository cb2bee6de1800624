"""Connections of an iCE40 that nextpnr leaves out, there being no choice: pad to PLL, PLL to clock network."""

from sim.netlist.netlist import Netlist
from sw.errors import SubbitError

__all__ = ["with_fixed_wires"]


def with_fixed_wires(netlist: Netlist) -> Netlist:
    """``netlist`` with the reference of a PLL at a pad, and the sources of clock networks that are not routed to.

    Raises SubbitError where a clock network's source is not a PLL's output.
    """
    cells = dict(netlist.cells)
    pads = {cell.bel: cell.connections["PACKAGE_PIN"] for cell in cells.values() if cell.kind == "SB_IO" and cell.bel}
    outputs: dict[str, tuple[str, str]] = {}
    for name, cell in netlist.cells.items():
        if cell.kind == "ICESTORM_PLL":
            if (pad := cell.attributes.get("BEL_PAD_INPUT", "")) and not cell.connections.get("REFERENCECLK"):
                cells[name] = cell.connected("REFERENCECLK", pads[pad])
            outputs |= {
                f"$gbuf_{name.removesuffix('_PLL')}_pllout_{side.lower()}": (name, f"PLLOUT_{side}_GLOBAL")
                for side in "AB"
            }
    free = 1 + max((bit for bit in netlist.bits() if isinstance(bit, int)), default=0)
    for name, cell in netlist.cells.items():
        if cell.kind == "SB_GB" and not cell.connections["USER_SIGNAL_TO_GLOBAL_BUFFER"]:
            if name not in outputs:
                raise SubbitError(f"The source of the clock network {name} is not known: it has no simulation model.")
            source, port = outputs[name]
            bits = cells[source].connections.get(port) or (free,)
            free += 1
            cells[source] = cells[source].connected(port, bits)
            cells[name] = cell.connected("USER_SIGNAL_TO_GLOBAL_BUFFER", bits)
    return Netlist(netlist.top, netlist.ports, cells)

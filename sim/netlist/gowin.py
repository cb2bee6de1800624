"""Takes back what nextpnr makes of Gowin's block RAMs and arithmetic cells, so that the documented models serve them.

nextpnr calls SPX9 and SP alike SP, gives every bit of a bus a port of its own, and serves a wide memory through both of
its ports. Which is which follows from its packer (himbaechel/uarch/gowin/pack_bsram.cc).
"""

import re
from collections.abc import Mapping

from sim.netlist.netlist import Bit, Cell, Netlist, bits_of, text_of
from sw.errors import SubbitError

__all__ = ["documented", "with_fixed_wires"]

# Tables of the arithmetic modes (apicula, chipdb.py), where the cell's own RAW_ALU_LUT says nothing else.
_ALU = {
    "0": "0110000001101010", "1": "1001000010011010", "2": "0110000010011010", "3": "1001000010011111",
    "4": "1001000010011010", "6": "1010000010100000", "7": "0101000001011111", "8": "1010111101011010",
    "9": "0111100010001000", "C2L": "0000000000000000", "ONE2C": "0000000000001111",
}  # fmt: skip
_MEMORIES = {"SP": "SP{}", "ROM": "pROM{}", "SDP": "SDP{}B", "DP": "DP{}B"}
_WIDE = (32, 36)
_IN_A_TILE = 6


def with_fixed_wires(netlist: Netlist) -> Netlist:
    """``netlist`` with every carry in that nextpnr left open, which the fabric joins to the cell before it.

    That matters: the head of a chain whose carry comes from logic hands on the carry before it as well (nextpnr 0.11,
    table 505a), so that where another chain ends just there, the design is wrong. Where no arithmetic cell is before
    it, it is taken to read 0.
    """
    places = {}
    for cell in netlist.cells.values():
        if cell.kind == "ALU" and (found := re.fullmatch(r"X(\d+)Y(\d+)/ALU(\d)", cell.bel)):
            x, y, number = map(int, found.groups())
            places[y, _IN_A_TILE * x + number] = cell.name
    cells = dict(netlist.cells)
    free = 1 + max((bit for bit in netlist.bits() if isinstance(bit, int)), default=0)
    for (y, place), name in places.items():
        if cells[name].connections.get("CIN"):
            continue
        before = places.get((y, place - 1))
        bits: tuple[Bit, ...] = ("0",)
        if before is not None:
            bits = cells[before].connections.get("COUT") or (free,)
            cells[before] = cells[before].connected("COUT", bits)
            free += 1
        cells[name] = cells[name].connected("CIN", bits)
    return Netlist(netlist.top, netlist.ports, cells)


def documented(cell: Cell) -> Cell:
    """``cell``, placed by nextpnr, as a cell that Gowin's documents describe."""
    if cell.kind == "ALU":
        return _arithmetic(cell)
    if cell.kind in _MEMORIES and "BSRAM_SUBTYPE" in cell.attributes:
        return _memory(cell)
    return cell


def _arithmetic(cell: Cell) -> Cell:
    table = cell.parameters.get("RAW_ALU_LUT", "")[-16:]
    if not table:
        mode = text_of(cell.parameters["ALU_MODE"]) or str(bits_of(cell.parameters["ALU_MODE"]))
        if mode not in _ALU:
            raise SubbitError(f"The arithmetic mode {mode} of Gowin has no simulation model (cell {cell.name}).")
        table = _ALU[mode]
    return Cell(cell.name, "ALU_PLACED", {"TABLE": table}, cell.directions, cell.connections, cell.attributes)


def _memory(cell: Cell) -> Cell:
    nine = "X9" if cell.attributes["BSRAM_SUBTYPE"].strip() == "X9" else ""
    width = bits_of(cell.parameters["BIT_WIDTH" if cell.kind in ("SP", "ROM") else "BIT_WIDTH_1"])
    ports, size = _Ports(cell.connections), 36 if nine else 32
    out: dict[str, tuple[Bit, ...]] = {}
    if cell.kind == "SP":
        out |= {port: ports.one(port) for port in ("CLK", "CE", "OCE", "RESET", "WRE")}
        out |= {"BLKSEL": ports.bus("BLKSEL", 3), "AD": ports.bus("AD", 14)}
        out |= {"DI": ports.data("DI", width, size), "DO": ports.data("DO", width, size)}
        if width in _WIDE:
            _check_halves(cell, "AD")
            out["AD"] = (*out["AD"][:2], *ports.bus("ADB", 2), *out["AD"][4:])
    elif cell.kind == "ROM":
        wide = width in _WIDE
        out |= {port: ports.one(port if wide else f"{port}B") for port in ("CLK", "CE", "OCE", "RESET")}
        out |= {"AD": ports.bus("ADA" if wide else "ADB", 14), "DO": ports.data("DO", width, size, 0 if wide else 18)}
    elif cell.kind == "SDP":
        out |= {port: ports.one(port) for port in ("CLKA", "CEA", "CLKB", "CEB", "OCE", "RESETA", "RESETB")}
        out |= {port: ports.bus(port, 14) for port in ("ADA", "ADB")}
        out |= {port: ports.bus(port, 3) for port in ("BLKSELA", "BLKSELB")}
        out["DI"] = ports.data("DI", width, size)
        out["DO"] = ports.data("DO", width, size, 0 if width in _WIDE else 18)
    else:
        names = ("CLK", "CE", "OCE", "RESET", "WRE")
        out |= {f"{port}{side}": ports.one(f"{port}{side}") for side in "AB" for port in names}
        out |= {port: ports.bus(port, 14) for port in ("ADA", "ADB")}
        out |= {port: ports.bus(port, 3) for port in ("BLKSELA", "BLKSELB")}
        for side in "AB":
            width = bits_of(cell.parameters["BIT_WIDTH_0" if side == "A" else "BIT_WIDTH_1"])
            out |= {f"{port}{side}": ports.data(f"{port}{side}", width, size // 2) for port in ("DI", "DO")}
    parameters = dict(cell.parameters)
    if cell.kind == "ROM":
        parameters.pop("BLK_SEL", None)
    directions = {port: "output" if port.startswith("DO") else "input" for port in out}
    return Cell(cell.name, _MEMORIES[cell.kind].format(nine), parameters, directions, out, cell.attributes)


class _Ports:
    """A memory's connections, one port a bit; open bits read "x"."""

    def __init__(self, connections: Mapping[str, tuple[Bit, ...]]) -> None:
        self.connections = connections

    def one(self, name: str) -> tuple[Bit, ...]:
        return self.connections.get(name, ())

    def bus(self, name: str, width: int) -> tuple[Bit, ...]:
        return tuple((*self.one(f"{name}{index}"), "x")[0] for index in range(width))

    def data(self, name: str, width: int, size: int, offset: int = 0) -> tuple[Bit, ...]:
        """The ``size`` bits of a data bus. Words of 16 and 32 bits leave every ninth place out."""
        bits, place = [], offset
        for index in range(size):
            if (index + 1) % 9 == 0 and width in (16, 32):
                place += 1
            bits.append((*self.one(f"{name}{place % 36 if offset else place}"), "x")[0])
            place += 1
        return tuple(bits)


def _check_halves(cell: Cell, address: str) -> None:
    """A wide memory is served by both ports: the second must be driven like the first."""
    pairs = {"CLK": "CLKB", "CE": "CEB", "RESET": "RESETB", "WRE": "WREB"}
    pairs |= {f"{address}{index}": f"ADB{index}" for index in range(5, 14)}
    for first, second in pairs.items():
        if cell.connections.get(first) != cell.connections.get(second):
            raise SubbitError(f"The two ports of the memory {cell.name} differ in {first}, which has no model.")

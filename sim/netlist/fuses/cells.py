"""The cells of a Gowin chip as a bitstream configures them, made as far as an output depends on them."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from sim.netlist.fuses.chip import Chip, Coordinates
from sim.netlist.fuses.fabric import HIGH, LOW, Fabric
from sim.netlist.fuses.logic import Slices
from sim.netlist.fuses.memory import PORTS, parameters
from sim.netlist.netlist import Bit, Cell
from sw.errors import SubbitError

__all__ = ["Maker"]

PLL_OUTPUTS = ("CLKOUT", "LOCK", "CLKOUTP", "CLKOUTD", "CLKOUTD3")
TABLES, REGISTERS, RAM_TABLES = 8, 6, 4
_INPUTS = "ABCD"
#: What a reset is called, by the last letter of a flip-flop's kind before the E of its enable.
_RESETS = {"R": "RESET", "S": "SET", "C": "CLEAR", "P": "PRESET"}
#: For the multiplexer with that output, its inputs: the place of their tile beside its own, and their wire.
_MULTIPLEXERS = {
    **{f"OF{2 * at}": ((0, f"F{2 * at}"), (0, f"F{2 * at + 1}")) for at in range(4)},
    "OF1": ((0, "OF2"), (0, "OF0")),
    "OF5": ((0, "OF6"), (0, "OF4")),
    "OF3": ((0, "OF5"), (0, "OF1")),
    "OF7": ((1, "OF3"), (0, "OF3")),
}


class Maker:
    """Makes the ``cells`` that wires depend on. Nets are numbered from ``first``."""

    def __init__(self, chip: Chip, fabric: Fabric, first: int) -> None:
        self.chip, self.fabric, self.slices = chip, fabric, Slices(chip)
        self.cells: dict[str, Cell] = {}
        self._free = first
        self._nets: dict[str, Bit] = {HIGH: "1", LOW: "0"}
        self._makers: dict[str, Callable[[], None]] = {}
        self._waiting: deque[Callable[[], None]] = deque()
        for place in chip.places:
            self._offer(place)

    def bit(self, wire: str, *, may_be_open: bool = False) -> Bit:
        """The net, or the constant, that ``wire`` carries, or "x" where nothing drives one that ``may_be_open``.

        Raises SubbitError where another is open, as are the outputs of cells that are not read back.
        """
        source = self.fabric.source(wire)
        if source not in self._nets:
            if source not in self._makers:
                if may_be_open:
                    return "x"
                raise SubbitError(f"The bitstream uses the wire {source}, which no cell drives that is read back.")
            self._nets[source] = self._net()
            self._waiting.append(self._makers[source])
        return self._nets[source]

    def add(
        self,
        name: str,
        kind: str,
        parameters: Mapping[str, str],
        inputs: Mapping[str, Sequence[Bit]],
        outputs: Mapping[str, Sequence[str]],
    ) -> None:
        """Make a cell, unless it is there: bits at its ``inputs``, wires at its ``outputs``, by port, bit 0 first."""
        if name in self.cells:
            return
        wires = {wire for bus in outputs.values() for wire in bus}
        self._nets |= {wire: self._net() for wire in sorted(wires - self._nets.keys())}
        driven = {port: tuple(self._nets[wire] for wire in bus) for port, bus in outputs.items()}
        directions = dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output")
        connections = {port: tuple(bits) for port, bits in inputs.items()} | driven
        self.cells[name] = Cell(name, kind, dict(parameters), directions, connections)

    def output_pads(self) -> set[tuple[Coordinates, str]]:
        """Tile and side of every pad that drives its pin."""
        sides = [(place, side) for place in self.chip.places for side in "AB"]
        found = {pad for pad in sides if f"IOB{pad[1]}" in self.chip.tile(pad[0]).bels}
        return {pad for pad in found if {"ODMUX", "ODMUX_1"} & self.chip.pad_attributes(*pad).keys()}

    def input_pad(self, place: Coordinates, side: str, net: Bit) -> None:
        """Let the pad with the pin ``net`` drive its wire."""
        wire = self._pad_wire(place, side, "O")
        self.add(f"{_tile(place)}_IBUF_{side}", "IBUF", {}, {"I": [net]}, {"O": [wire]})

    def output_pad(self, place: Coordinates, side: str, net: Bit) -> None:
        """Let the pad with the pin ``net`` be driven by its wire."""
        bit = self.bit(self._pad_wire(place, side, "I"))
        directions, connections = {"I": "input", "O": "output"}, {"I": (bit,), "O": (net,)}
        name = f"{_tile(place)}_OBUF_{side}"
        self.cells[name] = Cell(name, "OBUF", {}, directions, connections)

    def _pad_wire(self, place: Coordinates, side: str, port: str) -> str:
        return self.fabric.wire(place, self.chip.tile(place).bels[f"IOB{side}"].portmap[port])

    def finish(self) -> None:
        """Make all that is still waited for. Raises SubbitError where something is set as it has no model."""
        while self._waiting:
            self._waiting.popleft()()

    def _net(self) -> int:
        self._free += 1
        return self._free - 1

    def _offer(self, place: Coordinates) -> None:
        """Remember how the wires that start in a tile come by their values."""
        cells = self.chip.tile(place).bels
        offers: dict[str, Callable[[], None]] = {}
        if "LUT0" in cells:
            offers |= {f"F{at}": partial(self._table, place, at) for at in range(TABLES)}
            offers |= {f"Q{at}": partial(self._register, place, at) for at in range(REGISTERS)}
            offers |= {name: partial(self._multiplexer, place, name) for name in _MULTIPLEXERS}
        if "BSRAM" in cells:
            ports = cells["BSRAM"].portmap
            offers |= {ports[f"DO{side}{bit}"]: partial(self._block, place) for side in "AB" for bit in range(18)}
        if "RPLLA" in cells:
            ports = cells["RPLLA"].portmap
            offers |= {ports[name]: partial(self._pll, place) for name in PLL_OUTPUTS if name in ports}
        self._makers |= {self.fabric.wire(place, name): offer for name, offer in offers.items()}

    def _contents(self, place: Coordinates, at: int) -> str:
        """The 16 digits of a table, that of input 0 last; a fuse makes a 0 of a 1."""
        fuses, flags = self.chip.fuses(place), self.chip.tile(place).bels[f"LUT{at}"].flags
        return "".join("0" if flags[bit] <= fuses else "1" for bit in reversed(range(16)))

    def _bits(self, place: Coordinates, names: Iterable[str], *, may_be_open: bool = False) -> list[Bit]:
        return [self.bit(self.fabric.wire(place, name), may_be_open=may_be_open) for name in names]

    def _inputs(self, place: Coordinates, at: int) -> tuple[str, dict[str, list[Bit]]]:
        """A table's contents and inputs. One that makes no difference is taken to be 0: its switch is at its default,
        which may be this very table."""
        table = self._contents(place, at)
        wires = {f"I{i}": ["0"] if _without(table, i) else self._bits(place, [f"{_INPUTS[i]}{at}"]) for i in range(4)}
        return table, {port: list[Bit](bits) for port, bits in wires.items()}

    def _table(self, place: Coordinates, at: int) -> None:
        mode = self.slices.at(place, at // 2).mode if at < REGISTERS else ""
        if mode == "ALU":
            self._arithmetic(place, at)
        elif self._is_memory(place) and at < RAM_TABLES:
            self._memory(place, at)
        elif self._is_memory(place) and at < REGISTERS:
            raise SubbitError(f"The bitstream uses a table of {_tile(place)} that is a memory's as well.")
        else:
            table, wires = self._inputs(place, at)
            self.add(
                f"{_tile(place)}_LUT{at}", "LUT4", {"INIT": table}, wires, {"F": [self.fabric.wire(place, f"F{at}")]}
            )

    def _arithmetic(self, place: Coordinates, at: int) -> None:
        row, column = place
        before = (place, at - 1) if at else ((row, column - 1), REGISTERS - 1)
        chained = before[0] in self.chip.places and "LUT0" in self.chip.tile(before[0]).bels
        chained = chained and self.slices.at(before[0], before[1] // 2).mode == "ALU"
        table, wires = self._inputs(place, at)
        wires["CIN"] = [self._carry(*before)] if chained else ["0"]
        outputs = {"SUM": [self.fabric.wire(place, f"F{at}")], "COUT": [f"{_tile(place)}_carry{at}"]}
        self.add(f"{_tile(place)}_ALU{at}", "ALU_PLACED", {"TABLE": table}, wires, outputs)

    def _carry(self, place: Coordinates, at: int) -> Bit:
        wire = f"{_tile(place)}_carry{at}"
        if wire not in self._nets:
            # The cell makes this net when it makes the net of its sum.
            self._nets[wire] = self._net()
            self.bit(self.fabric.wire(place, f"F{at}"))
        return self._nets[wire]

    def _is_memory(self, place: Coordinates) -> bool:
        """Whether the first four tables of a tile are a RAM of four bits a word."""
        cells = self.chip.tile(place).bels
        return "RAM16" in cells and cells["RAM16"].modes["0"] <= self.chip.fuses(place)

    def _memory(self, place: Coordinates, at: int) -> None:
        """One bit of a RAM: each table is read at an address of its own, and all are written at the same."""
        inputs = {"DI": [f"{_INPUTS[at]}5"], "WAD": [f"{letter}4" for letter in _INPUTS]}
        inputs |= {"RAD": [f"{letter}{at}" for letter in _INPUTS], "CLK": ["CLK2"], "CE": ["CE2"], "WRE": ["LSR2"]}
        wires = {port: self._bits(place, names, may_be_open=port in ("DI", "WAD")) for port, names in inputs.items()}
        contents = {"INIT": self._contents(place, at)}
        self.add(
            f"{_tile(place)}_RAM{at}", "RAM16_PLACED", contents, wires, {"DO": [self.fabric.wire(place, f"F{at}")]}
        )

    def _register(self, place: Coordinates, at: int) -> None:
        number = at // 2
        kind = self.slices.at(place, number).registers[at % 2]
        if not kind:
            raise SubbitError(f"The bitstream uses the output of a flip-flop of {_tile(place)} which is not there.")
        ports = {"D": f"F{at}", "CLK": f"CLK{number}", "CE": f"CE{number}"}
        if kind[-2] in _RESETS:
            ports[_RESETS[kind[-2]]] = f"LSR{number}"
        wires = {port: self._bits(place, [name]) for port, name in ports.items()}
        self.add(f"{_tile(place)}_FF{at}", kind, {}, wires, {"Q": [self.fabric.wire(place, f"Q{at}")]})

    def _multiplexer(self, place: Coordinates, name: str) -> None:
        row, column = place
        zero, one = ((self._bits((row, column + over), [wire])) for over, wire in _MULTIPLEXERS[name])
        wires = {"I0": zero, "I1": one, "S0": self._bits(place, [f"SEL{name[2:]}"])}
        self.add(f"{_tile(place)}_{name}", "MUX2", {}, wires, {"O": [self.fabric.wire(place, name)]})

    def _block(self, place: Coordinates) -> None:
        ports = self.chip.tile(place).bels["BSRAM"].portmap
        buses = {
            port: [ports[f"{port}{bit}" if width > 1 else port] for bit in range(width)]
            for port, width in PORTS.items()
        }
        inputs = {
            port: self._bits(place, bus, may_be_open=True) for port, bus in buses.items() if not port.startswith("DO")
        }
        outputs = {port: [self.fabric.wire(place, wire) for wire in buses[port]] for port in ("DOA", "DOB")}
        self.add(f"{_tile(place)}_BSRAM", "BSRAM_PLACED", parameters(self.chip, place), inputs, outputs)

    def _pll(self, place: Coordinates) -> None:
        ports, found = self.chip.tile(place).bels["RPLLA"].portmap, self.chip.pll(place)
        inputs = {port: self._bits(place, [ports[port]]) for port in ("CLKIN", "RESET", "RESET_P") if port in ports}
        outputs = {port: [self.fabric.wire(place, ports[port])] for port in PLL_OUTPUTS}
        self.add(f"{_tile(place)}_PLL", "rPLL", found, inputs, outputs)


def _tile(place: Coordinates) -> str:
    return f"R{place[0] + 1}C{place[1] + 1}"


def _without(table: str, at: int) -> bool:
    """Whether a table of 16 digits, the last that of input 0, is the same for both values of input ``at``."""
    bits = int(table, 2)
    mask = sum(1 << value for value in range(16) if not value >> at & 1)
    return bits & mask == bits >> (1 << at) & mask

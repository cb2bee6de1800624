"""A mapped netlist in the values that JSON has, with who drives and who reads each net, and tables of its cells."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hw.truth_table import reduced

__all__ = ["Bit", "Mapped", "Table", "digits", "number"]

#: A net's number, or the constant "0", "1", "x" or "z".
Bit = int | str
# A reader or driver: the cell's name, or None for a port of the module, and the port's name and bit.
Place = tuple[str | None, str, int]


class Table:
    """A function of nets: bit j of ``entries`` is its value where net i holds bit i of j. No net comes twice, and it
    depends on all."""

    def __init__(self, nets: Sequence[Bit], entries: int) -> None:
        """Of nets that may come twice, or be constants; "x" and "z" are taken for 0."""
        kept = sorted({net for net in nets if isinstance(net, int)})
        values = []
        for j in range(1 << len(kept)):
            held = {net: j >> i & 1 for i, net in enumerate(kept)}
            at = sum((held[net] if isinstance(net, int) else int(net == "1")) << i for i, net in enumerate(nets))
            values.append(entries >> at & 1)
        values, kept = reduced(values, kept)
        self.nets: tuple[int, ...] = tuple(kept)
        self.entries = sum(value << j for j, value in enumerate(values))

    def value(self, held: Mapping[int, int]) -> int:
        """The value where each net holds what ``held`` tells."""
        return self.entries >> sum(held[net] << i for i, net in enumerate(self.nets)) & 1

    def replaced(self, net: int, other: "Table") -> "Table":
        """The function with what another one tells in place of a net."""
        nets = sorted({*self.nets, *other.nets} - {net})
        entries = 0
        for j in range(1 << len(nets)):
            held = {each: j >> i & 1 for i, each in enumerate(nets)}
            entries |= self.value(held | {net: other.value(held)}) << j
        return Table(nets, entries)

    def on(self, nets: Sequence[Bit]) -> int:
        """Entries of the same function over ``nets``, among which are all of its own; constants count as free."""
        entries = 0
        for j in range(1 << len(nets)):
            held = {net: j >> i & 1 for i, net in enumerate(nets) if isinstance(net, int)}
            entries |= self.value(held) << j
        return entries


class Mapped:
    """A module of a netlist as `hw.netlist_file.read_netlist` gives it, changed in place."""

    def __init__(self, module: dict[str, Any]) -> None:
        self.cells: dict[str, dict[str, Any]] = module["cells"]
        self.ports: dict[str, dict[str, Any]] = module["ports"]
        self.driver: dict[Bit, Place] = {}
        self.readers: dict[Bit, set[Place]] = defaultdict(set)
        for name, port in self.ports.items():
            for at, bit in enumerate(port["bits"]):
                if port["direction"] == "input":
                    self.driver[bit] = (None, name, at)
                else:
                    self.readers[bit].add((None, name, at))
        for name, cell in self.cells.items():
            for port, bits in cell["connections"].items():
                for at, bit in enumerate(bits):
                    if cell["port_directions"].get(port) == "output":
                        self.driver[bit] = (name, port, at)
                    else:
                        self.readers[bit].add((name, port, at))

    def of_kind(self, kind: str) -> Iterator[str]:
        """Names of the cells of a kind, in the netlist's order; those that should be kept as they are left out."""
        for name in [name for name, cell in self.cells.items() if cell["type"] == kind]:
            if name in self.cells and "keep" not in self.cells[name]["attributes"]:
                yield name

    def kind(self, cell: str | None) -> str:
        """The kind of a cell, empty for a port of the module."""
        return "" if cell is None or "keep" in self.cells[cell]["attributes"] else self.cells[cell]["type"]

    def source(self, bit: Bit) -> str | None:
        """The cell that drives a net, None where a port of the module or nothing does."""
        return self.driver.get(bit, (None, "", 0))[0]

    def bit(self, cell: str, port: str) -> Bit:
        """What the first bit of a port is connected to; "0" where it is left open."""
        bits = self.cells[cell]["connections"].get(port, [])
        return bits[0] if bits and bits[0] not in ("x", "z") else "0"

    def connect(self, cell: str, port: str, bit: Bit) -> None:
        """Connect a cell's input of one bit."""
        place = (cell, port, 0)
        for old in self.cells[cell]["connections"].get(port, []):
            self.readers[old].discard(place)
        self.cells[cell]["connections"][port] = [bit]
        self.cells[cell]["port_directions"][port] = "input"
        self.readers[bit].add(place)

    def move(self, old: Bit, new: Bit) -> None:
        """Let all who read one net read another."""
        for cell, port, at in list(self.readers[old]):
            bits = self.ports[port]["bits"] if cell is None else self.cells[cell]["connections"][port]
            bits[at] = new
        self.readers[new] |= self.readers.pop(old)

    def remove(self, cell: str) -> None:
        """Take a cell away whose outputs are not read."""
        for port, bits in self.cells[cell]["connections"].items():
            for at, bit in enumerate(bits):
                self.readers[bit].discard((cell, port, at))
                if self.driver.get(bit) == (cell, port, at):
                    del self.driver[bit]
        del self.cells[cell]


def digits(entries: int, bits: int = 16) -> str:
    """A table as a parameter has it."""
    return f"{entries:0{bits}b}"


def number(parameter: str) -> int:
    """A parameter as a table, what may be anything as 0."""
    return int(parameter.replace("x", "0"), 2)

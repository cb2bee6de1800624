"""A mapped netlist as Yosys and nextpnr write it in JSON: the ports of one module, its cells and their nets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hw.netlist_file import read_netlist
from sw.errors import SubbitError

__all__ = ["Bit", "Cell", "Netlist", "Port", "bits_of", "text_of"]

#: A net's number, or the constant "0", "1", "x" or "z".
Bit = int | str


@dataclass
class Port:
    """A port of the module: ``direction`` is input, output or inout; ``bits`` its nets, bit 0 first."""

    direction: str
    bits: tuple[Bit, ...]
    offset: int = 0
    single: bool = True


@dataclass
class Cell:
    """One cell of ``kind``. ``parameters`` are as in the file: binary digits, or text (see `text_of`)."""

    name: str
    kind: str
    parameters: dict[str, str]
    directions: dict[str, str]
    connections: dict[str, tuple[Bit, ...]]
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def bel(self) -> str:
        """Where nextpnr placed it, such as "X8/Y1/lc0"; empty before placement."""
        return self.attributes.get("NEXTPNR_BEL", "")

    def connected(self, port: str, bits: tuple[Bit, ...]) -> "Cell":
        """The cell with ``port`` connected to ``bits``."""
        return replace(self, connections=self.connections | {port: bits})


@dataclass
class Netlist:
    """A flat module: ``cells`` by name. ``top`` is its name."""

    top: str
    ports: dict[str, Port]
    cells: dict[str, Cell]

    @classmethod
    def read(cls, path: Path) -> "Netlist":
        """The top module of the JSON netlist at ``path``. Raises SubbitError where there is none."""
        try:
            modules = read_netlist(path)["modules"]
        except FileNotFoundError:
            raise SubbitError(f"{path} is missing: build the design again with 'subbit build'.") from None
        except (OSError, ValueError):
            raise SubbitError(f"{path} is not a netlist of Yosys or nextpnr: build the design again.") from None
        own = {name: module for name, module in modules.items() if not _is_library(module)}
        tops = [name for name, module in own.items() if bits_of(module["attributes"].get("top", "0")) & 1] or list(own)
        if len(tops) != 1:
            raise SubbitError(f"{path} must hold one top module, not {', '.join(tops) or 'none'}.")
        return cls.of(tops[0], own[tops[0]])

    @classmethod
    def of(cls, top: str, module: Mapping[str, Any]) -> "Netlist":
        """The module in the values that JSON has."""
        ports = {
            name: Port(
                port["direction"],
                tuple(port["bits"]),
                int(port.get("offset", 0)),
                len(port["bits"]) == 1 and not port.get("offset") and "upto" not in port,
            )
            for name, port in module["ports"].items()
        }
        cells = {
            name: Cell(
                name,
                cell["type"],
                {key: str(value) for key, value in cell.get("parameters", {}).items()},
                dict(cell.get("port_directions", {})),
                {port: tuple(bits) for port, bits in cell["connections"].items()},
                {key: str(value) for key, value in cell.get("attributes", {}).items()},
            )
            for name, cell in module["cells"].items()
            if cell["type"] != "$scopeinfo"
        }
        return cls(top, ports, cells)

    def bits(self) -> set[Bit]:
        """Every net, and every constant, of a port or a cell."""
        found = {bit for cell in self.cells.values() for bits in cell.connections.values() for bit in bits}
        return found | {bit for port in self.ports.values() for bit in port.bits}

    def kinds(self) -> dict[str, int]:
        """How many cells there are of each kind."""
        counts: dict[str, int] = {}
        for cell in self.cells.values():
            counts[cell.kind] = counts.get(cell.kind, 0) + 1
        return counts


def bits_of(value: str | int) -> int:
    """The number that a parameter of binary digits is; unknown digits count as 0."""
    digits = str(value).translate(str.maketrans("xz-", "000")) or "0"
    return 0 if digits.strip("01") else int(digits, 2)


def text_of(value: str) -> str | None:
    """The text that a parameter is, None where it is binary digits.

    Text that looks like digits is told from them by a space at its end, which is taken away.
    """
    if not value.strip(" ") or value.strip("01xz-"):
        return value[:-1] if not value.rstrip(" ").strip("01xz-") else value
    return None


def _is_library(module: Mapping[str, Any]) -> bool:
    return any(bits_of(module["attributes"].get(name, "0")) & 1 for name in ("blackbox", "whitebox"))

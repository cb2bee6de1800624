"""Tables that are only read: weights and thresholds, as memories or, with one row, as constants.

A table of style "spram" is the exception to both: it lies in single-port RAM, which comes up empty, and is written once
through its `LoadPort` before anything reads it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import memory

from sw.network.mem import mem_text

__all__ = ["LOADED", "LOAD_BITS", "LoadPort", "Rom", "RomStyle"]

RomStyle = Literal["auto", "block", "logic", "spram"]

#: Width of single-port RAM, and so of what tables are loaded in.
LOAD_BITS = 16
#: What the names of memories begin with that have no contents to start with.
LOADED = "loaded_"


class LoadPort:
    """Where a table is written: ``data`` goes to the row ``row`` of each column whose bit in ``write`` is set.

    Signals that the table's memory reads, wherever in the hierarchy it is, and one other component drives.
    """

    def __init__(self, depth: int, columns: int) -> None:
        self.row = Signal(range(depth), name="load_row")
        self.data = Signal(LOAD_BITS, name="load_data")
        self.write = Signal(columns, name="load_write")


@dataclass(frozen=True)
class Rom:
    """``rows`` of ``width`` bits, read with one cycle of latency.

    ``style``: "block" asks the tools for block RAM, "logic" for look-up tables, "auto" lets them choose. "spram" is
    single-port RAM, in columns of 16 bits, which is written through ``load`` first.
    """

    name: str
    rows: tuple[int, ...]
    width: int
    style: RomStyle = "auto"

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError(f"rows must not be empty, not {self.rows!r}")
        if self.width < 1:
            raise ValueError(f"width must be positive, not {self.width!r}")
        for row in self.rows:
            if row < 0 or row >> self.width:
                raise ValueError(f"rows must fit {self.width} bits, not {row!r}")
        if self.style not in ("auto", "block", "logic", "spram"):
            raise ValueError(f"style must be auto, block, logic or spram, not {self.style!r}")

    @property
    def depth(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @property
    def is_constant(self) -> bool:
        """Whether one row is all there is, so that no memory is made."""
        return self.depth == 1

    @property
    def is_loaded(self) -> bool:
        """Whether the table must be written before it is read."""
        return self.style == "spram" and not self.is_constant

    @property
    def columns(self) -> int:
        """Columns of `LOAD_BITS` bits that a row has."""
        return -(-self.width // LOAD_BITS)

    @property
    def load_words(self) -> list[int]:
        """The table in the order in which it is loaded: row by row, the lowest column first."""
        return [row >> LOAD_BITS * at & (1 << LOAD_BITS) - 1 for row in self.rows for at in range(self.columns)]

    @cached_property
    def load(self) -> LoadPort:
        """Where the table is written."""
        return LoadPort(self.depth, self.columns)

    def read(self, m: Module, address: Value, enable: Value) -> Value:
        """Add the memory to ``m``. The row at ``address`` stands from the cycle after ``enable`` until the next one."""
        if self.is_constant:
            return Const(self.rows[0], self.width)
        if self.is_loaded:
            return self._read_loaded(m, address, enable)
        attributes = {} if self.style == "auto" else {"rom_style": self.style, "ram_style": self.style}
        cells = memory.Memory(shape=self.width, depth=self.depth, init=list(self.rows), attrs=attributes)
        m.submodules[self.name] = cells
        port = cells.read_port()
        m.d.comb += [port.addr.eq(address), port.en.eq(enable)]
        return port.data

    def _read_loaded(self, m: Module, address: Value, enable: Value) -> Value:
        port, words = self.load, []
        # One address for reading and writing, and never both at once: that is all that a single port can do.
        where, writes = Signal(range(self.depth), name=f"{self.name}_row"), port.write.any()
        m.d.comb += where.eq(Mux(writes, port.row, address))
        for at in range(self.columns):
            width = min(LOAD_BITS, self.width - LOAD_BITS * at)
            cells = memory.Memory(shape=width, depth=self.depth, init=[], attrs={"ram_style": "huge"})
            m.submodules[f"{LOADED}{self.name}_{at}"] = cells
            write, read = cells.write_port(), cells.read_port()
            m.d.comb += [
                write.addr.eq(where),
                write.data.eq(port.data[:width]),
                write.en.eq(port.write[at]),
                read.addr.eq(where),
                read.en.eq(enable & ~writes),
            ]
            words.append(read.data)
        return Cat(words)

    def mem(self) -> str:
        """The table as text for $readmemh: one row a line, hexadecimal, highest bit first."""
        return mem_text(self.rows, self.width)

"""Tables that are only read: weights and thresholds, as memories or, with one row, as constants.

A table of style "spram" or "shared" is the exception to both: it lies in single-port RAM, which comes up empty, and is
written once through its `LoadPort` before anything reads it. Such a RAM is deep and 16 bits wide: narrow rows share a
word, and narrow tables that are read in order can share a RAM (`hw.datapath.shared_ram`).
"""

from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Literal, get_args

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import memory

from hw.stream.registers import keep
from sw.network.mem import mem_text

__all__ = ["LOADED", "LOAD_BITS", "SINGLE_PORT", "LoadPort", "ReadPort", "Rom", "RomStyle", "can_share", "packed_rows"]

RomStyle = Literal["auto", "block", "logic", "spram", "shared"]

#: Styles of single-port RAM.
SINGLE_PORT = ("spram", "shared")

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


class ReadPort:
    """Where a table that lies elsewhere is read: ``data`` is its next row from the cycle after ``enable``.

    Signals as in `LoadPort`: the reader drives ``enable``, what holds the table drives ``data``.
    """

    def __init__(self, width: int) -> None:
        self.enable = Signal(name="read_enable")
        self.data = Signal(width, name="read_data")


def packed_rows(width: int) -> int:
    """Rows of ``width`` bits in a word of `LOAD_BITS` bits: a power of two, 1 for wide rows."""
    return 1 << max(0, (LOAD_BITS // width).bit_length() - 1)


def can_share(depth: int, width: int) -> bool:
    """Whether words of ``depth`` rows of ``width`` bits last for long enough to share a RAM, and are all full."""
    return packed_rows(width) >= 4 and depth % packed_rows(width) == 0


@dataclass(frozen=True)
class Rom:
    """``rows`` of ``width`` bits, read with one cycle of latency.

    ``style``: "block" asks the tools for block RAM, "logic" for look-up tables, "auto" lets them choose. "spram" is
    single-port RAM of its own, in columns of 16 bits, which is written through ``load`` first; "shared" is the same
    together with other tables, where that can be. ``in_order``: the rows are read one after another, from the first
    after a reset, over and over.
    """

    name: str
    rows: tuple[int, ...]
    width: int
    style: RomStyle = "auto"
    in_order: bool = False

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError(f"rows must not be empty, not {self.rows!r}")
        if self.width < 1:
            raise ValueError(f"width must be positive, not {self.width!r}")
        for row in self.rows:
            if row < 0 or row >> self.width:
                raise ValueError(f"rows must fit {self.width} bits, not {row!r}")
        if self.style not in get_args(RomStyle):
            raise ValueError(f"style must be one of {', '.join(get_args(RomStyle))}, not {self.style!r}")

    @property
    def depth(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @property
    def varying(self) -> int:
        """Columns that are not the same in all rows: tools leave the others out."""
        return reduce(or_, (row ^ self.rows[0] for row in self.rows)).bit_count()

    @property
    def is_constant(self) -> bool:
        """Whether one row is all there is, so that no memory is made."""
        return self.depth == 1

    @property
    def is_loaded(self) -> bool:
        """Whether the table must be written before it is read."""
        return self.style in SINGLE_PORT and not self.is_constant

    @property
    def columns(self) -> int:
        """Columns of `LOAD_BITS` bits that a row has."""
        return -(-self.width // LOAD_BITS)

    @property
    def packed(self) -> int:
        """Rows in a word of `LOAD_BITS` bits, the first in the low bits."""
        return packed_rows(self.width)

    @property
    def load_depth(self) -> int:
        """Words of each column."""
        return -(-self.depth // self.packed)

    @property
    def is_shared(self) -> bool:
        """Whether the table is loaded into a RAM that it shares: rows come in order, and a word lasts for some cycles
        while another table's is read."""
        return self.style == "shared" and self.in_order and can_share(self.depth, self.width)

    @property
    def load_words(self) -> list[int]:
        """The table in the order in which it is loaded: row by row, the lowest column first."""
        if self.packed == 1:
            return [row >> LOAD_BITS * at & (1 << LOAD_BITS) - 1 for row in self.rows for at in range(self.columns)]
        starts = range(0, self.depth, self.packed)
        words = (self.rows[start : start + self.packed] for start in starts)
        return [sum(row << self.width * at for at, row in enumerate(word)) for word in words]

    @cached_property
    def load(self) -> LoadPort:
        """Where the table is written."""
        return LoadPort(self.load_depth, self.columns)

    @cached_property
    def reader(self) -> ReadPort:
        """Where a shared table is read."""
        return ReadPort(self.width)

    def read(self, m: Module, address: Value, enable: Value) -> Value:
        """Add the memory to ``m``. The row at ``address`` stands from the cycle after ``enable`` until the next one."""
        if self.is_constant:
            return Const(self.rows[0], self.width)
        if self.is_shared:
            m.d.comb += self.reader.enable.eq(enable)
            return self.reader.data
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
        where, writes = Signal(range(self.load_depth), name=f"{self.name}_row"), port.write.any()
        within = (self.packed - 1).bit_length()
        m.d.comb += where.eq(Mux(writes, port.row, address >> within))
        for at in range(self.columns):
            width = min(LOAD_BITS, self.packed * self.width - LOAD_BITS * at)
            cells = memory.Memory(shape=width, depth=self.load_depth, init=[], attrs={"ram_style": "huge"})
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
        if not within:
            return Cat(words)
        return words[0].word_select(keep(m, enable, address[:within], f"{self.name}_at"), self.width)

    def mem(self) -> str:
        """The table as text for $readmemh: one row a line, hexadecimal, highest bit first."""
        return mem_text(self.rows, self.width)

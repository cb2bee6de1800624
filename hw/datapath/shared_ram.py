"""Several tables in one single-port RAM, for tables of narrow rows that are read in order.

A word of the RAM holds several rows of a table, so that it lasts for as many cycles. Meanwhile the RAM serves the other
tables, one after another.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import Out

from hw.datapath.rom import LOAD_BITS, LOADED, Rom
from hw.stream.registers import keep

__all__ = ["RAM_WORDS", "SharedRam", "TableSize", "rams", "shelves"]

#: Words of a single-port RAM of iCE40 UltraPlus.
RAM_WORDS = 16384


class Sized(Protocol):
    """What sharing depends on: words of a table, and rows in each."""

    @property
    def load_depth(self) -> int:
        """Words."""
        ...

    @property
    def packed(self) -> int:
        """Rows in a word."""
        ...


class TableSize(NamedTuple):
    """The size of a table that can share a RAM, as `hw.datapath.rom.Rom` has it."""

    load_depth: int
    packed: int


Table = TypeVar("Table", bound=Sized)


def shelves(tables: Iterable[Table]) -> list[list[Table]]:
    """Which of ``tables``, all able to share, lie together: the deepest first, each in the first RAM that has room for
    it and can keep up."""
    found: list[list[Table]] = []
    for table in sorted(tables, key=lambda table: -table.load_depth):
        for shelf in found:
            room = rams(shelf) * RAM_WORDS - sum(each.load_depth for each in shelf)
            if table.load_depth <= room and keeps_up([*shelf, table]):
                shelf.append(table)
                break
        else:
            found.append([table])
    return found


def keeps_up(tables: Sequence[Sized]) -> bool:
    """Whether one RAM serves them all in time: it comes to each of n tables every n cycles, and two more pass before a
    word is there, while the one before it lasts."""
    return len(tables) + 2 <= min(table.packed for table in tables)


def rams(tables: Iterable[Sized]) -> int:
    """Single-port RAMs that tables on one shelf take."""
    return -(-sum(table.load_depth for table in tables) // RAM_WORDS)


class SharedRam(wiring.Component):
    """The memory of ``roms``, one behind another, with their load ports and read ports.

    Every table has the word at hand and the one after it. ``ready`` is 1 once both are there, some cycles after a
    reset: what is asked for before is not heard, and reading begins with the first rows. Raises ValueError where the
    RAM cannot keep up.
    """

    ready: Signal

    def __init__(self, roms: Iterable[Rom]) -> None:
        self.roms = tuple(roms)
        if not self.roms or not all(rom.is_shared for rom in self.roms):
            raise ValueError(f"roms must be tables that can share a RAM, not {[rom.name for rom in self.roms]!r}")
        if not keeps_up(self.roms):
            raise ValueError(f"roms must be fewer, for their words to last, not {len(self.roms)}")
        super().__init__({"ready": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = sum(rom.load_depth for rom in self.roms)
        cells = memory.Memory(shape=LOAD_BITS, depth=words, init=[], attrs={"ram_style": "huge"})
        m.submodules[f"{LOADED}tables"] = cells
        write, read = cells.write_port(), cells.read_port()
        # One address for reading and writing, and never both at once: that is all that a single port can do.
        where, writes = Signal(range(words)), Cat(rom.load.write[0] for rom in self.roms).any()
        turn = Signal(range(len(self.roms)))
        m.d.sync += turn.eq(Mux(turn == len(self.roms) - 1, 0, turn + 1))
        m.d.comb += [
            write.addr.eq(where),
            write.data.eq(self.roms[0].load.data),
            write.en.eq(writes),
            read.addr.eq(where),
            read.en.eq(~writes),
        ]
        begin, there = 0, []
        for number, rom in enumerate(self.roms):
            following = Signal(range(rom.load_depth), name=f"following_{number}")
            with m.If(turn == number):
                m.d.comb += where.eq(begin + following)
            there.append(self._serve(m, number, rom, following, turn == number, read.data))
            begin += rom.load_depth
        begin = 0
        for rom in self.roms:
            with m.If(rom.load.write[0]):
                m.d.comb += [where.eq(begin + rom.load.row), write.data.eq(rom.load.data)]
            begin += rom.load_depth
        with m.If(Cat(there).all()):
            m.d.sync += self.ready.eq(1)
        return m

    def _serve(self, m: Module, number: int, rom: Rom, following: Signal, turn: Value, word: Value) -> Value:
        """Give ``rom`` its rows, from words that are read ahead at its ``turn``; whether all is there to begin."""
        port = rom.reader
        held, ahead = (Signal(LOAD_BITS, name=f"{name}_{number}") for name in ("held", "ahead"))
        holds, waits, comes = (Signal(name=f"{name}_{number}") for name in ("holds", "waits", "comes"))
        place = Signal(range(rom.packed), name=f"place_{number}")
        ask = turn & ~waits & ~comes
        # Readers that a reset holds may ask already.
        go = port.enable & self.ready
        m.d.sync += comes.eq(ask)
        with m.If(ask):
            m.d.sync += following.eq(Mux(following == rom.load_depth - 1, 0, following + 1))
        with m.If(comes):
            m.d.sync += [ahead.eq(word), waits.eq(1)]
        with m.If(go):
            m.d.sync += [place.eq(place + 1), held.eq(held >> rom.width)]
        with m.If(waits & (~holds | (go & place.all()))):
            m.d.sync += [held.eq(ahead), holds.eq(1), waits.eq(0)]
        m.d.comb += port.data.eq(keep(m, go, held[: rom.width], f"row_{number}"))
        return holds & waits

"""Windows of which only listed taps are read, several at a time: what sparse weights need to see."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.hdl import unsigned
from amaranth.lib import data

from hw.datapath.rom import Rom, RomStyle
from hw.layer.border import registered_outside
from hw.layer.window import WindowShape
from hw.layer.window_store import StoredWindow, Walk, WindowStore
from hw.stream.counter import Loop, nest
from hw.stream.words import lanes_layout
from sw.network.encodings.base import index_bits

__all__ = ["ListedWindow", "ListedWindowShape"]


@dataclass(frozen=True)
class ListedWindowShape(WindowShape):
    """Every window once in whole words of ``lanes`` taps, then the taps of ``lists``, one list an output.

    ``pe`` outputs are served at a time, each by a lane of its own; a group of them takes as many beats as its longest
    list, and at least one. Taps are numbered in row, column, channel order.
    """

    lists: tuple[tuple[int, ...], ...] = ()
    pe: int = 1
    rom: RomStyle = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.is_serial or self.folds != 1:
            raise ValueError(f"lanes must divide the {self.channels} channels and folds be 1, not {self.lanes!r}")
        if self.pe < 1 or not self.lists or len(self.lists) % self.pe:
            raise ValueError(f"pe must divide the {len(self.lists)} outputs, not {self.pe!r}")

    @property
    def passes(self) -> bool:
        """Never: the lists choose taps from every window."""
        return False

    @property
    def groups(self) -> list[tuple[tuple[int, ...], ...]]:
        """The lists, ``pe`` at a time."""
        return [self.lists[at : at + self.pe] for at in range(0, len(self.lists), self.pe)]

    @property
    def beats(self) -> list[int]:
        """Beats of each group."""
        return [max(1, *map(len, group)) for group in self.groups]

    @property
    def position_bits(self) -> int:
        """Bits of a kernel position in the table."""
        return index_bits(self.kernel[0] * self.kernel[1])

    @property
    def place_bits(self) -> int:
        """Bits of a place in a word in the table."""
        return index_bits(self.lanes)

    @property
    def part_bits(self) -> int:
        """Bits of a word within a pixel in the table."""
        return index_bits(self.channels // self.lanes)

    @property
    def entry_bits(self) -> int:
        """Bits of a lane's entry in a row of the table."""
        return self.place_bits + self.part_bits + self.position_bits + 1

    @cached_property
    def table(self) -> Rom:
        """A row a beat. For each lane, lane 0 lowest: the tap's place in its word, the word in the pixel, the kernel
        position, whether there is a tap; above all lanes whether the beat is its group's last."""
        field = self.entry_bits
        rows = []
        for group, beats in zip(self.groups, self.beats, strict=True):
            for beat in range(beats):
                row = (beat == beats - 1) << self.pe * field
                for lane, taps in enumerate(group):
                    if beat < len(taps):
                        position, channel = divmod(taps[beat], self.channels)
                        part, place = divmod(channel, self.lanes)
                        entry = part | position << self.part_bits | 1 << (field - 1 - self.place_bits)
                        entry = place | entry << self.place_bits
                        row |= entry << lane * field
                rows.append(row)
        return Rom("taps", tuple(rows), self.pe * field + 1, self.rom)

    @property
    def roms(self) -> tuple[Rom, ...]:
        """The table."""
        return (self.table,)

    @property
    def payload(self) -> data.StructLayout:
        """``whole``: this is a word ``x`` of all taps, of which none counts where ``skip`` is set. Otherwise ``taps``
        are those that lie at the lanes' lists, where ``use`` is set; ``last`` ends a group."""
        fields: dict = {
            "x": lanes_layout(self.lanes, self.bits),
            "taps": lanes_layout(self.pe, self.bits),
            "use": unsigned(self.pe),
            "whole": unsigned(1),
            "skip": unsigned(1),
            "last": unsigned(1),
        }
        return data.StructLayout(fields)


class ListedWindow(StoredWindow):
    """A circular memory with a reader a lane; an address generator that goes through a window and then its lists.

    A window takes ``words_per_window`` + the sum of ``beats`` cycles, with no gap between windows, rows or frames.
    Latency 2 cycles. ``depth`` as in `hw.layer.window_store.WindowStore`.
    """

    shape: ListedWindowShape

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        rows, columns = shape.kernel
        store = WindowStore(m, shape, self.depth, self.i, readers=shape.pe)
        walk = Walk(shape)
        kx, ky = walk.kx, walk.ky
        places = [Loop("ox", shape.out_width), Loop("oy", shape.out_height)]
        free, listing, done = Signal(), Signal(), Signal()
        outside = [above | beside for above, beside in product(*registered_outside(m, shape, places, done))]
        take_word, take_row = Signal(), Signal()

        # The table is read two beats ahead: block RAM answers late in a cycle, and what it says is worked out into a
        # register before it reaches the address of another.
        table = shape.table
        row, primed, turn = Signal(range(table.depth), init=table.depth - 1), Signal(2), Signal()
        following = Signal(range(table.depth))  # A table in look-up tables takes the step to the next row in.
        m.d.comb += [
            following.eq(Mux(row == table.depth - 1, 0, row + 1)),
            turn.eq(take_row | ~primed[1]),
        ]
        entries = table.read(m, following, turn)
        m.d.sync += primed.eq(Cat(1, primed[0]))
        last = Signal()
        with m.If(turn):
            m.d.sync += [row.eq(following), last.eq(entries[-1])]

        # The whole window in raster order, as its words come; then, since all of it has come, the lists.
        offset = Signal(range(WindowStore.span(shape)))
        skip = Signal()
        with m.Switch(Cat(kx.value, ky.value)):
            for at_row in range(rows):
                for at_column in range(columns):
                    with m.Case(at_column | at_row << len(kx.value)):
                        m.d.comb += skip.eq(outside[at_row * columns + at_column])
        m.d.comb += [
            free.eq(~self.o.valid | self.o.ready),
            take_word.eq(free & ~listing & (skip | (offset < store.lead))),
            take_row.eq(free & primed[1] & listing),
        ]
        walked = nest(m, take_word, walk.loops) & take_word
        m.d.comb += done.eq(take_row & (row == 0))
        with m.If(take_word):
            m.d.sync += offset.eq(walk.following(offset))
        with m.If(walked):
            m.d.sync += listing.eq(1)
        with m.If(done):
            m.d.sync += listing.eq(0)
        nest(m, done, places)
        store.advance(m, done, places)

        # What goes out is registered whether or not something is taken, which is known late in a cycle.
        payload = self.o.payload
        with m.If(free):
            m.d.sync += [
                self.o.valid.eq(take_word | take_row),
                payload.whole.eq(~listing),
                payload.skip.eq(skip),
                payload.last.eq(last),
            ]
        for lane, port in enumerate(store.ports):
            entry = self._entry(m, lane, entries, turn)
            where = Mux(listing, entry.at, offset) if lane == 0 else entry.at
            m.d.comb += [port.addr.eq((store.origin + where)[: len(store.origin)]), port.en.eq(free)]
            lies_outside = Cat(outside).bit_select(entry.position, 1) if shape.pad else Const(0)
            padded = Signal(name=f"padded_{lane}")
            selected = Signal.like(entry.place, name=f"selected_{lane}")
            with m.If(free):
                m.d.sync += selected.eq(entry.place)
                m.d.sync += payload.use[lane].eq(entry.used & ~lies_outside if shape.skips else entry.used)
            tap = port.data.word_select(selected, shape.bits)
            if shape.pad and not shape.skips:
                # Padding that counts: an element of its own in place of what lies at the address.
                with m.If(free):
                    m.d.sync += padded.eq(Mux(listing, lies_outside, skip))
                tap = Mux(padded, shape.outside, tap)
            m.d.comb += payload.taps[lane].eq(tap)
            if lane == 0:
                m.d.comb += payload.x.as_value().eq(Mux(padded, shape.border_of(shape.lanes), port.data))
        return m

    def _entry(self, m: Module, lane: int, entries: Value, turn: Value) -> "_Entry":
        """A lane's part of the table's row, in registers that take the next one at ``turn``."""
        shape = self.shape
        parts = shape.channels // shape.lanes
        own = entries[lane * shape.entry_bits : (lane + 1) * shape.entry_bits]
        first, second = shape.place_bits, shape.place_bits + shape.part_bits
        position = own[second:-1]
        base = Signal(range(WindowStore.span(shape)), name=f"base_{lane}")
        with m.Switch(position):
            for number in range(shape.kernel[0] * shape.kernel[1]):
                ky, kx = divmod(number, shape.kernel[1])
                with m.Case(number):
                    m.d.comb += base.eq((ky * shape.width + kx) * parts)
        entry = _Entry(
            at=Signal.like(base, name=f"at_{lane}"),
            used=Signal(name=f"used_{lane}"),
            place=Signal(shape.place_bits, name=f"place_{lane}"),
            position=Signal(shape.position_bits, name=f"position_{lane}"),
        )
        with m.If(turn):
            m.d.sync += [
                entry.at.eq(base + own[first:second]),
                entry.used.eq(own[-1]),
                entry.place.eq(own[:first]),
                entry.position.eq(position),
            ]
        return entry


@dataclass(frozen=True)
class _Entry:
    """A lane's tap: its word's offset from the window's origin, whether there is one, its place in the word, its
    kernel position."""

    at: Signal
    used: Signal
    place: Signal
    position: Signal

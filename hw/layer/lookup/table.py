"""The shared table: what every codeword counts in the words at hand, looked up by several readers at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth import Array, Cat, Const, Module, Signal, Value
from amaranth.hdl import unsigned
from amaranth.lib import data, memory
from amaranth.lib.wiring import In, Out

from hw.datapath.popcount import plane_agreements
from hw.datapath.rom import Rom, RomStyle
from hw.layer.border import missing_count
from hw.layer.lookup.gather import GroupShape
from hw.layer.window import UNCHECKED
from hw.stream.counter import Loop, nest
from hw.stream.registers import keep, stage
from hw.stream.words import StreamComponent, lanes_layout, word_stream
from sw.network.agreement import Agreement
from sw.network.encodings.base import index_bits

__all__ = ["Table", "TableShape"]


@dataclass(frozen=True, eq=False)
class TableShape:
    """``codewords`` (n, taps) of 0 and 1 against groups of words of taps of bit planes with weights 2**planes.

    ``indices`` (groups, folds, pe, words): the codeword of each output of a fold for each word of a group. ``rom`` is
    the style of its memory.
    """

    group: GroupShape
    codewords: np.ndarray
    planes: tuple[int, ...]
    indices: np.ndarray
    agreement: Agreement
    rom: RomStyle = "auto"

    @property
    def index_bits(self) -> int:
        """Bits of an index."""
        return max(1, index_bits(len(self.codewords)))

    @property
    def depth(self) -> int:
        """Entries of a table, its two halves together; the second one begins at 2**index_bits."""
        return (1 << self.index_bits) + len(self.codewords)

    @property
    def entry_bits(self) -> int:
        """Bits of an entry, the weighed agreements of a word."""
        return (self.group.taps * sum(1 << plane for plane in self.planes)).bit_length()

    @property
    def count_bits(self) -> int:
        """Bits of what a group adds to an output's count."""
        top = self.group.words * self.group.taps * sum(1 << plane for plane in self.planes)
        return top.bit_length() + self.agreement.doubled

    @property
    def pe(self) -> int:
        """Outputs at once."""
        return self.indices.shape[2]

    @property
    def folds(self) -> int:
        """Groups of ``pe`` outputs."""
        return self.indices.shape[1]

    @property
    def output(self) -> data.StructLayout:
        """``counts`` of ``pe`` outputs in one group; where taps are skipped also ``missing``, what the skipped
        positions add to the count of the whole window."""
        fields: dict = {"counts": lanes_layout(self.pe, self.count_bits)}
        if self.group.positions:
            fields["missing"] = unsigned((self.group.positions * self.agreement.per_position).bit_length())
        return data.StructLayout(fields)

    @cached_property
    def codeword_rom(self) -> Rom:
        """Row k: codeword k, bit i the weight of a word's tap i."""
        rows = (self.codewords.astype(np.int64) << np.arange(self.group.taps)).sum(axis=1)
        return Rom("codewords", tuple(rows.tolist()), self.group.taps)

    @cached_property
    def index_rom(self) -> Rom:
        """Row group * folds + fold: lane p * words + s, of ``index_bits`` bits, is the codeword of output fold * pe + p
        for word s of the group."""
        rows = []
        for lanes in self.indices.reshape(-1, self.pe * self.group.words).tolist():
            rows.append(sum(index << (self.index_bits * lane) for lane, index in enumerate(lanes)))
        return Rom("indices", tuple(rows), self.pe * self.group.words * self.index_bits, self.rom, in_order=True)


class Table(StreamComponent):
    """Groups of words in, and for every fold in turn the counts of ``pe`` outputs out.

    One codeword a cycle is compared with all words of a group, and its agreements are written into one half of the
    tables while the other half is read. Every reader has a copy of the table of its word. A group takes max(n, folds)
    cycles. Latency: n + 3 cycles from a group to its first counts, one more where it has several words.
    """

    def __init__(self, shape: TableShape) -> None:
        self.shape = shape
        super().__init__({"i": In(word_stream(shape.group.output)), "o": Out(word_stream(shape.output))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        full = Signal(2)  # Which halves can be read; the others can be written.
        filled, drained = Signal(), Signal()
        half_in, half_out = Signal(), Signal()
        m.d.sync += [
            half_in.eq(half_in ^ filled),
            half_out.eq(half_out ^ drained),
            full.eq((full | Cat(filled & ~half_in, filled & half_in)) & ~Cat(drained & ~half_out, drained & half_out)),
        ]
        write, at, entries, missing = self._fill(m, full.bit_select(half_in, 1), filled)
        looked, look_free, look, indices = self._index(m, full.bit_select(half_out, 1), drained)
        found = self._tables(m, write, Cat(at, half_in), entries, look, indices, half_out)
        if self.shape.group.positions:
            # Either half has its own number, since its window can be another one.
            numbers = Array(Signal(len(missing), name=f"missing_{half}") for half in range(2))
            with m.If(write):
                m.d.sync += numbers[half_in].eq(missing)
            missing = keep(m, look, numbers[half_out], "looked_missing")
        self._send(m, looked, look_free, found, missing)
        return m

    def _fill(self, m: Module, occupied: Value, filled: Signal) -> tuple[Value, Value, list[Value], Value]:
        """Compare the words with one codeword after another: an entry of each word, its place, and when it is written,
        which is once the half is no longer ``occupied``; and what skipped positions add to the window."""
        shape = self.shape
        codeword = Loop("codeword", len(shape.codewords))
        take = Signal()
        nest(m, take, [codeword])
        chosen, choose_free = stage(m, "chosen", self.i.valid | ~codeword.first)
        m.d.comb += [
            take.eq(choose_free & (self.i.valid | ~codeword.first)),
            self.i.ready.eq(choose_free & codeword.first),
        ]
        group = data.View(shape.group.output, keep(m, take & codeword.first, self.i.payload.as_value(), "group"))
        pattern = shape.codeword_rom.read(m, codeword.value, take)
        at, last = keep(m, take, codeword.value, "at"), keep(m, take, codeword.last, "last")

        counted, count_free = stage(m, "counted", chosen)
        write = counted & ~occupied
        m.d.comb += [count_free.eq(~counted | write), choose_free.eq(~chosen | count_free)]
        count = chosen & count_free
        skip = group.skip if shape.group.positions else None
        entries = []
        for word in range(shape.group.words):
            taps = [group.x[word][tap] for tap in range(shape.group.taps)]
            planes = {number: Cat(tap[place] for tap in taps) for place, number in enumerate(shape.planes)}
            entries.append(keep(m, count, plane_agreements(m, planes, pattern, skip), "entry"))
        m.d.comb += filled.eq(write & keep(m, count, last, "counted_last"))
        missing: Value = Const(0, 1)
        if shape.group.positions:
            added = missing_count(m, shape.agreement, shape.group.positions, group.missing)
            missing = keep(m, count, added, "missing")
        place = Signal(shape.index_bits)
        m.d.comb += place.eq(keep(m, count, at, "counted_at"))
        return write, place, entries, missing

    def _index(self, m: Module, readable: Value, drained: Signal) -> tuple[Signal, Signal, Signal, Value]:
        """One row of indices after another: the stage that its look-ups stand in, when they are made, which is once the
        half is ``readable`` and the stage has room, and the row."""
        shape = self.shape
        fold, row = Loop("fold", shape.folds), Loop("row", shape.index_rom.depth)
        indexed, index_free = stage(m, "indexed", Const(1))
        look = Signal()
        nest(m, index_free, [fold])
        nest(m, index_free, [row])
        indices = shape.index_rom.read(m, row.value, index_free)
        last = keep(m, index_free, fold.last, "last_fold")
        looked, look_free = stage(m, "looked", indexed & readable)
        m.d.comb += [
            look.eq(indexed & readable & look_free),
            index_free.eq(~indexed | look),
            drained.eq(look & last),
        ]
        return looked, look_free, look, indices

    def _tables(
        self, m: Module, write: Value, place: Value, entries: list[Value], look: Value, indices: Value, half: Value
    ) -> list[list[Value]]:
        """A table for every reader, and what they read: for ``pe`` outputs an entry of every word."""
        shape = self.shape
        found = []
        for p in range(shape.pe):
            row = []
            for word, entry in enumerate(entries):
                cells = memory.Memory(shape=shape.entry_bits, depth=shape.depth, init=[], attrs=UNCHECKED)
                m.submodules[f"table_{p}_{word}"] = cells
                writer, reader = cells.write_port(), cells.read_port()
                m.d.comb += [
                    writer.addr.eq(place),
                    writer.data.eq(entry),
                    writer.en.eq(write),
                    reader.addr.eq(Cat(indices.word_select(p * len(entries) + word, shape.index_bits), half)),
                    reader.en.eq(look),
                ]
                row.append(reader.data)
            found.append(row)
        return found

    def _send(self, m: Module, looked: Signal, look_free: Signal, found: list[list[Value]], missing: Value) -> None:
        """The counts: the entries themselves, or their sums behind a register stage of their own."""
        counts, valid, free = [balanced_sum(row) for row in found], looked, look_free
        if self.shape.group.words > 1:
            valid, free = stage(m, "summed", looked)
            m.d.comb += look_free.eq(~looked | free)
            add = looked & free
            counts = [keep(m, add, count, "sum") for count in counts]
            missing = keep(m, add, missing, "summed_missing")
        if self.shape.agreement.doubled:
            counts = [Cat(Const(0, 1), count) for count in counts]
        m.d.comb += [free.eq(~valid | self.o.ready), self.o.valid.eq(valid)]
        m.d.comb += [lane.eq(count) for lane, count in zip(self.o.payload.counts, counts, strict=True)]
        if self.shape.group.positions:
            m.d.comb += self.o.payload.missing.eq(missing)


def balanced_sum(values: Sequence[Value]) -> Value:
    """The sum, as a tree that is as wide as it must be."""
    if len(values) == 1:
        return values[0]
    middle = len(values) // 2
    return balanced_sum(values[:middle]) + balanced_sum(values[middle:])

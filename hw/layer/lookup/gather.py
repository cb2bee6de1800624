"""From the words of a window to the words of a codebook, some of them at a time."""

from dataclasses import dataclass

from amaranth import Cat, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.stream.registers import keep
from hw.stream.repack import RepackShape, Widen
from hw.stream.words import StreamComponent, lanes_layout, skip_fields, taps_layout, word_stream

__all__ = ["Gather", "GroupShape"]


@dataclass(frozen=True)
class GroupShape:
    """Groups of ``words`` words of ``taps`` taps of ``bits`` bits.

    A group comes in ``beats`` beats: all at once, or with a beat a tap, one tap of each word. Where taps are skipped, a
    beat is one position of the kernel in ``words`` channels, and the kernel has ``positions`` of them; otherwise that
    is 0. Raises ValueError for another number of beats.
    """

    words: int
    taps: int
    bits: int
    beats: int
    positions: int = 0

    def __post_init__(self) -> None:
        if self.beats not in (1, self.taps):
            raise ValueError(f"beats must be 1 or the {self.taps} taps of a word, not {self.beats!r}")
        if self.positions and self.beats == 1:
            raise ValueError("beats must be a tap each where taps are skipped, not 1")

    @property
    def lanes(self) -> int:
        """Taps in a beat."""
        return self.words * self.taps // self.beats

    @property
    def input(self) -> data.StructLayout:
        """A word of a window in channel order, as `hw.layer.window.WindowShape.payload`."""
        return taps_layout(self.lanes, self.bits, self.positions)

    @property
    def output(self) -> data.StructLayout:
        """``x[word][tap]``; where taps are skipped also ``skip``, a bit a tap, the same for every word, and
        ``missing``, the skipped positions of the whole window."""
        words = data.ArrayLayout(lanes_layout(self.taps, self.bits), self.words)
        return data.StructLayout({"x": words} | skip_fields(self.taps, self.positions))


class Gather(StreamComponent):
    """Beats in, groups out. Latency 1 cycle from a group's last beat, none where a group is one beat. Throughput: a
    beat a cycle."""

    def __init__(self, shape: GroupShape) -> None:
        self.shape = shape
        super().__init__({"i": In(word_stream(shape.input)), "o": Out(word_stream(shape.output))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape, i, o = self.shape, self.i.payload, self.o.payload
        if shape.beats == 1:
            wiring.connect(m, wiring.flipped(self.i), wiring.flipped(self.o))
            return m
        # In channel order a beat is one position of the kernel: it is skipped in all its lanes or in none.
        beat = Cat(i.x.as_value(), i.skip[0]) if shape.positions else i.x.as_value()
        m.submodules.collect = collect = Widen(RepackShape(1, shape.beats, len(beat)))
        m.d.comb += [
            collect.i.payload.as_value().eq(beat),
            collect.i.valid.eq(self.i.valid),
            self.i.ready.eq(collect.i.ready),
            self.o.valid.eq(collect.o.valid),
            collect.o.ready.eq(self.o.ready),
        ]
        for tap in range(shape.taps):
            held = collect.o.payload[tap]
            for word in range(shape.words):
                m.d.comb += o.x[word][tap].eq(held[word * shape.bits : (word + 1) * shape.bits])
            if shape.positions:
                m.d.comb += o.skip[tap].eq(held[-1])
        if shape.positions:
            # A beat of the next group is taken when this one goes, at the earliest.
            m.d.comb += o.missing.eq(keep(m, self.i.valid & self.i.ready, i.missing, "missing"))
        return m

"""Max-pooling over a raster stream."""

from dataclasses import dataclass

import numpy as np
from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out

from hw.stream.counter import Loop, nest
from hw.stream.words import StreamComponent, lanes_layout, word_stream

__all__ = ["MaxPool", "PoolShape"]


@dataclass(frozen=True)
class PoolShape:
    """size x size, stride ``size``, over height x width x channels levels of ``bits`` bits in words of ``lanes``."""

    height: int
    width: int
    channels: int
    bits: int
    size: int
    lanes: int

    def __post_init__(self) -> None:
        if self.channels % self.lanes:
            raise ValueError(f"lanes must divide the {self.channels} channels, not {self.lanes!r}")
        if not 2 <= self.size <= min(self.height, self.width):
            raise ValueError(f"size must be from 2 to {min(self.height, self.width)}, not {self.size!r}")

    @property
    def parts(self) -> int:
        """Words of a pixel."""
        return self.channels // self.lanes

    def create(self) -> "MaxPool":
        """The component."""
        return MaxPool(self)

    def reference(self, image: np.ndarray) -> np.ndarray:
        """The pooled image of one image (height, width, channels)."""
        height, width = self.height // self.size, self.width // self.size
        cut = image[: height * self.size, : width * self.size]
        return cut.reshape(height, self.size, width, self.size, self.channels).max(axis=(1, 3))


class MaxPool(StreamComponent):
    """A running maximum for each output of a row of windows, in one memory. Latency 2. Throughput: a word a cycle in.

    The memory is read for a word in the cycle that takes it and written in the next; its read port is transparent, so
    the same place can be read while it is written.
    """

    def __init__(self, shape: PoolShape) -> None:
        self.shape = shape
        port = word_stream(lanes_layout(shape.lanes, shape.bits))
        super().__init__({"i": In(port), "o": Out(port)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        part, x, y = Loop("part", shape.parts), Loop("x", shape.width), Loop("y", shape.height)
        places = shape.width // shape.size * shape.parts
        take, held, move = Signal(), Signal(), Signal()
        emits, opens, used, column_ends = self._phase(m, take, part, x, y)
        m.d.comb += [self.i.ready.eq(~held | move), take.eq(self.i.valid & self.i.ready)]
        nest(m, take, [part, x, y])

        address, row_start, at = (Signal(range(places), name=name) for name in ("address", "row_start", "at"))
        cells = memory.Memory(shape=shape.lanes * shape.bits, depth=places, init=[])
        m.submodules.cells = cells
        write = cells.write_port()
        read = cells.read_port(domain="sync", transparent_for=(write,))
        word = Signal(shape.lanes * shape.bits)
        emit, first = Signal(), Signal()
        m.d.comb += [read.addr.eq(address), read.en.eq(take)]
        with m.If(take):
            m.d.sync += [word.eq(self.i.payload.as_value()), emit.eq(emits), first.eq(opens), at.eq(address)]
            self._advance(m, part, x, column_ends, address, row_start)
        with m.If(self.i.ready):
            m.d.sync += held.eq(self.i.valid & used)

        best = Mux(first, word, self._maximum(word, read.data))
        m.d.comb += [
            move.eq(held & (~emit | ~self.o.valid | self.o.ready)),
            write.addr.eq(at),
            write.data.eq(best),
            write.en.eq(move),
        ]
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += self.o.valid.eq(held & emit)
            with m.If(held & emit):
                m.d.sync += self.o.payload.as_value().eq(best)
        return m

    def _phase(self, m: Module, take: Value, part: Loop, x: Loop, y: Loop) -> tuple[Value, Value, Value, Value]:
        """For the word at (y, x): whether it ends its window, opens it, is in one; whether its column is the last."""
        size = self.shape.size
        ends, opens, used = [], [], []
        for loop, inner in ((x, part.done), (y, x.done)):
            phase = Signal(range(size), name=f"phase_{loop.name}")
            with m.If(take & inner):
                m.d.sync += phase.eq(Mux(loop.last | (phase == size - 1), 0, phase + 1))
            ends.append(phase == size - 1)
            opens.append(phase == 0)
            used.append(loop.value < loop.count // size * size)
        return ends[0] & ends[1], opens[0] & opens[1], used[0] & used[1], ends[0]

    def _advance(self, m: Module, part: Loop, x: Loop, ends: Value, address: Signal, row_start: Signal) -> None:
        """Next place: the parts of a pixel in turn, the same places again until a window's columns are through."""
        parts = self.shape.parts
        with m.If(x.done):
            m.d.sync += [address.eq(0), row_start.eq(0)]
        with m.Elif(part.done & ~ends):
            m.d.sync += address.eq(row_start)
        with m.Elif(part.done):
            m.d.sync += [address.eq(row_start + parts), row_start.eq(row_start + parts)]
        with m.Else():
            m.d.sync += address.eq(address + 1)

    def _maximum(self, a: Value, b: Value) -> Value:
        """Lane by lane maximum; of single bits it is OR."""
        bits = self.shape.bits
        if bits == 1:
            return a | b
        pairs = [(a.word_select(lane, bits), b.word_select(lane, bits)) for lane in range(self.shape.lanes)]
        return Cat(Mux(p > q, p, q) for p, q in pairs)

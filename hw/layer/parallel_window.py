"""Whole windows at once: line stores and a register a tap."""

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out

from hw.layer.border import axis_outside, missing_positions
from hw.layer.window import UNCHECKED, WindowShape
from hw.stream.counter import Loop, nest
from hw.stream.words import StreamComponent, lanes_layout, word_stream

__all__ = ["ParallelWindow"]


class ParallelWindow(StreamComponent):
    """A pixel a cycle in, a window at a time out, each split into words of ``lanes`` taps and sent ``folds`` times.

    The line store is one memory of (kernel rows - 1) pixels a row position; its output register is part of the newest
    column of the window. Padding passes through as pixels of its own. Latency 2 cycles from the last tap's arrival. A
    frame takes padded height * padded width + windows * (folds * words_per_window - 1) cycles.
    """

    def __init__(self, shape: WindowShape) -> None:
        self.shape = shape
        pixel = lanes_layout(shape.channels, shape.bits)
        super().__init__({"i": In(word_stream(pixel)), "o": Out(word_stream(shape.payload))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        rows, columns = shape.kernel
        x = Loop("x", shape.width + 2 * shape.pad)
        y = Loop("y", shape.height + 2 * shape.pad)
        step, complete, sent = Signal(), Signal(), Signal()
        inside = self._inside(m, y.value, x.value)
        ready = Signal()
        m.d.comb += [
            ready.eq(~complete | sent),
            step.eq(ready & (self.i.valid | ~inside)),
            self.i.ready.eq(ready & inside),
        ]
        nest(m, step, [x, y])

        newest = self._column(m, step, inside, x)
        window = [newest]
        for _ in range(columns - 1):
            older: list[Value] = [Signal.like(pixel) for pixel in window[-1]]
            with m.If(step):
                m.d.sync += [old.eq(new) for old, new in zip(older, window[-1], strict=True)]
            window.append(older)
        taps = Cat(window[columns - 1 - kx][ky] for ky in range(rows) for kx in range(columns))

        emits, place = self._emits(m, step, y, x)
        with m.If(ready):
            m.d.sync += complete.eq(step & emits)
        self._send(m, taps, complete, sent, place)
        return m

    def _inside(self, m: Module, y: Value, x: Value) -> Value:
        """Whether the pixel at the padded place (y, x) comes from the stream."""
        shape, inside = self.shape, Signal()
        m.d.comb += inside.eq(1)
        if shape.pad:
            within = [(at >= shape.pad) & (at < size + shape.pad) for at, size in ((y, shape.height), (x, shape.width))]
            m.d.comb += inside.eq(within[0] & within[1])
        return inside

    def _column(self, m: Module, step: Value, inside: Value, x: Loop) -> list[Value]:
        """The newest column of pixels, oldest row first: what the line store holds, then the new pixel."""
        shape = self.shape
        bits = shape.channels * shape.bits
        pixel = Signal(bits)
        padding = shape.border_of(shape.channels)
        with m.If(step):
            m.d.sync += pixel.eq(Mux(inside, self.i.payload.as_value(), padding))
        above = shape.kernel[0] - 1
        if not above:
            return [pixel]
        cells = memory.Memory(shape=above * bits, depth=x.count, init=[], attrs=UNCHECKED if x.count > 1 else {})
        m.submodules.lines = cells
        write = cells.write_port()
        # A row of one pixel is written and read at the same place in the same cycle.
        read = cells.read_port(domain="sync", transparent_for=(write,) if x.count == 1 else ())
        wrote_at = Signal(range(x.count), init=x.count - 1)
        m.d.comb += [
            read.addr.eq(x.value),
            read.en.eq(step),
            write.addr.eq(wrote_at),
            write.en.eq(step),
            write.data.eq(Cat(read.data[bits:], pixel)),
        ]
        with m.If(step):
            m.d.sync += wrote_at.eq(x.value)
        return [read.data.word_select(row, bits) for row in range(above)] + [pixel]

    def _emits(self, m: Module, step: Value, y: Loop, x: Loop) -> tuple[Value, tuple[Signal, Signal]]:
        """Whether the pixel now taken completes a window; and, from the next cycle, which one: its row and column."""
        shape = self.shape
        flags, places = [], []
        for axis, loop, kernel, count in (
            ("row", y, shape.kernel[0], shape.out_height),
            ("column", x, shape.kernel[1], shape.out_width),
        ):
            ends = [kernel - 1 + at * shape.stride for at in range(count)]
            hit = (loop.value >= ends[0]) & (loop.value <= ends[-1])
            if shape.stride > 1:
                hit = hit & ((loop.value & 1) == ends[0] % 2)  # One place alone counts in no bits.
            flags.append(hit)
            place = Signal(range(count), name=f"out_{axis}")
            with m.If(step):
                m.d.sync += place.eq(((loop.value - ends[0]) >> (shape.stride - 1))[: len(place)])
            places.append(place)
        return flags[0] & flags[1], (places[0], places[1])

    def _send(self, m: Module, taps: Value, complete: Value, sent: Value, place: tuple[Signal, Signal]) -> None:
        """Words of the standing window, every one ``folds`` times; ``sent`` with the last of them."""
        shape, payload = self.shape, self.o.payload
        word, fold = Loop("word", shape.words_per_window), Loop("fold", shape.folds)
        fire = Signal()
        m.d.comb += [
            self.o.valid.eq(complete),
            fire.eq(complete & self.o.ready),
            payload.x.as_value().eq(taps.word_select(word.value, shape.lanes * shape.bits)),
        ]
        m.d.comb += sent.eq(fire & nest(m, fire, [word, fold]))
        if shape.skips:
            row_flags, column_flags = (axis_outside(m, shape, axis, place[axis]) for axis in (0, 1))
            outside = Cat((row | column).replicate(shape.channels) for row in row_flags for column in column_flags)
            m.d.comb += [
                payload.skip.eq(outside.word_select(word.value, shape.lanes)),
                payload.missing.eq(missing_positions(m, shape, *place)),
            ]

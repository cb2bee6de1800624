"""Windows read word by word from a circular memory."""

import numpy as np
from amaranth import Module, Mux, Signal, Value
from amaranth.hdl import signed
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out

from hw.layer.border import missing_positions
from hw.layer.window import UNCHECKED, WindowShape
from hw.stream.counter import Loop, nest
from hw.stream.words import StreamComponent, lanes_layout, word_stream

__all__ = ["SerialWindow"]


class SerialWindow(StreamComponent):
    """A memory of ``depth`` words that an address generator reads in the windows' order, each window ``folds`` times.

    Words are released a window's step at a time, so the memory is buffer and line store in one, and no window is stored
    twice. Latency 2 cycles from the last tap's arrival. Throughput: a word a cycle, in and out; a frame takes
    max(in_words, windows * folds * words_per_window) cycles, with no gap between windows, rows or frames. ``depth`` is
    a power of two of at least ``depth_for(shape, 1)``.
    """

    def __init__(self, shape: WindowShape, depth: int) -> None:
        if not shape.is_serial:
            raise ValueError(f"lanes must divide the {shape.channels} channels, not {shape.lanes!r}")
        least = self.depth_for(shape, 1)
        if depth & (depth - 1) or depth < least:
            raise ValueError(f"depth must be a power of two of at least {least}, not {depth!r}")
        self.shape, self.depth = shape, depth
        super().__init__(
            {"i": In(word_stream(lanes_layout(shape.lanes, shape.bits))), "o": Out(word_stream(shape.payload))}
        )

    @staticmethod
    def span(shape: WindowShape) -> int:
        """Words from a window's origin to its last tap: fewer and no window could ever be complete."""
        parts = shape.channels // shape.lanes
        return ((shape.kernel[0] - 1) * shape.width + shape.kernel[1]) * parts

    @staticmethod
    def reserve(shape: WindowShape) -> int:
        """Words by which a later window's origin can lie before an earlier one's, in raster order; they must not be
        freed yet.

        Only windows that reach further into the padding than their kernel into the image have any.
        """
        parts = shape.channels // shape.lanes
        origins = (shape.origins[:, 0] * shape.width + shape.origins[:, 1]) * parts
        origins = np.append(origins, shape.in_words + origins[0])
        return int((origins - np.minimum.accumulate(origins[::-1])[::-1]).max())

    @classmethod
    def depth_for(cls, shape: WindowShape, words: int) -> int:
        """The depth of a memory that buffers at least ``words`` words: a power of two, so that addresses wrap."""
        return 1 << max(1, (max(words, cls.span(shape)) + cls.reserve(shape) - 1).bit_length())

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape, depth = self.shape, self.depth
        parts = shape.channels // shape.lanes
        # Word offsets from the origin of the window, in raster order of the image without padding.
        pixel_step = shape.stride * parts
        row_step = (shape.stride * shape.width - (shape.out_width - 1) * shape.stride) * parts
        last_origin = ((shape.out_height - 1) * shape.width + shape.out_width - 1) * shape.stride * parts
        frame_step = shape.in_words - last_origin
        first_lead = (shape.pad * shape.width + shape.pad) * parts

        within = self._window_loops()
        fold, ox, oy = (
            Loop("fold", shape.folds),
            Loop("ox", shape.out_width),
            Loop("oy", shape.out_height),
        )
        loops = [*(loop for loop, _ in within), fold, ox, oy]
        wrote, go = Signal(), Signal()
        lead = Signal(signed(self._lead_bits(first_lead)), init=first_lead)
        write_at = Signal(range(depth))
        origin = Signal(range(depth), init=-first_lead % depth)
        offset = Signal(range(self.span(shape)))
        cells = memory.Memory(shape=shape.lanes * shape.bits, depth=depth, init=[], attrs=UNCHECKED)
        m.submodules.cells = cells
        write, read = cells.write_port(), cells.read_port(domain="sync")
        outside = self._outside(m, {loop.name: loop for loop in loops})
        en = Signal()
        m.d.comb += [
            self.i.ready.eq(lead < depth - self.reserve(shape)),
            wrote.eq(self.i.valid & self.i.ready),
            write.addr.eq(write_at),
            write.data.eq(self.i.payload.as_value()),
            write.en.eq(wrote),
            en.eq(~self.o.valid | self.o.ready),
            go.eq(en & (outside | (offset < lead))),
            read.addr.eq((origin + offset)[: len(origin)]),
            read.en.eq(go),
        ]
        with m.If(wrote):
            m.d.sync += write_at.eq(write_at + 1)
        with m.If(en):
            m.d.sync += self.o.valid.eq(go)

        nest(m, go, loops)
        step = Signal(len(lead))
        with m.If(oy.done):
            m.d.comb += step.eq(frame_step % (1 << len(step)))
        with m.Elif(ox.done):
            m.d.comb += step.eq(row_step % (1 << len(step)))
        with m.Else():
            m.d.comb += step.eq(pixel_step % (1 << len(step)))
        with m.If(go):
            m.d.sync += offset.eq(self._following(offset, within))
            with m.If(fold.done):
                m.d.sync += origin.eq((origin + step)[: len(origin)])
        m.d.sync += lead.eq(lead + wrote - Mux(go & fold.done, step, 0))
        self._send(m, go, read.data, outside, (oy.value, ox.value))
        return m

    def _window_loops(self) -> list[tuple[Loop, int]]:
        """The loops over a window's words, innermost first, with the words from one turn to the next."""
        shape = self.shape
        parts = shape.channels // shape.lanes
        part, kx, ky = (
            (Loop("part", parts), 1),
            (Loop("kx", shape.kernel[1]), parts),
            (Loop("ky", shape.kernel[0]), shape.width * parts),
        )
        return [part, kx, ky] if shape.order == "tap" else [kx, ky, part]

    @staticmethod
    def _following(offset: Signal, within: list[tuple[Loop, int]]) -> Value:
        """The offset of the word after the one at ``offset``."""
        jumps, passed = [], 0
        for loop, stride in within:
            jumps.append(stride - passed)
            passed += (loop.count - 1) * stride
        following: Value = offset + jumps[0]
        for (inner, _), before, jump in zip(within, jumps, jumps[1:], strict=False):
            if jump != before:
                following = Mux(inner.done, (offset + jump)[: len(offset)], following)
        return Mux(within[-1][0].done, 0, following)

    def _lead_bits(self, first_lead: int) -> int:
        """Width of the signed lead of the writer over the origin, whose extremes are reached window by window."""
        shape = self.shape
        parts = shape.channels // shape.lanes
        origins = (shape.origins[:, 0] * shape.width + shape.origins[:, 1]) * parts
        bottom = np.minimum(shape.origins[:, 0] + shape.kernel[0], shape.height) - 1
        right = np.minimum(shape.origins[:, 1] + shape.kernel[1], shape.width) - 1
        needed = (bottom * shape.width + right + 1) * parts
        following = np.append(origins[1:], shape.in_words - first_lead)
        low = int(min(0, (needed - following).min(), (origins - following).min()))
        return 1 + max(self.depth.bit_length(), (-low).bit_length())

    def _outside(self, m: Module, loops: dict[str, Loop]) -> Value:
        """Whether the tap now addressed lies in the padding."""
        shape = self.shape
        outside = Signal()
        if not shape.pad:
            return outside
        for axis, size in (("y", shape.height), ("x", shape.width)):
            origin, tap = loops[f"o{axis}"], loops[f"k{axis}"]
            place = Signal(range(size + 2 * shape.pad), name=f"place_{tap.name}")
            m.d.comb += place.eq(origin.value * shape.stride + tap.value)
            with m.If((place < shape.pad) | (place >= size + shape.pad)):
                m.d.comb += outside.eq(1)
        return outside

    def _send(self, m: Module, go: Value, word: Value, outside: Value, place: tuple[Value, Value]) -> None:
        """The output word from the memory's register, with what must be known of the padding registered beside it."""
        shape, x = self.shape, self.o.payload.x.as_value()
        if not shape.pad:
            m.d.comb += x.eq(word)
            return
        was_outside = Signal()
        with m.If(go):
            m.d.sync += was_outside.eq(outside)
        padding = (1 << len(x)) - 1 if shape.outside else 0
        m.d.comb += x.eq(Mux(was_outside, padding, word))
        if shape.skips:
            missing = Signal.like(self.o.payload.missing)
            with m.If(go):
                m.d.sync += missing.eq(missing_positions(m, shape, *place))
            m.d.comb += [self.o.payload.skip.eq(was_outside.replicate(shape.lanes)), self.o.payload.missing.eq(missing)]

"""The circular memory behind windows that are read word by word: buffer and line store in one."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from amaranth import Module, Mux, Signal, Value
from amaranth.hdl import signed
from amaranth.lib import memory, stream
from amaranth.lib.wiring import In, Out

from hw.layer.window import UNCHECKED, WindowShape
from hw.stream.counter import Loop
from hw.stream.words import StreamComponent, lanes_layout, word_stream

__all__ = ["StoredWindow", "Walk", "WindowStore"]


class WindowStore:
    """A memory of ``depth`` words of ``shape.lanes`` elements, written in raster order and read relative to ``origin``,
    the first word of the window that is now read.

    ``offset`` words from the origin a word has come when ``offset < lead``. Words are freed a window's step at a time.
    ``depth`` is a power of two of at least ``depth_for(shape, 1)``, so that addresses wrap by themselves.
    """

    def __init__(self, m: Module, shape: WindowShape, depth: int, source: stream.Interface, readers: int = 1) -> None:
        self.shape, self.depth = shape, depth
        parts = shape.channels // shape.lanes
        first_lead = (shape.pad * shape.width + shape.pad) * parts
        write_at = Signal(range(depth))
        self.wrote = Signal()
        # A copy for every reader, as the tools would make: told apart here, they need not find that out.
        self.ports = []
        for reader in range(readers):
            cells = memory.Memory(shape=shape.lanes * shape.bits, depth=depth, init=[], attrs=UNCHECKED)
            m.submodules[f"cells_{reader}" if readers > 1 else "cells"] = cells
            write = cells.write_port()
            m.d.comb += [
                write.addr.eq(write_at),
                write.data.eq(source.payload.as_value()),
                write.en.eq(self.wrote),
            ]
            self.ports.append(cells.read_port(domain="sync"))
        self.lead = Signal(signed(self._lead_bits(first_lead)), init=first_lead)
        self.origin = Signal(range(depth), init=-first_lead % depth)
        m.d.comb += [
            source.ready.eq(self.lead < depth - self.reserve(shape)),
            self.wrote.eq(source.valid & source.ready),
        ]
        with m.If(self.wrote):
            m.d.sync += write_at.eq(write_at + 1)

    @staticmethod
    def check(shape: WindowShape, depth: int) -> None:
        """Raise ValueError unless windows of ``shape`` can be read from a store of ``depth`` words."""
        if not shape.is_serial:
            raise ValueError(f"lanes must divide the {shape.channels} channels, not {shape.lanes!r}")
        least = WindowStore.depth_for(shape, 1)
        if depth & (depth - 1) or depth < least:
            raise ValueError(f"depth must be a power of two of at least {least}, not {depth!r}")

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

    def advance(self, m: Module, done: Value, places: Sequence[Loop]) -> None:
        """Go on to the next window at ``done``; ``places`` are the loops over its column and its row."""
        shape = self.shape
        parts = shape.channels // shape.lanes
        pixel_step = shape.stride * parts
        row_step = (shape.stride * shape.width - (shape.out_width - 1) * shape.stride) * parts
        last_origin = ((shape.out_height - 1) * shape.width + shape.out_width - 1) * shape.stride * parts
        frame_step = shape.in_words - last_origin
        column, row = places
        step = Signal(len(self.lead))
        with m.If(row.done):
            m.d.comb += step.eq(frame_step % (1 << len(step)))
        with m.Elif(column.done):
            m.d.comb += step.eq(row_step % (1 << len(step)))
        with m.Else():
            m.d.comb += step.eq(pixel_step % (1 << len(step)))
        freed = Signal(len(step))
        with m.If(done):
            m.d.comb += freed.eq(step)
            m.d.sync += self.origin.eq((self.origin + step)[: len(self.origin)])
        m.d.sync += self.lead.eq(self.lead + self.wrote - freed)

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


class Walk:
    """The words of a window in the order of sending: nested ``loops``, innermost first, and the ``strides`` from one
    turn of each to the next, in words of the store."""

    def __init__(self, shape: WindowShape) -> None:
        parts = shape.channels // shape.lanes
        self.part, self.kx, self.ky = Loop("part", parts), Loop("kx", shape.kernel[1]), Loop("ky", shape.kernel[0])
        inside = [(self.kx, parts), (self.ky, shape.width * parts)]
        inside.insert(0 if shape.order == "tap" else 2, (self.part, 1))
        self.loops = [loop for loop, _ in inside]
        self.strides = [stride for _, stride in inside]

    def following(self, offset: Signal) -> Value:
        """The offset of the word after the one at ``offset``: 0 after the last."""
        jumps, passed = [], 0
        for loop, stride in zip(self.loops, self.strides, strict=True):
            jumps.append(stride - passed)
            passed += (loop.count - 1) * stride
        following: Value = offset + jumps[0]
        for inner, (before, jump) in zip(self.loops, pairwise(jumps), strict=False):
            if jump != before:
                following = Mux(inner.done, (offset + jump)[: len(offset)], following)
        return Mux(self.loops[-1].done, 0, following)


class StoredWindow(StreamComponent):
    """A window generator that reads from a `WindowStore` of ``depth`` words. Raises ValueError as it does."""

    def __init__(self, shape: WindowShape, depth: int) -> None:
        WindowStore.check(shape, depth)
        self.shape, self.depth = shape, depth
        super().__init__(
            {"i": In(word_stream(lanes_layout(shape.lanes, shape.bits))), "o": Out(word_stream(shape.payload))}
        )

"""The first stage: pixels to the bits, planes or slices that the first layer reads."""

from dataclasses import dataclass

import numpy as np
from amaranth import Cat, Module
from amaranth.lib.wiring import In, Out

from hw.stream.words import StreamComponent, lanes_layout, word_stream

__all__ = ["Encode", "EncodeShape"]


@dataclass(frozen=True, eq=False)
class EncodeShape:
    """``pixels`` pixels of ``channels`` channels of ``bits`` bits at a time, as thresholded bits, planes or slices.

    With ``thresholds`` (channels, levels) each channel gives ``levels`` bits, pixel >= threshold; with ``planes`` the
    kept planes of each channel, packed; with ``slices`` each of the kept bits as an element of its own.
    """

    channels: int
    bits: int
    pixels: int = 1
    thresholds: np.ndarray | None = None
    planes: tuple[int, ...] = ()
    slices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if (self.thresholds is not None) + bool(self.planes) + bool(self.slices) != 1:
            raise ValueError("thresholds, planes or slices must be given, not several or none")

    @property
    def lanes_out(self) -> int:
        """Elements out at a time."""
        levels = (len(self.slices) or 1) if self.thresholds is None else self.thresholds.shape[1]
        return self.pixels * self.channels * levels

    @property
    def bits_out(self) -> int:
        """Bits of an element out."""
        return len(self.planes) or 1

    def create(self) -> "Encode":
        """The component."""
        return Encode(self)

    def reference(self, word: np.ndarray) -> np.ndarray:
        """Elements out (lanes_out,) for one word of pixels (pixels * channels,)."""
        if self.slices:
            return (word.reshape(-1, 1) >> np.array(self.slices) & 1).reshape(-1)
        if self.thresholds is None:
            return np.bitwise_or.reduce([((word >> plane) & 1) << place for place, plane in enumerate(self.planes)])
        return (word.reshape(self.pixels, -1, 1) >= self.thresholds).astype(np.uint8).reshape(-1)


class Encode(StreamComponent):
    """Comparators or wires, and a register stage. Latency 1. Throughput: a word a cycle."""

    def __init__(self, shape: EncodeShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "i": In(word_stream(lanes_layout(shape.pixels * shape.channels, shape.bits))),
                "o": Out(word_stream(lanes_layout(shape.lanes_out, shape.bits_out))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        bits = []
        for lane in range(shape.pixels * shape.channels):
            pixel = self.i.payload[lane]
            if shape.thresholds is None:
                bits += [pixel[plane] for plane in shape.planes or shape.slices]
            else:
                bits += [pixel >= int(threshold) for threshold in shape.thresholds[lane % shape.channels]]
        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
            with m.If(self.i.valid):
                m.d.sync += self.o.payload.as_value().eq(Cat(bits))
        return m

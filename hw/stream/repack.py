"""Repack a stream of words into words of another number of lanes, element order kept."""

from dataclasses import dataclass
from math import gcd

import numpy as np
from amaranth import Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from hw.stream.words import StreamComponent, lanes_layout, word_stream

__all__ = ["Narrow", "RepackShape", "Shifter", "Widen"]


@dataclass(frozen=True)
class RepackShape:
    """Words of ``lanes_in`` elements in, words of ``lanes_out`` elements out, ``bits`` each.

    Throughput: n elements take max(n / lanes_in, n / lanes_out) cycles.
    """

    lanes_in: int
    lanes_out: int
    bits: int

    def __post_init__(self) -> None:
        lanes_layout(self.lanes_in, self.bits)
        lanes_layout(self.lanes_out, self.bits)

    @property
    def narrows(self) -> bool:
        """Whether there are more words going out than coming in."""
        return self.lanes_out < self.lanes_in

    def reference(self, words: np.ndarray) -> np.ndarray:
        """The output words (n, lanes_out) for input words (m, lanes_in), as many as are whole."""
        flat = words.reshape(-1)
        return flat[: flat.size // self.lanes_out * self.lanes_out].reshape(-1, self.lanes_out)

    def create(self) -> "Narrow | Widen | Shifter":
        """The smallest component for the ratio."""
        if self.lanes_out % self.lanes_in == 0:
            return Widen(self)
        return Narrow(self) if self.lanes_in % self.lanes_out == 0 else Shifter(self)


class Repack(StreamComponent):
    """Ports of all three components below."""

    def __init__(self, shape: RepackShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "i": In(word_stream(lanes_layout(shape.lanes_in, shape.bits))),
                "o": Out(word_stream(lanes_layout(shape.lanes_out, shape.bits))),
            }
        )


class Widen(Repack):
    """Collect lanes_out / lanes_in words into one. Latency lanes_out / lanes_in cycles, a word a cycle in."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        step = self.shape.lanes_in * self.shape.bits
        words = self.shape.lanes_out // self.shape.lanes_in
        held = Signal(step * words)
        count = Signal(range(words + 1))
        m.d.comb += [
            self.o.payload.as_value().eq(held),
            self.o.valid.eq(count == words),
            self.i.ready.eq(~self.o.valid | self.o.ready),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += count.eq(0)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                held.eq((self.i.payload.as_value() << (step * (words - 1))) | (held >> step)),
                count.eq(Mux(self.o.valid, 0, count) + 1),
            ]
        return m


class Narrow(Repack):
    """Split each word into lanes_in / lanes_out, low lanes first. Latency 1, a word a cycle out."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        step = self.shape.lanes_out * self.shape.bits
        words = self.shape.lanes_in // self.shape.lanes_out
        held = Signal(step * words)
        left = Signal(range(words + 1))
        m.d.comb += [
            self.o.payload.as_value().eq(held[:step]),
            self.o.valid.eq(left != 0),
            self.i.ready.eq((left == 0) | ((left == 1) & self.o.ready)),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [held.eq(self.i.payload.as_value()), left.eq(words)]
        with m.Elif(self.o.valid & self.o.ready):
            m.d.sync += [held.eq(held >> step), left.eq(left - 1)]
        return m


class Shifter(Repack):
    """Any ratio, by a buffer of lanes_in + lanes_out elements that fills from a variable place. Latency 1."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        grain = gcd(self.shape.lanes_in, self.shape.lanes_out)
        bits = grain * self.shape.bits
        take, give = self.shape.lanes_in // grain, self.shape.lanes_out // grain
        held = Signal((take + give) * bits)
        count = Signal(range(take + give + 1))
        kept, place = Signal.like(held), Signal.like(count)
        m.d.comb += [
            self.o.payload.as_value().eq(held[: give * bits]),
            self.o.valid.eq(count >= give),
            self.i.ready.eq((count <= give) | (self.o.ready & (count <= 2 * give))),
            kept.eq(held),
            place.eq(count),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.comb += [kept.eq(held >> (give * bits)), place.eq(count - give)]
        m.d.sync += [held.eq(kept), count.eq(place)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += count.eq(place + take)
            # What lies above `place` is zero, so that setting is OR.
            with m.Switch(place):
                for at in range(give + 1):
                    with m.Case(at):
                        m.d.sync += held.eq(kept | (self.i.payload.as_value() << (at * bits)))
        return m

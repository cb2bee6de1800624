"""Consistent overhead byte stuffing (Cheshire and Baker, 1999): no byte of a frame is zero, so that zero can end it.

A run of up to 253 bytes other than zero is sent behind a code byte, the length of the run plus one, in place of the
zero that ended it. `boards.link.protocol` keeps frames so short that the one special code, 0xff, is never needed.
"""

from amaranth import Module, Mux, Signal
from amaranth.hdl import unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from boards.link.uart import RECEIVED

__all__ = ["CONTENT", "DECODED", "WRITE", "CobsDecoder", "CobsEncoder"]

#: A byte of content, or with ``end`` the end of a frame, whose ``data`` is 1 where the code was whole.
DECODED = data.StructLayout({"data": unsigned(8), "end": unsigned(1)})

#: A byte to encode; ``last`` is no byte, but the end of the frame.
CONTENT = data.StructLayout({"data": unsigned(8), "last": unsigned(1)})

#: A byte to store.
WRITE = data.StructLayout({"data": unsigned(8), "at": unsigned(8)})


class CobsDecoder(wiring.Component):
    """Content of the frames in ``i``, and their ends. Latency 0, a byte a cycle; nothing waits.

    A frame without bytes, between two zeros, is passed over. ``i`` may have broken bytes, which break their frame.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(RECEIVED, always_ready=True)),
                "o": Out(stream.Signature(DECODED, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        byte, left = self.i.payload.data, Signal(8)
        begun, broken = Signal(), Signal()
        code, delimiter = Signal(), Signal()
        m.d.comb += [
            delimiter.eq((byte == 0) & ~self.i.payload.broken),
            code.eq(left == 0),
            self.o.payload.end.eq(delimiter),
            # A code stands for the zero that ended the run before it.
            self.o.payload.data.eq(byte),
            self.o.valid.eq(self.i.valid & begun),
        ]
        with m.If(delimiter):
            m.d.comb += self.o.payload.data.eq(code & ~broken)
        with m.Elif(code):
            m.d.comb += self.o.payload.data.eq(0)
        with m.If(self.i.valid):
            m.d.sync += [begun.eq(~delimiter), left.eq(Mux(code, byte, left) - 1)]
            with m.If(delimiter):
                m.d.sync += [left.eq(0), broken.eq(0)]
            with m.If(self.i.payload.broken):
                m.d.sync += broken.eq(1)
        return m


class CobsEncoder(wiring.Component):
    """Encodes one frame at a time into a memory: content ``i`` in, writes ``o`` out, a byte a cycle, latency 0.

    The end of the frame takes two cycles, for its last code and the zero behind it. Every frame begins at address 0.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(CONTENT)),
                "o": Out(stream.Signature(WRITE, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        at, place, run = Signal(8, init=1), Signal(8), Signal(8, init=1)
        closed = Signal()
        byte, ends = Signal(8), Signal()
        m.d.comb += [
            byte.eq(self.i.payload.data),
            ends.eq((byte == 0) | self.i.payload.last),
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(~(self.i.valid & self.i.payload.last) | closed),
            self.o.payload.at.eq(at),
            self.o.payload.data.eq(byte),
        ]
        with m.If(closed):
            m.d.comb += self.o.payload.data.eq(0)
        with m.Elif(ends):
            m.d.comb += [self.o.payload.at.eq(place), self.o.payload.data.eq(run)]
        with m.If(self.i.valid):
            with m.If(closed):
                m.d.sync += [at.eq(1), place.eq(0), run.eq(1), closed.eq(0)]
            with m.Elif(self.i.payload.last):
                m.d.sync += closed.eq(1)
            with m.Else():
                m.d.sync += [at.eq(at + 1), run.eq(run + 1)]
                with m.If(ends):
                    m.d.sync += [place.eq(at), run.eq(1)]
        return m

"""Whole frames from the line: only what came undamaged is seen by anyone."""

from typing import Any

from amaranth import Cat, Const, Module, ResetInserter, Signal
from amaranth.hdl import ValueLike
from amaranth.lib import memory, stream, wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from boards.link.cobs import DECODED, CobsDecoder
from boards.link.protocol import CONTENT_LIMIT, OVERHEAD, Kind
from boards.link.uart import UartReceiver, pin

__all__ = ["CRC16", "FrameStore", "Receiver", "resettable"]

#: Of the content before it; high byte first behind it, which leaves a remainder of zero.
CRC16 = catalog.CRC16_IBM_3740(data_width=8)


def resettable(m: Module, parameters: Any, restart: ValueLike) -> Any:
    """A CRC in ``m`` that begins anew at ``restart``. Its own ``start`` could take a byte at the same time, which costs
    a look-up table a bit."""
    crc = parameters.create()
    m.submodules.crc = ResetInserter(restart)(crc)
    return crc


class FrameStore(wiring.Component):
    """Keeps the content of frames in the two halves of a memory, and offers those whose code and CRC are right.

    ``frames`` offers the size of the oldest one, CRC and all; while it does, ``data`` is the byte that ``at`` named in
    the cycle before. A frame that comes while both halves are taken is dropped. Pulses: ``damaged``, ``overrun``, and
    ``reset`` for a RESET, which drops every other frame and comes even where both halves are taken.
    """

    i: stream.Interface
    frames: stream.Interface
    at: Signal
    data: Signal
    damaged: Signal
    overrun: Signal
    reset: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(DECODED, always_ready=True)),
                "frames": Out(stream.Signature(8)),
                "at": In(8),
                "data": Out(8),
                "damaged": Out(1),
                "overrun": Out(1),
                "reset": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ended = Signal()
        crc = resettable(m, CRC16, ended)
        m.submodules.cells = cells = memory.Memory(shape=8, depth=512, init=[])
        write, read = cells.write_port(), cells.read_port()
        full, into, oldest = Signal(2), Signal(), Signal()
        size, sizes = Signal(8), [Signal(8, name=f"size{half}") for half in range(2)]
        lost, is_reset = Signal(), Signal()
        byte, whole, room = (Signal(name=name) for name in ("byte", "whole", "room"))
        m.d.comb += [
            byte.eq(self.i.valid & ~self.i.payload.end),
            ended.eq(self.i.valid & self.i.payload.end),
            room.eq(~full.bit_select(into, 1) & ~lost),
            crc.data.eq(self.i.payload.data),
            crc.valid.eq(byte),
            write.addr.eq(Cat(size, into)),
            write.data.eq(self.i.payload.data),
            write.en.eq(byte & room),
            read.addr.eq(Cat(self.at, oldest)),
            self.data.eq(read.data),
            self.frames.valid.eq(full.bit_select(oldest, 1)),
            self.frames.payload.eq(Cat(*sizes).word_select(oldest, 8)),
            whole.eq(self.i.payload.data[0] & crc.match_detected & (size >= OVERHEAD) & (size <= CONTENT_LIMIT)),
            self.damaged.eq(ended & ~whole),
            self.overrun.eq(ended & whole & ~room),
            self.reset.eq(ended & whole & is_reset),
        ]
        with m.If(self.frames.valid & self.frames.ready):
            m.d.sync += [full.bit_select(oldest, 1).eq(0), oldest.eq(~oldest)]
        with m.If(byte):
            m.d.sync += [size.eq(size + (size != Const(0xFF))), lost.eq(~room)]
            with m.If(size == 0):
                m.d.sync += is_reset.eq(self.i.payload.data == Kind.RESET)
        with m.Elif(ended):
            m.d.sync += [size.eq(0), lost.eq(0)]
            with m.If(whole & room):
                m.d.sync += [full.bit_select(into, 1).eq(1), into.eq(~into)]
                m.d.sync += Cat(*sizes).word_select(into, 8).eq(size)
        with m.If(self.reset):
            m.d.sync += [full.eq(room << into), oldest.eq(into)]
        return m


class Receiver(wiring.Component):
    """`UartReceiver`, `CobsDecoder` and `FrameStore` in a row."""

    rx: Signal
    frames: stream.Interface
    at: Signal
    data: Signal
    damaged: Signal
    overrun: Signal
    reset: Signal

    def __init__(self, cycles_per_bit: int) -> None:
        self.line, self.store = UartReceiver(cycles_per_bit), FrameStore()
        members = {name: member for name, member in self.store.signature.members.items() if name != "i"}
        super().__init__({"rx": pin(In), **members})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.line, m.submodules.store = self.line, self.store
        m.submodules.cobs = cobs = CobsDecoder()
        wiring.connect(m, self.line.o, cobs.i)
        wiring.connect(m, cobs.o, self.store.i)
        m.d.comb += self.line.rx.eq(self.rx)
        for name in self.signature.members:
            if name == "frames":
                wiring.connect(m, self.store.frames, wiring.flipped(self.frames))
            elif name == "at":
                m.d.comb += self.store.at.eq(self.at)
            elif name != "rx":
                m.d.comb += getattr(self, name).eq(getattr(self.store, name))
        return m

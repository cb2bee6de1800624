"""Replies on their way to the line, and the results of the last image, in one memory."""

from amaranth import Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from boards.link.cobs import CONTENT, CobsEncoder
from boards.link.receiver import CRC16, resettable
from boards.link.uart import UartSender, pin

__all__ = ["Checked", "Sender"]


class Checked(wiring.Component):
    """A frame's content ``i`` with its CRC-16 behind it, then the end of the frame by itself (``last``).

    Latency 0, a byte a cycle, and two cycles and the end more a frame. In ``i`` the last byte is marked.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self) -> None:
        super().__init__({"i": In(stream.Signature(CONTENT)), "o": Out(stream.Signature(CONTENT))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ended = Signal()
        crc = resettable(m, CRC16, ended)
        out, step = self.o.payload, self.o.valid & self.o.ready
        m.d.comb += [crc.data.eq(self.i.payload.data), crc.valid.eq(self.i.valid & self.i.ready)]
        with m.FSM():
            with m.State("CONTENT"):
                m.d.comb += [out.data.eq(self.i.payload.data), self.o.valid.eq(self.i.valid)]
                m.d.comb += self.i.ready.eq(self.o.ready)
                with m.If(step & self.i.payload.last):
                    m.next = "HIGH"
            for state, byte, following in (("HIGH", crc.crc[8:], "LOW"), ("LOW", crc.crc[:8], "END")):
                with m.State(state):
                    m.d.comb += [out.data.eq(byte), self.o.valid.eq(1)]
                    with m.If(step):
                        m.next = following
            with m.State("END"):
                m.d.comb += [out.last.eq(1), self.o.valid.eq(1)]
                with m.If(step):
                    m.d.comb += ended.eq(1)
                    m.next = "CONTENT"
        return m


class Sender(wiring.Component):
    """Sends frames of content ``i``, and keeps result bytes that can be read again.

    A frame is encoded into one half of the memory, then goes out on ``tx``; ``idle`` while there is none. The bytes of
    ``keep`` go into the other half, at 0 and on from there; ``first`` begins again at 0. ``kept`` is their number, and
    ``data`` the one that ``at`` named in the cycle before, as long as the sender is idle or takes content. ``drop``
    gives up a frame that is not yet complete.
    """

    i: stream.Interface
    keep: stream.Interface
    first: Signal
    kept: Signal
    at: Signal
    data: Signal
    idle: Signal
    drop: Signal
    tx: Signal

    def __init__(self, cycles_per_bit: int) -> None:
        self.cycles_per_bit = cycles_per_bit
        super().__init__(
            {
                "i": In(stream.Signature(CONTENT)),
                "keep": In(stream.Signature(8)),
                "first": In(1),
                "kept": Out(8),
                "at": In(8),
                "data": Out(8),
                "idle": Out(1),
                "drop": In(1),
                "tx": pin(Out),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.line = line = UartSender(self.cycles_per_bit)
        m.submodules.cells = cells = memory.Memory(shape=8, depth=512, init=[])
        write, read = cells.write_port(), cells.read_port()
        encoded = self.encoder(m)
        next_byte, sending, fetched, busy = Signal(8), Signal(), Signal(), Signal()
        m.d.comb += [
            write.en.eq(encoded.o.valid | self.keep.valid),
            write.addr.eq(Mux(encoded.o.valid, Cat(encoded.o.payload.at, 0), Cat(self.kept, 1))),
            write.data.eq(Mux(encoded.o.valid, encoded.o.payload.data, self.keep.payload)),
            self.keep.ready.eq(~encoded.o.valid),
            read.addr.eq(Mux(sending, Cat(next_byte, 0), Cat(self.at, 1))),
            self.data.eq(read.data),
            line.i.payload.eq(read.data),
            line.i.valid.eq(sending & fetched),
            self.idle.eq(~busy),
            self.tx.eq(line.tx),
        ]
        with m.If(self.first):
            m.d.sync += self.kept.eq(0)
        with m.Elif(self.keep.valid & self.keep.ready):
            m.d.sync += self.kept.eq(self.kept + 1)
        with m.If(self.i.valid & self.i.ready & self.i.payload.last):
            m.d.sync += busy.eq(1)
        with m.If(self.drop & ~sending):
            m.d.sync += busy.eq(0)
        m.d.sync += fetched.eq(sending)
        with m.If(encoded.i.valid & encoded.i.ready & encoded.i.payload.last):
            m.d.sync += [sending.eq(1), busy.eq(1), next_byte.eq(0)]
        with m.Elif(line.i.valid & line.i.ready):
            m.d.sync += [next_byte.eq(next_byte + 1), fetched.eq(0)]
            with m.If(next_byte == encoded.size):
                m.d.sync += [sending.eq(0), busy.eq(0)]
        return m

    def encoder(self, m: Module) -> CobsEncoder:
        """CRC and COBS behind ``i``, which waits while a frame is on its way."""
        checked, encoder = Checked(), CobsEncoder()
        m.submodules.checked, m.submodules.cobs = (ResetInserter(self.drop)(part) for part in (checked, encoder))
        wiring.connect(m, checked.o, encoder.i)
        m.d.comb += [
            checked.i.payload.eq(self.i.payload),
            checked.i.valid.eq(self.i.valid & self.idle),
            self.i.ready.eq(checked.i.ready & self.idle),
        ]
        return encoder

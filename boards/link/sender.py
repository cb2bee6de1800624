"""Replies on their way to the line, and the results of the last image, in one memory."""

from amaranth import Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from boards.link.cobs import CONTENT, WRITE, CobsEncoder
from boards.link.receiver import CRC16, resettable
from boards.link.uart import UartSender, pin

__all__ = ["Checked", "Sender"]

HALF = 256


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
    """Sends frames of content ``i`` on ``tx``, and lends half of its memory.

    A frame is encoded into one half of the memory, then sent; ``idle`` while there is none. The other half, at first
    ``contents``, is written by ``write`` and read at ``at``: ``data`` is what stood there in the cycle before, unless
    ``busy`` told in that cycle that the sender itself was reading. ``drop`` gives up a frame that is not yet complete.
    """

    i: stream.Interface
    write: stream.Interface
    at: Signal
    data: Signal
    busy: Signal
    idle: Signal
    drop: Signal
    tx: Signal

    def __init__(self, cycles_per_bit: int, contents: bytes = b"") -> None:
        self.cycles_per_bit, self.contents = cycles_per_bit, contents
        super().__init__(
            {
                "i": In(stream.Signature(CONTENT)),
                "write": In(stream.Signature(WRITE)),
                "at": In(8),
                "data": Out(8),
                "busy": Out(1),
                "idle": Out(1),
                "drop": In(1),
                "tx": pin(Out),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.line = line = UartSender(self.cycles_per_bit)
        m.submodules.cells = cells = memory.Memory(shape=8, depth=512, init=[*bytes(HALF), *self.contents])
        write, read = cells.write_port(), cells.read_port()
        encoded, ended = self.encoder(m)
        next_byte, full, sending, fetched = Signal(8), Signal(), Signal(), Signal()
        m.d.comb += [
            write.en.eq(encoded.valid | self.write.valid),
            write.addr.eq(Mux(encoded.valid, encoded.payload.at, self.write.payload.at | HALF)),
            write.data.eq(Mux(encoded.valid, encoded.payload.data, self.write.payload.data)),
            self.write.ready.eq(~encoded.valid),
            self.idle.eq(~full),
            self.busy.eq(sending & ~fetched & line.i.ready),
            read.addr.eq(Mux(self.busy, next_byte, self.at | HALF)),
            self.data.eq(read.data),
            line.i.payload.eq(read.data),
            line.i.valid.eq(fetched),
            self.tx.eq(line.tx),
        ]
        m.d.sync += fetched.eq(self.busy)
        with m.If(self.i.valid & self.i.ready & self.i.payload.last):
            m.d.sync += full.eq(1)
        with m.If(self.drop & ~sending):
            m.d.sync += full.eq(0)
        with m.If(ended):
            m.d.sync += [full.eq(1), sending.eq(1), next_byte.eq(0)]
        with m.If(fetched):
            m.d.sync += next_byte.eq(next_byte + 1)
            # Zero stands behind a frame and nowhere in it.
            with m.If(read.data == 0):
                m.d.sync += [full.eq(0), sending.eq(0)]
        return m

    def encoder(self, m: Module) -> tuple[stream.Interface, Value]:
        """CRC and COBS behind ``i``, which waits while a frame is on its way. Returns the writes, and their end."""
        checked, encoder = Checked(), CobsEncoder()
        m.submodules.checked, m.submodules.cobs = (ResetInserter(self.drop)(part) for part in (checked, encoder))
        wiring.connect(m, checked.o, encoder.i)
        m.d.comb += [
            checked.i.payload.eq(self.i.payload),
            checked.i.valid.eq(self.i.valid & self.idle),
            self.i.ready.eq(checked.i.ready & self.idle),
        ]
        return encoder.o, encoder.i.valid & encoder.i.ready & encoder.i.payload.last

"""Results of an accelerator as bytes."""

from amaranth import Module, Mux, Signal
from amaranth.hdl import unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from boards.link.cobs import WRITE

__all__ = ["Collector"]


class Collector(wiring.Component):
    """Writes ``beats`` beats of ``bits`` bits to addresses from 0 on, each rounded up to bytes, low byte first.

    A byte a cycle, while ``enable``. ``full`` when all are written, until ``start``.
    """

    i: stream.Interface
    o: stream.Interface
    enable: Signal
    start: Signal
    full: Signal

    def __init__(self, bits: int, beats: int) -> None:
        self.bits, self.beats = bits, beats
        layout = data.StructLayout({"value": unsigned(bits), "last": unsigned(1)})
        super().__init__(
            {
                "i": In(stream.Signature(layout)),
                "o": Out(stream.Signature(WRITE)),
                "enable": In(1),
                "start": In(1),
                "full": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = -(-self.bits // 8)
        place, last, at = Signal(range(max(2, count))), Signal(), Signal(8)
        value = self.i.payload.value
        m.d.comb += [
            last.eq(place == count - 1),
            self.full.eq(at == count * self.beats),
            self.o.payload.at.eq(at),
            self.o.payload.data.eq(value.word_select(place, 8) if count > 1 else value),
            self.o.valid.eq(self.i.valid & self.enable & ~self.full),
            self.i.ready.eq(self.o.valid & self.o.ready & last),
        ]
        with m.If(self.start):
            m.d.sync += at.eq(0)
        with m.Elif(self.o.valid & self.o.ready):
            m.d.sync += [at.eq(at + 1), place.eq(Mux(last, 0, place + 1))]
        return m

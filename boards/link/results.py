"""Results of an accelerator as bytes."""

from amaranth import Module, Mux, Signal
from amaranth.hdl import unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Collector"]


class Collector(wiring.Component):
    """Bytes of beats of ``bits`` bits, each rounded up to bytes, low byte first: one a cycle, while ``enable``."""

    i: stream.Interface
    o: stream.Interface
    enable: Signal

    def __init__(self, bits: int) -> None:
        self.bits = bits
        layout = data.StructLayout({"value": unsigned(bits), "last": unsigned(1)})
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(stream.Signature(8)), "enable": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = -(-self.bits // 8)
        place, last = Signal(range(max(2, count))), Signal()
        m.d.comb += [
            last.eq(place == count - 1),
            self.o.payload.eq(self.i.payload.value.word_select(place, 8) if count > 1 else self.i.payload.value),
            self.o.valid.eq(self.i.valid & self.enable),
            self.i.ready.eq(self.o.ready & self.enable & last),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += place.eq(Mux(last, 0, place + 1))
        return m

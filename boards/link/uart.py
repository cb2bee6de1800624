"""A serial line of eight data bits, no parity and one stop bit, as bytes."""

from typing import Any

from amaranth import Cat, Module, Signal
from amaranth.hdl import unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["RECEIVED", "UartReceiver", "UartSender", "pin"]

#: A received byte; ``broken`` where its stop bit was missing.
RECEIVED = data.StructLayout({"data": unsigned(8), "broken": unsigned(1)})
BITS = 10


def pin(flow: Any) -> Any:
    """The member for a serial line, which is high at rest."""
    return flow(1, init=1)


class UartReceiver(wiring.Component):
    """Bytes of the line ``rx``, which need not be synchronised, each sampled in the middle of its bits.

    ``cycles_per_bit`` is at least 4. A byte cannot wait: ``o`` is always ready. Where the stop bit is missing the byte
    is broken, and the next start is looked for only after the line has been high.
    """

    rx: Signal
    o: stream.Interface

    def __init__(self, cycles_per_bit: int) -> None:
        if cycles_per_bit < 4:
            raise ValueError(f"cycles_per_bit must be at least 4, not {cycles_per_bit!r}")
        self.cycles_per_bit = cycles_per_bit
        super().__init__({"rx": pin(In), "o": Out(stream.Signature(RECEIVED, always_ready=True))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line = Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.rx, line, init=1)
        wait = Signal(range(self.cycles_per_bit))
        shift, left = Signal(8), Signal(range(BITS))
        sample = Signal()
        m.d.comb += [sample.eq(wait == 0), self.o.payload.data.eq(shift), self.o.payload.broken.eq(~line)]
        m.d.sync += wait.eq(wait - 1)
        with m.If(sample):
            m.d.sync += wait.eq(self.cycles_per_bit - 1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [wait.eq(self.cycles_per_bit // 2 - 1), left.eq(BITS - 1)]
                with m.If(~line):
                    m.next = "BITS"
            with m.State("BITS"), m.If(sample):
                m.d.sync += left.eq(left - 1)
                with m.If(left == 0):
                    m.d.comb += self.o.valid.eq(1)
                    m.next = "HIGH"
                with m.Elif((left == BITS - 1) & line):
                    m.next = "IDLE"  # no start bit but a spike
                with m.Else():
                    m.d.sync += shift.eq(Cat(shift[1:], line))
            with m.State("HIGH"), m.If(line):
                m.next = "IDLE"
        return m


class UartSender(wiring.Component):
    """Bytes ``i`` on the line ``tx``: one every 10 cycles_per_bit + 1 cycles, its stop bit being a cycle longer."""

    i: stream.Interface
    tx: Signal

    def __init__(self, cycles_per_bit: int) -> None:
        self.cycles_per_bit = cycles_per_bit
        super().__init__({"i": In(stream.Signature(8)), "tx": pin(Out)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        wait = Signal(range(self.cycles_per_bit))
        shift, left = Signal(9, init=-1), Signal(range(BITS + 1))
        m.d.comb += [self.tx.eq(shift[0]), self.i.ready.eq(left == 0)]
        with m.If(self.i.ready), m.If(self.i.valid):
            m.d.sync += [shift.eq(self.i.payload << 1), left.eq(BITS), wait.eq(self.cycles_per_bit - 1)]
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [shift.eq(Cat(shift[1:], 1)), left.eq(left - 1), wait.eq(self.cycles_per_bit - 1)]
        return m

"""Small Amaranth components that the benches are tested with: a right one, and ones that break a rule on purpose."""

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class Increment(wiring.Component):
    """Payload plus one, behind a register stage."""

    i: stream.Interface
    o: stream.Interface

    def __init__(self, width: int = 8) -> None:
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(width))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        load = ~self.o.valid | self.o.ready
        m.d.comb += self.i.ready.eq(load)
        with m.If(load):
            m.d.sync += self.o.valid.eq(self.i.valid)
            m.d.sync += self.o.payload.eq(self.i.payload + 1)
        self.spoil(m)
        return m

    def spoil(self, m: Module) -> None:
        """What a wrong component does besides."""


class DropsValid(Increment):
    """valid falls again when ready has not come for three cycles."""

    def spoil(self, m: Module) -> None:
        waited = Signal(2)
        m.d.sync += waited.eq(0)
        with m.If(self.o.valid & ~self.o.ready):
            m.d.sync += waited.eq(waited + 1)
            with m.If(waited == 2):
                m.d.sync += self.o.valid.eq(0)


class MovesPayload(Increment):
    """The payload changes while it waits."""

    def spoil(self, m: Module) -> None:
        with m.If(self.o.valid & ~self.o.ready):
            m.d.sync += self.o.payload.eq(self.o.payload + 1)


class Combinational(Increment):
    """Payload plus one, with no register and so no clock."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [
            self.o.payload.eq(self.i.payload + 1),
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready),
        ]
        return m

"""What happens on the link, to be counted."""

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["EVENTS", "Tally"]

#: The first fields of `boards.link.protocol.Counters`, in order.
EVENTS = ("frames", "damaged", "unused", "overruns", "images")


class Tally(wiring.Component):
    """Keeps events until they are counted, and counts cycles.

    ``o`` gives the numbers of ``events`` that had a pulse, each once for all its pulses since it was last taken: what
    counts them must be faster than they come. ``cycles`` counts the cycles of ``running`` since ``start``.
    """

    events: Signal
    o: stream.Interface
    start: Signal
    running: Signal
    cycles: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "events": In(len(EVENTS)),
                "o": Out(stream.Signature(range(len(EVENTS)))),
                "start": In(1),
                "running": In(1),
                "cycles": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        waiting, taken = Signal(len(EVENTS)), Signal(len(EVENTS))
        m.d.sync += waiting.eq((waiting & ~taken) | self.events)
        for number in reversed(range(len(EVENTS))):
            with m.If(waiting[number]):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(number)]
        with m.If(self.o.ready):
            m.d.comb += taken.eq(Cat(self.o.payload == number for number in range(len(EVENTS))))
        with m.If(self.start):
            m.d.sync += self.cycles.eq(0)
        with m.Elif(self.running):
            m.d.sync += self.cycles.eq(self.cycles + 1)
        return m

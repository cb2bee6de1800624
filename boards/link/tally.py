"""What happens on the link, to be counted."""

from dataclasses import fields

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from boards.link.protocol import BUSY_UNIT, Counters

__all__ = ["EVENTS", "Tally"]

#: The fields of `boards.link.protocol.Counters`, in order.
EVENTS = tuple(field.name for field in fields(Counters))


class Tally(wiring.Component):
    """Keeps events until they are counted.

    ``o`` gives the numbers of ``events`` that had a pulse, each once for all its pulses since it was last taken: what
    counts them must be faster than they come. Every `BUSY_UNIT` cycles of ``running`` are the last of the events.
    """

    events: Signal
    o: stream.Interface
    running: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "events": In(len(EVENTS) - 1),
                "o": Out(stream.Signature(range(len(EVENTS)))),
                "running": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        waiting, taken = Signal(len(EVENTS)), Signal(len(EVENTS))
        cycles = Signal(range(BUSY_UNIT))
        unit = self.running & (cycles == BUSY_UNIT - 1)
        m.d.sync += [waiting.eq((waiting & ~taken) | Cat(self.events, unit)), cycles.eq(cycles + self.running)]
        for number in reversed(range(len(EVENTS))):
            with m.If(waiting[number]):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(number)]
        with m.If(self.o.ready):
            m.d.comb += taken.eq(Cat(self.o.payload == number for number in range(len(EVENTS))))
        return m

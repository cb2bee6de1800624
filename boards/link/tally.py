"""What has happened on the link, in numbers."""

from amaranth import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from boards.link.protocol import Counters

__all__ = ["Tally"]


class Tally(wiring.Component):
    """The payload of COUNTERS: cycles of ``frames``, ``damaged``, ``unused``, ``overruns`` and ``images``, and of
    ``running`` since the last ``start``."""

    frames: Signal
    damaged: Signal
    unused: Signal
    overruns: Signal
    images: Signal
    start: Signal
    running: Signal
    counters: Signal

    def __init__(self) -> None:
        pulses = ("frames", "damaged", "unused", "overruns", "images", "start", "running")
        super().__init__({**{name: In(1) for name in pulses}, "counters": Out(8 * Counters.layout.size)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        counts = [Signal(16, name=f"{name}_count") for name in ("frames", "damaged", "unused", "overruns", "images")]
        pulses = (self.frames, self.damaged, self.unused, self.overruns, self.images)
        cycles = Signal(32)
        for count, pulse in zip([*counts, cycles], [*pulses, self.running], strict=True):
            with m.If(pulse):
                m.d.sync += count.eq(count + 1)
        with m.If(self.start):
            m.d.sync += cycles.eq(0)
        m.d.comb += self.counters.eq(Cat(*counts, cycles))
        return m

"""What a proof is stated as: an Amaranth component whose ports are free and whose assertions must hold."""

from amaranth import ClockDomain, ClockSignal, Module, Mux, ResetSignal, Signal, Value
from amaranth.hdl import Assert
from amaranth.lib import wiring
from amaranth.lib.wiring import In

__all__ = ["Harness"]


class Harness(wiring.Component):
    """Inputs that may be anything in every cycle, by name and width in bits, and what `claim` says of them.

    ``constants`` may be anything too, but stand still. Claims are made from cycle 1 on, when they are known.
    """

    clk: Signal
    #: Wires, by the names that they have in the flat netlist, and an input that none of them may look at in its cycle.
    independent: tuple[tuple[str, ...], str] = ((), "")

    def __init__(self, widths: dict[str, int], constants: dict[str, int] | None = None) -> None:
        self.constants = dict(constants or {})
        self.widths = {**widths, **self.constants}
        self.running = Signal()
        self.asserts = True
        super().__init__({"clk": In(1), **{name: In(width) for name, width in self.widths.items()}})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = ClockDomain()
        m.d.comb += [ClockSignal().eq(self.clk), ResetSignal().eq(0)]
        m.d.sync += self.running.eq(1)
        free: dict[str, Value] = {name: getattr(self, name) for name in self.widths}
        for name, width in self.constants.items():
            kept = Signal(width, name=f"kept_{name}")
            with m.If(~self.running):
                m.d.sync += kept.eq(free[name])
            free[name] = Mux(self.running, kept, free[name])
        self.claim(m, free)
        return m

    def claim(self, m: Module, free: dict[str, Value]) -> None:
        """State what is to be proved of the values ``free``, by calls of `hold`."""
        raise NotImplementedError

    def hold(self, m: Module, name: str, condition: Value) -> None:
        """Claim that ``condition`` holds in every cycle."""
        if self.asserts:
            m.d.comb += Assert(~self.running | condition.bool(), name)

    def watched(self) -> dict[str, Value]:
        """What a counterexample shows beside the inputs."""
        return {}

"""A layer of constant weights by itself: window in, outputs out, nothing else."""

from amaranth import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.unrolled.emit import build
from hw.unrolled.optimise import Unrolling

__all__ = ["Combinational"]


class Combinational(wiring.Component):
    """An unrolled layer without registers: input bits ``x``, and all bits of all outputs ``y``, output 0 lowest."""

    x: Signal
    y: Signal

    def __init__(self, unrolling: Unrolling) -> None:
        self.unrolling = unrolling
        super().__init__({"x": In(unrolling.graph.inputs), "y": Out(len(unrolling.literals))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        built = build(m, self.unrolling.graph, list(self.x), self.unrolling.literals, 0, [])
        m.d.comb += self.y.eq(Cat(built.outputs))
        return m

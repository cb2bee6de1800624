"""Accumulators of a folded layer: counts group by group, and for the last group the outputs."""

from collections.abc import Sequence

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, memory
from amaranth.lib.wiring import In, Out

from hw.layer.levels import Levels
from hw.layer.window import UNCHECKED
from hw.stream.counter import Loop, nest
from hw.stream.registers import stage
from hw.stream.words import StreamComponent, lanes_layout, word_stream

__all__ = ["Totals"]


class Totals(StreamComponent):
    """For each of ``groups`` groups, in each of ``folds`` folds, the counts of ``pe`` outputs in; with the last group
    the outputs of ``levels`` out.

    ``payload`` has ``counts``, ``pe`` lanes, and may have ``missing``, which is added once. Latency 2 cycles.
    Throughput: a fold a cycle.
    """

    def __init__(self, levels: Levels, folds: int, groups: int, payload: data.StructLayout) -> None:
        self.levels, self.folds, self.groups = levels, folds, groups
        self.skips = "missing" in payload.members
        super().__init__({"i": In(word_stream(payload)), "o": Out(word_stream(lanes_layout(levels.pe, levels.bits)))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        fold, group = Loop("fold", self.folds), Loop("group", self.groups)
        step, last = Signal(), Signal()
        # Whether the last group is the one at hand, from a register: every stage before this one waits for it.
        final = Signal(init=self.groups == 1)
        if self.groups > 1:
            with m.If(step & fold.done):
                m.d.sync += final.eq(group.value == self.groups - 2)
        complete, free = stage(m, "complete", self.i.valid & final)
        # One fold accumulates in the registers that its totals stand in, and waits until they have gone.
        m.d.comb += [
            free.eq(~complete | ~self.o.valid | self.o.ready),
            self.i.ready.eq(free if self.folds == 1 else free | ~final),
            step.eq(self.i.valid & self.i.ready),
            last.eq(step & final),
        ]
        nest(m, step, [fold, group])
        totals = [Signal(self.levels.count_bits, name=f"total_{p}") for p in range(self.levels.pe)]
        following = [Signal.like(total, name=f"following_{p}") for p, total in enumerate(totals)]
        before = totals if self.folds == 1 else self._stored(m, step, fold, following)
        initial = self.i.payload.missing if self.skips else Const(0, 1)
        for new, old, count in zip(following, before, self.i.payload.counts, strict=True):
            m.d.comb += new.eq(Mux(group.first, initial, old) + count)
        with m.If(step if self.folds == 1 else last):
            m.d.sync += [total.eq(new) for total, new in zip(totals, following, strict=True)]
        self.levels.send(m, self.o, complete, totals, self.levels.read(m, fold.value, last))
        return m

    def _stored(self, m: Module, step: Value, fold: Loop, following: Sequence[Value]) -> Sequence[Value]:
        """The totals of the group before, from a memory. A row is read one step ahead: with two folds or more, another
        one than is written then."""
        bits = self.levels.count_bits
        if self.groups == 1:
            return [Const(0, bits)] * len(following)
        cells = memory.Memory(shape=bits * len(following), depth=self.folds, init=[], attrs=UNCHECKED)
        m.submodules.cells = cells
        write, read = cells.write_port(), cells.read_port()
        m.d.comb += [
            write.addr.eq(fold.value),
            write.data.eq(Cat(following)),
            write.en.eq(step),
            read.addr.eq(Mux(fold.last, 0, fold.value + 1)),
            read.en.eq(step),
        ]
        return [read.data.word_select(p, bits) for p in range(len(following))]

"""The compute unit behind listed windows: every output adds up the taps that its weights' ones lie at."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from amaranth import Const, Module, Mux, Signal, Value
from amaranth.hdl import signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from hw.datapath.popcount import popcount
from hw.datapath.rom import Rom
from hw.datapath.times import times
from hw.layer.levels import Levels
from hw.layer.listed_window import ListedWindowShape
from hw.layer.unit import Rhythm, UnitShape
from hw.stream.counter import Loop, nest
from hw.stream.registers import keep, stage
from hw.stream.words import StreamComponent, lanes_layout, word_stream
from sw.network.agreement import Agreement

__all__ = ["ListedSum", "ListedSumShape"]


@dataclass(frozen=True, eq=False)
class ListedSumShape(UnitShape):
    """Sums of two-valued weights told as whole window and ones alone: sum = ``low`` X + ``step`` Q.

    X is the sum of all taps' values, Q that of the taps in an output's list, ``low`` the value of a weight bit 0 and
    ``step`` how much more a 1 is worth (Schiavone et al., ECML PKDD 2023: one all-ones filter beside kernels of 0 and
    1). The values of taps are elements themselves (``signed`` false), or 2 q - top for levels q. Taps outside that do
    not count are worth nothing.
    """

    window: ListedWindowShape
    planes: tuple[int, ...]
    low: int
    step: int
    signed: bool
    thresholds: np.ndarray | None = None
    invert: np.ndarray | None = None
    pe: int = field(init=False)
    agreement: Agreement = field(init=False)

    def __post_init__(self) -> None:
        whole, ones = (self.low * self.reach[0], self.step * self.reach[1])
        least, most = (-abs(whole) - ones, abs(whole) + ones) if self.signed else (min(0, whole), max(0, whole) + ones)
        # An offset keeps every count from being negative.
        offset = np.full(len(self.window.lists), -least, np.int64)
        object.__setattr__(self, "pe", self.window.pe)
        object.__setattr__(self, "agreement", Agreement(1, offset, most - least))

    @property
    def folds(self) -> int:
        """Groups of ``pe`` outputs."""
        return len(self.window.lists) // self.pe

    @property
    def magnitude(self) -> int:
        """The largest value of a tap."""
        return sum(1 << plane for plane in self.planes)

    @cached_property
    def reach(self) -> tuple[int, int]:
        """Bounds of X and of Q, in absolute value."""
        return self.window.taps * self.magnitude, max(map(len, self.window.lists)) * self.magnitude

    @cached_property
    def levels(self) -> Levels:
        """What follows the counts."""
        agreement = self.agreement
        table = None if self.thresholds is None else agreement.thresholds(self.thresholds)
        return Levels(self.pe, agreement.top, table, self.invert)

    @property
    def input(self) -> data.StructLayout:
        return self.window.payload

    @property
    def level_bits(self) -> int:
        return self.levels.bits

    @property
    def rhythm(self) -> Rhythm:
        beats = np.array(self.window.beats)
        beats[0] += self.window.words_per_window
        return Rhythm(beats, np.full(len(beats), self.pe))

    @property
    def roms(self) -> tuple[Rom, ...]:
        return () if self.levels.rom is None else (self.levels.rom,)

    def create(self) -> "ListedSum":
        return ListedSum(self)

    def values(self, elements: np.ndarray) -> np.ndarray:
        """Values of stored elements."""
        kept = np.zeros(elements.shape, np.int64)
        for at, plane in enumerate(self.planes):
            kept += (elements.astype(np.int64) >> at & 1) << plane
        return 2 * kept - self.magnitude if self.signed else kept

    def reference(self, window: np.ndarray, skip: np.ndarray) -> np.ndarray:
        """Outputs (outputs,) for the stored taps (taps,) of one window and the mask of those that are skipped."""
        values = np.where(skip, 0, self.values(window))
        ones = np.array([values[list(taps)].sum() for taps in self.window.lists], np.int64)
        return self.levels.reference(self.low * values.sum() + self.step * ones + self.agreement.offset)


class ListedSum(StreamComponent):
    """Beats of a listed window in, ``pe`` outputs after the last beat of every group out.

    Latency: 4 cycles from the last beat of a group. Throughput: a beat a cycle.
    """

    def __init__(self, shape: ListedSumShape) -> None:
        self.shape = shape
        super().__init__(
            {"i": In(word_stream(shape.input)), "o": Out(word_stream(lanes_layout(shape.pe, shape.level_bits)))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape, beat = self.shape, self.i.payload

        # Values: what this beat adds to the whole window's sum, or to each lane's.
        valued, value_free = stage(m, "valued", self.i.valid)
        take = self.i.valid & value_free
        m.d.comb += self.i.ready.eq(value_free)
        is_whole = keep(m, take, beat.whole, "whole")
        last = keep(m, take, beat.last & ~beat.whole, "last")
        whole = keep(m, take, self._whole(m), "whole_value")
        lanes = [
            keep(m, take, Mux(beat.use[lane], self._value(beat.taps[lane]), 0), "value") for lane in range(shape.pe)
        ]

        # Sums: the first word of a window, and the first beat of a group, start anew.
        summed, sum_free = stage(m, "summed", valued & last)
        add = valued & sum_free
        m.d.comb += value_free.eq(~valued | sum_free)
        reach_whole, reach_ones = shape.reach
        total = Signal(signed(1 + reach_whole.bit_length()))
        window_starts, group_starts = Signal(init=1), Signal(init=1)
        sums = [Signal(signed(1 + reach_ones.bit_length()), name=f"sum_{lane}") for lane in range(shape.pe)]
        with m.If(add):
            m.d.sync += window_starts.eq(~is_whole)
            with m.If(is_whole):
                m.d.sync += total.eq(Mux(window_starts, 0, total) + whole)
            with m.Else():
                m.d.sync += group_starts.eq(last)
                m.d.sync += [own.eq(Mux(group_starts, 0, own) + value) for own, value in zip(sums, lanes, strict=True)]

        # Counts, then levels.
        counted, count_free = stage(m, "counted", summed)
        settle = summed & count_free
        m.d.comb += sum_free.eq(~summed | count_free)
        shared = times(total, shape.low) + int(shape.agreement.offset[0])
        bits = shape.levels.count_bits
        counts = [keep(m, settle, (times(own, shape.step) + shared)[:bits], "count") for own in sums]
        fold = Loop("fold", shape.folds)
        nest(m, settle, [fold])
        limits = shape.levels.read(m, fold.value, settle)
        m.d.comb += count_free.eq(~counted | ~self.o.valid | self.o.ready)
        shape.levels.send(m, self.o, counted, counts, limits)
        return m

    def _value(self, element: Value) -> Value:
        """The value of one element."""
        shape = self.shape
        kept: Value = Const(0, 1)
        for at, plane in enumerate(shape.planes):
            kept = kept | element[at] << plane
        return (kept << 1) - shape.magnitude if shape.signed else kept

    def _whole(self, m: Module) -> Value:
        """The sum of the values of a word, if it counts."""
        shape, word = self.shape, self.i.payload
        lanes = shape.window.lanes
        total: Value = Const(0, 1)
        for at, plane in enumerate(shape.planes):
            total = total + (popcount(m, [word.x[lane][at] for lane in range(lanes)]) << plane)
        value = (total << 1) - lanes * shape.magnitude if shape.signed else total
        return Mux(word.skip, 0, value) if shape.window.skips else value

"""The last stage: counts to integer scores, and the class that wins."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from amaranth import Const, Module, Mux, Signal, Value
from amaranth.hdl import signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from hw.datapath.rom import Rom
from hw.stream.counter import Loop, nest
from hw.stream.registers import keep, stages
from hw.stream.words import StreamComponent, lanes_layout, word_stream

__all__ = ["Output", "ParallelResults", "Results", "ResultsShape"]

Output = Literal["scores", "class"]


@dataclass(frozen=True, eq=False)
class ResultsShape:
    """score = slope[c] * count + offset[c] for each class c, from a stream of ``lanes`` counts of ``bits`` bits a word.

    ``output`` "scores" sends every score and then the class, "class" the class alone. The first of the largest scores
    wins. ``lanes`` is 1, or with "class" all classes.
    """

    slope: np.ndarray
    offset: np.ndarray
    bits: int
    top: int
    output: Output
    lanes: int = 1

    def __post_init__(self) -> None:
        if self.output not in ("scores", "class"):
            raise ValueError(f"output must be scores or class, not {self.output!r}")
        if self.lanes != 1 and (self.lanes != self.classes or self.output != "class"):
            raise ValueError(f"lanes must be 1, or with output class all {self.classes} classes, not {self.lanes!r}")

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.slope)

    @property
    def cycles(self) -> int:
        """Cycles a frame."""
        return self.classes // self.lanes + (self.output == "scores")

    @cached_property
    def score_bits(self) -> int:
        """Bits of a score in two's complement."""
        pairs = [(int(a), int(b)) for a, b in zip(self.slope, self.offset, strict=True)]
        ends = [a * count + b for a, b in pairs for count in (0, self.top)]
        return 1 + max((end if end >= 0 else ~end).bit_length() for end in ends)

    @property
    def result_bits(self) -> int:
        """Bits of a result, score or class, in whole bytes."""
        wide = max(self.score_bits if self.output == "scores" else 0, (self.classes - 1).bit_length(), 1)
        return -(-wide // 8) * 8

    @property
    def payload(self) -> data.StructLayout:
        """``value``, a score sign-extended or a class, and ``last`` with the class."""
        return data.StructLayout({"value": unsigned(self.result_bits), "last": unsigned(1)})

    @cached_property
    def roms(self) -> tuple[Rom, ...]:
        """Slopes and offsets by class, where there is one class at a time."""
        return () if self.lanes > 1 else self.columns

    @cached_property
    def columns(self) -> tuple[Rom, Rom]:
        """Slopes and offsets by class."""
        return self.table("slopes", self.slope), self.table("offsets", self.offset)

    def table(self, name: str, column: np.ndarray) -> Rom:
        """A ROM of a column of integers in two's complement; one row where they are all equal."""
        width = 1 + max((int(v) if v >= 0 else ~int(v)).bit_length() for v in column)
        rows = [int(v) for v in column]
        if len(set(rows)) == 1:
            rows = rows[:1]
        return Rom(name, tuple(row % (1 << width) for row in rows), width)

    def create(self) -> "Results | ParallelResults":
        """The component."""
        return Results(self) if self.lanes == 1 else ParallelResults(self)

    def reference(self, counts: np.ndarray) -> tuple[np.ndarray, int]:
        """Scores (classes,) and class for the counts (classes,) of one image."""
        scores = self.slope * counts.astype(np.int64) + self.offset
        return scores, int(scores.argmax())


class Results(StreamComponent):
    """Multiply, add, compare: one class at a time. Latency 3. Throughput: a count a cycle, and one cycle more a frame
    for the class where scores are sent."""

    def __init__(self, shape: ResultsShape) -> None:
        self.shape = shape
        super().__init__({"i": In(word_stream(lanes_layout(1, shape.bits))), "o": Out(word_stream(shape.payload))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        at = Loop("at", shape.classes)
        take = Signal()
        nest(m, take, [at])
        held, held_free, scored, scored_free = (Signal(name=n) for n in ("held", "held_free", "scored", "scored_free"))
        m.d.comb += [self.i.ready.eq(held_free), take.eq(self.i.valid & held_free), held_free.eq(~held | scored_free)]

        count, index = Signal(shape.bits), Signal(range(max(2, shape.classes)))
        with m.If(held_free):
            m.d.sync += held.eq(self.i.valid)
        with m.If(take):
            m.d.sync += [count.eq(self.i.payload[0]), index.eq(at.value)]
        slope, offset = (rom.read(m, at.value, take).as_signed() for rom in shape.columns)

        score, score_index = Signal(signed(shape.score_bits)), Signal.like(index)
        with m.If(scored_free):
            m.d.sync += scored.eq(held)
            with m.If(held):
                m.d.sync += [score.eq(self._scaled(count, slope) + offset), score_index.eq(index)]
        self._argmax(m, score, score_index, scored, scored_free)
        return m

    def _scaled(self, count: Value, slope: Value) -> Value:
        """slope * count; a common slope of 1 or 2 is wiring."""
        slopes = set(self.shape.slope.tolist())
        if slopes in ({1}, {2}):
            return count << (slopes.pop() - 1)
        return slope * count

    def _argmax(self, m: Module, score: Signal, index: Signal, scored: Value, scored_free: Signal) -> None:
        """Send the score, keep the best so far, and send the winner after the last one."""
        shape, o = self.shape, self.o
        best, winner = Signal.like(score), Signal.like(index)
        better, last, finish = Signal(), Signal(), Signal()
        free = Signal()
        m.d.comb += [
            free.eq(~o.valid | o.ready),
            better.eq((index == 0) | (score > best)),
            last.eq(index == shape.classes - 1),
        ]
        with m.If(scored & scored_free & better):
            m.d.sync += [best.eq(score), winner.eq(index)]
        if shape.output == "class":
            m.d.comb += scored_free.eq(~scored | ~last | free)
            with m.If(free):
                m.d.sync += o.valid.eq(scored & last)
                with m.If(scored & last):
                    m.d.sync += [o.payload.value.eq(Mux(better, index, winner)), o.payload.last.eq(1)]
            return
        m.d.comb += scored_free.eq(~scored | (free & ~finish))
        with m.If(free):
            m.d.sync += [o.valid.eq(scored | finish), finish.eq(scored & last & ~finish), o.payload.last.eq(finish)]
            with m.If(finish):
                m.d.sync += o.payload.value.eq(winner)
            with m.Elif(scored):
                m.d.sync += o.payload.value.eq(score)


class ParallelResults(StreamComponent):
    """All counts of a frame at once, and the class that wins: a tournament with a register behind every round.

    Latency: 2 cycles more than there are rounds. Throughput: a frame a cycle.
    """

    def __init__(self, shape: ResultsShape) -> None:
        self.shape = shape
        counts = lanes_layout(shape.classes, shape.bits)
        super().__init__({"i": In(word_stream(counts)), "o": Out(word_stream(shape.payload))})

    @property
    def rounds(self) -> int:
        """Comparisons one after another."""
        return (self.shape.classes - 1).bit_length()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        enables = stages(m, self.i, self.o, self.rounds + 2)
        # What is the same for all classes does not change the winner.
        offsets = shape.offset - shape.offset.min()
        largest = int((np.maximum(shape.slope, 0) * shape.top + offsets).max())
        smallest = int((np.minimum(shape.slope, 0) * shape.top + offsets).min())
        kind = signed(1 + max(largest.bit_length(), (-smallest).bit_length())) if smallest < 0 else range(largest + 1)
        players: list[tuple[Value, Value]] = []
        for number in range(shape.classes):
            score = Signal(kind, name=f"scored_{number}")
            m.d.comb += score.eq(self.i.payload[number] * int(shape.slope[number]) + int(offsets[number]))
            own = Const(number, range(max(2, shape.classes)))
            players.append((keep(m, enables[0], score, f"score_{number}"), own))
        for at, enable in enumerate(enables[1:-1]):
            winners = []
            for pair in range(0, len(players), 2):
                score, number = players[pair]
                if pair + 1 < len(players):
                    first, other = score >= players[pair + 1][0], players[pair + 1]
                    score, number = Mux(first, score, other[0]), Mux(first, number, other[1])
                kept = keep(m, enable, score, f"best_{at}_{pair}")
                winners.append((kept, keep(m, enable, number, f"winner_{at}_{pair}")))
            players = winners
        with m.If(enables[-1]):
            m.d.sync += [self.o.payload.value.eq(players[0][1]), self.o.payload.last.eq(1)]
        return m

"""A layer with its weights as constants: a window in, all outputs out, in every cycle."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from amaranth import Cat, Module, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from hw.datapath.rom import Rom
from hw.layer.border import counts
from hw.layer.levels import Levels
from hw.layer.unit import Rhythm, UnitShape
from hw.layer.window import WindowShape
from hw.stream.registers import stages
from hw.stream.words import StreamComponent, lanes_layout, taps_layout, word_stream
from hw.unrolled.emit import build, stages_of
from hw.unrolled.optimise import COSTS, Unrolling, optimise
from hw.unrolled.two_level import two_level
from sw.network.agreement import Agreement

__all__ = ["Unrolled", "UnrolledShape", "skip_cases"]


def skip_cases(window: WindowShape) -> np.ndarray:
    """Which kernel positions the windows of an image skip, a row for each case that occurs: bool (cases, positions)."""
    rows, columns = window.kernel
    y = window.origins[:, :1] + np.arange(rows)
    x = window.origins[:, 1:] + np.arange(columns)
    inside = ((y >= 0) & (y < window.height))[:, :, None] & ((x >= 0) & (x < window.width))[:, None, :]
    return np.unique(~inside.reshape(len(inside), -1), axis=0)


@dataclass(frozen=True, eq=False)
class UnrolledShape(UnitShape):
    """``weights`` (outputs, taps) of 0 and 1 against windows of taps of bit planes with weights 2**planes.

    A window takes one cycle. What is counted for an output, and how skipped taps enter, says ``agreement``.
    ``thresholds`` (outputs, 2**k - 1), on that count, and ``invert`` (outputs,) make levels; without them the counts go
    out. ``skip_cases`` (cases, positions) are the sets of kernel positions that a window may skip; others must not
    come. ``family`` is the FPGA that it is built for, one of `hw.unrolled.optimise.COSTS`. There is a register after
    every ``levels`` tables or carry chains; 0 is for registers at the input and the output alone. With ``registered``
    what comes in stands in registers already, so that there is none at the input, and none at all where the outputs
    are inputs and their complements.
    """

    weights: np.ndarray
    planes: tuple[int, ...]
    agreement: Agreement
    thresholds: np.ndarray | None = None
    invert: np.ndarray | None = None
    skip_cases: np.ndarray = field(default_factory=lambda: np.zeros((1, 0), bool))
    family: str = "ice40"
    levels: int = 0
    registered: bool = False
    effort: int = 20_000
    pe: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pe", len(self.weights))
        if self.family not in COSTS:
            raise ValueError(f"family must be one of {', '.join(COSTS)}, not {self.family!r}")
        if not isinstance(self.levels, int) or self.levels < 0:
            raise ValueError(f"levels must be 0 or a positive integer, not {self.levels!r}")
        if bool(self.skip_positions) != bool(self.agreement.skip_channels):
            raise ValueError("skip_cases must name kernel positions exactly where the agreement skips taps")

    @property
    def simd(self) -> int:
        """Taps at once: all."""
        return self.weights.shape[1]

    @property
    def skip_positions(self) -> int:
        """Positions of the kernel where taps can be skipped, or 0."""
        return self.skip_cases.shape[1]

    @property
    def behind(self) -> Levels:
        """What the outputs are, told for the counts."""
        return Levels(self.pe, self.agreement.top, self.thresholds, self.invert)

    @property
    def ones_alone(self) -> bool:
        """Whether counts go out that are those of a row's ones: the lower of two levels is 0."""
        agreement = self.agreement
        return self.thresholds is None and agreement.ratio == 1 << agreement.shift and not agreement.skip_channels

    @property
    def sums(self) -> tuple[int, np.ndarray, int]:
        if not self.ones_alone:
            return super().sums
        slope, offset, _ = super().sums
        ones = self.weights.sum(axis=1, dtype=np.int64)
        return slope * self.step, offset - slope * self.of_zeros, int(ones.max()) * self.unit

    @property
    def unit(self) -> int:
        """What a tap of all planes counts."""
        return sum(1 << plane for plane in self.planes)

    @property
    def step(self) -> int:
        """How far a row's two levels are apart, in what is counted."""
        return 2 << self.agreement.shift

    @property
    def of_zeros(self) -> np.ndarray:
        """What is counted for a row's zeros where the lower level is 0, whatever the taps are."""
        return (1 - self.weights.astype(np.int64)).sum(axis=1) * self.unit << self.agreement.shift

    @property
    def level_bits(self) -> int:
        return self.sums[2].bit_length() if self.thresholds is None else self.behind.bits

    @property
    def rhythm(self) -> Rhythm:
        return Rhythm.even(1, 1, self.pe)

    @property
    def roms(self) -> tuple[Rom, ...]:
        return ()

    @property
    def stages(self) -> int:
        """Registers between the one at the input and the one at the output."""
        return stages_of(self.unrolling.depth, self.levels)

    @property
    def latency(self) -> int:
        """Cycles from a window to its outputs, which is the number of registers on the way."""
        if self.registered:
            return self.stages + 1 if self.unrolling.depth else 0
        return self.stages + 2

    @property
    def input(self) -> data.StructLayout:
        positions = self.skip_positions if self.agreement.skip_channels else 0
        return taps_layout(self.simd, len(self.planes), positions)

    @cached_property
    def unrolling(self) -> Unrolling:
        """The layer as tables and carry chains. A skipped tap enters as 0, and the case corrects the count."""
        agreement, weights = self.agreement, self.weights.astype(np.int64)
        unit, scale = self.unit, 1 << agreement.doubled
        # What a skipped tap adds that is told as 0, and what it should add, for each case.
        skipped = np.repeat(self.skip_cases, agreement.skip_channels, axis=1).astype(np.int64)
        zeros = (1 - weights) @ skipped.T if skipped.size else np.zeros((len(weights), 1), np.int64)
        added = self.skip_cases.sum(axis=1) * agreement.per_position
        ends = {"thresholds": self.thresholds, "invert": self.invert, "planes": self.planes}
        if agreement.ratio == 0:
            corrections = (added - zeros * unit * scale) << agreement.shift if agreement.skip_channels else None
            return optimise(
                self.weights,
                self.family,
                scale=scale << agreement.shift,
                corrections=corrections,
                effort=self.effort,
                **ends,
            )
        if self.ones_alone:
            none = np.zeros((self.pe, 1), np.int64)
            return two_level(self.weights, self.family, low=0, high=1, planes=self.planes, corrections=none)
        # The agreements of a row are those of its ones less those of the window's sum, twice, and its zeros; see
        # `sw.network.agreement`.
        unset = (1 - weights).sum(axis=1, keepdims=True)
        rows = unit * scale * (unset - zeros) + added
        return two_level(
            self.weights,
            self.family,
            low=agreement.ratio - (1 << agreement.shift),
            high=agreement.ratio - (1 << agreement.shift) + self.step,
            scale=scale,
            corrections=(rows << agreement.shift) + agreement.ratio * added - agreement.base,
            **ends,
        )

    def create(self) -> "Unrolled":
        return Unrolled(self)

    def reference(self, window: np.ndarray, skip: np.ndarray) -> np.ndarray:
        """Outputs (outputs,) for the stored taps (taps,) of one window and the mask of those that are skipped."""
        found = counts(self.weights, self.agreement, self.planes, window, skip)
        return (found - self.of_zeros) // self.step if self.ones_alone else self.behind.reference(found)


class Unrolled(StreamComponent):
    """Windows in, all their outputs out.

    Latency: `UnrolledShape.latency` cycles. Throughput: a window a cycle. Each register stage loads when it is empty or
    the next one takes what it holds.
    """

    def __init__(self, shape: UnrolledShape) -> None:
        self.shape = shape
        super().__init__(
            {"i": In(word_stream(shape.input)), "o": Out(word_stream(lanes_layout(shape.pe, shape.level_bits)))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape, unrolling = self.shape, self.shape.unrolling
        enables = stages(m, self.i, self.o, shape.latency) if shape.latency else []
        held = Signal(len(self.i.payload.as_value()))
        if shape.registered:
            m.d.comb += held.eq(self.i.payload.as_value())
        else:
            with m.If(enables[0]):
                m.d.sync += held.eq(self.i.payload.as_value())
        inside = enables[not shape.registered : -1]
        built = build(m, unrolling.graph, self._bits(m, held), unrolling.literals, shape.levels, inside)
        lanes, at = [], 0
        for literals in unrolling.outputs:
            lane = Cat(built.outputs[at : at + len(literals)])
            lanes.append(_sized(lane, shape.level_bits))
            at += len(literals)
        if enables:
            with m.If(enables[-1]):
                m.d.sync += self.o.payload.as_value().eq(Cat(lanes))
        else:
            m.d.comb += [
                self.o.payload.as_value().eq(Cat(lanes)),
                self.o.valid.eq(self.i.valid),
                self.i.ready.eq(self.o.ready),
            ]
        return m

    def _bits(self, m: Module, held: Signal) -> list[Value]:
        """The inputs of the graph: planes of taps, 0 where a tap is skipped, and the number of the case."""
        shape = self.shape
        planes = len(shape.planes)
        taps = [held[bit] for bit in range(shape.simd * planes)]
        if not shape.agreement.skip_channels:
            return taps
        word = data.View(shape.input, held)
        channels = shape.agreement.skip_channels
        kept = Signal(len(taps), name="kept")
        m.d.comb += kept.eq(Cat(taps) & ~Cat(word.skip[tap].replicate(planes) for tap in range(shape.simd)))
        case = Signal((len(shape.skip_cases) - 1).bit_length(), name="case")
        with m.Switch(Cat(word.skip[position * channels] for position in range(shape.skip_positions))):
            for number, positions in enumerate(shape.skip_cases):
                with m.Case(sum(int(skipped) << at for at, skipped in enumerate(positions))):
                    m.d.comb += case.eq(number)
        return [*kept, *case]


def _sized(value: Value, bits: int) -> Value:
    """A value cut, or filled with zeros, to a number of bits."""
    sized = Cat(value, *[0] * max(0, bits - len(value)))
    return sized[:bits]

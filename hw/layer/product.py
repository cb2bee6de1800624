"""Matrix times window: folded XNOR-popcount with thresholds, the compute unit of convolution and dense layers."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.hdl import signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from hw.datapath.popcount import plane_agreements
from hw.datapath.rom import Rom, RomStyle
from hw.datapath.times import times
from hw.layer.border import counts, missing_count
from hw.layer.levels import Levels
from hw.layer.unit import Rhythm, UnitShape
from hw.stream.counter import Loop, nest
from hw.stream.registers import keep, stage
from hw.stream.words import StreamComponent, lanes_layout, taps_layout, word_stream
from sw.network.agreement import Agreement

__all__ = ["MatrixVector", "ProductShape"]


@dataclass(frozen=True, eq=False)
class ProductShape(UnitShape):
    """``weights`` (outputs, taps) of 0 and 1 against windows of taps of bit planes with weights 2**planes.

    ``pe`` outputs at once, ``simd`` taps at once: a window takes outputs / pe * taps / simd cycles. What is counted for
    an output, and how skipped taps enter, says ``agreement``. ``thresholds`` (outputs, 2**k - 1), on that count, and
    ``invert`` (outputs,) make levels; without them the counts go out. ``skip_positions`` is the number of positions of
    the kernel. ``series``: the planes pass one after another through the lanes of one, the highest first, the window
    being sent for each of them anew, so that a window takes as many times longer.
    """

    weights: np.ndarray
    planes: tuple[int, ...]
    pe: int
    simd: int
    agreement: Agreement
    thresholds: np.ndarray | None = None
    invert: np.ndarray | None = None
    skip_positions: int = 0
    rom: RomStyle = "auto"
    series: bool = False

    def __post_init__(self) -> None:
        outputs, taps = self.weights.shape
        if not isinstance(self.pe, int) or self.pe < 1 or outputs % self.pe:
            raise ValueError(f"pe must divide the {outputs} outputs, not {self.pe!r}")
        if not isinstance(self.simd, int) or self.simd < 1 or taps % self.simd:
            raise ValueError(f"simd must divide the {taps} taps, not {self.simd!r}")

    @property
    def unit(self) -> int:
        """What one agreement in every plane counts: the sum of 2**planes."""
        return sum(1 << plane for plane in self.planes)

    @property
    def passes(self) -> int:
        """How often a window is sent for a group of outputs."""
        return len(self.planes) if self.series else 1

    @property
    def folds(self) -> int:
        """Groups of ``pe`` outputs."""
        return len(self.weights) // self.pe

    @property
    def words(self) -> int:
        """Words of ``simd`` taps in a window."""
        return self.weights.shape[1] // self.simd

    @property
    def weight_rom_depth(self) -> int:
        """Rows of the weight ROM."""
        return self.folds * self.words

    @cached_property
    def levels(self) -> Levels:
        """What follows the counts."""
        return Levels(self.pe, self.agreement.top, self.thresholds, self.invert)

    @property
    def row_bits(self) -> int:
        """Bits of the agreements of a row."""
        return self.agreement.row_top.bit_length()

    @property
    def level_bits(self) -> int:
        return self.levels.bits

    @property
    def rhythm(self) -> Rhythm:
        return Rhythm.even(self.folds, self.words * self.passes, self.pe)

    @property
    def roms(self) -> tuple[Rom, ...]:
        limits = self.levels.rom
        return (self.weight_rom,) if limits is None else (self.weight_rom, limits)

    @property
    def input(self) -> data.StructLayout:
        return self.word(len(self.planes))

    def word(self, planes: int) -> data.StructLayout:
        """A word of taps of ``planes`` planes."""
        return taps_layout(self.simd, planes, self.skip_positions if self.agreement.skip_channels else 0)

    @cached_property
    def weight_rom(self) -> Rom:
        """Row fold * words + word: lane p * simd + i is the weight of output fold * pe + p for tap word * simd + i."""
        table = self.weights.reshape(self.folds, self.pe, self.words, self.simd).transpose(0, 2, 1, 3)
        rows = np.packbits(table.reshape(self.folds * self.words, -1), axis=1, bitorder="little")
        words = tuple(int.from_bytes(row.tobytes(), "little") for row in rows)
        return Rom("weights", words, self.pe * self.simd, self.rom, in_order=not self.series)

    def create(self) -> "MatrixVector":
        return MatrixVector(self)

    def reference(self, window: np.ndarray, skip: np.ndarray) -> np.ndarray:
        """Outputs (outputs,) for the stored taps (taps,) of one window and the mask of those that are skipped."""
        return self.levels.reference(counts(self.weights, self.agreement, self.planes, window, skip))


class MatrixVector(StreamComponent):
    """Words of taps in, ``pe`` outputs at a time out; a window's words come ``folds`` times ``passes`` times over.

    Latency: 3 cycles from the last word of a window, 2 where it is all there is, one more with two levels.
    Throughput: a word a cycle. Each register stage loads when it is empty or the next one takes what it holds.
    """

    def __init__(self, shape: ProductShape) -> None:
        self.shape = shape
        super().__init__(
            {"i": In(word_stream(shape.input)), "o": Out(word_stream(lanes_layout(shape.pe, shape.level_bits)))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        word, plane, fold = Loop("word", shape.words), Loop("plane", shape.passes), Loop("fold", shape.folds)
        take = Signal()
        nest(m, take, [word, plane, fold])
        row = Signal(range(shape.weight_rom.depth))
        following: Value = Mux(fold.done, 0, row + 1)
        if shape.series:
            following = Mux(word.last & ~plane.last, row - (shape.words - 1), following)
        with m.If(take):
            m.d.sync += row.eq(following[: len(row)])

        # Fetch: the taps are registered beside the weights that the memory returns.
        fetched, fetch_free = stage(m, "fetched", self.i.valid)
        m.d.comb += [self.i.ready.eq(fetch_free), take.eq(self.i.valid & fetch_free)]
        taps = keep(m, take, self._arriving(plane.value), "taps")
        weights = shape.weight_rom.read(m, row, take)
        first, last = keep(m, take, word.value == 0, "first"), keep(m, take, word.last & plane.last, "last")
        at_plane = keep(m, take, plane.value, "at_plane")
        at_fold = keep(m, take, fold.value, "at_fold")

        # Count: agreements of these taps.
        counted, count_free = stage(m, "counted", fetched)
        m.d.comb += fetch_free.eq(~fetched | count_free)
        count_now = fetched & count_free
        word_in = data.View(shape.word(1 if shape.series else len(shape.planes)), taps)
        partial = [keep(m, count_now, total, "partial") for total in self._counts(m, word_in, weights)]
        missing: Value = Const(0, 1)
        if shape.agreement.skip_channels:
            added = missing_count(m, shape.agreement, shape.skip_positions, word_in.missing)
            missing = keep(m, count_now, added, "missing")

        # Accumulate over the words and passes of a window; a window of one word is complete at once.
        sum_free = Signal()
        if shape.words * shape.passes == 1:
            totals, complete = [(part + missing)[: shape.row_bits] for part in partial], counted
            m.d.comb += count_free.eq(~counted | sum_free)
            settle = count_now
        else:
            first = keep(m, count_now, first, "counted_first")
            last = keep(m, count_now, last, "counted_last")
            at_fold = keep(m, count_now, at_fold, "counted_fold")
            at_plane = keep(m, count_now, at_plane, "counted_plane")
            complete, add_free = stage(m, "summed", counted & last)
            m.d.comb += [add_free.eq(~complete | sum_free), count_free.eq(~counted | add_free)]
            settle = counted & add_free
            totals = []
            for part in partial:
                total = Signal(shape.row_bits, name="total")
                with m.If(settle):
                    m.d.sync += total.eq(Mux(first, self._begin(total, at_plane, missing), total) + part)
                totals.append((total << shape.planes[0])[: shape.row_bits] if shape.series else total)

        # With two levels, the window's own sum joins each row's.
        out_free = ~self.o.valid | self.o.ready
        if shape.agreement.ratio:
            at_fold = keep(m, settle, at_fold, "summed_fold")
            joined, join_free = stage(m, "joined", complete)
            m.d.comb += [sum_free.eq(~complete | join_free), join_free.eq(~joined | out_free)]
            settle = complete & join_free
            totals = [keep(m, settle, count, "count") for count in self._joined(m, totals)]
            complete = joined
        else:
            m.d.comb += sum_free.eq(out_free)
            totals = [(total << shape.agreement.shift)[: shape.levels.count_bits] for total in totals]
        limits = shape.levels.read(m, at_fold, settle)

        shape.levels.send(m, self.o, complete, totals, limits)
        return m

    def _arriving(self, plane: Value) -> Value:
        """The word at the input; with planes in series, of that one plane, the first being the highest."""
        shape, word = self.shape, self.i.payload
        if not shape.series:
            return word.as_value()
        place = len(shape.planes) - 1 - plane
        bits = Cat(word.x[lane].bit_select(place[: len(plane)], 1) for lane in range(shape.simd))
        return Cat(bits, word.as_value()[shape.simd * len(shape.planes) :])

    def _begin(self, total: Value, plane: Value, missing: Value) -> Value:
        """What the first word of a pass is added to: nothing, or the higher planes' total, moved up to this plane."""
        shape = self.shape
        if not shape.series:
            return missing
        begin: Value = Const(0, 1)
        steps = [high - low for low, high in pairwise(shape.planes)][::-1]
        for number, step in enumerate(steps, start=1):
            begin = Mux(plane == number, total << step, begin)
        # What lies outside counts once, and not before the planes that it is told in.
        return begin + Mux(plane == shape.passes - 1, missing, 0) if len(missing) > 1 else begin

    def _counts(self, m: Module, word: data.View, weights: Value) -> list[Value]:
        """What this word adds to the agreements of the ``pe`` outputs and, with two levels, of a row of ones."""
        shape = self.shape
        held = 1 if shape.series else len(shape.planes)
        lanes = [Cat(word.x[lane][place] for lane in range(shape.simd)) for place in range(held)]
        planes = dict(zip((0,) if shape.series else shape.planes, lanes, strict=True))
        skip = word.skip if shape.agreement.skip_channels else None
        rows: list[Value] = [weights[p * shape.simd : (p + 1) * shape.simd] for p in range(shape.pe)]
        if shape.agreement.ratio:
            rows.append(Const(-1, shape.simd))
        counts = [plane_agreements(m, planes, row, skip) for row in rows]
        return [Cat(Const(0, 1), count) for count in counts] if shape.agreement.doubled else counts

    def _joined(self, m: Module, totals: list[Value]) -> list[Value]:
        """Counts from the agreements of the rows and, last, of the row of ones."""
        agreement, bits = self.shape.agreement, self.shape.levels.count_bits
        shared = Signal(signed(bits + 1))
        m.d.comb += shared.eq(times(totals[-1], agreement.ratio) - agreement.base)
        return [((total << agreement.shift) + shared)[:bits] for total in totals[:-1]]

"""The plain specification of the compute unit: sums of products, and thresholds on sums."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth import Array, Cat, Const, Module, Mux, Signal, Value

from hw.layer.levels import Levels
from hw.layer.product import ProductShape
from hw.layer.unit import UnitShape
from sw.network import Convolution, Dense, DenseEncoding, Padding, TensorType
from sw.network.agreement import Agreement
from sw.network.encodings.two_level import TwoLevelEncoding
from tests.formal.frames import FrameCheck, Frames, Word

__all__ = ["AnyLevels", "AnyRom", "Layer", "any_of", "any_product", "level", "product", "split", "worth"]


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer as its definition has it: ``weights`` (outputs, taps) of 0 and 1 on levels, or on ``pixels``.

    They stand for -1 and +1 or, with ``two_level`` (ratio, fraction), for ratio - 2**fraction and ratio + 2**fraction.
    ``thresholds`` (outputs, n) are on sums; with none the counts are looked at. ``kernel`` is that of a convolution
    with zero padding, whose windows skip whole positions.
    """

    weights: np.ndarray
    planes: tuple[int, ...] = (0,)
    pixels: bool = False
    thresholds: np.ndarray | None = None
    invert: np.ndarray | None = None
    kernel: tuple[int, int] | None = None
    two_level: tuple[int, int] | None = None

    @property
    def values(self) -> tuple[int, int]:
        """What the weights 0 and 1 stand for."""
        ratio, fraction = self.two_level or (0, 0)
        return ratio - (1 << fraction), ratio + (1 << fraction)

    @property
    def channels(self) -> int:
        """Taps of a position of the kernel."""
        return self.weights.shape[1] // (self.kernel[0] * self.kernel[1]) if self.kernel else self.weights.shape[1]

    @cached_property
    def agreement(self) -> Agreement:
        """How the hardware is told to count."""
        outputs, taps = self.weights.shape
        if self.pixels:
            kind = TensorType.pixels(1, 1, taps, self.planes)
        else:
            kind = TensorType.levels(8, 8, self.channels, len(self.planes))
        plain = DenseEncoding(self.weights.reshape(outputs, *(self.kernel or ()), self.channels))
        weights = plain if self.two_level is None else TwoLevelEncoding(plain, *self.two_level)
        if self.kernel is None:
            return Agreement.of(Dense(name="layer", reads=("input",), weights=weights), kind)
        return Agreement.of(
            Convolution(name="layer", reads=("input",), weights=weights, padding=Padding("zero", 1)), kind
        )

    def shape(self, pe: int, simd: int, series: bool = False) -> ProductShape:
        """The hardware's parameters."""
        return ProductShape(
            self.weights,
            self.planes,
            pe,
            simd,
            self.agreement,
            self.on_counts,
            self.invert,
            skip_positions=self.kernel[0] * self.kernel[1] if self.kernel else 0,
            series=series,
        )

    @property
    def on_counts(self) -> np.ndarray | None:
        """The thresholds as hardware has them."""
        return None if self.thresholds is None else self.agreement.thresholds(self.thresholds)

    def sum(self, output: int, taps: list[Value], skips: list[Value]) -> Value:
        """The sum by definition: every tap's worth times the weight's value, skipped taps worth 0."""
        total: Value = Const(0)
        for weight, tap, skip in zip(self.weights[output].tolist(), taps, skips, strict=True):
            total = total + Mux(skip, 0, worth(tap, self.planes, self.pixels) * self.values[weight])
        return total

    def output(self, unit: UnitShape, at: int, taps: list[Value], skips: list[Value]) -> Value:
        """What output ``at`` of ``unit`` must be: the level of the sum, or the count that stands for it."""
        total = self.sum(at, taps, skips)
        if self.thresholds is not None and self.invert is not None:
            return level(total, self.thresholds[at].tolist(), int(self.invert[at]), unit.level_bits)
        # slope * count - offset is the sum, and slope is a power of two.
        slope, offset, _ = unit.sums
        return ((total + int(offset[at])) >> (slope.bit_length() - 1))[: unit.level_bits]


def worth(tap: Value, planes: tuple[int, ...], pixels: bool) -> Value:
    """The value of a tap: of pixels the planes kept; of levels q, 2 q less the largest of them."""
    kept: Value = Const(0)
    for place, plane in enumerate(planes):
        kept = kept + (tap[place] << plane)
    return kept if pixels else (kept << 1) - sum(1 << plane for plane in planes)


def level(total: Value, limits: list[int] | list[Value], invert: Value | int, bits: int) -> Value:
    """The number of thresholds that are passed, each xor invert."""
    passed = [(total >= limit) ^ invert for limit in limits]
    return sum(passed[1:], Const(0, bits) + passed[0])[:bits]


def split(
    words: list[Value], lanes: int, bits: int, channels: int = 0, passes: int = 1, order: Sequence[int] = ()
) -> tuple[list[Value], list[Value], Value]:
    """Taps and skip bits of a window's words, and whether ``skip`` and ``missing`` are such as windows send.

    Without ``channels`` no tap is skipped. In the first of ``passes`` the highest plane is looked at, and so on. Taps
    come in row, column, channel order, or in that which ``order`` numbers.
    """
    once = len(words) // passes
    taps, skips, consistent = [], [], []
    for at, word in enumerate(words[:once]):
        sent = [words[number * once + at] for number in reversed(range(passes))]
        for lane in range(lanes):
            taps.append(Cat(sent[bit % passes].word_select(lane, bits)[bit] for bit in range(bits)))
        end = lanes * bits
        skips += list(word[end : end + lanes]) if channels else [Const(0)] * lanes
        consistent += [word[end:] == again[end:] for again in sent[:-1] if channels]
    if order:
        places = sorted(range(len(taps)), key=order.__getitem__)
        taps, skips = [taps[at] for at in places], [skips[at] for at in places]
    if channels:
        first = skips[::channels]
        missing = sum(first[1:], first[0])
        consistent += [skip == first[at // channels] for at, skip in enumerate(skips)]
        consistent += [word[lanes * (bits + 1) :] == missing for word in words]
    return taps, skips, Cat(consistent).all() if consistent else Const(1)


def windows_of(shape: ProductShape, words: list[Value]) -> list[tuple[list[Value], list[Value], Value, int]]:
    """`split` of the window of every fold, and the words until it ends."""
    size = shape.words * shape.passes
    channels = shape.agreement.skip_channels
    ends = range(size, len(words) + 1, size)
    return [
        (*split(words[end - size : end], shape.simd, len(shape.planes), channels, shape.passes), end) for end in ends
    ]


def product(layer: Layer, pe: int, simd: int, series: bool = False) -> FrameCheck:
    """The compute unit against the definition on sums, for the weights and thresholds of ``layer``."""
    shape = layer.shape(pe, simd, series)

    def out(words: list[Value]) -> list[Word]:
        sent = []
        for fold, (taps, skips, consistent, end) in enumerate(windows_of(shape, words)):
            lanes = [layer.output(shape, at, taps, skips) for at in range(fold * pe, (fold + 1) * pe)]
            sent.append(Word(list(Cat(lanes)), end, consistent))
        return sent

    return FrameCheck(shape.create(), product_frames(shape, out))


def product_frames(shape: ProductShape, out: Callable[[list[Value]], list[Word]]) -> Frames:
    """Frames of a unit of four register stages, or of five with two levels."""
    size, stages = shape.folds * shape.words * shape.passes, 5 if shape.agreement.ratio else 4
    return Frames(size, out, held=max(3, 2 + stages // size), patience=stages)


@dataclass(frozen=True, eq=False)
class AnyRom:
    """A table of which nothing is known, read like `hw.datapath.rom.Rom`."""

    rows: list[Signal]
    is_constant = False

    @property
    def depth(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def read(self, m: Module, address: Value, enable: Value) -> Value:
        """The row at ``address``, from the cycle after ``enable`` on; one row stands at once."""
        if len(self.rows) == 1:
            return self.rows[0]
        data = Signal.like(self.rows[0])
        with m.If(enable):
            m.d.sync += data.eq(Array(self.rows)[address])
        return data


@dataclass(frozen=True, eq=False)
class AnyLevels(Levels):
    """Levels whose thresholds can be anything; of those that are given only the number counts."""

    @cached_property
    def rom(self) -> AnyRom | None:
        """Rows as `Levels.rom` lays them out."""
        if self.thresholds is None:
            return None
        folds, width = len(self.thresholds) // self.pe, self.pe * (self.steps * self.width + 1)
        return AnyRom([Signal(width, name=f"thresholds_{fold}") for fold in range(folds)])

    @property
    def rows(self) -> list[Signal]:
        """The table, none where counts go out."""
        return [] if self.rom is None else self.rom.rows

    def of(self, fold: int, p: int, count: Value) -> Value:
        """What output ``p`` of a fold must be for a count."""
        if self.rom is None:
            return (count + Const(0, self.count_bits))[: self.count_bits]
        own = self.rom.rows[fold].word_select(p, self.steps * self.width + 1)
        return level(count, [own.word_select(j, self.width) for j in range(self.steps)], own[-1], self.bits)


@dataclass(frozen=True, eq=False)
class AnyProduct(ProductShape):
    """A compute unit whose tables can hold anything: what is proved of it holds for every weight and threshold."""

    @cached_property
    def weight_rom(self) -> AnyRom:
        """Rows as `ProductShape.weight_rom` lays them out."""
        return AnyRom([Signal(self.pe * self.simd, name=f"weights_{row}") for row in range(self.folds * self.words)])

    @cached_property
    def levels(self) -> AnyLevels:
        return AnyLevels(self.pe, self.agreement.top, self.thresholds, self.invert)


def any_of(tables: list[Signal]) -> tuple[dict[str, int], Callable[[Module, dict[str, Value]], None]]:
    """What `FrameCheck` must be told for ``tables`` that may hold anything."""

    def bind(m: Module, free: dict[str, Value]) -> None:
        m.d.comb += [row.eq(free[row.name]) for row in tables]

    return {row.name: len(row) for row in tables}, bind


def any_product(layer: Layer, pe: int, simd: int, series: bool = False) -> FrameCheck:
    """The compute unit against plain counts, for every weight and every threshold of a layer of this shape."""
    shape = AnyProduct(**vars(layer.shape(pe, simd, series)))
    tables, agreement = [*shape.weight_rom.rows, *shape.levels.rows], shape.agreement

    def plain(weights: list[Value], taps: list[Value], skips: list[Value]) -> Value:
        count: Value = Const(0)
        for weight, tap, skip in zip(weights, taps, skips, strict=True):
            for place, plane in enumerate(shape.planes):
                count = count + Mux(skip, 0, (tap[place] == weight) << plane)
        if agreement.skip_channels:
            count = count * (2 if agreement.doubled else 1)
            for skip in skips[:: agreement.skip_channels]:
                count = count + Mux(skip, agreement.per_position, 0)
        return count

    def lane(fold: int, p: int, taps: list[Value], skips: list[Value]) -> Value:
        weights = [
            shape.weight_rom.rows[fold * shape.words + word][p * simd + at]
            for word in range(shape.words)
            for at in range(simd)
        ]
        ones = plain([Const(1)] * len(taps), taps, skips) * agreement.ratio - agreement.base
        return shape.levels.of(fold, p, (plain(weights, taps, skips) << agreement.shift) + ones)

    def out(words: list[Value]) -> list[Word]:
        return [
            Word(list(Cat(lane(fold, p, taps, skips) for p in range(pe))), end, consistent)
            for fold, (taps, skips, consistent, end) in enumerate(windows_of(shape, words))
        ]

    return FrameCheck(shape.create(), product_frames(shape, out), *any_of(tables))

"""The plain specification of the compute unit: sums of products, and thresholds on sums."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth import Array, Cat, Const, Module, Mux, Signal, Value

from hw.layer.product import ProductShape
from sw.network import Convolution, Dense, DenseEncoding, Padding, TensorType
from sw.network.agreement import Agreement
from tests.formal.frames import FrameCheck, Frames, Word

__all__ = ["Layer", "any_product", "product"]


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer as its definition has it: ``weights`` (outputs, taps) of 0 and 1 on levels, or on ``pixels``.

    ``thresholds`` (outputs, n) are on sums; with none the counts are looked at. ``kernel`` is that of a convolution
    with zero padding, whose windows skip whole positions.
    """

    weights: np.ndarray
    planes: tuple[int, ...] = (0,)
    pixels: bool = False
    thresholds: np.ndarray | None = None
    invert: np.ndarray | None = None
    kernel: tuple[int, int] | None = None

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
        if self.kernel is None:
            return Agreement.of(Dense(name="layer", reads=("input",), weights=DenseEncoding(self.weights)), kind)
        weights = DenseEncoding(self.weights.reshape(outputs, *self.kernel, self.channels))
        return Agreement.of(
            Convolution(name="layer", reads=("input",), weights=weights, padding=Padding("zero", 1)), kind
        )

    def shape(self, pe: int, simd: int) -> ProductShape:
        """The hardware's parameters."""
        return ProductShape(
            self.weights,
            self.planes,
            pe,
            simd,
            self.agreement,
            None if self.thresholds is None else self.agreement.thresholds(self.thresholds),
            self.invert,
            skip_positions=self.kernel[0] * self.kernel[1] if self.kernel else 0,
        )

    def sum(self, output: int, taps: list[Value], skips: list[Value]) -> Value:
        """The sum by definition: every tap's worth times +1 or -1, skipped taps worth 0."""
        total: Value = Const(0)
        for weight, tap, skip in zip(self.weights[output].tolist(), taps, skips, strict=True):
            worth: Value = Const(0)
            for place, plane in enumerate(self.planes):
                worth = worth + (tap[place] << plane)
            if not self.pixels:
                worth = (worth << 1) - ((1 << len(self.planes)) - 1)
            total = total + Mux(skip, 0, worth if weight else -worth)
        return total


def split(shape: ProductShape, words: list[Value]) -> tuple[list[Value], list[Value], Value]:
    """Taps and skip bits of a window's words, and whether ``skip`` and ``missing`` are such as windows send."""
    bits, taps, skips, consistent = len(shape.planes), [], [], []
    for word in words:
        taps += [word.word_select(lane, bits) for lane in range(shape.simd)]
        end = shape.simd * bits
        skips += list(word[end : end + shape.simd]) if shape.skip_positions else [Const(0)] * shape.simd
    if shape.skip_positions:
        channels = shape.agreement.skip_channels
        first = skips[::channels]
        missing = sum(first[1:], first[0])
        consistent = [skip == first[at // channels] for at, skip in enumerate(skips)]
        consistent += [word[shape.simd * (bits + 1) :] == missing for word in words]
    return taps, skips, Cat(consistent).all() if consistent else Const(1)


def product(layer: Layer, pe: int, simd: int) -> FrameCheck:
    """The compute unit against the definition on sums, for the weights and thresholds of ``layer``."""
    shape = layer.shape(pe, simd)

    def out(words: list[Value]) -> list[Word]:
        sent = []
        for fold in range(shape.folds):
            taps, skips, consistent = split(shape, words[fold * shape.words : (fold + 1) * shape.words])
            lanes = []
            for output in range(fold * pe, (fold + 1) * pe):
                total = layer.sum(output, taps, skips)
                if layer.thresholds is None or layer.invert is None:
                    lanes.append(count_of(shape, output, total))
                else:
                    passed = [(total >= int(limit)) ^ int(layer.invert[output]) for limit in layer.thresholds[output]]
                    lanes.append(sum(passed[1:], Const(0, shape.level_bits) + passed[0])[: shape.level_bits])
            sent.append(Word(list(Cat(lanes)), (fold + 1) * shape.words, consistent))
        return sent

    return FrameCheck(shape.create(), Frames(shape.folds * shape.words, out, held=window_frames(shape)))


def count_of(shape: ProductShape, output: int, total: Value) -> Value:
    """The count that stands for a sum: slope * count - offset is the sum, and slope is 1 or 2."""
    return ((total + int(shape.agreement.offset[output])) >> (shape.agreement.slope - 1))[: shape.count_bits]


def window_frames(shape: ProductShape) -> int:
    """Frames that a unit of four register stages can hold."""
    return 2 + 4 // (shape.folds * shape.words)


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
class AnyProduct(ProductShape):
    """A compute unit whose tables can hold anything: what is proved of it holds for every weight and threshold."""

    @cached_property
    def weight_rom(self) -> AnyRom:
        """Rows as `ProductShape.weight_rom` lays them out."""
        return AnyRom([Signal(self.pe * self.simd, name=f"weights_{row}") for row in range(self.folds * self.words)])

    @cached_property
    def threshold_rom(self) -> AnyRom | None:
        """Rows as `ProductShape.threshold_rom` lays them out."""
        if self.thresholds is None:
            return None
        width = self.pe * (self.thresholds.shape[1] * (self.top + 1).bit_length() + 1)
        return AnyRom([Signal(width, name=f"thresholds_{fold}") for fold in range(self.folds)])


def any_product(layer: Layer, pe: int, simd: int) -> FrameCheck:
    """The compute unit against plain counts, for every weight and every threshold of a layer of this shape."""
    known = layer.shape(pe, simd)
    shape = AnyProduct(
        known.weights,
        known.planes,
        pe,
        simd,
        known.agreement,
        known.thresholds,
        known.invert,
        skip_positions=known.skip_positions,
    )
    tables = [*shape.weight_rom.rows, *(shape.threshold_rom.rows if shape.threshold_rom else [])]
    limit_bits, scale = (shape.top + 1).bit_length(), 2 if shape.agreement.doubled else 1

    def bind(m: Module, free: dict[str, Value]) -> None:
        m.d.comb += [row.eq(free[row.name]) for row in tables]

    def lane(fold: int, p: int, taps: list[Value], skips: list[Value]) -> Value:
        weights = [
            shape.weight_rom.rows[fold * shape.words + word][p * simd + at]
            for word in range(shape.words)
            for at in range(simd)
        ]
        count: Value = Const(0)
        for weight, tap, skip in zip(weights, taps, skips, strict=True):
            for place, plane in enumerate(shape.planes):
                count = count + Mux(skip, 0, (tap[place] == weight) << plane)
        count = count * scale
        if shape.skip_positions:
            for skip in skips[:: shape.agreement.skip_channels]:
                count = count + Mux(skip, shape.agreement.per_position, 0)
        if shape.threshold_rom is None or shape.thresholds is None:
            return (count + Const(0, shape.count_bits))[: shape.count_bits]
        steps = shape.thresholds.shape[1]
        own = shape.threshold_rom.rows[fold].word_select(p, steps * limit_bits + 1)
        passed = [(count >= own.word_select(j, limit_bits)) ^ own[-1] for j in range(steps)]
        return sum(passed[1:], Const(0, shape.level_bits) + passed[0])[: shape.level_bits]

    def out(words: list[Value]) -> list[Word]:
        sent = []
        for fold in range(shape.folds):
            taps, skips, consistent = split(shape, words[fold * shape.words : (fold + 1) * shape.words])
            lanes = [lane(fold, p, taps, skips) for p in range(pe)]
            sent.append(Word(list(Cat(lanes)), (fold + 1) * shape.words, consistent))
        return sent

    frames = Frames(shape.folds * shape.words, out, held=window_frames(shape))
    return FrameCheck(shape.create(), frames, {row.name: len(row) for row in tables}, bind)

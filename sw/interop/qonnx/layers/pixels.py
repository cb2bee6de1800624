"""How images of whole pixels become the graph's input, and what its first nodes make of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from sw.errors import SubbitError
from sw.interop.qonnx.flow.levels import TOLERANCE, fit
from sw.interop.qonnx.flow.signal import Border, Signal, Source
from sw.interop.qonnx.graph.refusal import refuse
from sw.interop.qonnx.layers.linear import Node, Operand
from sw.network import BitPlanes, BitSlices, Layer, MaxPool, Padding, Thermometer
from sw.network.network import LONGEST_SIDE
from sw.network.padding import PaddingKind

__all__ = ["MOST_LEVELS", "Encoded", "Layout", "Pixels", "read_pixels"]

MOST_LEVELS = 64
"""Thresholds of one colour in a thermometer; each makes the first layer's input one channel wider."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Images of (height, width, channels) for a graph's input, and the place in them of each of its elements."""

    shape: tuple[int, int, int]
    order: np.ndarray

    @classmethod
    def of(cls, images: tuple[int, int, int], shape: tuple[int, ...], *, last: bool) -> "Layout":
        """The input's ``shape`` with channels as its last axis, or as its first behind the images' number."""
        places = np.arange(np.prod(images)).reshape(images)
        return cls(images, (places if last else places.transpose(2, 0, 1)).reshape(shape))


@dataclass(frozen=True)
class Pixels:
    """Pixel p of ``bits`` bits enters the graph as the float32 nearest to low + (high - low) p / (2**bits - 1).

    ``shape`` is (height, width, channels) of the images where the graph's own input does not tell, as with flat ones;
    flat images run channel, row, column. With ``quantised`` the Network's pixels are the levels of the graph's first
    quantiser: images go through a table before they reach the hardware.
    """

    bits: int = 8
    low: float = 0.0
    high: float = 1.0
    shape: tuple[int, int, int] | None = None
    quantised: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 8:
            raise SubbitError(f"bits must be from 1 to 8, not {self.bits!r}")
        if not np.isfinite([self.low, self.high]).all() or self.low == self.high:
            raise SubbitError(f"low and high must be two different numbers, not {self.low!r} and {self.high!r}")

    @property
    def top(self) -> int:
        """The largest pixel."""
        return (1 << self.bits) - 1

    def source(self, shape: tuple[int, int, int]) -> Source:
        """Pixels of images of that shape."""
        same = np.ones(shape[2])
        return Source("input", shape, 0, self.top, (self.high - self.low) * same, self.low * self.top * same, self.top)

    def layouts(self, shape: tuple[int, ...]) -> list[Layout]:
        """What images a graph's input of ``shape`` can be, the likeliest first.

        Raises SubbitError where the shape that the user gave has another number of pixels.
        """
        sizes = shape[1:]
        if self.shape is not None:
            if np.prod(self.shape) != np.prod(sizes):
                raise SubbitError(f"the images' shape must have {np.prod(sizes)} pixels in all, not {self.shape}")
            return [Layout.of(self.shape, shape, last=sizes == self.shape)]
        if len(sizes) == 1:
            return [Layout.of((1, 1, sizes[0]), shape, last=True)]
        if len(sizes) == 2:
            return [Layout.of((sizes[0], sizes[1], 1), shape, last=True)]
        first = Layout.of((sizes[1], sizes[2], sizes[0]), shape, last=False)
        last = Layout.of((sizes[0], sizes[1], sizes[2]), shape, last=True)
        return [last, first] if sizes[2] in (1, 3) and sizes[0] > 4 else [first, last]


@dataclass(frozen=True, eq=False)
class Encoded:
    """What reads the image: the ``layers`` in front of the first one with weights, and what that one reads.

    ``table`` (2**bits, channels) uint8 gives the Network's pixels, of ``bits`` bits, for those of an image.
    """

    layers: tuple[Layer, ...]
    operand: Operand
    bits: int
    table: np.ndarray | None = None

    @property
    def bitwise(self) -> bool:
        """Whether bits are read of which a set one is worth more than another, so that the largest is their OR."""
        made = any(isinstance(layer, Thermometer | BitSlices) for layer in self.layers)
        return made and bool((self.operand.sign > 0).all())


def read_pixels(
    found: Node, signal: Signal, border: Border | None, pixels: Pixels, pools: Callable[[], str]
) -> Encoded:
    """How the Network makes of pixels what ``found`` reads; ``pools`` gives the next pool's name.

    Raises Refused where that is neither a number times the pixels, or some of their bits, nor a few equal steps.
    """
    colours = signal.source.channels if signal.source.colours is None else int(signal.source.colours.max()) + 1
    if colours > LONGEST_SIDE:
        raise refuse(
            found.node,
            f"reads images of {colours:,} channels, and there can be {LONGEST_SIDE:,}: "
            "say how high and wide the images are (--image-shape)",
        )
    numbers = np.repeat(np.arange(pixels.top + 1)[:, None], signal.source.channels, axis=1)
    values = signal.evaluate()(numbers).astype(np.float64)
    if not np.isfinite(values).all():
        raise refuse(found.node, f"reads {signal.tensor}, which is not finite for every pixel: export it again")
    encoded = _encoded(found, signal, values, border, pixels)
    if encoded is not None:
        return _pooled(encoded, signal, pools)
    raise refuse(
        found.node,
        f"reads {signal.tensor}, which is neither in proportion to the pixels nor at most {MOST_LEVELS} equal steps, "
        "the same for all colours: feed it the levels of its own input quantiser (--quantised-input)",
    )


def _encoded(found: Node, signal: Signal, values: np.ndarray, border: Border | None, pixels: Pixels) -> Encoded | None:
    """The first way that makes these ``values`` (pixels, channels), before any pools."""
    if pixels.quantised and signal.source.colours is None:
        return _quantised(found, signal, values, border)
    few = max(len(np.unique(column)) for column in values.T) <= 2
    ways = (_bits, _thermometer, _planes) if few else (_planes, _thermometer)
    if signal.source.colours is not None:
        ways = (_bits,)
    for way in ways:
        encoded = way(found, values, border, pixels, signal.source.colours)
        if encoded is not None:
            return encoded
    return None


def _pooled(encoded: Encoded, signal: Signal, pools: Callable[[], str]) -> Encoded:
    """The same with the pools behind it: the largest of bits, where a bit that is set stands for more."""
    if not signal.pools:
        return encoded
    late = all(pool.after == len(signal.steps) for pool in signal.pools)
    if not late or not encoded.bitwise:
        raise refuse(signal.pools[0].node, "pools the image itself: put a quantiser of one bit in front of it")
    layers = list(encoded.layers)
    for pool in signal.pools:
        layers.append(MaxPool(name=pools(), reads=(layers[-1].name,), size=pool.size))
    operand = replace(encoded.operand, layer=layers[-1].name)
    return replace(encoded, layers=tuple(layers), operand=operand)


def _close(found: np.ndarray, wanted: np.ndarray | float) -> bool:
    return bool(np.abs(found - wanted).max() <= TOLERANCE * np.abs(found).max())


def _fractions(values: np.ndarray) -> tuple[Fraction, ...]:
    return tuple(Fraction(float(value)) for value in values)


def _padding(border: Border | None, ends: dict[PaddingKind, tuple[Fraction, ...]], largest: float) -> Padding:
    """The padding whose value is that of ``border`` in every channel. Raises Refused where there is none."""
    if border is None:
        return Padding()
    for kind, values in ends.items():
        if all(abs(float(value) - border.value) <= TOLERANCE * largest for value in values):
            return Padding(kind, border.amount)
    told = ", ".join(f"{float(value):g}" for value in dict.fromkeys(values[0] for values in ends.values()))
    raise refuse(
        border.node,
        f"pads with {border.value:g}, which is no pixel and none of the image's own {told}: train it without padding "
        "there, or with an input that has this value (--input-range)",
    )


def _pixel(border: Border | None, first: np.ndarray, rise: np.ndarray, kept: int) -> int:
    """The pixel, of the bits ``kept``, that is worth the value of ``border`` in every channel; 0 where there is none.

    Channels are worth first + rise pixel.
    """
    if border is None:
        return 0
    numbers = (border.value - first) / rise
    pixel = int(np.rint(numbers[0]))
    near = TOLERANCE * (kept + np.abs(first / rise).max())
    return pixel if 0 < pixel <= kept and not pixel & ~kept and np.abs(numbers - pixel).max() <= near else 0


def _planes(
    found: Node, values: np.ndarray, border: Border | None, pixels: Pixels, colours: np.ndarray | None
) -> Encoded | None:
    """Values in proportion to the pixels, or to some of their bits."""
    moves = np.abs(values[1 << np.arange(pixels.bits)] - values[0]).max(axis=1)
    planes = tuple(np.flatnonzero(moves > TOLERANCE * np.abs(values).max()).tolist())
    if planes:
        kept = np.arange(len(values)) & sum(1 << plane for plane in planes)
        rise = (values[-1] - values[0]) / kept[-1]
        if not _close(values, values[0] + kept[:, None] * rise) or not _close(np.abs(rise), np.abs(rise[0])):
            return None
        layers = (BitPlanes(name="encode", reads=("input",), planes=planes),)
        shift = _fractions(values[0])
        level = _pixel(border, values[0], rise, int(kept[-1]))
        if border is not None and level:
            padding = Padding("level", border.amount, level)
        else:
            padding = _padding(border, {"zero": shift}, float(np.abs(values).max()))
        scale = abs(Fraction(float(values[-1, 0])) - shift[0]) / int(kept[-1])
        read = ("encode", layers) if len(planes) < pixels.bits else ("input", ())
        return Encoded(read[1], Operand(read[0], 1, scale, np.sign(rise).astype(int), shift, padding), pixels.bits)
    return None


def _bits(
    found: Node, values: np.ndarray, border: Border | None, pixels: Pixels, colours: np.ndarray | None
) -> Encoded | None:
    """A bit for each channel: whether the pixel reaches a threshold, or one of the pixel's own bits.

    Where ``colours`` are repeated each must be so in turn and equally often.
    """
    grid, single = fit(np.unique(values)), colours is None
    colours = np.arange(values.shape[1]) if colours is None else colours
    count = int(colours.max()) + 1
    times, rest = divmod(len(colours), count)
    if grid is None or grid.bits > 1 or rest or not np.array_equal(colours, np.repeat(np.arange(count), times)):
        return None
    ones, pixel = grid.level(values).astype(bool), np.arange(len(values))
    moves = np.diff(ones.astype(int), axis=0)
    sign = np.where((moves < 0).any(axis=0), -1, 1)
    if not ((moves < 0).any(axis=0) & (moves > 0).any(axis=0)).any():
        reached = np.where(sign < 0, ones, ~ones).sum(axis=0)
        layer: Layer = Thermometer(name="encode", reads=("input",), thresholds=reached.reshape(count, times))
    else:
        sign = np.where(ones[0], -1, 1)
        planes = (ones != ones[0])[1 << np.arange(pixels.bits)].argmax(axis=0)
        slices = tuple(planes[:times].tolist())
        same = np.array_equal(planes, np.tile(slices, count)) and list(slices) == sorted(set(slices))
        if (
            (single and grid.low == 0)
            or not same
            or not np.array_equal(ones != ones[0], pixel[:, None] >> planes & 1 == 1)
        ):
            return None
        layer = BitSlices(name="encode", reads=("input",), slices=slices)
    half, middle = grid.step / 2, (grid.middle,) * len(colours)
    first, last = (tuple(grid.middle + turn * int(one) * half for one in sign) for turn in (-1, 1))
    padding = _padding(border, {"-1": first, "zero": middle, "+1": last}, float(np.abs(values).max()))
    return Encoded((layer,), Operand("encode", 1, half, sign, middle, padding), pixels.bits)


def _thermometer(
    found: Node, values: np.ndarray, border: Border | None, pixels: Pixels, colours: np.ndarray | None
) -> Encoded | None:
    """Values that rise, or fall, in a few equal steps: a bit for each step, all under the same weight."""
    moves = np.diff(values, axis=0)
    grid = fit(np.unique(values)) or fit(np.unique(values - values[0]))
    if grid is None or ((moves > 0).any(axis=0) & (moves < 0).any(axis=0)).any():
        return None
    steps = np.rint(moves / float(grid.step)).astype(int)
    sign, levels = np.where(steps.sum(axis=0) < 0, -1, 1), int(np.abs(steps.sum(axis=0)).max())
    if levels > MOST_LEVELS or levels == 0:
        return None
    thresholds = np.full((values.shape[1], levels), len(values), np.int64)
    for channel, column in enumerate(np.abs(steps).T):
        places = np.repeat(np.arange(1, len(values)), column)
        thresholds[channel, : len(places)] = places
    half = grid.step * levels / 2
    first = _fractions(values[0])
    shift = tuple(value + int(turn) * half for value, turn in zip(first, sign, strict=True))
    last = tuple(value + int(turn) * half for value, turn in zip(shift, sign, strict=True))
    padding = _padding(border, {"-1": first, "zero": shift, "+1": last}, float(np.abs(values).max()))
    operand = Operand("encode", levels, grid.step / 2, sign, shift, padding)
    return Encoded((Thermometer(name="encode", reads=("input",), thresholds=thresholds),), operand, pixels.bits)


def _quantised(found: Node, signal: Signal, values: np.ndarray, border: Border | None) -> Encoded:
    """The levels of a quantiser as the Network's pixels."""
    grid = fit(np.unique(values), None if border is None else border.value)
    if grid is None or grid.padding == "zero":
        raise refuse(
            found.node,
            f"reads {signal.tensor}, which is not in equal steps of at most 8 bits, with any padding one of them: "
            "train it with a quantised input, or leave --quantised-input out",
        )
    level = {"+1": grid.top, "level": grid.border}.get(grid.padding, 0)
    kind: PaddingKind = "level" if level else "zero"
    padding = Padding() if border is None else Padding(kind, border.amount, level)
    same = (grid.low,) * values.shape[1]
    operand = Operand("input", 1, grid.step, np.ones(values.shape[1], int), same, padding)
    return Encoded((), operand, grid.bits, grid.level(values).astype(np.uint8))

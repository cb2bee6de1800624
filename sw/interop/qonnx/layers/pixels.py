"""How images of whole pixels become the graph's input, and what its first nodes make of them."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from sw.errors import SubbitError
from sw.interop.qonnx.flow.levels import TOLERANCE, fit
from sw.interop.qonnx.flow.signal import Border, Signal, Source
from sw.interop.qonnx.graph.refusal import refuse
from sw.interop.qonnx.layers.linear import Node, Operand
from sw.network import BitPlanes, Layer, Padding, Thermometer
from sw.network.layers import PaddingKind
from sw.network.network import LONGEST_SIDE

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


def read_pixels(found: Node, signal: Signal, border: Border | None, pixels: Pixels) -> Encoded:
    """How the Network makes of pixels what ``found`` reads.

    Raises Refused where that is neither a number times the pixels, or their upper bits, nor a few equal steps.
    """
    if signal.pools:
        raise refuse(signal.pools[0].node, "pools the image itself: train it with weights before the first pool")
    if signal.source.channels > LONGEST_SIDE:
        raise refuse(
            found.node,
            f"reads images of {signal.source.channels:,} channels, and there can be {LONGEST_SIDE:,}: "
            "say how high and wide the images are (--image-shape)",
        )
    numbers = np.repeat(np.arange(pixels.top + 1)[:, None], signal.source.channels, axis=1)
    values = signal.evaluate()(numbers).astype(np.float64)
    if not np.isfinite(values).all():
        raise refuse(found.node, f"reads {signal.tensor}, which is not finite for every pixel: export it again")
    if pixels.quantised:
        return _quantised(found, signal, values, border)
    few = max(len(np.unique(column)) for column in values.T) <= 2
    ways = (_thermometer, _planes) if few else (_planes, _thermometer)
    for way in ways:
        encoded = way(found, values, border, pixels)
        if encoded is not None:
            return encoded
    raise refuse(
        found.node,
        f"reads {signal.tensor}, which is neither in proportion to the pixels nor at most {MOST_LEVELS} equal steps, "
        "the same for all colours: feed it the levels of its own input quantiser (--quantised-input)",
    )


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


def _planes(found: Node, values: np.ndarray, border: Border | None, pixels: Pixels) -> Encoded | None:
    """Values in proportion to the pixels, or to their upper bits."""
    for dropped in range(pixels.bits):
        kept = np.arange(len(values)) >> dropped << dropped
        rise = (values[-1] - values[0]) / kept[-1]
        if not rise.any() or not _close(values, values[0] + kept[:, None] * rise):
            continue
        if not _close(np.abs(rise), np.abs(rise[0])):
            return None
        layers = (BitPlanes(name="encode", reads=("input",), planes=tuple(range(dropped, pixels.bits))),)
        shift = _fractions(values[0])
        level = _pixel(border, values[0], rise, int(kept[-1]))
        if border is not None and level:
            padding = Padding("level", border.amount, level)
        else:
            padding = _padding(border, {"zero": shift}, float(np.abs(values).max()))
        scale = abs(Fraction(float(values[-1, 0])) - shift[0]) / int(kept[-1])
        read = ("encode", layers) if dropped else ("input", ())
        return Encoded(read[1], Operand(read[0], 1, scale, np.sign(rise).astype(int), shift, padding), pixels.bits)
    return None


def _thermometer(found: Node, values: np.ndarray, border: Border | None, pixels: Pixels) -> Encoded | None:
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

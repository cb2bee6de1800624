"""The plain specification of every stream stage, as the words of a frame told from those that came in."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import product as places
from math import lcm

import numpy as np
from amaranth import Cat, Const, Mux, Value

from hw.accelerator import Buffered
from hw.layer.encode import EncodeShape
from hw.layer.parallel_window import ParallelWindow
from hw.layer.pool import PoolShape
from hw.layer.results import ResultsShape
from hw.layer.serial_window import SerialWindow
from hw.layer.window import WindowShape
from hw.layer.window_store import WindowStore
from hw.stream.repack import RepackShape
from tests.formal.frames import FrameCheck, Frames, Word

__all__ = ["buffered", "elements", "encode", "numbered", "pool", "repack", "results", "window"]


def elements(words: Sequence[Value], bits: int) -> list[Value]:
    """The elements of ``bits`` bits of some words, in order."""
    flat = Cat(words)
    return [flat[at : at + bits] for at in range(0, len(flat), bits)]


def repack_frames(shape: RepackShape) -> Frames:
    """The same elements in the same order; a frame is the least number of elements that fills both sides."""
    total = lcm(shape.lanes_in, shape.lanes_out)

    def out(words: list[Value]) -> list[Word]:
        flat = elements(words, shape.bits)
        ends = range(shape.lanes_out, total + 1, shape.lanes_out)
        return [Word(list(Cat(flat[end - shape.lanes_out : end])), -(-end // shape.lanes_in)) for end in ends]

    return Frames(total // shape.lanes_in, out, held=3)


def repack(shape: RepackShape) -> FrameCheck:
    """The stage for that."""
    return FrameCheck(shape.create(), repack_frames(shape))


def buffered(shape: RepackShape, depth: int) -> FrameCheck:
    """The FIFO of the accelerator, in front of a repacking stage."""
    plain = repack_frames(shape)
    held = plain.held + -(-(depth + 1) // plain.words_in)
    return FrameCheck(Buffered(shape.create(), depth), replace(plain, held=held, patience=6))


def encode(shape: EncodeShape) -> FrameCheck:
    """Of each pixel its comparisons, planes or slices."""

    def out(words: list[Value]) -> list[Word]:
        bits = []
        for lane, pixel in enumerate(elements(words, shape.bits)):
            if shape.thresholds is None:
                bits += [pixel[place] for place in shape.planes or shape.slices]
            else:
                bits += [pixel >= Const(int(limit)) for limit in shape.thresholds[lane % shape.channels]]
        return [Word(bits, 1)]

    return FrameCheck(shape.create(), Frames(1, out))


def window(shape: WindowShape, depth: int | None = None, held: int = 2, patience: int = 4) -> FrameCheck:
    """Every window's taps in order, as often as it has folds: `WindowShape.reference` of the places of the elements."""
    part = SerialWindow(shape, depth or WindowStore.depth_for(shape, 1)) if shape.is_serial else ParallelWindow(shape)
    positions = (shape.kernel[0] * shape.kernel[1]).bit_length()
    places_of, skipped = numbered(shape)

    def out(words: list[Value]) -> list[Word]:
        flat = [Const(shape.outside, shape.bits), *elements(words, shape.bits)]
        sent = []
        for at, (taps, (skip, missing)) in enumerate(zip(places_of, skipped, strict=True)):
            bits: list[Value | int | None] = []
            for tap, skips in zip(taps.tolist(), skip.tolist(), strict=True):
                bits += [None] * shape.bits if skips else list(flat[tap])
            if shape.skips:
                bits += [*map(int, skip), *Const(missing, positions)]
            # A serial window sends a word once its taps are there, a parallel one when all of its window's are.
            if not shape.is_serial:
                first = at - at % shape.words_per_window
                taps = np.concatenate(places_of[first : first + shape.words_per_window])
            sent.append(Word(bits, -(-int(taps.max()) // shape.in_lanes)))
        return sent

    return FrameCheck(part, Frames(shape.in_words, out, held, patience))


def numbered(shape: WindowShape) -> tuple[list[np.ndarray], list[tuple[np.ndarray, int]]]:
    """Of every word that windows send the places of its taps in the frame, from 1, 0 being padding; which of them are
    skipped, and the skipped positions of the window."""
    numbers = np.arange(1, shape.height * shape.width * shape.channels + 1)
    numbers = numbers.reshape(shape.height, shape.width, shape.channels)
    taps = [word for word, _, _ in replace(shape, bits=16, fill=0).reference(numbers)]
    return taps, [(skip, missing) for _, skip, missing in shape.reference(numbers)]


def pool(shape: PoolShape) -> FrameCheck:
    """The largest level of every window."""
    size = shape.size

    def out(words: list[Value]) -> list[Word]:
        flat = elements(words, shape.bits)
        sent = []
        for y, x, part in places(range(shape.height // size), range(shape.width // size), range(shape.parts)):
            pixels = [(y * size + dy) * shape.width + x * size + dx for dy, dx in places(range(size), range(size))]
            lanes = [
                reduce(larger, [flat[pixel * shape.channels + channel] for pixel in pixels])
                for channel in range(part * shape.lanes, (part + 1) * shape.lanes)
            ]
            sent.append(Word(list(Cat(lanes)), pixels[-1] * shape.parts + part + 1))
        return sent

    return FrameCheck(shape.create(), Frames(shape.height * shape.width * shape.parts, out))


def larger(a: Value, b: Value) -> Value:
    """The larger of two unsigned values of one width."""
    return Mux(a > b, a, b)


def results(shape: ResultsShape) -> FrameCheck:
    """Scores slope * count + offset, and the first class of the largest, for counts that do not pass ``top``."""
    classes, lanes = shape.classes, shape.lanes

    def out(beats: list[Value]) -> list[Word]:
        words = [beat.word_select(lane, shape.bits) for beat in beats for lane in range(lanes)]
        scores = [
            int(slope) * count + int(offset)
            for slope, count, offset in zip(shape.slope, words, shape.offset, strict=True)
        ]
        within = [count <= shape.top for count in words]
        sent = [
            Word([*sign_extended(score, shape.result_bits), 0], at + 1, within[at])
            for at, score in enumerate(scores)
            if shape.output == "scores"
        ]
        winner: Value = Const(classes - 1)
        for at in reversed(range(classes - 1)):
            beaten = [scores[at] < scores[later] for later in range(at + 1, classes)]
            winner = Mux(Cat(beaten).any(), winner, at)
        sent.append(Word([*sign_extended(winner, shape.result_bits), 1], classes // lanes, Cat(within).all()))
        return sent

    # All classes at once pass a register a round, one before and one behind.
    rounds = (classes - 1).bit_length() if lanes > 1 else 0
    return FrameCheck(shape.create(), Frames(classes // lanes, out, held=3 + rounds, patience=4 + rounds))


def sign_extended(value: Value, bits: int) -> list[Value]:
    """The bits of a number in ``bits`` bits."""
    assert len(value) <= bits
    wide = value + Const(0, bits)
    return [wide[at] for at in range(bits)]

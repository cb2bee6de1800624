"""The specification of listed windows and of the sums that are made of them."""

from dataclasses import replace

import numpy as np
from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.layer.listed_sum import ListedSumShape
from hw.layer.listed_window import ListedWindow, ListedWindowShape
from hw.layer.window import WindowShape
from hw.layer.window_store import WindowStore
from hw.stream.words import StreamComponent, lanes_layout, word_stream
from tests.formal.frames import FrameCheck, Frames, Word
from tests.formal.products import Layer, level, worth
from tests.formal.stages import elements, numbered

__all__ = ["listed", "listed_layer", "listed_sum", "listed_window"]


def listed(layer: Layer, window: WindowShape, pe: int) -> ListedSumShape:
    """The compute unit for ``layer`` behind the listed windows of ``window``."""
    lists = tuple(tuple(np.flatnonzero(row).tolist()) for row in layer.weights)
    front = ListedWindowShape(**vars(window), lists=lists, pe=pe)
    low, high = layer.values
    return ListedSumShape(front, layer.planes, low, high - low, not layer.pixels, layer.thresholds, layer.invert)


def listed_window(shape: ListedWindowShape, held: int = 2, patience: int = 4) -> FrameCheck:
    """The words of every window, then beat by beat the taps of its outputs' lists."""

    def out(words: list[Value]) -> list[Word]:
        flat = [Const(shape.outside, shape.bits), *elements(words, shape.bits)]
        sent = []
        for taps, skips in whole_windows(shape):
            for at in range(0, shape.taps, shape.lanes):
                places, skip = taps[at : at + shape.lanes], bool(skips[at])
                x = [None] * (shape.lanes * shape.bits) if skip else list(Cat(flat[tap] for tap in places))
                counts = int(skip) if shape.skips else None
                rest = [None] * (shape.pe * (shape.bits + 1))
                sent.append(Word([*x, *rest, 1, counts, None], -(-max(places) // shape.lanes)))
            for group, beats in zip(shape.groups, shape.beats, strict=True):
                for beat in range(beats):
                    now = [taps_of[beat] if beat < len(taps_of) else None for taps_of in group]
                    use = [tap is not None and not skips[tap] for tap in now]
                    read: list[Value | int | None] = []
                    for tap, used in zip(now, use, strict=True):
                        read += list(flat[taps[tap]]) if used and tap is not None else [None] * shape.bits
                    x = [None] * (shape.lanes * shape.bits)
                    last = int(beat == beats - 1)
                    sent.append(Word([*x, *read, *map(int, use), 0, None, last], -(-max(taps) // shape.lanes)))
        return sent

    part = ListedWindow(shape, WindowStore.depth_for(shape, 1))
    return FrameCheck(part, Frames(shape.in_words, out, held, patience))


def whole_windows(shape: WindowShape) -> list[tuple[list[int], list[bool]]]:
    """The places of the taps of every window, from 1, 0 being padding, and which of them do not count."""
    plain = WindowShape(**{name: getattr(shape, name) for name in WindowShape.__dataclass_fields__})
    one = replace(plain, lanes=1)
    taps, skips = numbered(one)
    size = shape.taps
    return [
        ([int(tap[0]) for tap in taps[at : at + size]], [bool(skip[0]) for skip, _ in skips[at : at + size]])
        for at in range(0, len(taps), size)
    ]


class Beats(StreamComponent):
    """A unit behind beats that come as a listed window sends them: whole words first, then groups with their ends.

    What else there is in a beat may be anything.
    """

    def __init__(self, shape: ListedSumShape) -> None:
        self.shape, self.unit = shape, shape.create()
        super().__init__({"i": In(word_stream(shape.input)), "o": Out(self.unit.o.signature)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.unit = unit = self.unit
        window = self.shape.window
        ends = np.cumsum([window.words_per_window, *window.beats]).tolist()
        beat = Signal(range(ends[-1]))
        wiring.connect(m, unit.o, wiring.flipped(self.o))
        m.d.comb += [
            unit.i.valid.eq(self.i.valid),
            self.i.ready.eq(unit.i.ready),
            unit.i.payload.eq(self.i.payload),
            unit.i.payload.whole.eq(beat < ends[0]),
        ]
        with m.If(beat >= ends[0]):
            m.d.comb += unit.i.payload.last.eq(Cat(beat == end - 1 for end in ends[1:]).any())
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += beat.eq(Mux(beat == ends[-1] - 1, 0, beat + 1))
        return m


def listed_sum(shape: ListedSumShape) -> FrameCheck:
    """Thresholds on low * X + step * Q for X of all words of a window that count and Q of a lane's used taps."""
    window, bits = shape.window, shape.window.bits

    def values(taps: Value, lanes: int, count: list[Value]) -> Value:
        total: Value = Const(0)
        for lane in range(lanes):
            total = total + Mux(count[lane], worth(taps.word_select(lane, bits), shape.planes, not shape.signed), 0)
        return total

    def out(words: list[Value]) -> list[Word]:
        x_bits, taps_bits = window.lanes * bits, window.pe * bits
        end = window.words_per_window
        whole: Value = Const(0)
        for word in words[:end]:
            counts = ~word[x_bits + taps_bits + window.pe + 1] if window.skips else Const(1)
            whole = whole + values(word[:x_bits], window.lanes, [counts] * window.lanes)
        sent = []
        for fold, beats in enumerate(window.beats):
            lanes = []
            for p in range(window.pe):
                ones: Value = Const(0)
                for word in words[end : end + beats]:
                    use = word[x_bits + taps_bits + p]
                    ones = ones + values(word[x_bits + p * bits :][:bits], 1, [use])
                total, at = whole * shape.low + ones * shape.step, fold * window.pe + p
                if shape.thresholds is None or shape.invert is None:
                    lanes.append((total + int(shape.agreement.offset[at]))[: shape.level_bits])
                else:
                    limits = shape.thresholds[at].tolist()
                    lanes.append(level(total, limits, int(shape.invert[at]), shape.level_bits))
            end += beats
            sent.append(Word(list(Cat(lanes)), end))
        return sent

    size = window.words_per_window + sum(window.beats)
    return FrameCheck(Beats(shape), Frames(size, out, held=1 + -(-3 // shape.folds), patience=5))


class Listed(StreamComponent):
    """A listed window and its compute unit."""

    def __init__(self, shape: ListedSumShape) -> None:
        window = shape.window
        self.window, self.unit = ListedWindow(window, WindowStore.depth_for(window, 1)), shape.create()
        super().__init__(
            {"i": In(word_stream(lanes_layout(window.lanes, window.bits))), "o": Out(self.unit.o.signature)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules += [self.window, self.unit]
        wiring.connect(m, self.unit.o, wiring.flipped(self.o))
        wiring.connect(m, wiring.flipped(self.i), self.window.i)
        wiring.connect(m, self.window.o, self.unit.i)
        return m


def listed_layer(layer: Layer, window: WindowShape, pe: int, held: int = 4) -> FrameCheck:
    """Both parts against the definition on sums of ``layer``."""
    shape = listed(layer, window, pe)

    def out(words: list[Value]) -> list[Word]:
        flat = [Const(window.outside, window.bits), *elements(words, window.bits)]
        sent = []
        for taps, skips in whole_windows(window):
            values, skipped = [flat[tap] for tap in taps], [Const(skip) for skip in skips]
            for at in range(0, len(layer.weights), pe):
                lanes = [layer.output(shape, output, values, skipped) for output in range(at, at + pe)]
                sent.append(Word(list(Cat(lanes)), -(-max(taps) // window.lanes)))
        return sent

    patience = shape.window.words_per_window + max(shape.window.beats) + 8
    return FrameCheck(Listed(shape), Frames(window.in_words, out, held, patience))

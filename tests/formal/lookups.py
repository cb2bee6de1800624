"""The specification of codeword lookup: groups of words, what each counts against any codebook, and their totals."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth import Array, Cat, Const, Mux, Signal, Value
from amaranth.hdl import unsigned
from amaranth.lib import data

from hw.layer.lookup import LookupShape
from hw.layer.lookup.gather import Gather, GroupShape
from hw.layer.lookup.table import Table, TableShape
from hw.layer.lookup.totals import Totals
from hw.layer.window import WindowShape
from hw.stream.words import lanes_layout
from tests.formal.frames import FrameCheck, Frames, Word
from tests.formal.products import AnyLevels, AnyRom, Layer, any_of, split

__all__ = ["Codebook", "any_table", "any_totals", "gather", "lookup"]


@dataclass(frozen=True, eq=False)
class Codebook:
    """``indices`` (outputs, words) into ``codewords`` (n, taps), for kernels of ``positions``."""

    codewords: np.ndarray
    indices: np.ndarray
    positions: int = 1

    @property
    def weights(self) -> np.ndarray:
        """Weights (outputs, taps) in row, column, channel order: of each channel its kernel's words, one by one."""
        words = self.codewords[self.indices].reshape(len(self.indices), -1, self.positions)
        return words.transpose(0, 2, 1).reshape(len(self.indices), -1)


def gather(shape: GroupShape) -> FrameCheck:
    """Beat b of a group has tap b of each word; a beat says one bit of what is skipped, the last how many."""

    def out(words: list[Value]) -> list[Word]:
        beats = [[word.word_select(lane, shape.bits) for lane in range(shape.lanes)] for word in words]
        if shape.beats == 1:
            return [Word(list(words[0]), 1)]
        taps = [beat[word] for word in range(shape.words) for beat in beats]
        bits = list(Cat(taps))
        consistent = Const(1)
        if shape.positions:
            skips = [word[shape.lanes * shape.bits :][: shape.lanes] for word in words]
            consistent = Cat((skip == 0) | (skip == (1 << shape.lanes) - 1) for skip in skips).all()
            bits += [*(skip[0] for skip in skips), *words[-1][shape.lanes * (shape.bits + 1) :]]
        return [Word(bits, shape.beats, consistent)]

    return FrameCheck(Gather(shape), Frames(shape.beats, out))


@dataclass(frozen=True, eq=False)
class AnyTable(TableShape):
    """A table whose codewords and indices can be anything."""

    @cached_property
    def codeword_rom(self) -> AnyRom:
        """Rows as `TableShape.codeword_rom` lays them out."""
        return AnyRom([Signal(self.group.taps, name=f"codeword_{at}") for at in range(len(self.codewords))])

    @cached_property
    def index_rom(self) -> AnyRom:
        """Rows as `TableShape.index_rom` lays them out."""
        width = self.pe * self.group.words * self.index_bits
        return AnyRom([Signal(width, name=f"indices_{at}") for at in range(self.indices.shape[0] * self.folds)])


def any_table(known: TableShape) -> FrameCheck:
    """Plain agreements of every word with the codeword that each index names, for any codebook and indices."""
    shape = AnyTable(**vars(known))
    group, agreement, words = shape.group, shape.agreement, shape.group.words
    groups, n = len(shape.indices), len(shape.codewords)
    bits = len(shape.planes)

    def counts(taps: list[Value], skip: Value) -> list[Value]:
        """The agreements of one word with every codeword."""
        found = []
        for codeword in shape.codeword_rom.rows:
            total: Value = Const(0)
            for at, tap in enumerate(taps):
                for place, plane in enumerate(shape.planes):
                    total = total + Mux(skip[at], 0, (tap[place] == codeword[at]) << plane)
            found.append(total)
        return found

    def out(incoming: list[Value]) -> list[Word]:
        sent = []
        for number, word in enumerate(incoming):
            end = words * group.taps * bits
            skip = word[end : end + group.taps] if group.positions else Const(0, group.taps)
            missing = word[end + group.taps :]
            taps = [word.word_select(at, bits) for at in range(words * group.taps)]
            entries = [counts(taps[at * group.taps : (at + 1) * group.taps], skip) for at in range(words)]
            for fold in range(shape.folds):
                row, lanes = shape.index_rom.rows[number * shape.folds + fold], []
                named = [row.word_select(at, shape.index_bits) for at in range(shape.pe * words)]
                for p in range(shape.pe):
                    total: Value = Const(0, shape.count_bits)
                    for at, entry in enumerate(entries):
                        total = total + (Array(entry)[named[p * words + at]] << agreement.doubled)
                    lanes += list(total[: shape.count_bits])
                if group.positions:
                    added = missing * agreement.per_position + Const(0, 1)
                    lanes += list(added[: (group.positions * agreement.per_position).bit_length()])
                known = Cat(index < n for index in named).all() & (missing <= group.positions)
                sent.append(Word(lanes, number + 1, known))
        return sent

    frames = Frames(groups, out, held=2 + -(-4 // groups), patience=n + 6)
    return FrameCheck(Table(shape), frames, *any_of([*shape.codeword_rom.rows, *shape.index_rom.rows]))


def any_totals(levels: AnyLevels, folds: int, groups: int, bits: int, missing: int = 0) -> FrameCheck:
    """The counts of all groups of a window added up, with any thresholds; ``missing`` bits are added once.

    Nothing is claimed where they pass the largest count.
    """
    fields: dict = {"counts": lanes_layout(levels.pe, bits)} | ({"missing": unsigned(missing)} if missing else {})

    def out(words: list[Value]) -> list[Word]:
        sent = []
        for fold in range(folds):
            lanes, within = [], []
            for p in range(levels.pe):
                total: Value = words[fold][levels.pe * bits :] if missing else Const(0)
                for word in words[fold::folds]:
                    total = total + word.word_select(p, bits)
                within.append(total <= levels.top)
                lanes.append(levels.of(fold, p, total))
            sent.append(Word(list(Cat(lanes)), (groups - 1) * folds + fold + 1, Cat(within).all()))
        return sent

    stage = Totals(levels, folds, groups, data.StructLayout(fields))
    return FrameCheck(stage, Frames(folds * groups, out, held=2 + -(-3 // (folds * groups))), *any_of(levels.rows))


def lookup(book: Codebook, layer: Layer, pe: int, words: int) -> FrameCheck:
    """The compute unit against the definition on sums of ``layer``, whose weights are those of ``book``."""
    positions, simd = book.positions, words * book.codewords.shape[1]
    limits = {"thresholds": layer.on_counts, "invert": layer.invert}
    shape = LookupShape(book.codewords, book.indices, positions, layer.planes, pe, simd, layer.agreement, **limits)
    group, bits, numbers = shape.group, len(layer.planes), np.arange(layer.weights.shape[1])
    window = WindowShape(
        positions, 1, numbers.size // positions, bits, (positions, 1), lanes=group.lanes, order="channel"
    )
    order = window.words(numbers.reshape(positions, 1, -1)).reshape(-1).tolist()

    def out(incoming: list[Value]) -> list[Word]:
        taps, skips, consistent = split(incoming, group.lanes, bits, layer.agreement.skip_channels, order=order)
        sent = []
        for fold in range(shape.folds):
            lanes = [layer.output(shape, at, taps, skips) for at in range(fold * pe, (fold + 1) * pe)]
            sent.append(Word(list(Cat(lanes)), len(incoming), consistent))
        return sent

    size = shape.groups * group.beats
    patience = len(book.codewords) + 8
    return FrameCheck(shape.create(), Frames(size, out, held=2 + -(-6 // shape.groups), patience=patience))

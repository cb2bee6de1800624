"""Matrix times window by codeword lookup: the compute unit of layers whose weights are a codebook and indices."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.datapath.rom import Rom, RomStyle
from hw.layer.border import skipped_count
from hw.layer.levels import Levels
from hw.layer.lookup.gather import Gather, GroupShape
from hw.layer.lookup.table import Table, TableShape
from hw.layer.lookup.totals import Totals
from hw.layer.unit import Rhythm, UnitShape
from hw.stream.words import StreamComponent, lanes_layout, word_stream
from sw.network.agreement import Agreement

__all__ = ["Lookup", "LookupShape"]


@dataclass(frozen=True, eq=False)
class LookupShape(UnitShape):
    """Weights of ``indices`` (outputs, words) into ``codewords`` (n, taps), 0 and 1, against windows of bit planes with
    weights 2**planes; `sw.network.words` says which weights a word is.

    ``positions`` are those of the kernel. ``simd`` taps at once are simd / taps words, which make a group: one run of
    positions in as many channels or, with one position, neighbouring inputs. For each group the n counts are made once,
    and ``pe`` outputs at once look theirs up (Wang et al., Sub-bit Neural Networks, ICCV 2021). A group takes
    max(beats, n, outputs / pe) cycles, ``beats`` being the taps of a word, or 1 with one position. ``agreement``,
    ``thresholds`` and ``invert`` are those of `hw.layer.product.ProductShape`. Windows come once, in channel order.
    """

    codewords: np.ndarray
    indices: np.ndarray
    positions: int
    planes: tuple[int, ...]
    pe: int
    simd: int
    agreement: Agreement
    thresholds: np.ndarray | None = None
    invert: np.ndarray | None = None
    rom: RomStyle = "auto"

    def __post_init__(self) -> None:
        outputs, words = self.indices.shape
        taps = self.codewords.shape[1]
        if self.positions > 1 and (self.positions % taps or words % self.runs):
            raise ValueError(f"positions must be runs of {taps} taps in whole channels, not {self.positions!r}")
        if not isinstance(self.pe, int) or self.pe < 1 or outputs % self.pe:
            raise ValueError(f"pe must divide the {outputs} outputs, not {self.pe!r}")
        most = words // self.runs
        if not isinstance(self.simd, int) or self.simd < 1 or self.simd % taps or most % (self.simd // taps):
            raise ValueError(f"simd must be {taps}, the taps of a word, times a divisor of {most}, not {self.simd!r}")

    @property
    def runs(self) -> int:
        """Words of a kernel, 1 where a word is a run of inputs."""
        return max(1, self.positions // self.codewords.shape[1])

    @property
    def words(self) -> int:
        """Words of a group."""
        return self.simd // self.codewords.shape[1]

    @property
    def groups(self) -> int:
        """Groups of a window."""
        return self.indices.shape[1] // self.words

    @property
    def folds(self) -> int:
        """Groups of ``pe`` outputs."""
        return len(self.indices) // self.pe

    @property
    def period(self) -> int:
        """Cycles of a group."""
        return max(self.group.beats, len(self.codewords), self.folds)

    @cached_property
    def group(self) -> GroupShape:
        """What is gathered."""
        taps = self.codewords.shape[1]
        positions = self.positions if self.agreement.skip_channels else 0
        return GroupShape(self.words, taps, len(self.planes), taps if self.positions > 1 else 1, positions)

    @cached_property
    def table(self) -> TableShape:
        """What is looked up."""
        # Word (channels * words + word) * runs + run, in groups of one run after another.
        table = self.indices.reshape(self.folds, self.pe, -1, self.words, self.runs).transpose(2, 4, 0, 1, 3)
        indices = table.reshape(self.groups, self.folds, self.pe, self.words)
        return TableShape(self.group, self.codewords, self.planes, indices, self.agreement, self.rom)

    @cached_property
    def levels(self) -> Levels:
        """What follows the counts."""
        return Levels(self.pe, self.agreement.top, self.thresholds, self.invert)

    @property
    def input(self) -> data.StructLayout:
        return self.group.input

    @property
    def level_bits(self) -> int:
        return self.levels.bits

    @property
    def rhythm(self) -> Rhythm:
        """All groups, of which the last ends with the outputs."""
        before = self.groups * self.period - self.folds
        each = np.ones(self.folds, np.int64)
        head = np.array([before] if before else [], np.int64)
        return Rhythm(np.append(head, each), np.append(head * 0, each * self.pe))

    @property
    def roms(self) -> tuple[Rom, ...]:
        limits = self.levels.rom
        tables = self.table.codeword_rom, self.table.index_rom
        return tables if limits is None else (*tables, limits)

    def create(self) -> "Lookup":
        return Lookup(self)

    def reference(self, window: np.ndarray, skip: np.ndarray) -> np.ndarray:
        """Outputs (outputs,) for the stored taps (taps,) of one window, in row, column, channel order, and the mask of
        those that are skipped."""
        words, inside = self.cut(window.astype(np.int64)), self.cut(~skip)
        counts = np.zeros((len(words), len(self.codewords)), np.int64)
        for place, plane in enumerate(self.planes):
            agree = ((words >> place) & 1)[:, None] == self.codewords
            counts += (agree & inside[:, None]).sum(axis=-1) << plane
        total = counts[np.arange(len(words)), self.indices].sum(axis=1)
        scale = 2 if self.agreement.doubled else 1
        return self.levels.reference(total * scale + skipped_count(self.agreement, skip))

    def cut(self, window: np.ndarray) -> np.ndarray:
        """Taps (taps,) of a window, in row, column, channel order, as words (words, taps of a word)."""
        return window.reshape(self.positions, -1).T.reshape(-1, self.codewords.shape[1])


class Lookup(StreamComponent):
    """Windows in channel order in, ``pe`` outputs at a time out.

    Words are gathered into groups, their tables filled and read, and the counts accumulated, all three at once for
    successive groups. Throughput: a group in `LookupShape.period` cycles. Latency: the n cycles of filling a table, and
    6 more where words are gathered, 5 where they are not, and one for adding several words.
    """

    def __init__(self, shape: LookupShape) -> None:
        self.shape = shape
        super().__init__(
            {"i": In(word_stream(shape.input)), "o": Out(word_stream(lanes_layout(shape.pe, shape.level_bits)))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        m.submodules.gather = gather = Gather(shape.group)
        m.submodules.table = table = Table(shape.table)
        m.submodules.totals = totals = Totals(shape.levels, shape.folds, shape.groups, shape.table.output)
        # The ends first: of ports that have one name, Amaranth leaves it to the first.
        wiring.connect(m, totals.o, wiring.flipped(self.o))
        wiring.connect(m, wiring.flipped(self.i), gather.i)
        wiring.connect(m, gather.o, table.i)
        wiring.connect(m, table.o, totals.i)
        return m

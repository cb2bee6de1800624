"""From counts to levels: the thresholds behind every compute unit, as a table and as comparators."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth import Cat, Const, Module, Value
from amaranth.lib import stream

from hw.datapath.rom import Rom

__all__ = ["Levels"]


@dataclass(frozen=True, eq=False)
class Levels:
    """level = number of thresholds j with (count >= thresholds[c, j]) xor invert[c], for counts from 0 to ``top``.

    ``thresholds`` (outputs, 2**k - 1), from 0 to top + 1, and ``invert`` (outputs,); without them the counts themselves
    are the outputs. ``pe`` outputs are made at once.
    """

    pe: int
    top: int
    thresholds: np.ndarray | None = None
    invert: np.ndarray | None = None

    @property
    def count_bits(self) -> int:
        """Bits of a count."""
        return self.top.bit_length()

    @property
    def bits(self) -> int:
        """Bits of an output element."""
        return self.count_bits if self.thresholds is None else self.thresholds.shape[1].bit_length()

    @property
    def steps(self) -> int:
        """Thresholds of an output."""
        return 0 if self.thresholds is None else self.thresholds.shape[1]

    @property
    def width(self) -> int:
        """Bits of a threshold."""
        return (self.top + 1).bit_length()

    @cached_property
    def rom(self) -> Rom | None:
        """Row fold: for output fold * pe + p its thresholds, lowest first, then its invert bit; p = 0 is lowest."""
        if self.thresholds is None or self.invert is None:
            return None
        rows = []
        for fold in range(len(self.thresholds) // self.pe):
            row = place = 0
            for channel in range(fold * self.pe, (fold + 1) * self.pe):
                for threshold in self.thresholds[channel]:
                    row |= int(threshold) << place
                    place += self.width
                row |= int(self.invert[channel]) << place
                place += 1
            rows.append(row)
        return Rom("thresholds", tuple(rows), self.pe * (self.width * self.steps + 1))

    def compare(self, counts: Sequence[Value], limits: Value) -> list[Value]:
        """The outputs for ``pe`` counts and the row of ``rom`` that belongs to them. Combinational."""
        if self.rom is None:
            return list(counts)
        levels = []
        for p, count in enumerate(counts):
            own = limits[p * (self.steps * self.width + 1) : (p + 1) * (self.steps * self.width + 1)]
            passed = [(count >= own[j * self.width : (j + 1) * self.width]) ^ own[-1] for j in range(self.steps)]
            level = passed[0] if self.steps == 1 else sum(passed[1:], passed[0])
            levels.append(level[: self.bits])
        return levels

    def read(self, m: Module, fold: Value, enable: Value) -> Value:
        """The row of ``rom`` for the ``pe`` outputs of ``fold``, from the cycle after ``enable`` on."""
        return Const(0, 1) if self.rom is None else self.rom.read(m, fold, enable)

    def send(self, m: Module, o: stream.Interface, complete: Value, counts: Sequence[Value], limits: Value) -> None:
        """The register stage behind the comparators: the outputs at ``o`` while ``complete`` counts stand."""
        free = ~o.valid | o.ready
        with m.If(free):
            m.d.sync += o.valid.eq(complete)
        with m.If(complete & free):
            m.d.sync += o.payload.as_value().eq(Cat(self.compare(counts, limits)))

    def reference(self, counts: np.ndarray) -> np.ndarray:
        """Outputs (..., outputs) for counts of that shape."""
        if self.thresholds is None or self.invert is None:
            return counts
        return ((counts[..., None] >= self.thresholds) ^ self.invert[:, None]).sum(axis=-1)

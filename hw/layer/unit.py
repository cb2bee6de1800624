"""What every compute unit is to the rest: windows in, outputs out, in a rhythm that is known beforehand."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from amaranth.lib import data

from hw.datapath.rom import Rom
from hw.stream.words import StreamComponent
from sw.network.agreement import Agreement

__all__ = ["Rhythm", "UnitShape"]


@dataclass(frozen=True, eq=False)
class Rhythm:
    """The steps of one window: ``cycles`` of each, and the output elements that it ``makes``; int64 (steps,)."""

    cycles: np.ndarray
    makes: np.ndarray

    @classmethod
    def even(cls, steps: int, cycles: int, makes: int) -> "Rhythm":
        """Steps that are all alike."""
        return cls(np.full(steps, cycles), np.full(steps, makes))

    @property
    def work(self) -> int:
        """Cycles of a window."""
        return int(self.cycles.sum())


class UnitShape(ABC):
    """Parameters of a compute unit, which makes the outputs of a layer from its windows, ``pe`` at a time.

    What its counts mean, before thresholds make levels of them, says ``agreement``.
    """

    pe: int
    agreement: Agreement

    @property
    @abstractmethod
    def input(self) -> data.StructLayout:
        """The payload that a window generator sends."""

    @property
    @abstractmethod
    def level_bits(self) -> int:
        """Bits of an output element."""

    @property
    def sums(self) -> tuple[int, np.ndarray, int]:
        """What the counts that go out without thresholds say of the sums: slope * count - offset[output], and the
        largest count."""
        return self.agreement.slope, self.agreement.offset, self.agreement.top

    @property
    @abstractmethod
    def rhythm(self) -> Rhythm:
        """What a window takes."""

    @property
    @abstractmethod
    def roms(self) -> tuple[Rom, ...]:
        """The tables, those of one row among them."""

    @abstractmethod
    def create(self) -> StreamComponent:
        """The component."""

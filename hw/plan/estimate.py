"""What an accelerator or a part of it takes of a device."""

from dataclasses import dataclass

from hw.datapath.shared_ram import RAM_WORDS, TableSize, rams, shelves

__all__ = ["Estimate"]

FF_WEIGHT = 0.25
#: Tables that would take more block RAMs go to single-port RAM, though loading them has its price, too.
SPRAM_BLOCKS = 12


@dataclass(frozen=True)
class Estimate:
    """LUT sites (memory in LUTs included), flip-flops, block RAMs as the family counts them, single-port RAMs of tables
    that have some for themselves, and the sizes of the tables that share."""

    luts: float = 0.0
    ffs: float = 0.0
    brams: int = 0
    own_sprams: int = 0
    shared: tuple[TableSize, ...] = ()

    def __add__(self, other: "Estimate") -> "Estimate":
        brams, sprams = self.brams + other.brams, self.own_sprams + other.own_sprams
        return Estimate(self.luts + other.luts, self.ffs + other.ffs, brams, sprams, self.shared + other.shared)

    @property
    def sprams(self) -> int:
        """Single-port RAMs."""
        return self.own_sprams + sum(rams(shelf) for shelf in shelves(self.shared))

    def price(self, bram_luts: float) -> float:
        """One number to compare by: a block RAM counts as ``bram_luts`` LUTs, a flip-flop as a quarter of one, a
        single-port RAM, or what part of one is taken, as `SPRAM_BLOCKS` block RAMs."""
        sprams = self.own_sprams + sum(table.load_depth for table in self.shared) / RAM_WORDS
        return self.luts + FF_WEIGHT * self.ffs + bram_luts * (self.brams + SPRAM_BLOCKS * sprams)

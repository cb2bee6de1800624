"""What a memory becomes on an FPGA family: block RAMs, LUT RAM, or logic.

The rule is that of Yosys' ``memory_libmap``: every kind of memory cell has a price, logic has a price a bit, and the
cheapest is taken; at one price logic, then block RAM. The prices are those of Yosys 0.70;
``tests/hw/plan/test_memory.py`` compares the outcome with Yosys itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hw.datapath.rom import SINGLE_PORT, RomStyle

__all__ = ["MEMORIES", "BlockRam", "FamilyMemory", "LutRam", "MemoryUse", "block_rams", "memory_use"]


@dataclass(frozen=True)
class BlockRam:
    """A family's block RAM: ``shapes`` (depth, width) that it can take, its ``price``, and its ``bits``."""

    shapes: tuple[tuple[int, int], ...]
    price: float
    bits: int

    def count(self, depth: int, width: int) -> int:
        """The fewest blocks for ``depth`` words of ``width`` bits."""
        return min(-(-depth // rows) * -(-width // columns) for rows, columns in self.shapes)


@dataclass(frozen=True)
class LutRam:
    """A family's distributed RAM: ``shapes`` (depth, width) of a cell of ``sites`` LUT sites, and its ``price``.

    ``scaled``: a cell that is used in part costs that part.
    """

    shapes: tuple[tuple[int, int], ...]
    price: float
    sites: int
    scaled: bool = False

    def price_of(self, depth: int, width: int) -> tuple[float, int]:
        """Price and LUT sites of ``depth`` words of ``width`` bits."""
        options = []
        for rows, columns in self.shapes:
            deep, cells = -(-depth // rows), -(-width // columns)
            used = width / columns if self.scaled else cells
            options.append((deep * used * self.price, deep * cells * self.sites))
        return min(options)


@dataclass(frozen=True)
class FamilyMemory:
    """The memory cells of a family, and the price of a constant bit in logic; a bit that can be written costs 1.

    ``single``: (depth, width) of a single-port RAM, which some of the family's devices have.
    """

    block: BlockRam
    rom_bit: float
    lut: LutRam | None = None
    single: tuple[int, int] | None = None


@dataclass(frozen=True)
class MemoryUse:
    """What one memory takes: ``blocks`` block RAMs, ``sites`` LUT sites of LUT RAM, or ``singles`` single-port RAMs; or
    none of them: then it is logic."""

    blocks: int = 0
    sites: int = 0
    singles: int = 0

    @property
    def is_logic(self) -> bool:
        """Whether the memory is look-up tables, or flip-flops where it can be written."""
        return not self.blocks and not self.sites and not self.singles


NARROW = ((256, 16), (512, 8), (1024, 4), (2048, 2), (4096, 1))
WIDE = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))

MEMORIES: Mapping[str, FamilyMemory] = {
    "ice40": FamilyMemory(BlockRam(NARROW, 64, 4096), 1 / 16, single=(16384, 16)),
    "ecp5": FamilyMemory(BlockRam(WIDE, 128, 18432), 1 / 16, LutRam(((16, 4),), 4, 6)),
    "gowin": FamilyMemory(BlockRam(WIDE, 128, 18432), 1 / 16, LutRam(((16, 4),), 4, 6, scaled=True)),
    "xc7": FamilyMemory(BlockRam(WIDE, 129, 18432), 1 / 64, LutRam(((32, 6), (64, 3)), 8, 4, scaled=True)),
}


def memory_use(family: str, depth: int, width: int, *, rom: bool, style: RomStyle = "auto") -> MemoryUse:
    """What Yosys makes of a memory of ``depth`` words of ``width`` bits with one registered read port.

    ``rom``: constants; otherwise there is one write port too. ``style`` as in `hw.datapath.rom.Rom`. Raises ValueError
    where the family is unknown or has no such memory, or a size is not positive.
    """
    if family not in MEMORIES:
        raise ValueError(f"family must be one of {', '.join(MEMORIES)}, not {family!r}")
    for name, value in (("depth", depth), ("width", width)):
        if value < 1:
            raise ValueError(f"{name} must be positive, not {value!r}")
    cells = MEMORIES[family]
    blocks = cells.block.count(depth, width)
    if depth == 1 or style == "logic":
        return MemoryUse()
    if style in SINGLE_PORT:
        if cells.single is None:
            raise ValueError(f"style cannot be {style} on {family}, which has no single-port RAM")
        rows, columns = cells.single
        return MemoryUse(singles=-(-depth // rows) * -(-width // columns))
    if style == "block":
        return MemoryUse(blocks=blocks)
    options = [(blocks * cells.block.price, 1, MemoryUse(blocks=blocks))]
    if cells.lut is not None and not rom:
        price, sites = cells.lut.price_of(depth, width)
        options.append((price, 2, MemoryUse(sites=sites)))
    options.append((depth * width * (cells.rom_bit if rom else 1), 0, MemoryUse()))
    return min(options, key=lambda option: option[:2])[2]


def block_rams(family: str, depth: int, width: int) -> int:
    """The fewest block RAMs of ``family`` that hold ``depth`` words of ``width`` bits."""
    return memory_use(family, depth, width, rom=True, style="block").blocks

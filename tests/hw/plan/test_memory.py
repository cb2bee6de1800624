# amaranth: UnusedElaboratable=no
"""What is foretold of a memory is what Yosys makes of it."""

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hw.datapath.rom import Rom
from hw.plan.memory import MEMORIES, MemoryUse, block_rams, memory_use
from hw.synthesis import synthesise

ROM, RAM = True, False


class Store(wiring.Component):
    """A memory with one registered read port; of random constants, or with a write port."""

    def __init__(self, depth, width, rom):
        self.depth, self.width, self.rom = depth, width, rom
        ports = {"read_at": In(range(depth)), "read": In(1), "q": Out(width)}
        if not rom:
            ports |= {"write_at": In(range(depth)), "write": In(1), "d": In(width)}
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        rng = np.random.default_rng(1)
        rows = [int.from_bytes(rng.bytes(-(-self.width // 8))) % (1 << self.width) for _ in range(self.depth)]
        m.submodules.cells = cells = memory.Memory(
            shape=self.width, depth=self.depth, init=rows if self.rom else [], attrs={}
        )
        if not self.rom:
            write = cells.write_port()
            m.d.comb += [write.addr.eq(self.write_at), write.en.eq(self.write), write.data.eq(self.d)]
        port = cells.read_port()
        m.d.comb += [port.addr.eq(self.read_at), port.en.eq(self.read), self.q.eq(port.data)]
        return m


@pytest.mark.parametrize(
    ("family", "depth", "width", "rom"),
    [
        ("ice40", 128, 8, ROM),
        pytest.param(*("ice40", 128, 36, ROM), marks=pytest.mark.slow),
        pytest.param(*("ice40", 1024, 36, ROM), marks=pytest.mark.slow),
        ("ice40", 8, 8, RAM),
        ("ice40", 16, 36, RAM),
        pytest.param(*("ice40", 4096, 8, RAM), marks=pytest.mark.slow),
        pytest.param(*("ecp5", 256, 8, ROM), marks=pytest.mark.slow),
        ("ecp5", 64, 72, ROM),
        ("ecp5", 128, 8, RAM),
        pytest.param(*("ecp5", 64, 36, RAM), marks=pytest.mark.slow),
        ("gowin", 1024, 36, ROM),
        ("gowin", 512, 1, RAM),
        pytest.param(*("xc7", 1024, 8, ROM), marks=pytest.mark.slow),
        ("xc7", 256, 36, ROM),
        ("xc7", 64, 36, RAM),
        pytest.param(*("xc7", 128, 36, RAM), marks=pytest.mark.slow),
    ],
)
def test_yosys_makes_of_a_memory_what_is_foretold(family, depth, width, rom):
    area = synthesise(Store(depth, width, rom), family)
    assert memory_use(family, depth, width, rom=rom) == MemoryUse(area.brams, area.lutrams)


class Table(wiring.Component):
    """A table that is only read."""

    def __init__(self, rom):
        self.rom = rom
        super().__init__({"at": In(range(rom.depth)), "enable": In(1), "q": Out(rom.width)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.q.eq(self.rom.read(m, self.at, self.enable))
        return m


@pytest.mark.parametrize("same", [0, 1])
def test_columns_that_are_the_same_in_all_rows_are_no_part_of_a_table(same):
    drawn = np.random.default_rng(2).integers(0, 1 << 11 - same, 192)
    rom = Rom("table", tuple(int(row) << same | same for row in drawn), 11)
    assert rom.varying == 11 - same
    expected = memory_use("ecp5", rom.depth, rom.varying, rom=True)
    assert expected.is_logic == bool(same)
    assert synthesise(Table(rom), "ecp5").brams == expected.blocks


@pytest.mark.parametrize(
    ("family", "depth", "width", "blocks"),
    [
        ("ice40", 256, 16, 1),
        ("ice40", 512, 36, 5),
        ("ice40", 2048, 72, 36),
        ("ecp5", 512, 36, 1),
        ("ecp5", 4096, 36, 8),
        ("gowin", 1024, 18, 1),
        ("xc7", 1024, 72, 4),
    ],
)
def test_blocks_are_counted_by_shape(family, depth, width, blocks):
    assert block_rams(family, depth, width) == blocks


def test_a_style_overrules_the_price():
    assert memory_use("ice40", 16, 4, rom=True) == MemoryUse()
    assert memory_use("ice40", 16, 4, rom=True, style="block") == MemoryUse(blocks=1)
    assert memory_use("ice40", 512, 64, rom=True, style="logic").is_logic
    assert memory_use("ecp5", 1, 64, rom=True).is_logic


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match=f"^family must be one of {', '.join(MEMORIES)}, not 'max10'$"):
        memory_use("max10", 2, 2, rom=True)


@pytest.mark.parametrize(("depth", "width", "name"), [(0, 1, "depth"), (1, 0, "width")])
def test_sizes_are_positive(depth, width, name):
    with pytest.raises(ValueError, match=f"^{name} must be positive, not 0$"):
        memory_use("ice40", depth, width, rom=False)

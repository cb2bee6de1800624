# amaranth: UnusedElaboratable=no
"""Tables that share a single-port RAM: every row in order, at full speed, whatever pauses and resets there are."""

import numpy as np
import pytest
from amaranth import Module, ResetInserter, Signal
from amaranth.sim import Simulator

from hw.accelerator import Accelerator
from hw.datapath.rom import Rom
from hw.datapath.shared_ram import RAM_WORDS, SharedRam, TableSize, rams, shelves
from hw.loader import Loader, load_words
from hw.plan.area import pipeline_area
from hw.plan.plan import Folding, Plan
from hw.synthesis import synthesise


def table(name, depth, width, seed):
    rows = np.random.default_rng(seed).integers(0, 1 << width, depth).tolist()
    return Rom(name, tuple(rows), width, "shared", in_order=True)


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([(16, 1)], id="alone, one word"),
        pytest.param([(32, 4), (64, 3)], id="as many as words of four rows allow"),
        pytest.param([(8, 2), (24, 2), (16, 1), (40, 2), (8, 2), (64, 2)], id="six, as many as words of eight allow"),
    ],
)
@pytest.mark.parametrize("pauses", [0.0, 0.4])
def test_every_table_gives_its_rows_in_order(sizes, pauses):
    roms = [table(f"t{at}", depth, width, at) for at, (depth, width) in enumerate(sizes)]
    m, reset = Module(), Signal()
    m.submodules.loader = loader = Loader(roms)
    m.submodules.ram = ram = ResetInserter(~loader.loaded | reset)(SharedRam(roms))
    enables = [Signal(name=f"enable_{at}") for at in range(len(roms))]
    found = [rom.read(m, Signal(range(rom.depth)), enable) for rom, enable in zip(roms, enables, strict=True)]
    chance = np.random.default_rng(3)

    async def bench(ctx):
        for word in load_words(roms):
            assert not ctx.get(ram.ready)
            ctx.set(loader.i.valid, 1)
            ctx.set(loader.i.payload, word)
            await ctx.tick()
        ctx.set(loader.i.valid, 0)
        for turn in range(2):
            waited = 0
            for enable in enables:
                ctx.set(enable, 1)  # As readers do that are held in reset.
            while not ctx.get(ram.ready):
                waited += 1
                assert waited <= 4 * len(roms) + 8, f"not ready after reset {turn}"
                await ctx.tick()
            for enable in enables:
                ctx.set(enable, 0)
            read = [0] * len(roms)
            for _ in range(300):
                goes = [int(chance.random() >= pauses) for _ in roms]
                for enable, go in zip(enables, goes, strict=True):
                    ctx.set(enable, go)
                await ctx.tick()
                for at, (rom, go) in enumerate(zip(roms, goes, strict=True)):
                    read[at] += go
                    if read[at]:
                        assert ctx.get(found[at]) == rom.rows[(read[at] - 1) % rom.depth], (rom.name, read[at])
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_more_tables_than_their_words_last_for_are_refused():
    with pytest.raises(ValueError, match=r"^roms must be fewer, for their words to last, not 3$"):
        SharedRam([table(f"t{at}", 16, 4, at) for at in range(3)])
    with pytest.raises(ValueError, match=r"^roms must be tables that can share a RAM, not \['t'\]$"):
        SharedRam([Rom("t", (1, 2, 3, 4), 4, "shared")])


def test_the_deepest_are_placed_first_and_none_beyond_its_ram():
    deep, half, narrow, small = (TableSize(RAM_WORDS, 4), TableSize(RAM_WORDS // 2, 4), TableSize(9000, 8),
                                 TableSize(100, 4))  # fmt: skip
    assert shelves([small, half, deep, half, narrow]) == [[deep], [narrow, small], [half, half]]
    assert [rams(shelf) for shelf in shelves([TableSize(RAM_WORDS + 1, 8), narrow])] == [2]


def test_yosys_makes_one_ram_of_the_tables_of_two_layers(small_network):
    folding = {"conv1": Folding(2, 3), "conv2": Folding(1, 3, "shared"), "dense1": Folding(1, 3, "shared")}
    accelerator = Accelerator(small_network, Plan(folding))
    assert [rom.is_shared for rom in accelerator.loaded_roms] == [True, True]
    estimate = pipeline_area(accelerator.pipeline, "ice40")
    area = synthesise(accelerator, "ice40")
    assert area.sprams == estimate.sprams == 1
    assert area.brams == estimate.brams

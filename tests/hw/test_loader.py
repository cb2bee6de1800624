# amaranth: UnusedElaboratable=no
"""Tables that are written before they are read: every word in its place, once, whatever resets come after."""

import numpy as np
import pytest
from amaranth import Module, ResetInserter, Signal
from amaranth.sim import Simulator

from hw.accelerator import Accelerator
from hw.datapath.rom import LOAD_BITS, Rom
from hw.loader import Loader, load_words
from hw.plan.area import pipeline_area
from hw.plan.plan import Folding, Plan
from hw.synthesis import synthesise


def table(name, depth, width, seed):
    rng = np.random.default_rng(seed)
    rows = tuple(int.from_bytes(rng.bytes(-(-width // 8))) % (1 << width) for _ in range(depth))
    return Rom(name, rows, width, "spram")


@pytest.mark.parametrize("sizes", [[(5, 3)], [(9, 8), (16, 1), (3, 9)], [(4, 16), (3, 17)], [(2, 40), (7, 1), (3, 33)]])
def test_every_word_lands_in_its_row_and_column_and_a_reset_changes_nothing(sizes):
    roms = [table(f"t{at}", depth, width, at) for at, (depth, width) in enumerate(sizes)]
    loader, reset = Loader(roms), Signal()
    written = [{} for _ in roms]
    chance = np.random.default_rng(1)

    async def bench(ctx):
        words = load_words(roms)
        while words:
            assert not ctx.get(loader.loaded)
            offered = int(chance.random() < 0.6)
            ctx.set(loader.i.valid, offered)
            ctx.set(loader.i.payload, words[0])
            ctx.set(reset, int(chance.random() < 0.3))
            for found, rom in zip(written, roms, strict=True):
                for column in range(rom.columns):
                    if ctx.get(rom.load.write) >> column & 1:
                        place = ctx.get(rom.load.row), column
                        assert place not in found
                        found[place] = ctx.get(rom.load.data)
            if offered and ctx.get(loader.i.ready):
                words.pop(0)
            await ctx.tick()
        ctx.set(reset, 1)
        await ctx.tick()
        assert ctx.get(loader.loaded)
        assert not ctx.get(loader.i.ready)

    simulator = Simulator(ResetInserter(reset)(loader))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    for found, rom in zip(written, roms, strict=True):
        words = [sum(found[row, at] << LOAD_BITS * at for at in range(rom.columns)) for row in range(rom.load_depth)]
        rows = [word >> rom.width * at & (1 << rom.width) - 1 for word in words for at in range(rom.packed)]
        assert rows[: rom.depth] == list(rom.rows)
        assert not any(rows[rom.depth :])


def test_rows_that_share_a_word_are_read_in_any_order():
    rom = table("t", 21, 5, 0)
    assert (rom.packed, rom.load_depth) == (2, 11)
    check_reading(rom, Rom("same", rom.rows, rom.width))


def check_reading(rom, plain):
    """``rom`` once loaded, beside ``plain`` of the same rows, at random addresses and with pauses."""
    m = Module()
    m.submodules.loader = loader = Loader([rom])
    address, enable = Signal(range(rom.depth)), Signal()
    found, wanted = (each.read(m, address, enable) for each in (rom, plain))
    chance = np.random.default_rng(2)

    async def bench(ctx):
        for word in load_words([rom]):
            ctx.set(loader.i.valid, 1)
            ctx.set(loader.i.payload, word)
            await ctx.tick()
        ctx.set(loader.i.valid, 0)
        ctx.set(enable, 1)
        for _ in range(200):
            ctx.set(address, int(chance.integers(rom.depth)))
            await ctx.tick()
            assert ctx.get(found) == ctx.get(wanted)
            ctx.set(enable, int(chance.random() < 0.7))

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_tables_that_come_with_their_contents_are_not_loaded():
    with pytest.raises(ValueError, match=r"roms must be tables that are loaded, not \['t'\]"):
        Loader([Rom("t", (1, 2), 4)])


def test_yosys_makes_single_port_ram_of_them(small_network):
    folding = {"conv1": Folding(2, 3), "conv2": Folding(2, 4, "spram"), "dense1": Folding(3, 4)}
    accelerator = Accelerator(small_network, Plan(folding))
    estimate = pipeline_area(accelerator.pipeline, "ice40")
    area = synthesise(accelerator, "ice40")
    assert area.sprams == estimate.sprams == 1
    assert area.brams == estimate.brams

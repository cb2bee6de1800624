"""The timing diagrams show what the simulator does, and what the Network says."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from docs.tools.pages import ROOT
from docs.tools.timing.drawing import Row, diagram
from docs.tools.timing.scenes import SCENES, images, small_network
from docs.tools.timing.waveform import cycles


@pytest.mark.parametrize("name", SCENES)
def test_the_kept_pictures_are_those_of_a_simulation_now(name, tmp_path):
    kept = ROOT / "docs" / "pictures" / f"{name}.svg"
    assert kept.read_text() == SCENES[name].draw(tmp_path), "draw them again: python -m docs.tools.timing"


@pytest.mark.parametrize("name", ["timing-image", "timing-interval", "timing-stall", "timing-reset"])
def test_what_is_shown_to_come_out_is_what_the_network_says(name, tmp_path):
    scene = SCENES[name]
    waves = scene.waves(tmp_path)
    taken = np.array(waves["m_axis_tvalid"]) & np.array(waves["m_axis_tready"])
    words = [(waves["m_axis_tdata"][at], waves["m_axis_tlast"][at]) for at in np.flatnonzero(taken)]
    run = small_network().run(images(scene.frames))
    expected = [
        word
        for scores, winner in zip(run.scores.tolist(), run.classes.tolist(), strict=True)
        for word in [*((score % 256, 0) for score in scores), (winner, 1)]
    ]
    assert len(words) >= 3
    assert words == expected[: len(words)]


def test_images_without_a_pause_leave_at_the_interval_of_the_formula(tmp_path):
    scene = SCENES["timing-interval"]
    ends = np.flatnonzero(scene.waves(tmp_path)["m_axis_tlast"])
    assert np.diff(ends).tolist() == [scene.accelerator.pipeline.interval] * (len(ends) - 1)
    assert len(ends) > 2


def counter(path, width=4, clocks=5):
    m = Module()
    count = Signal(width, init=3)
    m.d.sync += count.eq(count + 1)
    m.d.comb += Signal(name="half").eq(count[0])
    simulator = Simulator(m)
    simulator.add_clock(1e-6)

    async def bench(ctx):
        await ctx.tick().repeat(clocks)

    simulator.add_testbench(bench)
    with simulator.write_vcd(str(path)):
        simulator.run()


def test_a_cycle_has_the_value_that_stands_when_the_next_edge_comes(tmp_path):
    counter(tmp_path / "count.vcd")
    assert cycles(tmp_path / "count.vcd", ["count", "half"]) == {"count": [3, 4, 5, 6, 7], "half": [1, 0, 1, 0, 1]}


def test_a_signal_that_is_not_there_is_named(tmp_path):
    counter(tmp_path / "count.vcd")
    with pytest.raises(ValueError, match="must have a signal 'other', and has none"):
        cycles(tmp_path / "count.vcd", ["other"])


def test_a_diagram_shades_transfers_and_writes_only_what_is_valid():
    waves = {"v": [0, 1, 1, 0], "r": [1, 0, 1, 1], "d": [9, 5, 5, 7]}
    svg = diagram("a < b", waves, [Row("d", str, "v"), Row("v"), Row("r")], [range(4)], [("v", "r")])
    assert svg.count('class="taken"') == 1
    assert svg.count('class="bus"') == 1
    assert ">5</text>" in svg
    assert ">9</text>" not in svg
    assert ">7</text>" not in svg
    assert "a &lt; b" in svg

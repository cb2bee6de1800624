# amaranth: UnusedElaboratable=no
"""Whole accelerators in Amaranth's simulator against the Network, and their interval against the formula."""

import numpy as np
import pytest
from amaranth.sim import Simulator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw.accelerator import Accelerator
from hw.frames import input_beats, output_beats
from hw.loader import load_words
from hw.plan.plan import Folding, Plan
from hw.plan.search import least_area_plan
from hw.plan.space import Space
from sw.network import Network
from tests.hw.streams import GAPS_AND_STALLS
from tests.networks import dense_network, networks, plans, random_images

FRAMES = 7


def run(accelerator: Accelerator, beats: list[int], count: int, gaps: float = 0.0, stalls: float = 0.0):
    """Take ``count`` result beats: (data, last, cycle) of each."""
    chance = np.random.default_rng(3)
    taken = []

    async def bench(ctx):
        await load(ctx)
        at, cycle, offered = 0, 0, False
        while len(taken) < count:
            offered = offered or (at < len(beats) and chance.random() >= gaps)
            ctx.set(accelerator.s_axis_tvalid, int(offered))
            if offered:
                ctx.set(accelerator.s_axis_tdata, beats[at])
            ready = int(chance.random() >= stalls)
            ctx.set(accelerator.m_axis_tready, ready)
            if offered and ctx.get(accelerator.s_axis_tready):
                at, offered = at + 1, False
            if ready and ctx.get(accelerator.m_axis_tvalid):
                taken.append((ctx.get(accelerator.m_axis_tdata), ctx.get(accelerator.m_axis_tlast), cycle))
            cycle += 1
            assert cycle < 300_000, f"stopped after {len(taken)} of {count} results"
            await ctx.tick()

    async def load(ctx):
        for word in load_words(accelerator.loaded_roms):
            assert not ctx.get(accelerator.s_axis_tready)
            ctx.set(accelerator.load_tvalid, 1)
            ctx.set(accelerator.load_tdata, word)
            await ctx.tick()

    simulator = Simulator(accelerator)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return taken


def check(network: Network, plan: Plan, frames: int, gaps: float = 0.0, stalls: float = 0.0) -> list[int]:
    """Compare ``frames`` frames with the Network and return the cycles in which each one's last beat was taken."""
    accelerator = Accelerator(network, plan)
    images = random_images(network, frames)
    expected = network.run(images)
    beats = input_beats(images, network.input.bits, plan.pixels_per_beat, accelerator.input_bits)
    wanted = output_beats(expected.scores, expected.classes, accelerator.results.result_bits, plan.output)
    taken = run(accelerator, beats, len(wanted), gaps, stalls)
    assert [data for data, _, _ in taken] == wanted
    per_frame = len(wanted) // frames
    assert [last for _, last, _ in taken] == [int(at % per_frame == per_frame - 1) for at in range(len(taken))]
    return [cycle for _, last, cycle in taken if last]


def quick(network: Network, plan: Plan, cycles: int = 1200) -> bool:
    """Whether Amaranth's simulator runs some frames of it in about a second."""
    return Accelerator(network, plan).pipeline.interval < cycles


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_networks_compute_what_the_network_does_at_the_interval_of_the_formula(data):
    network = data.draw(networks(largest=6))
    plan = data.draw(plans(network).filter(lambda plan: quick(network, plan)))
    ends = check(network, plan, FRAMES)
    assert np.diff(ends)[-3:].tolist() == [Accelerator(network, plan).pipeline.interval] * 3


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS[1:])
def test_gaps_and_stalls_change_no_result(small_network, gaps, stalls):
    folding = {
        name: Folding(pe, simd)
        for name, pe, simd in [(n, 2 if s[0] % 2 == 0 else 1, 1) for n, s in linear_shapes(small_network)]
    }
    check(small_network, Plan(folding), 3, gaps, stalls)


def linear_shapes(network: Network) -> list[tuple[str, tuple[int, ...]]]:
    return [(layer.name, layer.weights.shape) for layer in network.layers if hasattr(layer, "weights")]


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS)
def test_with_every_layer_unrolled_and_all_pixels_in_a_beat_a_class_leaves_every_cycle(gaps, stalls):
    network = dense_network()
    folding = {n: Folding(*s, datapath="unrolled") for n, s in linear_shapes(network)}
    plan = Plan(folding, pixels_per_beat=12, output="class")
    accelerator = Accelerator(network, plan)
    assert [stage.name for stage in accelerator.pipeline.stages] == ["encode", "first", "second", "last", "scores"]
    assert accelerator.pipeline.interval == 1
    ends = check(network, plan, 40, gaps, stalls)
    if not gaps and not stalls:
        assert np.diff(ends).tolist() == [1] * 39


@pytest.mark.parametrize("interval", [1, 3, 4, 5, 6])
def test_the_planner_finds_less_cycles_than_classes_where_the_class_alone_is_wanted(interval):
    network = dense_network()
    assert (least_area_plan(network, Plan(), interval, "ice40") is None) == (interval < 6)
    plan = least_area_plan(network, Plan(output="class"), interval, "ice40")
    assert plan is not None
    made = Accelerator(network, plan).pipeline
    assert made.interval <= interval
    ends = check(network, plan, 20)
    assert np.diff(ends)[-10:].tolist() == [made.interval] * 10


def test_fewer_cycles_than_classes_need_the_sums_of_all_classes_at_once():
    space = Space(dense_network(6))
    last = space.layers[-1]
    assert {candidate.folding.pe for candidate in space.choices(last, 5)} == {6}
    assert {candidate.folding.pe for candidate in space.choices(last, 6)} == {1, 2, 3, 6}
    assert (space.shortest("class"), space.shortest("scores")) == (1, 7)

# amaranth: UnusedElaboratable=no
"""The top module: reset from power-up, lights, and images through link and accelerator with one given up between."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from boards.board import board
from boards.flash_image import weights_image
from boards.top import PowerOn, Top, Visible
from hw.accelerator import Accelerator
from hw.frames import input_beats, output_beats
from hw.loader import load_words
from hw.plan.plan import Folding, Plan
from sw.network import Network
from tests.boards.flash_memory import FlashMemory

PLAN = Plan({"conv1": Folding(4, 9), "conv2": Folding(6, 36), "dense1": Folding(3, 24)})


class Line(wiring.Component):
    """The ports of a host link, and nothing behind them: the test drives them."""

    def __init__(self, input_bits: int, result_bits: int) -> None:
        results = data.StructLayout({"value": result_bits, "last": 1})
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "images": Out(stream.Signature(input_bits)),
                "results": In(stream.Signature(results)),
                "clear": Out(1),
                "active": Out(1),
                "fault": Out(1),
                "ready": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        return Module()


def simulate(design: Any, test: Callable, domain: str = "sync", background: Callable | None = None) -> None:
    simulator = Simulator(design)
    simulator.add_clock(1e-6, domain=domain)
    simulator.add_testbench(test)
    if background is not None:
        simulator.add_testbench(background, background=True)
    simulator.run()


@pytest.fixture
def make_top(small_network) -> Callable[..., Top]:
    def make(name: str, plan: Plan = PLAN) -> Top:
        accelerator = Accelerator(small_network, plan)
        link = Line(accelerator.input_bits, accelerator.results.result_bits)
        return Top(board(name), None, 1e6, link, accelerator)  # type: ignore[arg-type]

    return make


async def started(ctx: Any) -> None:
    for _ in range(40):
        await ctx.tick()


async def send(ctx: Any, top: Top, beats: list[int]) -> None:
    images = top.link.images
    for beat in beats:
        ctx.set(images.payload, beat)
        ctx.set(images.valid, 1)
        await ctx.tick().until(images.ready)
        ctx.set(images.valid, 0)


async def receive(ctx: Any, top: Top) -> list[int]:
    results, last = top.link.results, top.accelerator.results.classes
    got = []
    ctx.set(results.ready, 1)
    for at in range(last + 1):
        value, ends = await ctx.tick().sample(results.payload.value, results.payload.last).until(results.valid)
        assert ends == (at == last)
        got.append(value)
    ctx.set(results.ready, 0)
    return got


class Images:
    """Some images as beats in and beats out."""

    def __init__(self, network: Network, images: np.ndarray, top: Top) -> None:
        beats = input_beats(images, 8, 1, top.accelerator.input_bits)
        run = network.run(images)
        self.expected = output_beats(run.scores, run.classes, top.accelerator.results.result_bits, "scores")
        size = len(beats) // len(images)
        self.beats = [beats[at : at + size] for at in range(0, len(beats), size)]
        assert np.unique(self.expected).size > 3


def test_images_pass_and_clear_forgets_half_an_image(make_top, small_network, make_images):
    top = make_top("icebreaker")
    images = Images(small_network, make_images(small_network, 3), top)
    first, second, third = images.beats
    got = []

    async def test(ctx: Any) -> None:
        await started(ctx)
        await send(ctx, top, first)
        got.extend(await receive(ctx, top))
        await send(ctx, top, second[: len(second) // 2])
        ctx.set(top.link.clear, 1)
        await ctx.tick()
        ctx.set(top.link.clear, 0)
        for beats in (second, third):
            await send(ctx, top, beats)
            got.extend(await receive(ctx, top))

    simulate(top, test)
    assert got == images.expected


@pytest.mark.parametrize("wrong", [False, True])
def test_weights_are_loaded_before_anything_starts(wrong, make_top, small_network, make_images):
    known = board("icebreaker")
    assert known.memory is not None
    plan = replace(PLAN, folding=PLAN.folding | {"conv2": Folding(2, 4, "spram")})
    top = make_top("icebreaker", plan)
    images = Images(small_network, make_images(small_network, 1), top)
    words = load_words(top.accelerator.loaded_roms)
    contents = {known.memory.address + at: byte for at, byte in enumerate(weights_image(words))}
    contents[known.memory.address] ^= wrong
    memory = FlashMemory(contents, 30)
    got = []

    async def test(ctx: Any) -> None:
        await started(ctx)
        for _ in range(6000):
            if ctx.get(top.link.ready):
                break
            assert ctx.get(top.led_ready)  # The board's lights are on when their pins are low.
            await ctx.tick()
        assert ctx.get(top.link.ready) == (not wrong)
        assert (ctx.get(top.led_ready), ctx.get(top.led_fault)) == (wrong, not wrong)
        if not wrong:
            await send(ctx, top, images.beats[0])
            got.extend(await receive(ctx, top))

    simulate(top, test, background=memory.connect(top.flash_cs, top.flash_sck, top.flash_mosi, top.flash_miso, 0))
    assert memory.problems == []
    assert memory.readings == 2 or wrong
    assert got == ([] if wrong else images.expected)


def test_reset_holds_link_and_accelerator_after_power_up(make_top):
    top = make_top("icebreaker")
    waited = []

    async def test(ctx: Any) -> None:
        ctx.set(top.link.images.valid, 1)
        while ctx.get(top.led_ready):  # The board's light is on when its pin is low.
            waited.append(ctx.get(top.accelerator.s_axis_tready))
            await ctx.tick()

    simulate(top, test)
    assert 16 <= len(waited) <= 40


@pytest.mark.parametrize(("name", "on"), [("icesugar", 0), ("hx8k-evn", 1)])
def test_lights_have_the_polarity_of_the_board(name, on, make_top):
    top = make_top(name)
    off = 1 - on

    async def test(ctx: Any) -> None:
        lights = (top.led_ready, top.led_active, top.led_fault)
        assert [ctx.get(light) for light in lights] == [off, off, off]
        await started(ctx)
        assert [ctx.get(light) for light in lights] == [on, off, off]
        ctx.set(top.link.fault, 1)
        await ctx.tick()
        ctx.set(top.link.fault, 0)
        ctx.set(top.link.active, 1)
        assert [ctx.get(light) for light in lights] == [on, off, on]
        await ctx.tick()
        assert [ctx.get(light) for light in lights] == [on, on, on]

    simulate(top, test)


def test_a_board_without_lights_has_none(make_top):
    top = make_top("colorlight-5a-75b")
    assert set(top.signature.members) == {"clk", "rx", "tx"}

    async def test(ctx: Any) -> None:
        assert ctx.get(top.tx) == 1
        ctx.set(top.link.tx, 0)
        ctx.set(top.rx, 0)
        assert (ctx.get(top.tx), ctx.get(top.link.rx)) == (0, 0)
        assert ctx.get(top.link.ready) == 1

    simulate(top, test)


@pytest.mark.parametrize("cycles", [1, 5, 8, 180])
def test_power_on_waits_for_the_clock_to_be_good(cycles):
    power_on = PowerOn(cycles)

    async def test(ctx: Any) -> None:
        async def held(good: int, most: int) -> int:
            ctx.set(power_on.good, good)
            for tick in range(most):
                if ctx.get(power_on.running):
                    return tick
                await ctx.tick("power")
            return most

        assert await held(0, 3 * cycles) == 3 * cycles
        assert await held(1, cycles // 2) == cycles // 2
        assert await held(0, 3) == 3  # Lost again: what was waited does not count.
        assert cycles <= await held(1, 4 * cycles + 4) <= 2 * cycles + 4
        ctx.set(power_on.good, 0)
        for _ in range(4):
            await ctx.tick("power")
        assert not ctx.get(power_on.running)

    simulate(power_on, test, "power")


def test_visible_stretches_each_lane_by_itself():
    cycles = 20
    visible = Visible(2, cycles)

    async def test(ctx: Any) -> None:
        for start in range(0, 50, 7):
            for _ in range(start + 5 * cycles):
                await ctx.tick()
            assert ctx.get(visible.o) == 0
            ctx.set(visible.i, 2)
            await ctx.tick()
            ctx.set(visible.i, 0)
            lasted = 0
            while ctx.get(visible.o) and lasted <= 4 * cycles:
                assert ctx.get(visible.o) == 2
                lasted += 1
                await ctx.tick()
            assert cycles <= lasted <= 4 * cycles

    simulate(visible, test)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match=r"^cycles must be positive, not 0$"):
        PowerOn(0)
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        Visible(0, 5)

"""What the timing diagrams show: a small accelerator in Amaranth's simulator, fed and drained in three ways."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from amaranth import ClockDomain, Module
from amaranth.sim import Simulator

from docs.tools.timing.drawing import Row, diagram
from docs.tools.timing.waveform import cycles
from hw.accelerator import Accelerator
from hw.frames import input_beats
from hw.loader import load_words
from hw.plan.plan import Folding, Plan
from sw.network import Dense, DenseEncoding, Input, Network, Scores, Thermometer, Threshold

__all__ = ["SCENES", "Scene", "small_accelerator", "small_network"]

PERIOD = 1e-6
BEATS = 4  # Of an image.
STREAMS = [("s_axis_tvalid", "s_axis_tready"), ("m_axis_tvalid", "m_axis_tready")]


def small_network() -> Network:
    """Four pixels, four neurons, two classes: small enough to follow by hand."""
    rng = np.random.default_rng(6)
    hidden, last = (DenseEncoding(rng.integers(0, 2, shape, dtype=np.uint8)) for shape in ((4, 4), (2, 4)))
    return Network(
        "four pixels",
        Input(2, 2, 1, 8),
        (
            Thermometer(name="encode", reads=("input",), thresholds=np.array([[128]])),
            Dense(name="dense1", reads=("encode",), weights=hidden),
            Threshold(
                name="dense1_act", reads=("dense1",), thresholds=np.zeros((4, 1), np.int64), invert=np.zeros(4, bool)
            ),
            Dense(name="dense2", reads=("dense1_act",), weights=last),
            Scores(name="scores", reads=("dense2",), scale=np.ones(2, np.int64), bias=np.array([0, -1])),
        ),
    )


def small_accelerator(simd: int = 2, rom: Any = "auto") -> Accelerator:
    """Its accelerator, one output at a time from ``simd`` taps of the first layer and two of the second."""
    return Accelerator(small_network(), Plan({"dense1": Folding(1, simd, rom), "dense2": Folding(1, 2, rom)}))


def images(count: int) -> np.ndarray:
    """So many images, uint8 (count, 2, 2, 1): three, over and over."""
    three = np.array([[16, 160, 208, 64], [240, 32, 80, 176], [144, 224, 48, 192]], np.uint8)
    return three[np.arange(count) % 3].reshape(count, 2, 2, 1)


@dataclass(frozen=True, eq=False)
class Scene:
    """A run of an accelerator for ``length`` cycles, and what is shown of it.

    ``takes`` says whether a result would be taken in a cycle. In the cycles of ``reset`` the reset is 1; the image that
    was going in is given up, and sent again from its first pixel behind it. ``spans`` are the cycles shown.
    """

    title: str
    make: Callable[[], Accelerator] = small_accelerator
    frames: int = 1
    length: int = 40
    takes: Callable[[int], bool] = lambda cycle: True
    reset: range = range(0)
    spans: tuple[range, ...] = ()
    signals: tuple[Row, ...] = field(default=())

    @cached_property
    def accelerator(self) -> Accelerator:
        """What is simulated."""
        return self.make()

    def record(self, path: Path) -> None:
        """Run it and write the waveform to ``path``."""
        dut = self.accelerator
        plan, image = dut.plan, dut.network.input
        beats = input_beats(images(self.frames), image.bits, plan.pixels_per_beat, dut.input_bits)
        words = load_words(dut.loaded_roms)

        top: Any = Module()
        sync: Any = ClockDomain("sync")
        top.domains.sync, top.submodules.accelerator = sync, dut

        async def bench(ctx: Any) -> None:
            at = loaded = 0
            for cycle in range(self.length):
                offers = at < len(beats) and cycle not in self.reset
                ctx.set(sync.rst, cycle in self.reset)
                ctx.set(dut.s_axis_tvalid, offers)
                ctx.set(dut.s_axis_tdata, beats[at] if offers else 0)
                ctx.set(dut.m_axis_tready, self.takes(cycle))
                if words:
                    ctx.set(dut.load_tvalid, loaded < len(words))
                    ctx.set(dut.load_tdata, words[min(loaded, len(words) - 1)])
                    loaded += bool(loaded < len(words) and ctx.get(dut.load_tready))
                at += bool(offers and ctx.get(dut.s_axis_tready))
                if cycle in self.reset:
                    at -= at % BEATS
                await ctx.tick()

        simulator = Simulator(top)
        simulator.add_clock(PERIOD)
        simulator.add_testbench(bench)
        with simulator.write_vcd(str(path)):
            simulator.run()

    def waves(self, folder: Path) -> dict[str, list[int]]:
        """Every signal shown, cycle by cycle, out of the recorded waveform."""
        path = folder / "scene.vcd"
        self.record(path)
        return cycles(path, [row.signal for row in self.rows])

    @property
    def rows(self) -> tuple[Row, ...]:
        """The lines of the diagram."""
        return self.signals or PORTS

    def draw(self, folder: Path) -> str:
        """The diagram as SVG; the waveform is kept in ``folder`` meanwhile."""
        spans = self.spans or (range(self.length),)
        shown = {row.signal for row in self.rows}
        transfers = [pair for pair in STREAMS if shown.issuperset(pair)]
        return diagram(self.title, self.waves(folder), self.rows, spans, transfers)


def signed_byte(value: int) -> str:
    """A result of eight bits in two's complement."""
    return str(value - 256 if value > 127 else value)


PORTS = (
    Row("s_axis_tdata", str, "s_axis_tvalid"),
    Row("s_axis_tvalid"),
    Row("s_axis_tready"),
    Row("m_axis_tdata", signed_byte, "m_axis_tvalid"),
    Row("m_axis_tvalid"),
    Row("m_axis_tready"),
    Row("m_axis_tlast"),
)
LOADING = (
    Row("load_tdata", "{:04x}".format, "load_tvalid"),
    Row("load_tvalid"),
    Row("load_tready"),
    Row("loaded"),
    *PORTS[:3],
)
SCENES: dict[str, Scene] = {
    "timing-image": Scene("An image in; two scores and the class out", spans=(range(7), range(26, 33))),
    "timing-interval": Scene(
        "Images without a pause: one every eight cycles", frames=9, length=60, spans=(range(32, 58),)
    ),
    "timing-stall": Scene(
        "Results that are not taken hold the input back",
        frames=12,
        length=90,
        takes=lambda cycle: not 29 <= cycle < 72,
        spans=(range(26, 34), range(52, 60), range(69, 80)),
    ),
    "timing-reset": Scene(
        "A reset forgets the image that was going in",
        reset=range(2, 3),
        spans=(range(10), range(29, 36)),
        signals=(Row("rst"), *PORTS),
    ),
    "timing-load": Scene(
        "Tables in single-port RAM are loaded once, before the first pixel",
        make=lambda: small_accelerator(rom="spram"),
        spans=(range(10),),
        length=20,
        signals=LOADING,
    ),
}

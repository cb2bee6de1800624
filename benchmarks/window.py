"""The parallel window generator on ECP5 beside FINN's: 64 channels of 1 bit, 30x30, 3x3, all taps at once.

FINN's figures: the RTL of its ConvolutionInputGenerator (parallel_window = 1) through the same Yosys 0.70, after a
mechanical rewrite of what Yosys cannot parse; 901 cycles a frame in simulation.
"""

from amaranth.sim import Simulator, SimulatorContext

from benchmarks.report import publish
from hw.layer.parallel_window import ParallelWindow
from hw.layer.window import WindowShape
from hw.synthesis import synthesise
from hw.yosys import yosys_version

__all__ = ["main"]

SHAPE = WindowShape(30, 30, 64, 1, (3, 3), lanes=576)
FINN = {"LUT4": 319, "CCU2C": 35, "TRELLIS_DPR16X4": 64, "TRELLIS_FF": 766}


def cycles(shape: WindowShape, frames: int = 3) -> int:
    """Cycles between the last windows of consecutive frames, simulated with a source that never waits."""
    part = ParallelWindow(shape)
    ends: list[int] = []

    async def bench(ctx: SimulatorContext) -> None:
        ctx.set(part.i.valid, 1)
        ctx.set(part.o.ready, 1)
        seen = cycle = 0
        while len(ends) < frames:
            if ctx.get(part.o.valid):
                seen += 1
                if seen % shape.windows == 0:
                    ends.append(cycle)
            cycle += 1
            await ctx.tick()

    simulator = Simulator(part)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return ends[-1] - ends[-2]


def main() -> None:
    """Synthesise, simulate, and print both rows with their ratio."""
    cells = synthesise(ParallelWindow(SHAPE), "ecp5").cells
    ours: dict = {"design": "subbit", **{kind: cells.get(kind, 0) for kind in FINN}, "cycles a frame": cycles(SHAPE)}
    theirs: dict = {"design": "FINN SWG", **FINN, "cycles a frame": 901}
    ratio = {key: ours[key] / theirs[key] for key in theirs if key != "design"}
    publish("window", __doc__.splitlines()[0], [theirs, ours, {"design": "ratio", **ratio}], {"yosys": yosys_version()})


if __name__ == "__main__":
    main()

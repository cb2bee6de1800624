"""Cycles a frame: the formula beside the Verilog in simulation, for many plans of one network several layers deep."""

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.networks import chain
from benchmarks.report import publish, versions
from hw.generate import generate
from hw.plan.pipeline import pipeline
from hw.plan.plan import Folding, Plan
from sim import simulate
from sw.network import Input, Linear, Network, Thermometer

__all__ = ["main"]

PLANS, IMAGES, LONGEST = 24, 6, 3_000


def network() -> Network:
    """Three convolutions, two pools and two dense layers over 14x14 pixels of two channels."""
    first = Thermometer(name="encode", reads=("input",), thresholds=np.array([[100], [150]]))
    steps = [("conv", 6), ("conv", 12), ("pool", 2), ("conv", 8), ("dense", 15), ("dense", 10)]
    return chain("deep", Input(14, 14, 2), steps, first, 0)


def random_plan(rng: np.random.Generator, model: Network) -> Plan:
    """PE and SIMD at random among all divisors."""
    folding = {}
    for layer in model.layers:
        if isinstance(layer, Linear):
            pe, simd = (
                int(rng.choice([d for d in range(1, most + 1) if size % d == 0]))
                for size, most in ((layer.outputs, 6), (layer.taps, 54))
            )
            folding[layer.name] = Folding(pe, simd)
    return Plan(folding, pixels_per_beat=int(rng.choice([1, 2, 7])))


def main() -> None:
    """Simulate every plan in Icarus and print both counts; a difference is shown, not hidden."""
    rng, model = np.random.default_rng(0), network()
    images = rng.integers(0, 256, (IMAGES, 14, 14, 2), dtype=np.uint8)
    rows: list[dict] = []
    while len(rows) < PLANS:
        plan = random_plan(rng, model)
        stages = pipeline(model, plan)
        if stages.interval > LONGEST:
            continue
        with tempfile.TemporaryDirectory() as folder:
            generated = generate(model, plan, Path(folder) / "accelerator")
            report = simulate(generated, model, images, "icarus", "fast")
        rows.append(
            {
                "plan": " ".join(f"{fold.pe}x{fold.simd}" for fold in plan.folding.values()),
                "pixels a beat": plan.pixels_per_beat,
                "slowest": stages.slowest,
                "formula": stages.interval,
                "simulated": report.cycles_per_frame,
                "equal": report.cycles_per_frame == stages.interval and report.passed,
            }
        )
    equal = sum(row["equal"] for row in rows)
    publish("cycles", f"Cycles a frame, PE x SIMD by layer: {equal} of {len(rows)} equal", rows, versions("cocotb"))


if __name__ == "__main__":
    main()

"""Clock cycles a second of every way to simulate one accelerator: python -m benchmarks.simulation.speed

The accelerator is for 28x28 images: two convolutions, two poolings, two dense layers, 900 cycles a frame.
The mark: fast mode reaches at least half of what the same Verilated accelerator does in a bare C++ loop.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.simulation.stream_bench import CASE
from hw.generate import Generated, generate
from hw.plan.plan import Folding, Plan
from sim import available, run, simulate
from sim.build import VERILATOR_ARGUMENTS
from sim.tools import environment, patched_environment
from sw.network import (
    Convolution,
    Dense,
    DenseEncoding,
    Input,
    MaxPool,
    Network,
    Padding,
    Scores,
    Thermometer,
    Threshold,
)

__all__ = ["main"]

FOLDING = {"conv1": Folding(16, 9), "conv2": Folding(8, 144), "dense1": Folding(16, 16), "dense2": Folding(1, 16)}
MARK = 0.5


def network(rng: np.random.Generator) -> Network:
    """The network that is simulated."""

    def weights(*shape: int) -> DenseEncoding:
        return DenseEncoding(rng.integers(0, 2, shape, dtype=np.uint8))

    def threshold(name: str, reads: str, channels: int, taps: int) -> Threshold:
        table = rng.integers(-taps // 6, taps // 6 + 1, (channels, 1))
        return Threshold(name=name, reads=(reads,), thresholds=table, invert=rng.random(channels) < 0.25)

    around = Padding("-1", 1)
    return Network(
        "speed",
        Input(28, 28, 1, 8),
        (
            Thermometer(name="encode", reads=("input",), thresholds=np.array([[128]])),
            Convolution(name="conv1", reads=("encode",), weights=weights(16, 3, 3, 1), padding=around),
            threshold("conv1_act", "conv1", 16, 9),
            MaxPool(name="pool1", reads=("conv1_act",), size=2),
            Convolution(name="conv2", reads=("pool1",), weights=weights(32, 3, 3, 16), padding=around),
            threshold("conv2_act", "conv2", 32, 144),
            MaxPool(name="pool2", reads=("conv2_act",), size=2),
            Dense(name="dense1", reads=("pool2",), weights=weights(64, 1568)),
            threshold("dense1_act", "dense1", 64, 1568),
            Dense(name="dense2", reads=("dense1_act",), weights=weights(10, 64)),
            Scores(name="scores", reads=("dense2",), scale=np.ones(10, np.int64), bias=np.zeros(10, np.int64)),
        ),
    )


def bare_loop(generated: Generated, images: np.ndarray, folder: Path) -> Callable[[], tuple[int, float]]:
    """Build the yardstick; the function that is returned runs it: clock cycles and seconds."""
    (folder / "frames.bin").write_bytes(images.tobytes())
    source = Path(__file__).with_name("bare_loop.cpp")
    arguments = [*VERILATOR_ARGUMENTS, "--cc", "--exe", "--build", "-Mdir", str(folder), "--top-module", generated.top]
    with patched_environment(environment("verilator")):
        subprocess.run(
            ["verilator", *arguments, str(source), str(generated.source)], check=True, capture_output=True, text=True
        )

    def once() -> tuple[int, float]:
        command = [folder / f"V{generated.top}", folder / "frames.bin", str(images[0].size), str(len(images))]
        cycles, seconds, _ = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        return int(cycles), float(seconds)

    return once


def every_cycle(
    generated: Generated, model: Network, images: np.ndarray, simulator: str, folder: Path
) -> tuple[int, float]:
    """Source, sink and monitors in Python; clock cycles and seconds."""
    folder.mkdir(exist_ok=True)
    scores = model.score(images)
    bits = json.loads((generated.folder / "accelerator.json").read_text())["result"]["bits"]
    beats = np.concatenate([scores, scores.argmax(axis=1)[:, None]], axis=1) & ((1 << bits) - 1)
    np.save(folder / "expected.npy", beats.reshape(-1))
    (folder / "frames.bin").write_bytes(images.tobytes())
    run(
        "benchmarks.simulation.stream_bench",
        sources=[generated.source],
        top=generated.top,
        simulator=simulator,
        build_dir=folder,
        environment_variables={CASE: str(folder.resolve())},
    )
    cycles, seconds = (folder / "measured").read_text().split()
    return int(cycles), float(seconds)


def measure(frames: int, repeats: int) -> dict[str, Any]:
    """Every way on the same accelerator, the best of ``repeats`` runs each, those of a comparison in turn."""
    rng = np.random.default_rng(3)
    model = network(rng)
    images = rng.integers(0, 256, (frames, 28, 28, 1), dtype=np.uint8)
    rates: dict[str, float] = {}

    def note(name: str, cycles: int, seconds: float) -> None:
        rates[name] = max(rates.get(name, 0.0), cycles / seconds)
        print(f"{name:45s} {cycles / seconds:12,.0f} cycles/s", file=sys.stderr)

    def bench(name: str, count: int, simulator: str, mode: Any) -> None:
        report = simulate(generated, model, images[:count], simulator, mode, gaps=0.0, stalls=0.0)
        assert report.passed, report.problem
        note(name, report.cycles, report.seconds)

    with tempfile.TemporaryDirectory(prefix="subbit-speed-") as folder:
        work = Path(folder)
        generated = generate(model, Plan(FOLDING), work / "accelerator")
        if "verilator" in available():
            (work / "bare").mkdir()
            bare = bare_loop(generated, images, work / "bare")
            for _ in range(repeats):
                note("verilator, bare C++ loop", *bare())
                bench("verilator, fast", frames, "verilator", "fast")
            bench("verilator, checked", max(2, frames // 4), "verilator", "checked")
            cycles = every_cycle(generated, model, images[: max(2, frames // 100)], "verilator", work / "python")
            note("verilator, Python every cycle", *cycles)
        if "icarus" in available():
            bench("icarus, fast", max(2, frames // 100), "icarus", "fast")
            bench("icarus, checked", max(2, frames // 100), "icarus", "checked")
            cycles = every_cycle(generated, model, images[: max(2, frames // 100)], "icarus", work / "python")
            note("icarus, Python every cycle", *cycles)
        seed = zlib.crc32(generated.source.read_bytes())
    share = rates["verilator, fast"] / rates["verilator, bare C++ loop"] if "verilator, fast" in rates else None
    return {
        "frames": frames,
        "cycles_per_frame": generated.cycles,
        "source_crc32": seed,
        "rates": rates,
        "share": share,
    }


def main() -> int:
    """Measure and print; exit status 1 where the mark is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=400, help="images for Verilator; Icarus gets a hundredth")
    parser.add_argument("--repeats", type=int, default=3, help="runs of the bare loop and of fast mode, in turn")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args()
    result = measure(options.frames, options.repeats)
    share = result["share"]
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print("\n".join(f"{name:45s} {rate:12,.0f} cycles/s" for name, rate in result["rates"].items()))
        if share is not None:
            print(f"fast mode reaches {share:.2f} of the bare loop; the mark is {MARK}")
    return int(share is not None and share < MARK)


if __name__ == "__main__":
    sys.exit(main())

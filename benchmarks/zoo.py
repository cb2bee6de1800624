"""A published QONNX network: imported, compared with qonnx on every test image, and run as Verilog.

    python -m benchmarks.zoo TFC_1W1A.onnx --refused unsw_nb15-mlp-w2a2.onnx [--data-dir FOLDER] [--verilog 1000]

The files are those of Xilinx/FINN's and QONNX's model zoos. "levels" and "scores" count what was compared with qonnx's
own executor, and "differ" those of them that were not the same; "Verilog" the images that gave the Network's numbers in
every layer of the simulated hardware, with and without pauses in its streams.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.report import publish, versions
from subbit import library
from subbit.console import Failed, note
from sw.errors import SubbitError
from sw.train.data import load

__all__ = ["main", "measure", "refusal"]

FRAMES_PER_SECOND = 5_000


def measure(path: Path, data: str, data_dir: str | None, verilog: int, simulator: str) -> dict[str, Any]:
    """The row of one network: import, comparison on all test images of ``data``, Verilog on the first ``verilog``."""
    imported = library.import_qonnx(path)
    network, found = imported.network, load(data, data_dir)
    proof = library.prove_qonnx(imported, found.test_images, lambda done: note(f"{done:,} images in qonnx"))
    graph = proof.graph
    row: dict[str, Any] = {
        "network": path.name,
        "images": graph.images,
        "right %": 100 * float((network.classify(imported.pixels(found.test_images)) == found.test_labels).mean()),
        "right in qonnx %": 100 * float((graph.answers == found.test_labels).mean()),
        "levels": sum(part.numbers for part in graph.tensors),
        "scores": graph.scores.numbers,
        "differ": sum(part.different for part in (*graph.tensors, graph.scores)) + graph.classes_different,
        "passed": proof.passed,
    }
    if verilog:
        images = imported.pixels(found.test_images[:verilog])
        with tempfile.TemporaryDirectory() as folder:
            made = library.generate(network, library.plan(network, fps=FRAMES_PER_SECOND), Path(folder) / "rtl")
            (report,) = library.simulate(made.folder, images, simulator=simulator, network=network, progress=note)
        row |= {
            "Verilog": f"{report.images - report.mismatches:,} of {report.images:,}",
            "simulator": simulator,
            "cycles a frame": report.cycles_per_frame,
        }
        row["passed"] = row["passed"] and report.passed
    return row


def refusal(path: Path) -> dict[str, Any]:
    """The row of a network that no Network computes: the sentence."""
    try:
        library.import_qonnx(path)
    except SubbitError as error:
        sentence = str(error).removeprefix(f"{path} cannot be imported: ")
        return {"network": path.name, "passed": True, "sentence": sentence}
    return {"network": path.name, "passed": False, "sentence": "none: it was imported"}


def main(arguments: list[str] | None = None) -> int:
    """The command. Exit status 1 where anything differs, 2 where the call or a file is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("models", type=Path, nargs="+", help="QONNX files of networks that read MNIST's images")
    parser.add_argument("--refused", type=Path, action="append", default=[], help="a file that must be refused")
    parser.add_argument("--data", default="mnist", help="the data set (%(default)s)")
    parser.add_argument("--data-dir", help="folder with its original files; downloaded where not given")
    parser.add_argument("--verilog", type=int, default=1_000, help="test images for the Verilog; 0: none (%(default)s)")
    parser.add_argument("--simulator", default="verilator", help="verilator or icarus (%(default)s)")
    given = parser.parse_args(arguments)
    try:
        rows = [measure(path, given.data, given.data_dir, given.verilog, given.simulator) for path in given.models]
        refused = [refusal(path) for path in given.refused]
    except (SubbitError, Failed) as error:
        print(error, file=sys.stderr)
        return 2
    names = [path.name for path in given.models] + [f"--refused {path.name}" for path in given.refused]
    command = f"python -m benchmarks.zoo {' '.join(names)} --verilog {given.verilog}"
    tools = versions("qonnx", "onnxruntime", "verilator", "amaranth")
    publish("zoo", "Published QONNX networks", rows, tools, command)
    if refused:
        publish("zoo_refused", "Published QONNX networks that are refused", refused, tools, command)
    return 0 if all(row["passed"] for row in (*rows, *refused)) else 1


if __name__ == "__main__":
    sys.exit(main())

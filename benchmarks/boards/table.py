"""Builds networks for boards and proves them, as far as a simulation of the routed design.

    python -m benchmarks boards [--rows digits-icebreaker ...] [--data-dir FOLDER] [--models FOLDER]

`--data-dir` holds folders mnist, fashion-mnist and cifar10 with the original files; without it they are downloaded.
`--models` holds the decoded weights of BNN-PYNQ. Rows that stand in the results are not built again without `--again`;
a row of several minutes that was interrupted goes on where it was. The table in docs/results.md is written anew.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.boards.rows import ROWS, Row, network_of
from benchmarks.data import add_data_options, test_set
from benchmarks.report import DOCS, kept_rows, markdown, publish, versions
from docs.tools.marks import fill
from hw.generate import generate
from hw.synthesis import nextpnr_version
from hw.yosys import yosys_version
from sim.accelerator import simulate
from subbit import library
from subbit.building import BuildResult
from subbit.classification import Classification
from subbit.console import Failed, note
from subbit.images import random_images
from subbit.inspection import inspect_network
from sw.errors import SubbitError
from sw.network import Network

__all__ = ["NAME", "main", "table"]

NAME = "boards"


def measure(row: Row, network: Network, images: np.ndarray, labels: np.ndarray | None, folder: Path) -> dict[str, Any]:
    """A row: the build, its accelerator's latency in simulation, and the answers of the virtual board."""
    start = time.perf_counter()
    built = library.build(
        network,
        row.board,
        folder / row.key,
        fps=row.fps,
        max_fps=row.fps is None and row.plan is None,
        plan=row.plan,
        clock_mhz=row.clock_mhz,
        progress=note,
    )
    minutes = (time.perf_counter() - start) / 60
    assert built.report is not None
    report = built.report.as_dict()
    facts = inspect_network(network)
    latency = latency_of(network, built, images[:3])
    used = {kind: count["used"] for kind, count in report["used"].items()}
    reached = min(clock["achieved_mhz"] for clock in report["timing"]["clocks"])
    rtl = answers(built, images[: row.rtl_images], "rtl")
    routed = answers(built, images[: row.routed_images], "routed")
    return {
        "row": row.key,
        "network": row.network,
        "board": row.board,
        "right %": None if labels is None else round(100 * float((network.classify(images) == labels).mean()), 2),
        "bits/weight": round(facts.weight_bits / facts.weights, 3),
        "LUTs": report["synthesised"]["luts"],
        "cells": next(iter(used.values())),
        "block RAMs": next(count for kind, count in used.items() if "block RAM" in kind),
        "MHz": round(report["clock_hz"] / 1e6, 2),
        "MHz reached": round(reached, 1),
        "frames/s": round(report["frames_per_second"]),
        "latency us": round(1e6 * latency / report["clock_hz"], 1),
        "rtl equal": f"{rtl.equal} of {rtl.images}",
        "routed equal": f"{routed.equal} of {routed.images}",
        "minutes": round(minutes, 1),
        "peak MiB": round(max(run["peak_mib"] for run in report["runs"])),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as the documents show them, in Markdown."""
    head = ["network", "board", "right", "bits a weight", "LUTs", "cells placed", "block RAMs"]
    head += [
        "clock wanted / reached, MHz",
        "frames/s",
        "latency, us",
        "RTL equal",
        "routed equal",
        "build, min",
        "peak MiB",
    ]
    lines = [
        [
            *(row["network"], row["board"], "" if row["right %"] is None else f"{row['right %']:.2f} %"),
            *(f"{row['bits/weight']:g}", f"{row['LUTs']:,}", f"{row['cells']:,}", f"{row['block RAMs']}"),
            *(f"{row['MHz']:g} / {row['MHz reached']}", f"{row['frames/s']:,}", f"{row['latency us']:,}"),
            *(row["rtl equal"], row["routed equal"], f"{row['minutes']}", f"{row['peak MiB']}"),
        ]
        for row in rows
    ]
    return markdown(head, lines)


def latency_of(network: Network, built: BuildResult, images: np.ndarray) -> int:
    """Cycles from the first pixel of an image to its result, pixels coming as fast as they are taken."""
    with tempfile.TemporaryDirectory(prefix="subbit-latency-") as scratch:
        generated = generate(network, built.plan, Path(scratch) / "rtl")
        report = simulate(generated, network, images, "verilator", "fast")
    if not report.passed or report.latency is None:
        raise SubbitError(f"{network.name} is not what was generated: {report.problem}")
    return report.latency


def answers(built: BuildResult, images: np.ndarray, stage: str) -> Classification:
    """The answers of the board as it is at ``stage``, simulated in Verilator."""
    with library.virtual_board(built.folder, stage=stage, progress=note) as port:
        return library.classify(built.folder, images, port, virtual=True)


def main() -> int:
    """The command. Exit status 2 where something is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", default=[row.key for row in ROWS], choices=[row.key for row in ROWS])
    add_data_options(parser)
    parser.add_argument("--models", type=Path, help="folder with the decoded weights of BNN-PYNQ")
    parser.add_argument("--output", type=Path, default=Path("build/boards"), help="folder of the builds (%(default)s)")
    parser.add_argument("--again", action="store_true", help="build rows anew that are there already")
    given = parser.parse_args()
    order = [row.key for row in ROWS]
    rows = [row for row in kept_rows(NAME) if not (given.again and row["row"] in given.rows)]
    status = 0
    for row in ROWS:
        if row.key not in given.rows or any(known["row"] == row.key for known in rows):
            continue
        try:
            network = network_of(row, given.models)
            images, labels = random_images(network, 20, 0), None
            if row.data != "random":
                images, labels = test_set(row.data, given)
            note(f"== {row.key}")
            rows.append(measure(row, network, images, labels, given.output))
        except (SubbitError, Failed) as error:
            note(f"{row.key}: {error}")
            status = 2
            continue
        tools = {"yosys": yosys_version(), "nextpnr": nextpnr_version() or ""} | versions("amaranth", "verilator")
        rows.sort(key=lambda each: order.index(each["row"]))
        publish(NAME, "Networks on boards", rows, tools)
        fill(DOCS / "results.md", NAME, table(rows))
    return status


if __name__ == "__main__":
    sys.exit(main())

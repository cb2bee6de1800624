"""Tables and pictures of the compaction runs: mean and spread over the seeds.

    python -m benchmarks.compact.summary [--output build/compact] [--pictures docs/pictures]

Reads what `python -m benchmarks.compact.table` wrote, keeps every run in benchmarks/results/compact_runs.json, and
prints one Markdown table for each table of rows.
"""

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compact.rows import ROWS, RUNS
from benchmarks.report import versions
from subbit.pictures import accuracy_against_bits, write

__all__ = ["main"]

Run = dict[str, Any]
Groups = dict[tuple[str, str], list[Run]]


def gather(folder: Path) -> list[Run]:
    """The runs kept before and those in `folder`, which take the place of older ones, in the order of the rows."""
    runs = json.loads(RUNS.read_text())["runs"] if RUNS.exists() else []
    runs += [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    latest = {(run["table"], run["row"], run["seed"]): run for run in runs}
    order = {(row.table, row.name): place for place, row in enumerate(ROWS)}
    known = [run for run in latest.values() if (run["table"], run["row"]) in order]
    return sorted(known, key=lambda run: (order[run["table"], run["row"]], run["seed"]))


def grouped(runs: list[Run]) -> Groups:
    """Runs that differ in their seed alone, together."""
    groups: Groups = defaultdict(list)
    for run in runs:
        groups[run["table"], run["row"]].append(run)
    return groups


def spread(runs: list[Run], key: str) -> tuple[float, float]:
    """Mean and standard deviation (0 of a single run) of a figure."""
    figures = [float(run[key]) for run in runs]
    return float(np.mean(figures)), float(np.std(figures, ddof=1)) if len(figures) > 1 else 0.0


def table(name: str, groups: Groups) -> str:
    """One table in Markdown."""
    lines = [
        "| row | seeds | test, % | validation, % | weights | bits a weight | without tables | ones | operations left |"
        " depth | seconds an epoch |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (part, row), runs in groups.items():
        if part != name:
            continue
        test, validation = ("{:.2f} ± {:.2f}".format(*(100 * n for n in spread(runs, key))) for key in
                            ("test_accuracy", "validation_accuracy"))  # fmt: skip
        first = runs[0]
        left = spread(runs, "inner_bit_operations")[0] / first["inner_plain_operations"]
        seconds = np.mean([run["seconds"] / run["epochs"] for run in runs])
        lines.append(
            f"| {row} | {len(runs)} | {test} | {validation} | {first['weights']:,} | "
            f"{spread(runs, 'inner_bits_per_weight')[0]:.3f} | "
            f"{spread(runs, 'inner_bits_per_weight_without_tables')[0]:.3f} | "
            f"{100 * spread(runs, 'inner_ones')[0]:.1f} % | {100 * left:.1f} % | {first['depth']} | {seconds:.1f} |"
        )
    return "\n".join(lines)


def picture(groups: Groups, folder: Path) -> None:
    """Accuracy against bits for every way to choose a codebook."""
    series: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for (part, row), runs in groups.items():
        if part == "codebook" and row != "dense":
            series[row.split()[0]].append((spread(runs, "inner_bits_per_weight")[0], *spread(runs, "test_accuracy")))
    dense = groups.get(("codebook", "dense"))
    if series:
        folder.mkdir(parents=True, exist_ok=True)
        figure = accuracy_against_bits(series, spread(dense, "test_accuracy")[0] if dense else None)
        write(figure, folder, "accuracy-bits")


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=Path("build/compact"), help="folder of results (%(default)s)")
    parser.add_argument("--pictures", type=Path, help="folder for the picture of accuracy against bits")
    given = parser.parse_args(arguments)
    runs = gather(given.output)
    RUNS.write_text(json.dumps({"tools": versions("torch", "lightning", "numpy"), "runs": runs}, indent=1) + "\n")
    groups = grouped(runs)
    for name in dict.fromkeys(part for part, _ in groups):
        print(f"\n{name}\n\n{table(name, groups)}")
    if given.pictures is not None:
        picture(groups, given.pictures)
    return 0


if __name__ == "__main__":
    sys.exit(main())

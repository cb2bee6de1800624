"""Tables and pictures of the compaction runs: mean and spread over the seeds.

    python -m benchmarks.compact.summary [--output build/compact] [--pictures docs/pictures]

Reads what `python -m benchmarks.compact.table` wrote, keeps every run in benchmarks/results/compact_runs.json, and
fills the tables in docs.
"""

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

from benchmarks.compact.pages import Groups, Run, spread, tables
from benchmarks.compact.rows import ROWS, RUNS
from benchmarks.report import DOCS, versions
from docs.tools.marks import fill
from subbit.pictures import accuracy_against_bits, write

__all__ = ["gather", "grouped", "main"]


def gather(folder: Path | None = None) -> list[Run]:
    """The runs kept before and those in `folder`, which take the place of older ones, in the order of the rows."""
    runs = json.loads(RUNS.read_text())["runs"] if RUNS.exists() else []
    runs += [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))] if folder else []
    latest = {(run["table"], run["row"], run["seed"]): run for run in runs}
    order = {(row.table, row.name): place for place, row in enumerate(ROWS)}
    known = [run for run in latest.values() if (run["table"], run["row"]) in order]
    return sorted(known, key=lambda run: (order[run["table"], run["row"]], run["seed"]))


def grouped(runs: list[Run]) -> Groups:
    """Runs that differ in their seed alone, together."""
    groups: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        groups[run["table"], run["row"]].append(run)
    return groups


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
    for name, found in tables(groups).items():
        for mark, table in found.items():
            print(f"\n{name}: {mark}\n\n{table}")
            fill(DOCS / name, mark, table)
    if given.pictures is not None:
        picture(groups, given.pictures)
    return 0


if __name__ == "__main__":
    sys.exit(main())

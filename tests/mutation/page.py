"""The survivors as a page of the documentation, a line each, and the table of docs/mutation.md."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.mutation.survey import EQUAL, FATES, MISSED

__all__ = ["EXPLAINED", "reason", "survivors_page", "table"]

#: What was found out by hand about survivors that have no proof, by datapath and fault.
EXPLAINED: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("explained.json").read_text())

Row = Mapping[str, Any]


def reason(row: Row) -> str:
    """Why the bench cannot tell this survivor from the original, in one line; empty where nobody has found out."""
    if row["fate"] == EQUAL:
        return f"proved: {row['said']}"
    by_hand = EXPLAINED.get(row["datapath"], {}).get(row["fault"], "")
    seen = f"missed: {row['said']}" if row["fate"] == MISSED else row["said"]
    return f"{by_hand} ({seen})" if by_hand else seen


def table(rows: Sequence[Row]) -> str:
    """The counts as a Markdown table, with a last line of sums."""
    names = ["mutants", *FATES]
    sums = {"datapath": "all"} | {name: sum(row[name] for row in rows) for name in names}
    lines = ["| datapath | mutants | caught | proved equal | same for all images | only time | not met | missed |"]
    lines.append("|---|" + "---:|" * len(names))
    for row in (*rows, sums):
        lines.append(f"| {row['datapath']} | " + " | ".join(f"{row[name]:,}" for name in names) + " |")
    return "\n".join(lines)


def survivors_page(rows: Sequence[Row]) -> str:
    """A page with every survivor: its fault, where it is in the Verilog, and the reason."""
    lines = [
        "# Mutants that the bench passes",
        "",
        "Every survivor of the [mutation check](mutation.md), written by `python -m tests.mutation`. Names are those",
        "of the generated Verilog.",
    ]
    for name in dict.fromkeys(row["datapath"] for row in rows):
        lines += ["", f"## {name}", "", "| number | fault | why it passes |", "|---:|---|---|"]
        for row in rows:
            if row["datapath"] == name:
                lines.append(f"| {row['number']} | {cell(row['fault'])} | {cell(reason(row))} |")
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """``text`` in a cell of a Markdown table."""
    return text.replace("|", "\\|")

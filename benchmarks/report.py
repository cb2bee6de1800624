"""Tables on the terminal and figures as JSON, with what they were measured with."""

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["DOCS", "RESULTS", "kept_rows", "markdown", "publish", "versions"]

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[1] / "docs"


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of the named packages."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def kept_rows(name: str, *, again: bool = False) -> list[dict[str, Any]]:
    """The rows that an earlier run wrote to results/NAME.json; none where all are to be measured ``again``."""
    path = RESULTS / f"{name}.json"
    return [] if again or not path.exists() else json.loads(path.read_text())["rows"]


def publish(
    name: str, title: str, rows: Sequence[Mapping[str, Any]], tools: Mapping[str, str], command: str | None = None
) -> None:
    """Print ``rows`` as a table and write them, with the versions of ``tools``, to results/NAME.json.

    ``command`` repeats the measurement; without it that is ``python -m benchmarks NAME``.
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(title=title)
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right")
    for row in rows:
        table.add_row(*(shown(row.get(column, "")) for column in columns))
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    document = {
        "title": title,
        "command": command or f"python -m benchmarks {name}",
        "tools": dict(tools),
        "rows": list(rows),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def shown(value: Any) -> str:
    """A value as the table shows it."""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)

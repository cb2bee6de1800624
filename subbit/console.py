"""What a command shows: progress on stderr, its result on stdout as tables or as one JSON object."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from sw.errors import SubbitError, printable

__all__ = ["Failed", "Stopped", "count", "emit", "finished", "made_by_user", "note", "table"]

PLAIN_WIDTH = 132
LONGEST_NOTE = 4000


class Stopped(Exception):
    """Ctrl-C where something is worth keeping; the message says what was kept and how to go on."""


class Failed(Exception):
    """A check that could not be finished; the message says why. The command ends as for a check that failed, with 1."""


def note(text: str) -> None:
    """One line of progress on stderr."""
    print(printable(text, LONGEST_NOTE), file=sys.stderr, flush=True)


def count(number: float) -> str:
    """A number with its thousands apart: 12,345."""
    return f"{number:,}" if isinstance(number, int) else f"{number:,.1f}"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], left: int = 1) -> Table:
    """A table of text: the first ``left`` columns set left, the others right. Integers get their thousands apart."""
    drawn = Table(
        title=title, title_justify="left", title_style="bold", header_style="bold", box=SIMPLE_HEAD, pad_edge=False
    )
    for index, name in enumerate(columns):
        justify: Literal["left", "right"] = "left" if index < left else "right"
        drawn.add_column(name, justify=justify, no_wrap=True)
    for row in rows:
        drawn.add_row(*(_cell(value) for value in row))
    return drawn


def emit(document: dict[str, Any], as_json: bool, show: Callable[[Console], None]) -> None:
    """Print a result on stdout: ``document`` as one JSON object, or what ``show`` draws.

    Where the reader of stdout has gone away, the rest is dropped and the command ends as it would have.
    """
    if as_json:
        text = json.dumps(document, indent=2) + "\n"
    else:
        width = None if sys.stdout.isatty() else PLAIN_WIDTH
        console = Console(width=width, highlight=False, markup=False, emoji=False)
        with console.capture() as captured:
            show(console)
        text = captured.get()
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def made_by_user() -> Any:
    """Turns the ValueError of a library constructor into the SubbitError of a value that the user gave."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise SubbitError(str(error)) from error


@contextmanager
def finished(simulator: str, kind: type[Exception]) -> Any:
    """Turns a simulator's own failure, of class ``kind``, into the one that the command line knows."""
    try:
        yield
    except kind as error:
        raise Failed(f"{simulator} did not finish: {error}") from error


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return count(value)

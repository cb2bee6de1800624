"""Runs the commands of a page and holds what it shows to what they print.

``python -m docs.tools.console docs/tutorial.md`` runs a page in a folder of its own. Of a page, three kinds of fenced
blocks count: ``console`` has commands behind ``$`` and, below each, what it prints; ``python NAME`` is a file that the
reader saves; anything else is left alone. A line ``...`` stands for any number of lines that are not shown, and within
a line for what is left out there. Figures may differ (trainings and timings do, from machine to machine); everything
else on a shown line must be printed so.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from docs.tools.pages import ROOT, Block, Page

__all__ = ["Command", "Step", "difference", "main", "normal", "steps"]

WIDTH = 140  # Of the terminal, in characters.
GAP = "..."
FIGURES = ((r"\b[0-9a-f]{16}\b", "#"), (r"\d[\d,.]*", "#"), ("─+", "─"), (r"\s+", " "))


@dataclass(frozen=True)
class Command:
    """A command, the lines that it is shown to print, and the line of the page where it stands."""

    text: str
    shown: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Step:
    """What a reader does in one block: save ``file`` with ``text``, or run ``commands``."""

    line: int
    file: str = ""
    text: str = ""
    commands: tuple[Command, ...] = ()

    def do(self, folder: Path, python: str = sys.executable) -> str:
        """Do it in ``folder``; what is not as it is shown, or nothing."""
        if self.file:
            (folder / self.file).write_text(self.text)
            return ""
        for command in self.commands:
            done = run(command.text, folder, python)
            printed = done.stdout.splitlines()
            where = f"line {command.line}: {command.text}"
            if done.returncode:
                return f"{where}\nended with status {done.returncode}:\n{done.stdout}"
            missing = difference(command.shown, printed)
            if missing:
                return f"{where}\nis shown to print\n    {missing}\nand printed\n{done.stdout}"
        return ""


def steps(page: Page) -> list[Step]:
    """What a page has its reader do, in order."""
    return [step for block in page.blocks if (step := step_of(block))]


def step_of(block: Block) -> Step | None:
    """What one block has its reader do; None where that is nothing."""
    kind, _, name = block.info.partition(" ")
    if kind == "python" and name:
        return Step(block.line, file=name, text=block.text)
    return Step(block.line, commands=tuple(commands_of(block))) if kind == "console" else None


def commands_of(block: Block) -> list[Command]:
    """The commands of a console block; a backslash at the end of a line joins it to the next."""
    found: list[tuple[str, list[str], int]] = []
    for number, line in enumerate(block.text.splitlines(), start=block.line + 1):
        if line.startswith("$ "):
            found.append((line[2:], [], number))
        elif found and found[-1][0].endswith("\\"):
            text, shown, where = found[-1]
            found[-1] = (f"{text[:-1]}{line.strip()}", shown, where)
        elif found:
            found[-1][1].append(line)
        else:
            raise ValueError(f"line {number}: a console block must begin with a command behind $, not {line!r}")
    return [Command(text, tuple(shown), where) for text, shown, where in found]


def run(command: str, folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Run a command with `subbit` and `python` those of this checkout; stdout has stderr in it.

    What the repository keeps is found under `benchmarks` and `tests`, as in a clone.
    """
    tools = folder / ".tools"
    tools.mkdir(exist_ok=True)
    for kept in ("benchmarks", "tests"):
        if not (folder / kept).exists():
            (folder / kept).symlink_to(ROOT / kept)
    for name, call in (("subbit", f'exec "{python}" -m subbit "$@"'), ("python", f'exec "{python}" "$@"')):
        (tools / name).write_text(f"#!/bin/sh\n{call}\n")
        (tools / name).chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": str(WIDTH),
        "NO_COLOR": "1",
    }
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )


def normal(line: str) -> str:
    """A line without its figures and its spacing."""
    for pattern, by in FIGURES:
        line = re.sub(pattern, by, line)
    return line.strip()


def difference(shown: Sequence[str], printed: Sequence[str]) -> str:
    """The first line of ``shown`` that was not printed where it stands; nothing where all were.

    Empty lines do not count. Lines between two gaps follow each other; the last shown line must be the last printed
    one, unless a gap follows.
    """
    got = [normal(line) for line in printed if line.strip()]
    at, anywhere = 0, False
    for is_gap, group in groupby((line for line in shown if line.strip()), key=lambda line: line.strip() == GAP):
        if is_gap:
            anywhere = True
            continue
        lines = list(group)
        alike = [matching(lines, got[place:]) for place in range(at, len(got) if anywhere else at + 1)]
        if len(lines) not in alike:
            return lines[max(alike, default=0)]
        at, anywhere = at + alike.index(len(lines)) + len(lines), False
    return "" if anywhere or not shown or at == len(got) else "nothing more"


def matching(shown: Sequence[str], printed: Sequence[str]) -> int:
    """How many lines of ``shown`` are the first of ``printed``, which are in normal form."""
    for count, line in enumerate(shown):
        told = ".*".join(re.escape(part) for part in normal(line).split(GAP))
        if count == len(printed) or not re.fullmatch(told, printed[count]):
            return count
    return len(shown)


def main(arguments: Sequence[str]) -> int:
    """Run the pages named; the exit status."""
    status = 0
    for name in arguments:
        page = Page(Path(name))
        with tempfile.TemporaryDirectory() as folder:
            for step in steps(page):
                print(f"{name}:{step.line}: {step.file or ' && '.join(command.text for command in step.commands)}")
                fault = step.do(Path(folder))
                if fault:
                    print(fault)
                    status = 1
                    break
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``subbit flash``: a finished build onto its board."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from subbit import library
from subbit.commands.options import AsJson
from subbit.console import emit, note

__all__ = ["command"]


def command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that `subbit build` wrote.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the command and do nothing.")] = False,
    ram: Annotated[bool, typer.Option("--ram", help="Load the FPGA alone: gone when the power is.")] = False,
    device: Annotated[
        str | None, typer.Option(help="Which of several boards, as the board's program names them: a serial number.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a build onto its board, with iceprog, openFPGALoader, dfu-util or whatever the board wants."""
    made = library.flash(folder, ram=ram, device=device, dry_run=dry_run, progress=note)
    document = {"board": made.board.name, "command": list(made.command), "done": not dry_run}
    line = shlex.join(made.command)
    emit(document, as_json, lambda console: console.print(line, soft_wrap=True, markup=False))

"""``subbit board``: a board that is not there, until Ctrl-C."""

import threading
from pathlib import Path
from typing import Annotated

import typer

from subbit import library
from subbit.console import note

__all__ = ["command"]


def command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the board's build.")],
    stage: Annotated[
        str, typer.Option(help="What is simulated: rtl, synthesised, routed, or bitstream (iCE40).")
    ] = "rtl",
    simulator: Annotated[str, typer.Option(help="The simulator: verilator or icarus.")] = "verilator",
    waves: Annotated[Path | None, typer.Option(help="Record the simulation into this waveform file.")] = None,
) -> None:
    """Simulate a board: its real top, its UART as a serial port that any program can open. Ends with Ctrl-C.

    The port's name is the one line on stdout.
    """
    with library.virtual_board(folder, simulator, stage, note, waves) as port:
        print(port, flush=True)
        note("Ctrl-C ends it")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            note("the board is gone")

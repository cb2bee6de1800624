"""``subbit board``: a board that is not there, until Ctrl-C."""

import threading

from subbit import library
from subbit.commands.options import BoardSimulator, BoardWaves, BuildFolder, Stage
from subbit.console import note

__all__ = ["command"]


def command(
    folder: BuildFolder,
    stage: Stage = "rtl",
    simulator: BoardSimulator = "verilator",
    waves: BoardWaves = None,
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

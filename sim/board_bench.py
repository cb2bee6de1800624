"""cocotb bench of a board's top: its UART on a pseudo-terminal, for as long as someone wants it.

The bits are made and read in board_bench.sv; this side moves blocks of bytes, and sleeps while nothing happens at
either end. `sim.virtual_board.VirtualBoard` starts and ends it.
"""

import json
import os
import select
import tty
from contextlib import suppress
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from sim.virtual_board import BLOCK, CASE, PORT, STOP

__all__ = ["serves_a_terminal"]

IDLE_SECONDS = 0.05


class Terminal:
    """A pseudo-terminal; ``name`` is the end that a program opens as its serial port."""

    def __init__(self) -> None:
        self.own, self.other = os.openpty()
        tty.setraw(self.own)
        tty.setraw(self.other)
        os.set_blocking(self.own, False)
        self.name = os.ttyname(self.other)

    def read(self, most: int, seconds: float = 0.0) -> bytes:
        """Bytes that the program wrote, waiting for the first at most ``seconds``."""
        ready, _, _ = select.select([self.own], [], [], seconds)
        return os.read(self.own, most) if ready else b""

    def write(self, content: bytes) -> None:
        """Bytes for the program; what nobody reads is lost, as on a wire."""
        with suppress(BlockingIOError):
            os.write(self.own, content)


@cocotb.test()
async def serves_a_terminal(dut: Any) -> None:
    """Clock cycles go on while bytes come, go, or may still come as the answer to others."""
    folder = Path(os.environ[CASE])
    case = json.loads((folder / "case.json").read_text())
    terminal = Terminal()
    (folder / "port.part").write_text(terminal.name)
    (folder / "port.part").rename(folder / PORT)
    quiet, turn, tick, burst = 0, 0, 0, case["burst"]
    while not (folder / STOP).exists() and is_alive(case["owner"]):
        room = dut.room.value == 1
        came = terminal.read(BLOCK, IDLE_SECONDS if quiet > case["settle"] else 0.0) if room else b""
        if quiet > case["settle"] and not came:
            continue
        turn ^= 1
        dut.feed.value = int.from_bytes(came, "little")
        dut.feed_count.value = len(came)
        dut.turn.value = turn
        for _ in range(1 if burst else 2 * case["cycles"]):
            tick ^= 1
            dut.tick.value = tick
            await Timer(5, "ns")
        assert dut.undefined.value == 0, "the board's line was neither 0 nor 1"
        count = int(dut.drain_count.value)
        if count:
            terminal.write(int(dut.drain.value).to_bytes(BLOCK, "little")[:count])
        quiet = 0 if came or count or dut.level.value != 0 else quiet + case["cycles"]


def is_alive(process: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True

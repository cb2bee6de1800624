"""cocotb bench of a whole accelerator: starts the clock, sleeps through a block of images, and checks what the block
gave.

The frames, the handshakes, the pauses, the stream rules and the taps of the layers are in accelerator_bench.sv, so that
they run at the simulator's speed; `sim.accelerator.simulate` prepares the files and runs it.
"""

import os
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, ValueChange

from sim.case import CASE, Case

__all__ = ["computes_the_network"]


@cocotb.test()
async def computes_the_network(dut: Any) -> None:
    """Every result, and in checked mode every layer's output, is what the Network computes."""
    case = Case.read(Path(os.environ[CASE]))
    checker = case.checker()
    started = time.perf_counter()
    Clock(dut.tick, 10, unit="ns").start()
    while True:
        await ValueChange(dut.reports)
        await ReadOnly()
        if dut.stuck.value == 1:
            checker.stopped(case.patience)
            break
        if dut.finished.value == 1:
            checker.finish()
            break
        checker.update()
        if checker.problem is not None:
            break
    case.finish(checker, int(dut.cycle.value), int(dut.first.value), time.perf_counter() - started)
    assert checker.problem is None, checker.problem

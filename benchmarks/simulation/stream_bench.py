"""The ordinary way: a cocotb source and sink that wake every clock cycle, which speed.py measures beside fast mode."""

import os
import time
from pathlib import Path
from typing import Any

import cocotb
import numpy as np

from sim.streams import Edges, Monitor, Sink, Source, Stream

CASE = "SUBBIT_SPEED_CASE"


@cocotb.test()
async def every_cycle_in_python(dut: Any) -> None:
    """Feed frames and take results, both streams watched; leave cycles and seconds in a file."""
    folder = Path(os.environ[CASE])
    beats = np.fromfile(folder / "frames.bin", np.uint8)
    expected = np.load(folder / "expected.npy")
    edges = Edges(dut)
    into, out = Stream.of(dut, "s_axis"), Stream.of(dut, "m_axis")
    source, sink = Source(edges, into), Sink(edges, out)
    await edges.start()
    Monitor(edges, into)
    Monitor(edges, out)
    start, first = time.perf_counter(), edges.cycle
    cocotb.start_soon(source.send([int(beat) for beat in beats]))
    results = await sink.receive(expected.size, patience=1_000_000)
    seconds = time.perf_counter() - start
    assert [beat.payload for beat in results] == expected.tolist()
    (folder / "measured").write_text(f"{edges.cycle - first} {seconds}")

"""cocotb bench for a component with one stream in and one out; `sim.component.check` runs it."""

import json
import os
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import cocotb
from cocotb.handle import SimHandleBase

from sim.component import CASE
from sim.streams import Edges, Monitor, Sink, Source, Stream

__all__ = ["equals_the_reference"]

AFTERWARDS = 16


@dataclass(frozen=True)
class Case:
    """What `sim.component.check` passes: payloads in and out with their marks of last, port names, and the pauses."""

    inputs: list[int]
    expected: list[int]
    input_last: list[bool] | None
    expected_last: list[bool] | None
    source: str
    sink: str
    gaps: float
    stalls: float
    seed: int
    patience: int

    @classmethod
    def read(cls) -> "Case":
        """The case in the file that the environment names."""
        fields: dict[str, Any] = json.loads(Path(os.environ[CASE]).read_text())
        return cls(**fields)


@cocotb.test()
@cocotb.parametrize(gaps=[False, True], stalls=[False, True])
async def equals_the_reference(dut: SimHandleBase, gaps: bool, stalls: bool) -> None:
    """What comes out of the component is what its reference computes, beat for beat, and no beat more."""
    case, edges = Case.read(), Edges(dut)
    into, out = Stream.of(dut, case.source), Stream.of(dut, case.sink)
    source = Source(edges, into, gaps=case.gaps * gaps, seed=case.seed)
    sink = Sink(edges, out, stalls=case.stalls * stalls, seed=case.seed)
    await edges.start()
    monitors = [Monitor(edges, into), Monitor(edges, out)]
    cocotb.start_soon(source.send(case.inputs, case.input_last))
    beats = await sink.receive(len(case.expected), case.patience)

    marks = case.expected_last or []
    for index, (beat, payload, last) in enumerate(zip_longest(beats, case.expected, marks)):
        assert beat.payload == payload, f"beat {index}: hardware {beat.payload:#x}, reference {payload:#x}"
        assert last is None or beat.last == last, f"beat {index}: hardware last {beat.last}, reference {last}"

    sink.open()
    for _ in range(AFTERWARDS):
        await edges.edge
    beyond = monitors[1].beats - len(case.expected)
    assert beyond == 0, f"stream {case.sink} gave {beyond} beats more than the reference"

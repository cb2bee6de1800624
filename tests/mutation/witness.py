"""The image that tells a mutant from the original, looked for among all images by ABC, where neither end ever waits.

Both run side by side from reset, pixels free in every cycle. Control does not depend on the data, so the bounded check
comes down to the arithmetic of the images that fit into the time: ABC finds one that gives another result, or shows
that there is none.
"""

import re
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from hw.yosys import run_yosys
from tests.formal.prover import Undecided, run_abc
from tests.mutation.equivalence import MITER, joined_copies, miter, original_graph, ports_of
from tests.mutation.mutants import TOP, Mutant

__all__ = ["Search", "images_of", "search"]

#: What the ends of an accelerator always say.
NEVER_WAITING = {"rst": 0, "s_axis_tvalid": 1, "s_axis_tlast": 0, "m_axis_tready": 1}


@dataclass(frozen=True)
class Search:
    """What came of it: no image differs in the first ``none_in`` cycles; or the ``beats`` at the input, cycle by cycle,
    of one that does; or neither, no answer in the time."""

    none_in: int = 0
    beats: tuple[int, ...] = ()


def search(folder: Path, mutant: Mutant, cycles: int, seconds: float) -> Search:
    """Look for images that ``mutant`` of the accelerator in ``folder`` answers otherwise, or at another time, within
    ``cycles`` from reset. There is no answer where tables are loaded first."""
    if any(port.name == "load_tvalid" for port in ports_of(folder, TOP)):
        return Search()
    with tempfile.TemporaryDirectory(prefix="subbit-witness-") as scratch:
        work = Path(scratch)
        (work / "miter.sv").write_text(miter(folder, TOP, NEVER_WAITING))
        run_yosys(work, (*joined_copies(folder, TOP, mutant), *MITER))
        try:
            said = run_abc(work, f"scorr; bmc3 -F {cycles}; write_cex -a found.cex", seconds)
        except Undecided:
            return Search()
        if re.search(rf"No output asserted in {cycles} frames", said):
            return Search(cycles)
        return Search(0, beats(work) if "was asserted in frame" in said else ())


def beats(work: Path) -> tuple[int, ...]:
    """The input's words in ABC's counterexample in ``work``, a cycle each."""
    lines = [line for line in (work / "found.cex").read_text().splitlines() if line and set(line) <= {"0", "1"}]
    names = [line.split() for line in (work / "design.map").read_text().splitlines() if line.startswith("input ")]
    bits = {int(at): int(bit) for _, at, bit, name in names if name == "s_axis_tdata"}
    # The first line is the state at the start.
    return tuple(sum(int(line[at]) << bit for at, bit in bits.items()) for line in lines[1:])


def images_of(folder: Path, words: tuple[int, ...], shape: tuple[int, int, int], bits: int, pixels: int) -> np.ndarray:
    """Images (n, *``shape``) of ``bits`` a value that the accelerator takes where ``words`` stand at its input, so many
    ``pixels`` a beat; what is missing of the last one is 0."""
    taken = [word for word, ready in zip(words, readiness(folder, len(words)), strict=True) if ready]
    values = np.array([[word >> at & 1 for at in range(pixels * shape[2] * bits)] for word in taken], np.uint8)
    flat = (values.reshape(-1, bits) << np.arange(bits, dtype=np.uint8)).sum(axis=1, dtype=np.uint8)
    size = int(np.prod(shape))
    return np.append(flat, np.zeros(-len(flat) % size, np.uint8)).reshape(-1, *shape)


@lru_cache(maxsize=2)
def readiness(folder: Path, cycles: int) -> tuple[bool, ...]:
    """Whether the accelerator in ``folder`` takes a word, in each of ``cycles`` from reset."""
    graph = original_graph(folder, TOP)
    values = [literal & 1 for literal in range(2 * graph.largest + 2)]
    at = graph.outputs[graph.places["s_axis_tready 0"]]
    for name, value in NEVER_WAITING.items():
        if (literal := graph.inputs.get(f"{name} 0")) is not None:
            values[literal], values[literal ^ 1] = value, 1 - value
    found = []
    for _ in range(cycles):
        for result, a, b in graph.gates:
            value = values[a] & values[b]
            values[result], values[result ^ 1] = value, 1 - value
        found.append(bool(values[at]))
        after = [(latch, values[following]) for latch, following in graph.following.items()]
        for latch, value in after:
            values[latch], values[latch ^ 1] = value, 1 - value
    return tuple(found)

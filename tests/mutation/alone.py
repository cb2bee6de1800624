"""A mutant's stage by itself against the original's: thousands of streams at a time, with any words and any pauses.

The stages of an accelerator stall one another at few places, and see few of all words. Alone, a stage sees everything.
Where it gives the same words all the same, only at other times, a fault costs nothing but time.
"""

import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from tests.mutation.equivalence import graph_of, original_graph, ports_of
from tests.mutation.lockstep import Graph
from tests.mutation.mutants import ORIGINAL_RTLIL, TOP, Mutant

__all__ = ["Stage", "differs", "stage_of"]

STREAMS, CYCLES = 1024, 1500
#: The ends of a stage's streams, as Amaranth names them and its FIFOs do. What else goes in or out is payload.
HANDSHAKES = {
    "offered": ("i__valid", "w_en"),
    "room": ("i__ready", "w_rdy", "valued_free"),
    "valid": ("o__valid", "r_rdy"),
    "taken": ("o__ready", "r_en"),
}
RATES = np.array([1.0, 0.9, 0.5, 0.1])


def stage_of(folder: Path, module: str) -> str | None:
    """The module between two streams that ``module`` is or is part of; None where there is none."""
    text = (folder / ORIGINAL_RTLIL).read_text()
    while module != TOP:
        names = {plain(port.name) for port in ports_of(folder, module)}
        if all(names & set(spellings) for spellings in HANDSHAKES.values()):
            return module
        before = text[: text.index(f"\n  cell \\{module} ")]
        module = before[before.rindex("\nmodule \\") :].split()[1].removeprefix("\\")
    return None


def plain(name: str) -> str:
    """The name of a port without the number by which Amaranth tells it from another."""
    return re.sub(r"__\d+$", "", name)


def differs(folder: Path, mutant: Mutant) -> str:
    """In what the words differ that the mutant's stage gives by itself; empty where they are the same."""
    module = stage_of(folder, mutant.module)
    if module is None:
        return "it stands in no stage"
    expected, counts = original_words(folder, module)
    original = original_graph(folder, module)
    try:
        found, mutated = Stage(graph_of(folder, module, (mutant.alone,)), original.places).run()
    except RuntimeError:
        return "it gives no word"
    common = np.arange(len(expected))[:, None] < np.minimum(counts, mutated)
    wrong = common & (expected != found).any(axis=2)
    if wrong.any():
        return f"{int(wrong.any(axis=0).sum())} of {STREAMS} streams give another word"
    # A fault may make a stage several times slower; what gives an eighth of the words has stopped.
    behind = int((mutated < counts // 8).sum())
    return f"{behind} of {STREAMS} streams stop" if behind else ""


@lru_cache(maxsize=4)
def original_words(folder: Path, module: str) -> tuple[np.ndarray, np.ndarray]:
    """What the stage gives without a fault."""
    original = original_graph(folder, module)
    return Stage(original, original.places).run()


class Stage:
    """A stage's logic, run in `STREAMS` streams at once, a bit each; ``places`` of its outputs by name."""

    def __init__(self, graph: Graph, places: dict[str, int]) -> None:
        self.graph = graph
        self.ends: dict[str, int] = {}
        self.payload: list[int] = []
        self.words: list[int] = []
        outputs = {name: graph.outputs[at] for name, at in places.items()}
        ends = {spelling: end for end, spellings in HANDSHAKES.items() for spelling in spellings}
        for names, others in ((graph.inputs, self.payload), (outputs, self.words)):
            for name, literal in sorted(names.items()):
                port = plain(name.split()[0])
                if port in ends:
                    self.ends[ends[port]] = literal
                elif port not in ("clk", "rst"):
                    others.append(literal)
        level = np.zeros(graph.largest + 1, np.int64)
        for result, a, b in graph.gates:
            level[result >> 1] = 1 + max(level[a >> 1], level[b >> 1])
        gates = np.array(graph.gates, np.int64).reshape(-1, 3)
        depth = level[gates[:, 0] >> 1]
        self.levels = [gates[depth == at] for at in range(1, int(depth.max(initial=0)) + 1)]
        self.values = np.zeros((2 * graph.largest + 2, STREAMS // 8), np.uint8)
        self.values[1::2] = 255

    def set(self, literals: list[int], bits: np.ndarray) -> None:
        """Put bits (streams, n) on n inputs."""
        packed = np.packbits(bits, axis=0).T
        self.values[literals] = packed
        self.values[np.array(literals) ^ 1] = ~packed

    def settle(self) -> None:
        """Everything that follows from inputs and registers."""
        for gates in self.levels:
            found = self.values[gates[:, 1]] & self.values[gates[:, 2]]
            self.values[gates[:, 0]] = found
            self.values[gates[:, 0] ^ 1] = ~found

    def get(self, literals: list[int]) -> np.ndarray:
        """Bits (streams, n) of n literals."""
        return np.unpackbits(self.values[literals], axis=1).T.astype(bool)

    def run(self, seed: int = 6) -> tuple[np.ndarray, np.ndarray]:
        """The words that come out, (most, streams, bits), and how many of each stream."""
        rng = np.random.default_rng(seed)
        # Half of the streams are mostly ones, or zeros.
        share = np.where(rng.random((STREAMS, 1)) < 0.5, 0.5, rng.random((STREAMS, 1)))
        words = rng.random((CYCLES, STREAMS, len(self.payload)), np.float32) < share
        offers = rng.random((CYCLES, STREAMS)) < RATES[np.arange(STREAMS) % 4]
        takes = rng.random((CYCLES, STREAMS)) < RATES[np.arange(STREAMS) // 4 % 4]
        lanes, at, count = np.arange(STREAMS), np.zeros(STREAMS, int), np.zeros(STREAMS, int)
        given, offered = np.zeros((CYCLES, STREAMS, len(self.words)), bool), np.zeros(STREAMS, bool)
        state, following = list(self.graph.following), list(self.graph.following.values())
        for cycle in range(CYCLES):
            offered |= offers[cycle]
            self.set(self.payload, words[at, lanes])
            self.set([self.ends["offered"], self.ends["taken"]], np.stack([offered, takes[cycle]], axis=1))
            self.settle()
            ready, valid = self.get([self.ends["room"], self.ends["valid"]]).T
            taken = valid & takes[cycle]
            given[count[taken], lanes[taken]] = self.get(self.words)[taken]
            count += taken
            at += offered & ready
            offered &= ~ready
            after = self.values[following]
            self.values[state] = after
            self.values[np.array(state) ^ 1] = ~after
        if not count.any():
            raise RuntimeError("the stage gave no word")
        return given, count

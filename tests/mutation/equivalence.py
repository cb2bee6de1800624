"""Whether a mutant can be told from the original at all: both side by side, the same inputs, and ABC.

Inputs are free in every cycle, reset and back-pressure too; the two count as equal where ``s_axis_tready`` and
``m_axis_tvalid`` are, in every cycle for ever, and the result's beat while valid. That is more than equal results.
"""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hw.yosys import run_yosys
from tests.formal.prover import Undecided, never_asserted, run_abc
from tests.mutation.lockstep import Graph, joined
from tests.mutation.mutants import ORIGINAL_RTLIL, TOP, Mutant

__all__ = ["MITER", "Answer", "compare", "graph_of", "joined_copies", "miter", "original_graph", "ports_of"]

# Both begin with the same values: registers without one, and memories, with zeros.
UNIFORM = "setundef -undriven -init -zero"
BITS = (
    "memory -nomap",
    "memory_map",
    UNIFORM,
    "formalff -clk2ff",
    "techmap",
    "simplemap",
    "aigmap",
    UNIFORM,
    "opt_clean",
)
MITER = ("hierarchy -top miter", "proc", "flatten", "opt -fast", *BITS, "write_aiger -zinit -map design.map design.aig")
# What marks the payload of a stream, by how its name ends.
ENDINGS = {"__payload": "__valid", "tdata": "tvalid", "tlast": "tvalid"}


#: Why a mutant is equal.
REDUNDANT = "the logic computes the same for every input and every state"
UNREACHED = "in the states where it would differ the module never is"
UNREACHED_HERE = "in the states where it would differ the module never is, in this accelerator"
UNREAD = "a register differs where nothing comes of it: no output of the module ever does"
UNUSED = "the rest of the accelerator never lets it matter: no output of the whole ever differs"


@dataclass(frozen=True)
class Answer:
    """Whether a mutant is proved ``equal``, and ``why``; where it is not, it may differ or the time was too short."""

    equal: bool
    why: str = ""


def compare(folder: Path, mutant: Mutant, seconds: float = 20.0) -> Answer:
    """Compare ``mutant`` of the accelerator in ``folder`` with the original, until one of four ways proves them equal:
    the module that has the fault, with anything at its inputs, in lockstep and as two, then the whole, likewise. Each
    has ``seconds``."""
    ways = [(way, module) for module in (mutant.module, TOP) for way in (lockstep, side_by_side)]
    for way, module in ways:
        with tempfile.TemporaryDirectory(prefix="subbit-mutant-") as scratch:
            if (answer := way(Path(scratch), folder, mutant, module, seconds)).equal:
                return answer
    return Answer(False)


def copy(folder: Path, module: str, fault: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Commands that read ``module`` of the accelerator in ``folder``, with the ``fault`` or without."""
    read = f"read_rtlil {(folder / ORIGINAL_RTLIL).resolve()}"
    return read, *fault, f"hierarchy -top {module}", "flatten", UNIFORM, "opt_clean"


def lockstep(work: Path, folder: Path, mutant: Mutant, module: str, seconds: float) -> Answer:
    """Whether ``module`` does the same with the fault and without, in any state that it can be in without."""
    original, mutated = original_graph(folder, module), graph_of(folder, module, (mutant.alone,))
    try:
        (work / "design.aig").write_bytes(joined(original, mutated))
    except ValueError:
        return Answer(False)
    equal = proved(work, "fraig; write_aiger reduced.aig; pdr", seconds)
    reached = UNREACHED_HERE if module == TOP else UNREACHED
    return Answer(equal, REDUNDANT if never_asserted(work / "reduced.aig") else reached) if equal else Answer(False)


@lru_cache(maxsize=64)
def original_graph(folder: Path, module: str) -> Graph:
    """The logic of ``module`` without a fault."""
    return graph_of(folder, module, ())


def graph_of(folder: Path, module: str, fault: tuple[str, ...]) -> Graph:
    """The logic of ``module`` with ``fault``."""
    with tempfile.TemporaryDirectory(prefix="subbit-logic-") as scratch:
        work = Path(scratch)
        write = "write_aiger -ascii -zinit -map logic.map logic.aag"
        run_yosys(work, (*copy(folder, module, fault), *BITS, write))
        return Graph.read(work / "logic.aag", work / "logic.map")


def side_by_side(work: Path, folder: Path, mutant: Mutant, module: str, seconds: float) -> Answer:
    """Whether two of ``module``, one with the fault, look the same from outside for ever."""
    (work / "miter.sv").write_text(miter(folder, module))
    run_yosys(work, (*joined_copies(folder, module, mutant), *MITER))
    engine = "scorr; write_aiger reduced.aig" + ("" if module == TOP else "; pdr")
    equal = proved(work, engine, seconds)
    return Answer(equal, UNUSED if module == TOP else UNREAD) if equal else Answer(False)


def joined_copies(folder: Path, module: str, mutant: Mutant) -> list[str]:
    """Commands that put ``module`` without the fault and with it into the module around both, miter.sv."""
    commands: list[str] = []
    for name, fault in (("gold", ()), ("gate", (mutant.alone,))):
        commands += [*copy(folder, module, fault), f"rename {module} {name}", f"design -stash {name}"]
    commands += [f"design -copy-from {name} {name}" for name in ("gold", "gate")]
    return [*commands, "read_verilog -sv miter.sv"]


def proved(work: Path, engine: str, seconds: float) -> bool:
    """Whether ABC's ``engine`` proves that the output of the design in ``work`` is 0 for ever."""
    try:
        said = run_abc(work, engine, seconds)
    except Undecided:
        said = ""
    reduced = work / "reduced.aig"
    return "Property proved" in said or (reduced.is_file() and never_asserted(reduced))


def miter(folder: Path, module: str, tied: Mapping[str, int] | None = None) -> str:
    """A module of both copies of ``module`` whose one output says that they differ, the payload of a stream only where
    it is valid; inputs are free but for those that are ``tied`` to a value."""
    found, tied = ports_of(folder, module), tied or {}
    inputs = [port for port in found if port.direction == "input"]
    outputs = [port for port in found if port.direction == "output"]
    free = [f"input [{port.width - 1}:0] {port.name}" for port in inputs if port.name not in tied]
    lines = [f"module miter({', '.join(free)}, output differs);"]
    lines += [f"wire {port.name} = {tied[port.name]};" for port in inputs if port.name in tied]
    for copy in ("gold", "gate"):
        lines += [f"wire [{port.width - 1}:0] {copy}_{port.name};" for port in outputs]
        joined = [f".{port.name}({port.name})" for port in inputs]
        joined += [f".{port.name}({copy}_{port.name})" for port in outputs]
        lines.append(f"{copy} the_{copy}({', '.join(joined)});")
    names = {port.name for port in outputs}
    differences = []
    for port in outputs:
        differs = f"gold_{port.name} != gate_{port.name}"
        valid = re.sub(r"(__payload|tdata|tlast)$", lambda end: ENDINGS[end[1]], port.name)
        differences.append(f"gold_{valid} && {differs}" if valid != port.name and valid in names else differs)
    lines.append(f"assign differs = {' || '.join(differences)};")
    return "\n".join([*lines, "endmodule", ""])


@dataclass(frozen=True)
class Port:
    """A port of a module, with its ``direction``, input or output."""

    name: str
    width: int
    direction: str


def ports_of(folder: Path, module: str) -> list[Port]:
    """Ports of ``module``; none where there is no such module."""
    _, _, text = (folder / ORIGINAL_RTLIL).read_text().partition(f"\nmodule \\{module}\n")
    line = r"^  wire (?:width (\d+) )?(input|output) \d+ (?:signed )?\\(\S+)$"
    found = re.findall(line, text.partition("\nend\n")[0], re.MULTILINE)
    return [Port(name, int(width or 1), direction) for width, direction, name in found]

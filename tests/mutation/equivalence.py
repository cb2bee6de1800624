"""Whether a mutant can be told from the original at all: both side by side, the same inputs, and ABC.

Inputs are free in every cycle, reset and back-pressure too; the two count as equal where ``s_axis_tready`` and
``m_axis_tvalid`` are, in every cycle for ever, and the result's beat while valid. That is more than equal results.
"""

import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from hw.yosys import run_yosys
from tests.formal.prover import Undecided, never_asserted, run_abc
from tests.mutation.lockstep import Graph, joined
from tests.mutation.mutants import ORIGINAL_RTLIL, TOP, Mutant

__all__ = ["Answer", "compare"]

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
MITER = ("hierarchy -top miter", "proc", "flatten", "opt -fast", *BITS, "write_aiger -zinit design.aig")
# What marks the payload of a stream, by how its name ends.
ENDINGS = {"__payload": "__valid", "tdata": "tvalid", "tlast": "tvalid"}


@dataclass(frozen=True)
class Answer:
    """``equal``: True proved, False where a run of ``cycles`` cycles tells the two apart, None not decided.

    ``within`` names what was compared: the module that has the fault, or the whole accelerator.
    """

    equal: bool | None
    within: str
    seconds: float
    cycles: int = 0


def compare(folder: Path, mutant: Mutant, seconds: float = 20.0) -> Answer:
    """Compare ``mutant`` of the accelerator in ``folder`` with the original, in three ways until one proves them equal:
    the module that has the fault, with anything at its inputs, in lockstep and as two, then the whole as two. What ABC
    does not answer in ``seconds`` stays open."""
    start, equal, module = time.perf_counter(), None, mutant.module
    for module, way in ((mutant.module, lockstep), (mutant.module, side_by_side), (TOP, side_by_side)):
        with tempfile.TemporaryDirectory(prefix="subbit-mutant-") as scratch:
            equal = way(Path(scratch), folder, mutant, module, seconds)
        if equal:
            break
    return Answer(equal, module, time.perf_counter() - start)


def copy(folder: Path, module: str, fault: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Commands that read ``module`` of the accelerator in ``folder``, with the ``fault`` or without."""
    read = f"read_rtlil {(folder / ORIGINAL_RTLIL).resolve()}"
    return read, *fault, f"hierarchy -top {module}", "flatten", UNIFORM, "opt_clean"


def lockstep(work: Path, folder: Path, mutant: Mutant, module: str, seconds: float) -> bool | None:
    """Whether ``module`` does the same with the fault and without, in any state that it can be in without."""
    graphs = []
    for name, fault in (("original", ()), ("mutant", (mutant.alone,))):
        write = f"write_aiger -ascii -zinit -map {name}.map {name}.aag"
        run_yosys(work, (*copy(folder, module, fault), *BITS, write))
        graphs.append(Graph.read(work / f"{name}.aag", work / f"{name}.map"))
    try:
        (work / "design.aig").write_bytes(joined(*graphs))
    except ValueError:
        return None
    return answered(work, "fraig; write_aiger reduced.aig; pdr", seconds)


def side_by_side(work: Path, folder: Path, mutant: Mutant, module: str, seconds: float) -> bool | None:
    """Whether two of ``module``, one with the fault, look the same from outside for ever."""
    (work / "miter.sv").write_text(miter(folder, module))
    copies: list[str] = []
    for name, fault in (("gold", ()), ("gate", (mutant.alone,))):
        copies += [*copy(folder, module, fault), f"rename {module} {name}", f"design -stash {name}"]
    copies += [f"design -copy-from {name} {name}" for name in ("gold", "gate")]
    run_yosys(work, (*copies, "read_verilog -sv miter.sv", *MITER))
    return answered(
        work, "scorr; write_aiger reduced.aig; pdr" if module != TOP else "scorr; write_aiger reduced.aig", seconds
    )


def answered(work: Path, engine: str, seconds: float) -> bool | None:
    """What ABC's ``engine`` makes of the design in ``work``: True where its output is 0 for ever."""
    try:
        said = run_abc(work, engine, seconds)
    except Undecided:
        said = ""
    reduced = work / "reduced.aig"
    if (reduced.is_file() and never_asserted(reduced)) or "Property proved" in said:
        return True
    return False if "was asserted in frame" in said else None


def miter(folder: Path, module: str) -> str:
    """A module of both copies of ``module`` whose one output says that they differ, the payload of a stream only where
    it is valid."""
    found = ports((folder / ORIGINAL_RTLIL).read_text(), module)
    inputs = [port for port in found if port.direction == "input"]
    outputs = [port for port in found if port.direction == "output"]
    lines = [
        f"module miter({', '.join(f'input [{port.width - 1}:0] {port.name}' for port in inputs)}, output differs);"
    ]
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


def ports(text: str, module: str) -> list[Port]:
    """Ports of ``module`` in RTLIL text."""
    body = text[text.index(f"\nmodule \\{module}\n") :]
    found = re.findall(
        r"^  wire (?:width (\d+) )?(input|output) \d+ (?:signed )?\\(\S+)$", body[: body.index("\nend\n")], re.MULTILINE
    )
    return [Port(name, int(width or 1), direction) for width, direction, name in found]

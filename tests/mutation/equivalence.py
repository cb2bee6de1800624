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
from sim.design import Design
from tests.formal.prover import Undecided, never_asserted, run_abc
from tests.mutation.mutants import ORIGINAL_RTLIL, TOP, Mutant

__all__ = ["Answer", "compare"]

# Both begin with the same values: registers without one, and memories, with zeros.
UNIFORM = "setundef -undriven -init -zero"
WRITE = (
    "hierarchy -top miter",
    "proc",
    "flatten",
    "opt_clean",
    "memory -nomap",
    "memory_map",
    UNIFORM,
    "opt -fast",
    "formalff -clk2ff",
    "techmap",
    "opt -fast",
    "simplemap",
    "aigmap",
    UNIFORM,
    "opt_clean",
    "write_aiger -zinit design.aig",
)
# Registers that hold the same in both, by induction, are one; often nothing is left to tell apart.
MERGE = "scorr; write_aiger reduced.aig"


@dataclass(frozen=True)
class Answer:
    """``equal``: True proved, False where a run of ``cycles`` cycles tells the two apart, None not decided.

    ``within`` names what was compared: the module that has the fault, or the whole accelerator.
    """

    equal: bool | None
    within: str
    seconds: float
    cycles: int = 0


def compare(folder: Path, mutant: Mutant, seconds: float = 60.0) -> Answer:
    """Compare ``mutant`` of the accelerator in ``folder`` with the original, first the module that has the fault, all
    its inputs free and all its outputs the same, then, where these differ, the whole."""
    start = time.perf_counter()
    equal, _ = told_apart(folder, mutant, mutant.module, ("miter -equiv gold gate miter",), MERGE, seconds)
    if equal:
        return Answer(True, mutant.module, time.perf_counter() - start)
    join = ("read_verilog -sv miter.sv",)
    equal, cycles = told_apart(folder, mutant, TOP, join, f"{MERGE}; pdr", seconds)
    return Answer(equal, TOP, time.perf_counter() - start, cycles)


def told_apart(
    folder: Path, mutant: Mutant, module: str, join: tuple[str, ...], engine: str, seconds: float
) -> tuple[bool | None, int]:
    """Whether ``module`` is the same with the fault and without, where ``join`` makes one module of the two."""
    with tempfile.TemporaryDirectory(prefix="subbit-mutant-") as scratch:
        work = Path(scratch)
        (work / "miter.sv").write_text(miter(Design.read(folder)))
        read = f"read_rtlil {(folder / ORIGINAL_RTLIL).resolve()}"
        flat = (f"hierarchy -top {module}", "flatten", UNIFORM, "opt_clean")
        copies = []
        for name, fault in (("gold", ()), ("gate", (mutant.alone,))):
            copies += [read, *fault, *flat, f"rename {module} {name}", f"design -stash {name}"]
        copies += ["design -copy-from gold gold", "design -copy-from gate gate"]
        run_yosys(work, (*copies, *join, *WRITE))
        try:
            said = run_abc(work, engine, seconds)
        except Undecided:
            said = ""
        if (work / "reduced.aig").is_file() and never_asserted(work / "reduced.aig"):
            return True, 0
    if "Property proved" in said:
        return True, 0
    if found := re.search(r"was asserted in frame (\d+)", said):
        return False, int(found[1]) + 1
    return None, 0


def miter(design: Design) -> str:
    """A module of both accelerators whose one output says that they differ."""
    load = [("load_tdata", 16), ("load_tvalid", 1)] if design.load_words else []
    inputs = [("rst", 1), ("s_axis_tdata", design.input_bits), ("s_axis_tvalid", 1), ("s_axis_tlast", 1)]
    inputs += [("m_axis_tready", 1), *load]
    outputs = [("s_axis_tready", 1), ("m_axis_tvalid", 1), ("m_axis_tdata", design.output_bits), ("m_axis_tlast", 1)]
    outputs += [("load_tready", 1)] if load else []
    lines = ["module miter(input clk", *(f", input [{width - 1}:0] {name}" for name, width in inputs)]
    lines.append(", output differs);")
    for copy in ("gold", "gate"):
        lines += [f"wire [{width - 1}:0] {copy}_{name};" for name, width in outputs]
        ports = [f".{name}({name})" for name in ("clk", *(name for name, _ in inputs))]
        ports += [f".{name}({copy}_{name})" for name, _ in outputs]
        lines.append(f"{copy} the_{copy}({', '.join(ports)});")
    held = ("s_axis_tready", "m_axis_tvalid", *(["load_tready"] if load else []))
    differences = [f"gold_{name} != gate_{name}" for name in held]
    beats = " || ".join(f"gold_{name} != gate_{name}" for name in ("m_axis_tdata", "m_axis_tlast"))
    lines.append(f"assign differs = {' || '.join(differences)} || gold_m_axis_tvalid && ({beats});")
    return "\n".join([*lines, "endmodule", ""])

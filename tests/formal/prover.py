"""Proofs by model checking: an Amaranth harness as an and-inverter graph, and ABC's engines on its assertions.

These are the steps that SymbiYosys takes for its engines ``abc pdr`` and ``abc bmc3``, with nothing to install: Yosys
and ABC both come inside the package pyosys.
"""

import importlib.util
import json
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from amaranth.sim import Simulator

from hw.yosys import rtlil, run_yosys
from sw.errors import SubbitError
from tests.formal.harness import Harness

__all__ = ["Outcome", "Refuted", "Undecided", "prove"]

# What Yosys knows nothing of becomes a free input, never a value that it may choose to its liking.
FREE = "setundef -undriven -anyseq"
REGISTERS = "$ff,$dff,$dffe,$sdff,$sdffe,$sdffce"
READ = ("read_rtlil design.il", "hierarchy -top top", "proc", "flatten", FREE, "memory -nomap", "memory_map", FREE)
WRITE = (
    "chformal -lower",
    "opt -fast",
    "formalff -clk2ff",
    "techmap",
    "opt -fast",
    "simplemap",
    "aigmap",
    FREE,
    "opt_clean",
    "write_aiger -zinit -ywmap design.json -map design.map design.aig",
)
SHOWN = 24


class Refuted(Exception):
    """A claim does not hold; the message names it and shows a run that breaks it, cycle by cycle."""


class Undecided(Exception):
    """No answer within the time."""


@dataclass(frozen=True)
class Outcome:
    """A claim that holds: for ever, or in the first ``depth`` cycles after reset where ``depth`` is given."""

    seconds: float
    depth: int | None = None

    def __str__(self) -> str:
        return "proved" if self.depth is None else f"holds for {self.depth} cycles"


def prove(harness: Harness, seconds: float = 60.0, depth: int | None = None) -> Outcome:
    """Prove every claim of ``harness``: for ever, or where ``depth`` is given for so many cycles after reset.

    Raises Refuted where one does not hold, and Undecided where no answer comes within ``seconds``.
    """
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="subbit-formal-") as folder:
        work = Path(folder)
        text = rtlil(harness)
        (work / "design.il").write_text(text)
        cone, source = harness.independent
        reached = f"w:{' w:'.join(cone)} %u %ci*:-{REGISTERS} i:{source} %i"
        looks = (f"tee -q -o cone.txt select -list {reached}",) if cone else ()
        run_yosys(work, (*READ, *looks, *WRITE))
        if cone and (work / "cone.txt").read_text().strip():
            raise Refuted(f"not so: {' and '.join(cone)} do not look at {source} within a cycle")
        engine = "pdr" if depth is None else f"bmc3 -F {depth}"
        reduced = "&get; &fraig -x; &put; scorr; write_aiger reduced.aig"
        said = run_abc(work, f"{reduced}; {engine}; write_cex -a found.cex", seconds)
        spent = time.perf_counter() - start
        if never_asserted(work / "reduced.aig"):
            return Outcome(spent)
        if failed := re.search(r"Output (\d+) of miter .* was asserted in frame", said):
            raise Refuted(told(harness, work, claims(text, work)[int(failed[1])]))
    if "Property proved" in said:
        return Outcome(spent)
    if depth is not None and re.search(rf"No output asserted in {depth} frames", said):
        return Outcome(spent, depth)
    raise Undecided(f"ABC said: {said.strip().splitlines()[-1]}")


def run_abc(work: Path, commands: str, seconds: float) -> str:
    """What ABC prints for ``commands`` on the design in ``work``."""
    package = importlib.util.find_spec("pyosys")
    inside = Path(package.origin).with_name("yosys-abc") if package and package.origin else Path()
    program = str(inside) if inside.is_file() else shutil.which("yosys-abc") or shutil.which("abc")
    if program is None:
        raise SubbitError("ABC is missing: pip install pyosys.")
    command = [program, "-c", f"read_aiger design.aig; strash; {commands}"]
    try:
        return subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=seconds, check=False).stdout
    except subprocess.TimeoutExpired:
        raise Undecided(f"no answer within {seconds:g} s") from None


def never_asserted(graph: Path) -> bool:
    """Whether reduction alone has shown that no claim is ever broken: every output is the constant 0."""
    lines = graph.read_bytes().split(b"\n")
    _, _, _, latches, outputs, *_ = lines[0].split()
    start = 1 + int(latches)
    return all(line == b"0" for line in lines[start : start + int(outputs)])


def claims(text: str, work: Path) -> list[str]:
    """Names of the claims of RTLIL ``text``, in the order of the graph's outputs."""
    names = dict(re.findall(r'cell \$check (\S+)\n\s+parameter \\FORMAT "(.*)"', text))
    found = json.loads((work / "design.json").read_text())["asserts"]
    return [names[path[-1].removeprefix("\\")] for path in found]


def told(harness: Harness, work: Path, claim: str) -> str:
    """The counterexample in ``work``, run again in Amaranth's simulator, as text."""
    lines = [line for line in (work / "found.cex").read_text().splitlines() if set(line) <= {"0", "1"} and line]
    places = [line.split()[1:] for line in (work / "design.map").read_text().splitlines() if line.startswith("input ")]
    harness.asserts = False
    rows = []

    async def bench(ctx) -> None:
        for cycle, line in enumerate(lines[1:]):
            values = dict.fromkeys(harness.widths, 0)
            for at, bit, name in places:
                if name in values:
                    values[name] |= int(line[int(at)]) << int(bit)
            for name, value in values.items():
                ctx.set(getattr(harness, name), value)
            await ctx.delay(1e-6)
            shown = values | {name: ctx.get(value) for name, value in harness.watched().items()}
            rows.append(f"{cycle:5}: " + "  ".join(f"{name} {value:x}" for name, value in shown.items()))
            ctx.set(harness.clk, 1)
            await ctx.delay(1e-6)
            ctx.set(harness.clk, 0)

    simulator = Simulator(harness)
    simulator.add_testbench(bench)
    simulator.run()
    harness.asserts = True
    return "\n".join([f"not so: {claim} (cycle {len(rows) - 1})", *rows[-SHOWN:]])

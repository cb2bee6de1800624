"""The project's accelerator bench as a program that runs thousands of times: its SystemVerilog, its checker.

What `sim.accelerator_bench` does in a simulator under cocotb is done here after the simulation: the same files, judged
by the same `sim.checker.Checker`. A run takes milliseconds in place of a second.
"""

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sim.build import VERILATOR_ARGUMENTS
from sim.case import BENCHES, CONVERGENCE, Case
from sim.design import Design
from sim.tools import environment, patched_environment, require
from sw.errors import SubbitError
from sw.network import Network
from tests.mutation.mutants import ORIGINAL, choose

__all__ = ["PATTERNS", "Bench", "Verdict"]

HERE = Path(__file__).parent
#: Gaps and stalls of the runs that `sim.simulate` makes in checked mode.
PATTERNS = ((0.0, 0.0), (0.25, 0.0), (0.0, 0.25), (0.25, 0.25))
# No run takes a tenth of this; a simulator that turns in a loop of logic ends here.
SECONDS = 10


@dataclass(frozen=True)
class Verdict:
    """What the bench said of a mutant: ``by`` is the kind of what it found first, empty where nothing was found, and
    ``problem`` the sentence. ``pattern`` is the run, of `PATTERNS`, in which it was found."""

    by: str
    problem: str = ""
    pattern: int = 0


class Bench:
    """The bench around the mutated accelerator in ``folder``, built once, for ``images`` of ``network``.

    Raises SubbitError where there is no Verilator or it fails.
    """

    def __init__(self, folder: Path, network: Network, images: np.ndarray) -> None:
        require("verilator")
        design = Design.read(folder)
        run = folder / "run"
        run.mkdir()
        self.case = Case.prepared(run.resolve(), design, network, images)
        self.program = self._built(folder / "program")

    def _built(self, folder: Path) -> Path:
        case = self.case
        arguments = [
            *("verilator", *VERILATOR_ARGUMENTS, *CONVERGENCE, "--cc", "--exe", "--build", "-Mdir", str(folder)),
            *("--top-module", "standalone", f"-I{case.folder / 'include'}"),
            *(f"-G{name}={value}" for name, value in case.parameters().items()),
            *(f"-D{name}={value}" for name, value in case.macros.items()),
            *map(str, (HERE / "standalone.cpp", HERE / "standalone.sv", *BENCHES, *case.design.sources)),
        ]
        with patched_environment(environment("verilator")):
            said = subprocess.run(arguments, capture_output=True, text=True, check=False)
        if said.returncode:
            raise SubbitError(f"Verilator could not build the mutants: {said.stderr.strip().splitlines()[-1]}")
        return (folder / "Vstandalone").resolve()

    def judge(self, mutant: int, seed: int = 1, patterns: tuple[tuple[float, float], ...] = PATTERNS) -> Verdict:
        """Run ``mutant`` under ``patterns`` until something is found."""
        for at, pattern in enumerate(patterns):
            verdict = self.run(mutant, pattern, seed)
            if verdict.by:
                return replace(verdict, pattern=at)
        return Verdict("")

    def run(self, mutant: int, pattern: tuple[float, float], seed: int = 1) -> Verdict:
        """One run from reset through all images."""
        case = self.case
        case.write()
        choose(case.folder, mutant)
        command = [str(self.program), *case.plusargs(pattern, seed)]
        try:
            said = subprocess.run(
                command, cwd=case.folder, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return Verdict("never ends", f"the simulation did not end within {SECONDS} s")
        if said.returncode:
            lines = (said.stdout + said.stderr).strip().splitlines()
            return Verdict("does not settle", next((line for line in lines if "%Error" in line), f"{lines[-1:]}"))
        end, _, _ = said.stdout.split()
        checker = case.checker()
        if end == "stuck":
            checker.stopped(case.patience)
            return Verdict("stops", checker.problem or "")
        checker.finish()
        if checker.mismatch is not None:
            return Verdict("result" if checker.wrong else "layer", checker.problem or "")
        if checker.problem is not None:
            return Verdict("stream rule" if "stream" in checker.problem else "beats", checker.problem)
        return self._paced(checker.ends) if pattern == (0.0, 0.0) else Verdict("")

    def _paced(self, ends: np.ndarray) -> Verdict:
        """Whether the frames came at the planned interval, as the tests of every accelerator ask."""
        steady = np.diff(ends[len(ends) // 2 :])
        wanted = self.case.design.interval
        if (steady == wanted).all():
            return Verdict("")
        return Verdict("interval", f"frames came {round(float(steady.mean()))} cycles apart, not {wanted}")

    def check(self) -> None:
        """Raise RuntimeError where the accelerator without a fault does not pass."""
        if (verdict := self.judge(ORIGINAL)).by:
            raise RuntimeError(f"the accelerator without a fault fails: {verdict.problem}")

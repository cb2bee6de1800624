"""The project's accelerator bench as a program that runs thousands of times: its SystemVerilog, its checker.

What `sim.accelerator_bench` does in a simulator under cocotb is done here after the simulation: the same files, judged
by the same `sim.checker.Checker`. A run takes milliseconds in place of a second.
"""

import hashlib
import shutil
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

__all__ = ["PATTERNS", "Bench", "Verdict", "digest_of"]

HERE = Path(__file__).parent
#: Gaps and stalls of the runs that `sim.simulate` makes in checked mode.
PATTERNS = ((0.0, 0.0), (0.25, 0.0), (0.0, 0.25), (0.25, 0.25))
STANDALONE = (HERE / "standalone.cpp", HERE / "standalone.sv")
# No run takes a tenth of these seconds and as many more for so many cycles; a simulator that turns in a loop of logic
# ends here.
SECONDS, CYCLES = 10, 1_000_000


@dataclass(frozen=True)
class Verdict:
    """What the bench said of a mutant: ``by`` is the kind of what it found first, empty where nothing was found, and
    ``problem`` the sentence. ``pattern`` counts the runs before the one in which it was found,
    ``ends`` are the cycles in which the results of a run were complete."""

    by: str
    problem: str = ""
    pattern: int = 0
    ends: tuple[int, ...] = ()

    @property
    def caught(self) -> bool:
        """Whether the bench found anything wrong."""
        return bool(self.by)


def digest_of(*files: Path, more: str = "") -> str:
    """A short name of what is in ``files``, and of ``more``."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files) + more.encode()).hexdigest()[:12]


class Bench:
    """The bench around the mutated accelerator in ``folder``, built once, for ``images`` of ``network``; its
    files lie in a folder ``name`` there.

    Raises SubbitError where there is no Verilator or it fails.
    """

    def __init__(self, folder: Path, network: Network, images: np.ndarray, name: str = "run") -> None:
        require("verilator")
        run = folder / name
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir()
        self.case = Case.prepared(run.resolve(), Design.read(folder), network, images)
        built = folder / f"program-{digest_of(*BENCHES, *STANDALONE, *self.case.design.sources)}"
        program = built / "Vstandalone"
        self.program = program.resolve() if program.is_file() else self._built(built)
        self.seconds = SECONDS + SECONDS * len(images) * (self.case.design.interval or 0) / CYCLES

    def _built(self, folder: Path) -> Path:
        case = self.case
        arguments = [
            # Yosys' marks on case statements hold without a fault; with one, the results must tell.
            *(
                "verilator",
                *VERILATOR_ARGUMENTS,
                *CONVERGENCE,
                "--no-assert",
                "--cc",
                "--exe",
                "--build",
                "-Mdir",
                str(folder),
            ),
            *("--top-module", "standalone", f"-I{case.folder / 'include'}"),
            *(f"-G{name}={value}" for name, value in case.parameters().items()),
            *(f"-D{name}={value}" for name, value in case.macros.items()),
            *map(str, (*STANDALONE, *BENCHES, *case.design.sources)),
        ]
        with patched_environment(environment("verilator")):
            said = subprocess.run(arguments, capture_output=True, text=True, check=False)
        if said.returncode:
            raise SubbitError(f"Verilator could not build the mutants: {said.stderr.strip().splitlines()[-1]}")
        return (folder / "Vstandalone").resolve()

    @property
    def digest(self) -> str:
        """What changes with the accelerator, the images, and all that the bench is told."""
        settings = "".join(" ".join(self.case.plusargs(pattern, 1)) for pattern in PATTERNS)
        return digest_of(self.case.folder / "frames.bin", more=f"{self.program.parent.name} {settings}")

    def judge(self, mutant: int, seed: int = 1, patterns: tuple[tuple[float, float], ...] = PATTERNS) -> Verdict:
        """Run ``mutant`` under ``patterns`` until something is found."""
        for at, pattern in enumerate(patterns):
            verdict = self.run(mutant, pattern, seed)
            if verdict.caught:
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
                command, cwd=case.folder, capture_output=True, text=True, timeout=self.seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return Verdict("never ends", f"the simulation did not end within {self.seconds:.0f} s")
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
        if pattern == (0.0, 0.0) and (late := self._late(checker.ends)):
            return Verdict("interval", late)
        return Verdict("", ends=tuple(checker.ends.tolist()))

    def _late(self, ends: np.ndarray) -> str:
        """What is wrong with the interval between frames, which the tests of every accelerator ask for too."""
        steady, wanted = np.diff(ends[len(ends) // 2 :]), self.case.design.interval
        mean = round(float(steady.mean()))
        return "" if (steady == wanted).all() else f"frames came {mean} cycles apart, not {wanted}"

    def check(self) -> None:
        """Raise RuntimeError where the accelerator without a fault does not pass."""
        if (verdict := self.judge(ORIGINAL)).caught:
            raise RuntimeError(f"the accelerator without a fault fails: {verdict.problem}")

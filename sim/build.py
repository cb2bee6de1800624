"""Builds a design for a simulator once for each content of its sources and arguments, and keeps the runnable model."""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cocotb_tools.runner import get_runner

from sim.runtime import Runtime
from sim.tools import SimulationFailure, environment, identity, patched_environment

__all__ = ["Build", "ports"]

TIMESCALE = ("1ns", "1ps")

# Lint looks at style that generated Verilog cannot follow; errors still stop the build.
VERILATOR_ARGUMENTS = ("-O3", "-Wno-lint", "-Wno-CASEINCOMPLETE", "-Wno-fatal", "--no-public-flat-rw")


@dataclass(frozen=True)
class Build:
    """One design with its arguments; its hash names the folder in which the runnable model is kept."""

    simulator: str
    sources: tuple[Path, ...]
    top: str
    parameters: dict[str, object]
    defines: dict[str, object]
    includes: tuple[Path, ...]
    arguments: tuple[str, ...]
    public: dict[str, tuple[str, ...]]
    waves: bool

    def hash(self) -> str:
        """Sixteen hexadecimal digits that change with anything that the model is built from."""
        digest = hashlib.sha256()
        settings = (self.top, self.parameters, self.defines, self.arguments, sorted(self.public.items()), self.waves)
        for text in (repr(settings), identity(self.simulator), repr(VERILATOR_ARGUMENTS)):
            digest.update(text.encode() + b"\0")
        included = (file for folder in self.includes for file in sorted(folder.glob("*.svh")))
        for source in (*self.sources, *included):
            digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
        return digest.hexdigest()[:16]

    def made_in(self, build_dir: Path) -> tuple[Path, bool]:
        """Folder of the runnable model, and whether it was there before. Of two builds at a time the first is kept."""
        folder = build_dir / f"{self.simulator}-{self.hash()}"
        if folder.is_dir():
            return folder, True
        build_dir.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="building-", dir=build_dir))
        try:
            self._make(scratch)
            model = scratch / ("sim.vvp" if self.simulator == "icarus" else self.top)
            finished = scratch / "finished"
            finished.mkdir()
            shutil.move(model, finished / model.name)
            try:
                finished.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return folder, False

    def _make(self, scratch: Path) -> None:
        log = scratch / "build.log"
        arguments, sources = list(self.arguments), [str(source) for source in self.sources]
        runtime = Runtime.of(self.arguments, self.waves) if self.simulator == "verilator" else None
        if runtime is not None:
            arguments = [*VERILATOR_ARGUMENTS, *arguments]
            control = scratch / "public.vlt"
            control.write_text(_control_file(self.public))
            sources.append(str(control))
            runtime.restore(scratch)
        try:
            with patched_environment(environment(self.simulator)):
                get_runner(self.simulator).build(
                    sources=sources,
                    hdl_toplevel=self.top,
                    parameters=self.parameters,
                    defines=self.defines,
                    includes=self.includes,
                    build_args=arguments,
                    build_dir=scratch,
                    always=True,
                    timescale=TIMESCALE,
                    waves=self.waves,
                    log_file=str(log),
                )
                if runtime is not None:
                    runtime.keep(scratch)
        except (SystemExit, RuntimeError) as error:
            said = log.read_text(errors="replace") if log.is_file() else str(error)
            raise SimulationFailure(f"{self.simulator} could not build {self.top}: {_first_error(said)}") from None


def ports(top: str, sources: Sequence[Path | str]) -> tuple[str, ...]:
    """Names of the ports of module ``top``, as the sources declare them."""
    for source in sources:
        text = Path(source).read_text(errors="replace")
        if (module := re.search(rf"\bmodule\s+\\?{re.escape(top)}\b(.*?)\bendmodule\b", text, re.DOTALL)) is not None:
            found = re.findall(r"\b(?:input|output|inout)\b[^;)=]*?([A-Za-z_]\w*)\s*(?=[,;)=])", module[1])
            return tuple(dict.fromkeys(found))
    raise ValueError(f"sources must hold a module {top}")


def _control_file(public: Mapping[str, Sequence[str]]) -> str:
    """Verilator control file which leaves ``public`` reachable, so that all the rest can be optimised away."""
    lines = [f'public_flat_rw -module "{module}" -var "{name}"' for module, names in public.items() for name in names]
    return "\n".join(["`verilator_config", *lines, ""])


def _first_error(log: str) -> str:
    """The first line of a build log that tells of an error; without one, its last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"%Error|\berror\b", line, re.IGNORECASE)]
    return (errors or lines[-1:] or ["no output"])[0]

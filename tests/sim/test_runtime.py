import os
import time

import pytest

from sim.build import Build
from sim.runtime import Runtime
from sim.tools import RUNTIME_HEADER

# The rule of Verilator's makefiles, with a copy in place of the compiler.
MAKEFILE = "%.fast.gch: %\n\t{}\n"


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The folder of a finished build, whose rule for headers is a copy, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MAKEFLAGS", "-s")
    folder = tmp_path / "scratch"
    folder.mkdir()
    (folder / "verilated.o").write_text("library")
    (folder / "Vtop_classes.mk").touch()
    (folder / "Vtop.mk").write_text(MAKEFILE.format("cp $< $@"))
    return folder


@pytest.fixture
def runtime():
    return Runtime("0123")


def restored(runtime, tmp_path):
    folder = tmp_path / "next"
    folder.mkdir()
    runtime.restore(folder)
    return folder


def test_kept_and_restored(runtime, scratch, tmp_path):
    runtime.keep(scratch)
    folder = restored(runtime, tmp_path)
    assert sorted(file.name for file in folder.iterdir()) == [RUNTIME_HEADER, f"{RUNTIME_HEADER}.gch", "verilated.o"]
    assert "<verilated.h>" in (folder / f"{RUNTIME_HEADER}.gch").read_text()
    # Newer than any makefile that is written in the meantime.
    assert (folder / "verilated.o").stat().st_mtime > time.time() + 1000


def test_no_header_where_it_cannot_be_compiled(runtime, scratch, tmp_path):
    (scratch / "Vtop.mk").write_text(MAKEFILE.format("false"))
    runtime.keep(scratch)
    assert [file.name for file in restored(runtime, tmp_path).iterdir()] == ["verilated.o"]


def test_what_is_not_used_any_more_is_removed(runtime, scratch):
    caches = runtime.folder.parent
    old, recent, other = caches / "verilator-old", caches / "verilator-recent", caches / "something"
    for folder, days in ((old, 31), (recent, 29), (other, 99)):
        folder.mkdir(parents=True)
        os.utime(folder, (0, time.time() - days * 24 * 3600))
    runtime.keep(scratch)
    assert sorted(caches.iterdir()) == [other, runtime.folder, recent]


def test_use_is_noted(runtime, scratch, tmp_path):
    runtime.keep(scratch)
    os.utime(runtime.folder, (0, 0))
    restored(runtime, tmp_path)
    assert runtime.folder.stat().st_mtime > time.time() - 60


def test_a_cache_that_cannot_be_written(runtime, scratch, tmp_path):
    (tmp_path / "cache").write_text("a file")
    runtime.keep(scratch)
    assert not list(restored(runtime, tmp_path).iterdir())


@pytest.mark.slow
def test_the_header_fits_real_builds(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "top.sv"
    source.write_text("module top(input a, output y); assign y = !a; endmodule\n")
    strict = ("-CFLAGS", "-Werror=invalid-pch")
    build = Build("verilator", (source,), "top", {}, {}, (), strict, {"top": ("a", "y")}, False)
    build.made_in(tmp_path / "first")
    (kept,) = (tmp_path / "cache" / "subbit").iterdir()
    assert (kept / f"{RUNTIME_HEADER}.gch").stat().st_size > 1_000_000
    # The text of the header would not compile: only the precompiled one makes this pass.
    (kept / RUNTIME_HEADER).write_text("#error the header was read as text\n")
    build.made_in(tmp_path / "second")

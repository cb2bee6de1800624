"""The same through the command line."""

import io
from functools import cache
from pathlib import Path

from tests.fuzz.reads.base import Files
from tests.fuzz.reads.builds import flashed
from tests.fuzz.reads.finished import shown
from tests.fuzz.reads.networks import network


def says(*arguments: object, status: tuple[int, ...] = (0, 2)) -> None:
    """Run the command line; what it says of an error must be one line that can be printed."""
    import contextlib

    from subbit.cli import run
    from sw.errors import SubbitError

    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        found = run([str(each) for each in arguments])
    lines = said.getvalue().splitlines()
    assert found in status, f"status {found}: {said.getvalue()[-500:]}"
    assert "Traceback" not in said.getvalue()
    assert all(line.isprintable() for line in lines), lines
    if found == 2:
        assert [line.startswith("subbit: error: ") for line in lines] == [False] * (len(lines) - 1) + [True], lines
        raise SubbitError(lines[-1])


def command_inspect(folder: Path) -> None:
    says("inspect", folder / "n.safetensors")
    says("inspect", "--json", folder / "n.safetensors")
    says("plan", folder / "n.safetensors", "--device", "ice40-hx8k")


def command_flash(folder: Path) -> None:
    says("flash", "--dry-run", folder)


def command_report(folder: Path) -> None:
    """One page of all that stands in a design's folder; its slices.json is that of a training."""
    says("report", folder, "-o", folder / "page.html", "--slices", folder / "slices.json")


@cache
def reported() -> Files:
    from tests.fuzz.reads.data import slices

    return {**shown(), **slices()}


@cache
def built() -> Files:
    return {**{name: data for name, data in flashed().items() if name.endswith("json")}, "network.safetensors":
            network()["n.safetensors"], "flash.bin": b"0"}  # fmt: skip

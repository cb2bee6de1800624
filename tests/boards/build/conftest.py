"""A tiny design in a workplace, and programs on PATH that do as a test says in place of the real ones."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from boards.board import board
from boards.build.build import Builder
from boards.build.tools import Runner
from boards.build.workplace import Workplace

DESIGN = """
module part(input clk, input i, output reg [7:0] o);
  always @(posedge clk) o <= o + i;
endmodule
module top(input clk, input rx, output tx);
  wire [7:0] sum;
  part conv1(.clk(clk), .i(rx), .o(sum));
  assign tx = ^sum;
endmodule
"""
PINS = "set_io clk 35\nset_io rx 6\nset_io tx 9\n"
DESCRIPTION = {"top": "top", "sources": ["top.sv"], "constraints": "top.pcf", "clock_hz": 12_000_000}

NEXTPNR = """
import json, os, re, sys, time
from pathlib import Path

here = Path(__file__).parent
does = json.loads((here / "does.json").read_text())
if "--help" in sys.argv:
    print("\\n".join(f"  {option} arg    help" for option in does["options"]))
    sys.exit()
if "--version" in sys.argv:
    print('"nextpnr-ice40" -- Next Generation Place and Route (Version nextpnr-0.9)', file=sys.stderr)
    sys.exit()
value = lambda name: sys.argv[sys.argv.index(name) + 1]
seed = value("--seed") if "--seed" in sys.argv else "1"
if "--pack-only" not in sys.argv:
    with (here / "ran").open("a") as ran:
        print(seed, os.getpid(), file=ran, flush=True)
print("Info: Packing constants..")
if "--pack-only" in sys.argv:
    with (here / "packed").open("a") as packed:
        print((Path(value("--json")).parent / "synthesis.ys").read_text().count("-dff "), file=packed)
for kind, (used, room) in does["used"].items():
    print(f"Info: \\t{kind:>20}: {used:7d}/{room:7d} {100 * used // room:5d}%", flush=True)
if "--pack-only" in sys.argv:
    if "--asc" in sys.argv:  # As nextpnr does, whether or not anything is placed.
        Path(value("--asc")).write_text("empty")
    sys.exit()
time.sleep(does["sleep"].get(seed, 0))
if seed in does["fails"]:
    print(does["fails"][seed], file=sys.stderr)
    sys.exit(255)
if seed in does["crashes"]:
    os.abort()
step = {"delay": 40.0, "from": {"cell": "conv1.o_SB_DFF_Q"}, "to": {"cell": "x"}, "type": "clk-to-q"}
clock = {"achieved": does["achieved"][seed], "constraint": float(value("--freq"))}
used = {kind: {"used": n, "available": room} for kind, (n, room) in does["used"].items()}
path = {"from": "posedge clk", "to": "posedge clk", "path": [step]}
report = {"fmax": {"clk": clock}, "critical_paths": [path], "utilization": used}
Path(value("--report")).write_text(json.dumps(report))
Path(value("--write")).write_text(f"seed {seed}")
Path(value("--asc")).write_text(f"seed {seed}")
"""
ICEPACK = """
import sys
from pathlib import Path

if "--version" in sys.argv:
    sys.exit(1)
if (Path(__file__).parent / "icepack.crashes").exists():
    print("Error: no such tile")
    sys.exit(1)
Path(sys.argv[2]).write_text("packed " + Path(sys.argv[1]).read_text())
"""
OPTIONS = ("--json", "--write", "--report", "--freq", "--seed", "--timing-allow-fail", "--pack-only", "--pcf", "--asc")


@dataclass
class Fake:
    """What the programs are to do, in a folder that is first on PATH."""

    folder: Path
    does: dict[str, Any]

    def set(self, **changes: Any) -> None:
        """Have nextpnr do otherwise; seeds are strings."""
        self.does.update(changes)
        (self.folder / "does.json").write_text(json.dumps(self.does))

    @property
    def ran(self) -> list[int]:
        """Seeds that were begun, in order."""
        log = self.folder / "ran"
        return [int(line.split()[0]) for line in log.read_text().splitlines()] if log.is_file() else []

    @property
    def packed(self) -> list[bool]:
        """Of every netlist that was packed, in order, whether its synthesis was the denser one."""
        return [line == "1" for line in (self.folder / "packed").read_text().split()]

    @property
    def processes(self) -> list[int]:
        """Process numbers of what was begun."""
        return [int(line.split()[1]) for line in (self.folder / "ran").read_text().splitlines()]


def install(folder: Path, name: str, text: str) -> Path:
    """A Python program called ``name`` in ``folder``."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return path


def make_fake(folder: Path) -> Fake:
    """Fake nextpnr-ice40 and icepack in ``folder``; every seed meets 12 MHz."""
    install(folder, "nextpnr-ice40", NEXTPNR)
    install(folder, "icepack", ICEPACK)
    fake = Fake(folder, {})
    fake.set(
        options=OPTIONS,
        used={"ICESTORM_LC": [12, 5280], "ICESTORM_RAM": [0, 30]},
        achieved={str(seed): 20.0 + seed for seed in range(1, 100)},
        fails={},
        crashes=[],
        sleep={},
    )
    return fake


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Fake programs on PATH."""
    made = make_fake(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    return made


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workplace's folder with a tiny design for the UP5K, synthesised."""
    folder = tmp_path_factory.mktemp("tiny")
    make_fake(folder / "bin")
    workplace = Workplace(folder / "out")
    with pytest.MonkeyPatch.context() as patch, workplace.opened(), Runner() as runner:
        patch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
        for name, text in (("top.sv", DESIGN), ("top.pcf", PINS), ("board.json", json.dumps(DESCRIPTION))):
            (workplace.path / name).write_text(text)
        made = Builder(workplace, board("icebreaker"), ["conv1"], runner, lambda text: None)
        made.synthesise(made.flow.synthesis)
    return workplace.path


@pytest.fixture
def place(synthesised: Path, tmp_path: Path) -> Iterator[Workplace]:
    """A workplace with that design."""
    workplace = Workplace(tmp_path / "out")
    shutil.copytree(synthesised, workplace.path)
    with workplace.opened():
        workplace.keep("top.sv", "top.pcf", "board.json")
        yield workplace


@pytest.fixture
def told() -> tuple[list[str], Callable[[str], None]]:
    """A list, and what puts lines of progress into it."""
    lines: list[str] = []
    return lines, lines.append

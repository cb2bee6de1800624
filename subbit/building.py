"""From a network and the name of a board to a bitstream and its report."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from boards.board import Board, board
from boards.build.build import FLOWS, implement
from boards.build.failure import BuildFailure, DoesNotFit
from boards.build.fit import Correction, fastest_that_fits, rate_that_fits
from boards.build.report import BuildReport
from boards.build.workplace import Workplace
from boards.build.xilinx import PROJECT, vivado_project
from boards.design import DESCRIPTION, write_design
from hw.plan.cost import stage_area
from hw.plan.pipeline import pipeline
from hw.plan.plan import Plan
from subbit.console import Failed, made_by_user
from subbit.planning import Wish, make_plan
from sw.errors import SubbitError
from sw.network import Network

__all__ = ["BuildResult", "BuildWish", "build"]

#: Plans that are tried for the most frames a second before the build gives up.
PLANS = 4
#: How much less room a plan gets where the one that did not fit would be made again.
STEP = 0.97

Tell = Callable[[str], None]


@dataclass(frozen=True)
class BuildWish:
    """What a user asks of a build: a ``plan``, or a rate for which one is made; see `subbit.library.build`."""

    board: str
    plan: Plan | None = None
    fps: float | None = None
    max_fps: bool = False
    clock_mhz: float | None = None
    output: str = "scores"
    baud: int | None = None
    seeds: int = 8
    jobs: int | None = None
    rtl_only: bool = False

    @property
    def workers(self) -> int:
        """How many seeds at a time."""
        return self.jobs or max(1, (os.cpu_count() or 1) // 2)


@dataclass(frozen=True)
class BuildResult:
    """The folder of a build; ``report`` is None where no bitstream was to be made, ``remark`` says why.

    ``met``: nothing was asked for that was not reached.
    """

    folder: Path
    board: Board
    plan: Plan
    files: Mapping[str, int]
    report: BuildReport | None = None
    remark: str = ""

    @property
    def met(self) -> bool:
        """Whether timing is met, where a bitstream was made."""
        return self.report is None or self.report.met

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        if self.report is not None:
            return self.report.as_dict()
        return {
            "folder": str(self.folder),
            "board": self.board.name,
            "device": self.board.device.name,
            "remark": self.remark,
            "files": dict(self.files),
        }


def build(network: Network, wish: BuildWish, folder: Path, tell: Tell, source: str) -> BuildResult:
    """Build ``network`` for a board into ``folder``; ``tell`` gets the progress, ``source`` is the network's name in a
    command that is proposed.

    Raises SubbitError where the wish is wrong, a tool is missing or the folder is another's, Failed where the design
    does not fit or a tool fails. A missed clock is no exception: read ``met``.
    """
    target = board(wish.board)
    if wish.plan is not None and (wish.max_fps or wish.fps is not None):
        raise SubbitError("--plan already says how to fold: leave --fps and --max-fps out")
    if wish.fps is not None and wish.max_fps:
        raise SubbitError("only one of a frame rate and the highest one can be asked for")
    place = Workplace(folder)
    with place.opened():
        plan = _first_plan(network, wish, target)
        for attempt in range(PLANS):
            design(place, network, plan, target, wish.baud, tell)
            if wish.rtl_only or target.family not in FLOWS:
                return _unbuilt(place, target, plan, wish)
            try:
                return _built(place, network, plan, target, wish, tell)
            except DoesNotFit as failure:
                measured = _correction(network, plan, target, failure)
                if not wish.max_fps or attempt == PLANS - 1:
                    raise Failed(_explained(network, plan, target, wish, failure, measured, source)) from failure
                tell(f"{failure}: planned again by what was measured")
                plan = _smaller(network, plan, target, measured)
            except BuildFailure as failure:
                raise Failed(str(failure)) from failure
    raise AssertionError("a build ends in its last attempt")


def design(place: Workplace, network: Network, plan: Plan, target: Board, baud: int | None, tell: Tell) -> None:
    """Write the design into the workplace."""
    tell(f"design: {network.name} for {target.title}, {plan.clock_hz / 1e6:g} MHz")
    fresh = place.path / "design"
    shutil.rmtree(fresh, ignore_errors=True)
    with made_by_user():
        write_design(network, plan, target, fresh, baud=baud)
    place.take(fresh)


def _first_plan(network: Network, wish: BuildWish, target: Board) -> Plan:
    """The plan that was given, or one for the board's device."""
    if wish.plan is not None:
        return wish.plan if wish.clock_mhz is None else replace(wish.plan, clock_hz=1e6 * wish.clock_mhz)
    clock = wish.clock_mhz or target.oscillator_hz / 1e6
    made = Wish(target.device.name, wish.fps, False, clock, output=wish.output)
    plan = make_plan(network, made).plan
    if not wish.max_fps:
        return plan
    return fastest_that_fits(network, plan, target.device, Correction.usual(target.family))


def _built(place: Workplace, network: Network, plan: Plan, target: Board, wish: BuildWish, tell: Tell) -> BuildResult:
    stages = pipeline(network, plan).stages
    made = implement(place, target, [stage.name for stage in stages], wish.seeds, wish.workers, tell)
    estimates = {stage.name: stage_area(stage, target.family).luts for stage in stages}
    report = BuildReport.of(place, network, target, estimates, made)
    place.keep(*report.write(place.path))
    place.finish()
    return BuildResult(place.folder, target, plan, report.files, report)


def _unbuilt(place: Workplace, target: Board, plan: Plan, wish: BuildWish) -> BuildResult:
    """A design without a bitstream: because that was asked for, or because another's tools make it."""
    remark = "the design alone was asked for"
    if target.family not in FLOWS:
        description = json.loads((place.path / DESCRIPTION).read_text())
        (place.path / PROJECT).write_text(vivado_project(description, target.place[0]))
        place.keep(PROJECT)
        remark = f"Vivado was not run and there is no bitstream yet: vivado -mode batch -source {PROJECT} makes it"
    files = place.sizes()
    place.finish()
    return BuildResult(place.folder, target, plan, files, None, remark)


def _correction(network: Network, plan: Plan, target: Board, failure: DoesNotFit) -> Correction:
    return Correction.measured(network, plan, target.family, failure.areas, failure.packed)


def _smaller(network: Network, plan: Plan, target: Board, measured: Correction) -> Plan:
    """The fastest plan that is expected to fit, other than the one that did not."""
    while True:
        found = fastest_that_fits(network, plan, target.device, measured)
        if found.folding != plan.folding:
            return found
        measured = replace(measured, luts=measured.luts / STEP, ffs=measured.ffs / STEP)


def _explained(
    network: Network, plan: Plan, target: Board, wish: BuildWish, failure: DoesNotFit, measured: Correction, source: str
) -> str:
    """By how much the design is too large, and the nearest build that is expected to fit."""
    rate = rate_that_fits(network, plan, target.device, measured)
    if rate is None:
        return (
            f"{failure}: no folding of {network.name} is expected to fit {target.title}; take a board with a larger "
            "FPGA, or make the network compact (subbit train --compact)"
        )
    words = ["subbit", "build", source, "--board", target.name, "--fps", f"{rate:g}"]
    if plan.clock_hz != target.oscillator_hz:
        words += ["--clock", f"{plan.clock_hz / 1e6:g}"]
    if plan.output != "scores":
        words += ["--output-kind", plan.output]
    if wish.baud is not None:
        words += ["--baud", str(wish.baud)]
    return (
        f"{failure}, at {plan.clock_hz / pipeline(network, plan).interval:,.0f} frames a second; "
        f"{rate:,.0f} are expected to fit: {' '.join(words)}"
    )

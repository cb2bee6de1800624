"""From a network and the name of a board to a bitstream and its report."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from boards.board import Board, board
from boards.build.area import Areas
from boards.build.build import FLOWS, Builder, Measured
from boards.build.failure import BuildFailure, DoesNotFit
from boards.build.fit import Correction, fastest_that_fits, plan_that_fits, rate_that_fits
from boards.build.report import BuildReport
from boards.build.tools import Runner
from boards.build.workplace import Workplace
from boards.build.xilinx import PROJECT, vivado_project
from boards.design import DESCRIPTION, write_design
from boards.pll import dividers_for, limits_of
from boards.weights.network import BLANK, replace_weights
from boards.weights.tables import blank, in_block_ram
from hw.plan.area import pipeline_area, stage_areas
from hw.plan.pipeline import pipeline
from hw.plan.plan import Plan
from hw.plan.search import space_of
from hw.plan.space import Space
from subbit.console import Failed, made_by_user
from subbit.planning import Wish, make_plan
from subbit.proof import kept_files
from sw.errors import SubbitError
from sw.network import Network

__all__ = ["BuildResult", "BuildWish", "build", "clock_within"]

#: Plans that are tried for the most frames a second before the build gives up.
PLANS = 4
#: A design that is expected to take so many times what there is does not fit: no estimate is that far from the truth.
HOPELESS = 3.0
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
    replaceable: bool = False
    seed_minutes: float | None = None

    @property
    def seed_seconds(self) -> float | None:
        """Seconds after which a seed is given up; None where that goes by how long others took."""
        return None if self.seed_minutes is None else 60 * self.seed_minutes

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
    with place.opened(), Runner() as runner:
        made = _Making(place, network, target, wish, runner, tell, source)
        plan = made.first()
        if wish.rtl_only or target.family not in FLOWS:
            made.design(plan)
            return _unbuilt(place, target, plan)
        made.check_size(plan)
        try:
            return made.built(made.settled(plan))
        except DoesNotFit as failure:
            raise Failed(made.explained(failure)) from failure
        except BuildFailure as failure:
            raise Failed(str(failure)) from failure


class _Making:
    """The steps of one build; ``plan`` is the one that is in the workplace."""

    def __init__(
        self,
        place: Workplace,
        network: Network,
        target: Board,
        wish: BuildWish,
        runner: Runner,
        tell: Tell,
        source: str,
    ) -> None:
        self.place, self.network, self.target, self.wish = place, network, target, wish
        self.runner, self.tell, self.source = runner, tell, source
        self.plan: Plan | None = None
        self._measured: tuple[Builder, Measured] | None = None

    @cached_property
    def space(self) -> Space:
        """Every folding of the network."""
        return space_of(self.network, self.target.family, self.target.device)

    def first(self) -> Plan:
        """The plan that was given, or one for the board's device."""
        wish = self.wish
        if wish.plan is not None:
            return wish.plan if wish.clock_mhz is None else replace(wish.plan, clock_hz=1e6 * wish.clock_mhz)
        clock = wish.clock_mhz or self.target.oscillator_hz / 1e6
        plan = make_plan(self.network, Wish(self.target.device.name, wish.fps, False, clock, output=wish.output)).plan
        if not wish.max_fps:
            return plan
        return fastest_that_fits(self.space, plan, self.target.device, Correction.usual(self.target.family))

    def check_size(self, plan: Plan) -> None:
        """Raise SubbitError where the network is far too large for the board, before tools work on it for hours."""
        device = self.target.device
        area = pipeline_area(pipeline(self.network, plan), self.target.family)
        counts = {"look-up tables": (round(area.luts), device.luts), "block RAMs": (area.brams, device.block_rams)}
        over = [f"{used:,} {kind} where there are {room:,}" for kind, (used, room) in counts.items() if used > room]
        if any(used > HOPELESS * room for used, room in counts.values()):
            problem = f"the design is expected to take {' and '.join(over)}"
            raise SubbitError(self._instead(problem, plan, Correction.usual(self.target.family)))

    def design(self, plan: Plan) -> None:
        """Write the design into the workplace."""
        rate = plan.clock_hz / pipeline(self.network, plan).interval
        clock = f"{plan.clock_hz / 1e6:g} MHz"
        self.tell(f"design: {self.network.name} for {self.target.title}, {rate:,.0f} frames a second at {clock}")
        fresh = self.place.path / "design"
        shutil.rmtree(fresh, ignore_errors=True)
        with made_by_user():
            made = write_design(self.network, plan, self.target, fresh, baud=self.wish.baud)
        if self.wish.replaceable:
            for name in made.description["sources"]:
                # Random contents until all is placed: nothing of this network's becomes logic.
                (fresh / name).write_text(in_block_ram(blank((fresh / name).read_text())))
        self.place.take(fresh)
        self.plan, self._measured = plan, None

    def measured(self, plan: Plan) -> tuple[Builder, Measured]:
        """The plan as a design, synthesised and packed. Raises DoesNotFit where it does not fit."""
        if self._measured is None or self.plan != plan:
            self.design(plan)
            stages = [stage.name for stage in pipeline(self.network, plan).stages]
            builder = Builder(self.place, self.target, stages, self.runner, self.tell)
            self._measured = builder, builder.measure()
        return self._measured

    def built(self, plan: Plan) -> BuildResult:
        """All the way to the bitstream and its report."""
        builder, measured = self.measured(plan)
        made = builder.implement(measured, self.wish.seeds, self.wish.workers, self.wish.seed_seconds)
        areas = stage_areas(pipeline(self.network, plan), self.target.family)
        estimates = {name: area.luts for name, area in areas.items()}
        report = BuildReport.of(self.place, self.network, self.target, estimates, made)
        self.place.keep(*report.write(self.place.path), *kept_files(self.place.path, self.network))
        self.place.finish()
        if self.wish.replaceable:
            self.tell("weights: into the block RAMs")
            replace_in_place(self.place.folder, self.network)
        return BuildResult(self.place.folder, self.target, plan, report.files, report)

    def settled(self, plan: Plan) -> Plan:
        """The plan to build, where ``plan`` is the first for the wish; a plan that was given stays what it is."""
        if self.wish.max_fps:
            return self.fastest(plan)
        return plan if self.wish.fps is None else self.fitting(plan, self.wish.fps)

    def fitting(self, plan: Plan, fps: float) -> Plan:
        """A plan for ``fps`` frames a second that was measured to fit: ``plan``, or one made by what it measured.

        Raises DoesNotFit where none of those that were tried does.
        """
        tried = []
        while True:
            tried.append(plan.folding)
            try:
                self.measured(plan)
                return plan
            except DoesNotFit as failure:
                correction = self._correction(plan, failure.areas, failure.packed)
                interval = int(plan.clock_hz / fps)
                found = plan_that_fits(self.space, plan, interval, self.target.device, correction)
                if found is None or found.folding in tried or len(tried) == PLANS:
                    raise
                self.tell(f"{failure}: planned again by what was measured")
                plan = found

    def fastest(self, plan: Plan) -> Plan:
        """The fastest plan that was measured to fit, from ``plan`` on: each is measured, and the next one made by that.

        Raises DoesNotFit where none of those that were tried does.
        """
        best: Plan | None = None
        failure: DoesNotFit | None = None
        tried = []
        for _ in range(PLANS):
            tried.append(plan.folding)
            failure = None
            try:
                _, found = self.measured(plan)
                areas, packed = found.areas, found.packed
                best = plan
            except DoesNotFit as error:
                failure, areas, packed = error, error.areas, error.packed
                self.tell(f"{error}: planned again by what was measured")
            correction = self._correction(plan, areas, packed)
            plan = self._next(plan, correction, failure is not None)
            if plan.folding in tried or (best is not None and self._interval(plan) >= self._interval(best)):
                break
        if best is None:
            assert failure is not None
            raise failure
        return best

    def _next(self, plan: Plan, correction: Correction, smaller: bool) -> Plan:
        """The fastest plan that is expected to fit; where ``smaller``, one that takes less than ``plan``."""
        while True:
            found = fastest_that_fits(self.space, plan, self.target.device, correction)
            if not smaller or found.folding != plan.folding:
                return found
            correction = replace(correction, luts=correction.luts / STEP, ffs=correction.ffs / STEP)

    def _correction(self, plan: Plan, areas: Areas, packed: int | None) -> Correction:
        return Correction.measured(self.network, plan, self.target.family, areas, packed)

    def _interval(self, plan: Plan) -> int:
        return pipeline(self.network, plan).interval

    def explained(self, failure: DoesNotFit) -> str:
        """By how much the design is too large, and the nearest build that is expected to fit."""
        assert self.plan is not None
        correction = self._correction(self.plan, failure.areas, failure.packed)
        return self._instead(str(failure), self.plan, correction)

    def _instead(self, problem: str, plan: Plan, correction: Correction) -> str:
        """The problem with a plan, and the nearest build that is expected to fit."""
        network, target = self.network, self.target
        rate = rate_that_fits(self.space, plan, target.device, correction)
        if rate is None:
            return (
                f"{problem}: no folding of {network.name} is expected to fit {target.title}; take a board with a "
                "larger FPGA, or make the network compact (subbit train --compact)"
            )
        words = ["subbit", "build", self.source, "--board", target.name, "--fps", f"{rate:g}"]
        if plan.clock_hz != target.oscillator_hz:
            words += ["--clock", f"{plan.clock_hz / 1e6:g}"]
        if plan.output != "scores":
            words += ["--output-kind", plan.output]
        if self.wish.baud is not None:
            words += ["--baud", str(self.wish.baud)]
        return (
            f"{problem}, at {plan.clock_hz / self._interval(plan):,.0f} frames a second; "
            f"{rate:,.0f} are expected to fit: {' '.join(words)}"
        )


def replace_in_place(folder: Path, network: Network) -> None:
    """Put the weights of ``network`` into the build ``folder``, which keeps the design as it was routed."""
    description = json.loads((folder / DESCRIPTION).read_text())
    (folder / BLANK).mkdir()
    for name in (*description["sources"], "synth.json", "routed.json", FLOWS[description["family"]].design):
        shutil.copy2(folder / name, folder / BLANK / name)
    other = folder.with_name(folder.name + ".weights")
    replace_weights(folder, network, other)
    shutil.rmtree(folder)
    other.rename(folder)


def _unbuilt(place: Workplace, target: Board, plan: Plan) -> BuildResult:
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


def clock_within(target: Board, megahertz: float) -> float | None:
    """The fastest clock, in MHz, that ``target`` makes of at most so many; None where it makes none."""
    own = target.oscillator_hz / 1e6
    best = own if own <= megahertz else None
    for share in range(100, 49, -1):
        dividers = dividers_for(limits_of(target), target.oscillator_hz, 1e4 * share * megahertz)
        made = None if dividers is None else float(dividers.output_hz) / 1e6
        if made is not None and made <= megahertz:
            return max(made, best or 0.0)
    return best

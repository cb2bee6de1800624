"""One netlist placed and routed with several seeds; the best is kept, and what is done is not done again."""

import json
import os
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

from boards.build.failure import BuildFailure
from boards.build.flow import Flow
from boards.build.progress import PlaceAndRoute, Tell
from boards.build.seeds import Attempt, best, try_seeds
from boards.build.timing import read_timing
from boards.build.tools import Runner
from boards.build.workplace import Workplace
from hw.programs import Program, find_program

__all__ = ["NETLIST", "REPORT", "Routing", "patience"]

NETLIST = "synth.json"
REPORT = "timing.json"
STEP = "routing"
#: A seed is given up when it takes so many times as long as the slowest that was routed, though after so many seconds
#: at least.
TIMES, LEAST = 4.0, 600.0
#: Where none was routed yet, after so many.
FIRST = 6 * 3600.0


class Routing:
    """The attempts to place and route the netlist of a workplace at ``megahertz`` within the file ``constraints``.

    ``board``: the placer's arguments for the chip. The files of the best attempt so far are in the workplace:
    routed.json, timing.json, the placer's log and the packer's file. Those of the others are gone.
    """

    def __init__(
        self, place: Workplace, flow: Flow, board: tuple[str, ...], constraints: str, megahertz: float, tell: Tell
    ) -> None:
        self.place, self.flow, self.megahertz, self.tell = place, flow, megahertz, tell
        self._board, self._constraints = board, constraints
        needed = tuple(word for word in (*flow.constrained, *flow.placed) if word.startswith("-"))
        self.program: Program = find_program(flow.placer, (*flow.options, *needed))
        self.attempts: list[Attempt] = []
        self._limit: float | None = None
        self._key = ""
        self._lock = threading.Lock()

    @property
    def log(self) -> str:
        """The file with what the placer said."""
        return f"{self.flow.placer}.log"

    def key(self) -> str:
        """What changes with all that the placer reads, but the seed."""
        return self.place.key((NETLIST, self._constraints), self._arguments("", 0), self.program.version)

    def packing(self) -> list[str]:
        """The command that packs the netlist into the device's cells and ends there.

        It writes nothing: files of an earlier design may still be wanted."""
        return [self.program.path, *self.flow.read(self._board, self._constraints, NETLIST), "--pack-only"]

    def run(self, runner: Runner, seeds: int, jobs: int, limit: float | None = None) -> Attempt:
        """Try seeds from 1 up until one meets the clock; returns the best.

        A seed is given up after ``limit`` seconds, or where that is None as soon as it takes far longer than others.
        Raises BuildFailure where no seed could be routed.
        """
        self._key, self._limit = self.key(), limit
        self.attempts = self._earlier(seeds)
        tried = {attempt.seed for attempt in self.attempts}
        left = [seed for seed in range(1, seeds + 1) if seed not in tried]
        if tried:
            self.tell(f"place and route: {len(tried)} of {seeds} seeds done before")
        if left and not self._enough():
            self.tell(
                f"place and route: {self.flow.placer} {self.program.version}, "
                f"up to {seeds} seeds, {min(jobs, len(left))} at a time, until {self.megahertz:g} MHz is met"
            )
            try_seeds(runner, left, jobs, lambda seed: self._attempt(runner, seed), self._enough)
            shutil.rmtree(self.place.path / "seeds", ignore_errors=True)
        chosen = best(self.attempts)
        if chosen is None:
            first = min(self.attempts, key=lambda each: each.seed)
            tried_all = "the only seed" if len(self.attempts) == 1 else f"none of {len(self.attempts)} seeds"
            verb = "could not" if len(self.attempts) == 1 else "could"
            raise BuildFailure(f"{tried_all} {verb} be placed and routed: {first.problem}")
        return chosen

    def _patience(self) -> float:
        return patience(tuple(self.attempts), self._limit)

    def _enough(self) -> bool:
        return any(attempt.met for attempt in self.attempts)

    def _earlier(self, seeds: int) -> list[Attempt]:
        """Attempts on record; those that were routed only where the best one's files are still there."""
        kept = self.place.done(STEP, self._key)
        if kept is None:
            self.place.forget(STEP)
        found = (self.place.done(f"seed {seed}", self._key) for seed in range(1, seeds + 1))
        try:
            attempts = [Attempt.from_dict(each) for each in found if each is not None]
        except ValueError:
            return []
        return [each for each in attempts if each.clocks is None or kept is not None]

    def _attempt(self, runner: Runner, seed: int) -> None:
        work = self.place.path / "seeds" / str(seed)
        work.mkdir(parents=True, exist_ok=True)
        follow = PlaceAndRoute(lambda text: self.tell(f"seed {seed}: {text}"))
        command = [self.program.path, *self._arguments("../../", seed)]
        run = runner.run(self.flow.placer, command, work, work / self.log, follow, self._patience)
        if run.stopped and not run.overdue:
            return
        routed = run.status == 0 and (work / REPORT).is_file()
        log = (work / self.log).read_text(errors="replace")
        timing = read_timing(json.loads((work / REPORT).read_text()), log=log) if routed else None
        given_up = f"given up after {run.seconds / 60:.3g} minutes"
        problem = "" if routed else given_up if run.overdue else run.complaint
        with self._lock:
            cost = seed, run.seconds, run.peak_mib
            found = Attempt(*cost, timing.clocks, hold=timing.hold) if timing else Attempt(*cost, None, problem)
            self._keep(found, work, again=run.overdue)

    def _keep(self, found: Attempt, work: Path, *, again: bool) -> None:
        """Put a finished attempt on record, and its files in the place of a worse one's. One that is to be made
        ``again``, when the same build is asked for once more, is not on record."""
        before = best(self.attempts)
        self.attempts.append(found)
        if found.clocks is None:
            os.replace(work / self.log, self.place.path / f"{self.flow.placer}-seed{found.seed}.log")
            self.tell(f"seed {found.seed}: {found.problem}")
        elif before is None or found.rank > before.rank:
            files = ["routed.json", REPORT, self.log, *([self.flow.design] if self.flow.design else [])]
            self.place.forget(STEP)
            for name in files:
                os.replace(work / name, self.place.path / name)
            self.place.record(STEP, self._key, {"seed": found.seed}, files)
        if not again:
            self.place.record(f"seed {found.seed}", self._key, found.as_dict())

    def _arguments(self, folder: str, seed: int) -> list[str]:
        """Arguments of the placer; ``folder`` is the way from where it runs to the design."""
        return self.flow.place(self._board, folder + self._constraints, folder + NETLIST, self.megahertz, seed)


def patience(attempts: Iterable[Attempt], limit: float | None) -> float:
    """For how many seconds a seed may run: ``limit``, or where that is None by how long the routed ones took."""
    if limit is not None:
        return limit
    routed = [attempt.seconds for attempt in attempts if attempt.clocks is not None]
    return max(LEAST, TIMES * max(routed)) if routed else FIRST

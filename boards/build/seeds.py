"""Placement and routing with one seed after another, several at a time, until one meets the clock."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from pydantic import Field

from boards.build.hold import Hold
from boards.build.timing import Clock, Timing
from boards.build.tools import Runner
from sw.documents import Section, checked

__all__ = ["Attempt", "best", "try_seeds"]


SECONDS_BETWEEN_STOPS = 0.1
Megahertz = Annotated[float, Field(gt=0, lt=1e6)]


class _Clock(Section):
    name: str
    achieved_mhz: Megahertz
    wanted_mhz: Megahertz


class _Hold(Section):
    told: Annotated[int, Field(ge=0)] = 0
    worst_ns: Annotated[float, Field(allow_inf_nan=False)] | None = None


class _Attempt(Section):
    """An attempt as it is put on record."""

    seed: int
    seconds: float
    peak_mib: float | None
    clocks: Annotated[tuple[_Clock, ...], Field(strict=False)] | None
    problem: str
    hold: _Hold = _Hold()


@dataclass(frozen=True)
class Attempt:
    """What a seed came to: the clocks of a routed design, or None and the ``problem`` that the placer told.

    ``seconds``, ``peak_mib``: what it cost.
    """

    seed: int
    seconds: float
    peak_mib: float | None
    clocks: tuple[Clock, ...] | None
    problem: str = ""
    hold: Hold = field(default_factory=Hold)

    @property
    def timing(self) -> Timing:
        """The clocks; of a design that is not routed there are none."""
        return Timing(self.clocks or (), hold=self.hold)

    @property
    def met(self) -> bool:
        """Whether it is routed and as fast as was wanted."""
        return self.clocks is not None and self.timing.met

    @property
    def rank(self) -> tuple[bool, float]:
        """The more, the better: of the routed ones."""
        return self.hold.met, self.timing.margin

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"met": self.met}

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> "Attempt":
        """The inverse of `as_dict`. Raises ValueError where ``found`` is nothing that it told."""
        told = checked(_Attempt, found)
        clocks = None if told.clocks is None else tuple(Clock(**clock.model_dump()) for clock in told.clocks)
        return cls(told.seed, told.seconds, told.peak_mib, clocks, told.problem, Hold(**told.hold.model_dump()))


def best(attempts: Iterable[Attempt]) -> Attempt | None:
    """The routed attempt with the fastest clock, of those whose hold times are met where there are any; None where
    none is routed."""
    routed = [attempt for attempt in attempts if attempt.clocks is not None]
    return max(routed, key=lambda attempt: attempt.rank, default=None)


def try_seeds(
    runner: Runner,
    seeds: Sequence[int],
    jobs: int,
    attempt: Callable[[int], None],
    enough: Callable[[], bool],
) -> None:
    """Make an attempt with each seed, ``jobs`` at a time, until it is ``enough``; those that still run are stopped."""
    left = list(seeds)
    running: set[Future[None]] = set()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while (left or running) and not enough():
                while left and len(running) < jobs:
                    running.add(pool.submit(attempt, left.pop(0)))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        finally:
            # Again and again, since one may be about to start its program.
            while running:
                runner.stop()
                _, running = wait(running, timeout=SECONDS_BETWEEN_STOPS)

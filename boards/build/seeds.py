"""Placement and routing with one seed after another, several at a time, until one meets the clock."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from boards.build.timing import Timing
from boards.build.tools import Runner, Toolrun

__all__ = ["Attempt", "best", "try_seeds"]


@dataclass(frozen=True)
class Attempt:
    """What a seed came to: the timing of a routed design, or None and the ``problem`` that the placer told."""

    seed: int
    run: Toolrun
    timing: Timing | None
    problem: str = ""

    @property
    def met(self) -> bool:
        """Whether it is routed and as fast as was wanted."""
        return self.timing is not None and self.timing.met

    @property
    def margin(self) -> float:
        """Achieved over wanted clock; below any other where nothing was routed."""
        return -1.0 if self.timing is None else self.timing.margin


def best(attempts: Iterable[Attempt]) -> Attempt | None:
    """The routed attempt with the fastest clock, None where none is routed."""
    routed = [attempt for attempt in attempts if attempt.timing is not None]
    return max(routed, key=lambda attempt: attempt.margin, default=None)


def try_seeds(
    runner: Runner,
    seeds: Sequence[int],
    jobs: int,
    attempt: Callable[[int], Attempt],
    enough: Callable[[Attempt], bool],
) -> list[Attempt]:
    """Make the attempts, ``jobs`` at a time, until one is ``enough``; those that still run then are stopped.

    Returns those that came to their end, in that order.
    """
    finished: list[Attempt] = []
    left = list(seeds)
    running: set[Future[Attempt]] = set()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while left or running:
                while left and len(running) < jobs:
                    running.add(pool.submit(attempt, left.pop(0)))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                finished += [future.result() for future in done]
                if any(enough(each) for each in finished):
                    break
        finally:
            # Before the pool waits for its threads.
            runner.stop()
    return finished

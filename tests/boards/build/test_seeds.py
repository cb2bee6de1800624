"""Seeds are tried a few at a time until it is enough."""

import threading
import time

import pytest

from boards.build.seeds import Attempt, best, try_seeds
from boards.build.timing import Clock
from boards.build.tools import Runner


def attempt(seed, achieved, problem=""):
    clocks = None if achieved is None else (Clock("clk", achieved, 12.0),)
    return Attempt(seed, 1.5, 100.0, clocks, problem)


def test_the_best_is_the_fastest_that_is_routed():
    assert best([]) is None
    assert best([attempt(1, None)]) is None
    found = best([attempt(1, None), attempt(2, 9.0), attempt(3, 11.0), attempt(4, 10.0)])
    assert (found.seed, found.met) == (3, False)


def test_an_attempt_that_is_not_routed_has_met_nothing():
    assert not attempt(1, None).met
    assert attempt(1, 12.0).met


@pytest.mark.parametrize("each", [attempt(1, 9.5), attempt(2, None, "no room")])
def test_an_attempt_survives_its_record(each):
    assert Attempt.from_dict(each.as_dict()) == each


@pytest.mark.parametrize("jobs", [1, 3])
def test_as_many_at_a_time_as_asked_for(jobs):
    running, most, lock = set(), [], threading.Lock()

    def one(seed):
        with lock:
            running.add(seed)
            most.append(len(running))
        time.sleep(0.02)
        with lock:
            running.remove(seed)

    try_seeds(Runner(), range(1, 8), jobs, one, lambda: False)
    assert (max(most), len(most)) == (jobs, 7)


def test_seeds_are_taken_in_order_until_it_is_enough():
    taken = []
    try_seeds(Runner(), [4, 2, 9, 7], 1, taken.append, lambda: 2 in taken)
    assert taken == [4, 2]


def test_what_still_runs_is_stopped(tmp_path):
    import sys

    script = "import sys, time\ntime.sleep(0 if sys.argv[1] == '2' else 60)"
    runs = {}
    runner = Runner()

    def one(seed):
        runs[seed] = runner.run("tool", [sys.executable, "-c", script, str(seed)], tmp_path, tmp_path / str(seed))

    start = time.monotonic()
    try_seeds(runner, [1, 2, 3], 2, one, lambda: 2 in runs)
    assert time.monotonic() - start < 10
    assert (runs[1].stopped, runs[2].stopped, 3 in runs) == (True, False, False)


def test_a_mistake_in_an_attempt_is_not_swallowed():
    def one(seed):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match=r"^broken$"):
        try_seeds(Runner(), [1, 2], 2, one, lambda: False)

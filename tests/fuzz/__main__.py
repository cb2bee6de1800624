"""`python -m tests.fuzz`: damage to every file that subbit reads, for as long as there is time.

Rounds have numbers, and a round is the same each time: what a round found, `--round N --reader NAME` finds again.
"""

import argparse
import itertools
import sys
import time
import warnings
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisException

from tests.fuzz.cases import Case
from tests.fuzz.damage import damaged_files
from tests.fuzz.judge import Judge
from tests.fuzz.readers import READERS


def one_round(judge: Judge, name: str, number: int, cases: int, tally: Callable[[bool], None]) -> str:
    """What was wrong in a round, with the smallest files that show it; empty where nothing was."""

    @seed(number)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        print_blob=False,
    )
    @given(files=damaged_files(READERS[name].seed()))
    def check(files: dict[str, bytes | None]) -> None:
        verdict = judge(Case(name, files))
        tally(verdict.sentence is not None)
        assert not verdict.fault, f"{verdict.fault}\n{verdict.trace}"

    try:
        check()
    except (AssertionError, HypothesisException, ExceptionGroup) as error:
        return str(error) if not isinstance(error, ExceptionGroup) else "\n".join(map(str, error.exceptions))
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="time to spend (default: 10)")
    parser.add_argument("--round", type=int, default=1, help="number of the first round (default: 1)")
    parser.add_argument("--cases", type=int, default=200, help="cases of each reader in a round (default: 200)")
    parser.add_argument("--reader", action="append", choices=sorted(READERS), help="these readers alone")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    names, end = options.reader or list(READERS), time.monotonic() + 60 * options.minutes
    read = {name: [0, 0] for name in names}
    faults = 0
    with Judge() as judge:
        for number in itertools.count(options.round):
            for name in names:

                def tally(refused: bool, name: str = name) -> None:
                    read[name][0] += 1
                    read[name][1] += refused

                told = one_round(judge, name, number, options.cases, tally)
                if told:
                    faults += 1
                    print(f"round {number}, {name}: {told}\nagain: --round {number} --reader {name!r}\n", flush=True)
                if time.monotonic() > end:
                    break
            if time.monotonic() > end:
                break
    for name, (cases, refused) in read.items():
        print(f"{name:20} {cases:8,} cases, {refused:8,} refused in a sentence")
    print(f"rounds {options.round} to {number}: {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

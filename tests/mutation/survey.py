"""What becomes of every mutant of a datapath: caught by the bench, proved equal, or looked at for longer."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hw.plan.pipeline import pipeline
from sim.case import BENCHES
from sw.network import Network
from tests.mutation.alone import CYCLES as CYCLES_ALONE
from tests.mutation.alone import STREAMS, differs
from tests.mutation.bench import PATTERNS, Bench
from tests.mutation.equivalence import compare
from tests.mutation.mutants import ORIGINAL, Mutant, mutate
from tests.mutation.subjects import Subject
from tests.networks import random_images

__all__ = ["CAUGHT", "EQUAL", "LATE", "MISSED", "UNMET", "Fate", "survey"]

#: The bench runs as many images as take so many cycles, this many at most; where it finds nothing, so many times more,
#: under these other seeds.
CYCLES, MOST_IMAGES, LONGER, SEEDS = 100_000, 1000, 4, (2, 3)

#: The bench fails; or ABC proves that nothing tells the mutant from the original; or longer runs pass, and the stage
#: that has the fault gives the same words alone; or longer runs pass, and alone it gives others; or longer runs fail.
CAUGHT, EQUAL, LATE, UNMET, MISSED = "caught", "equal", "timing", "unmet", "missed"


@dataclass(frozen=True)
class Fate:
    """``fate`` of mutant ``number``: one of those above, ``by`` what, and the sentence that says more."""

    number: int
    fault: str
    fate: str
    by: str
    said: str


def survey(
    subject: Subject, folder: Path, count: int, seconds: float, progress: Callable[[int, int], None]
) -> list[Fate]:
    """The fate of each of ``count`` mutants of ``subject``. What is known already is read from ``folder`` and not done
    again while the mutants and the bench stay the same. ``seconds`` is the time for each proof."""
    work = folder / subject.name
    mutants = made(subject, work, count)
    kept = folder / f"{subject.name}-{digest(work)}.jsonl"
    lines = kept.read_text().splitlines() if kept.is_file() else []
    fates = {fate.number: fate for fate in (Fate(**json.loads(line)) for line in lines)}
    wanted = [mutant for mutant in mutants if mutant.number not in fates]
    judge = Judge(subject, work, seconds) if wanted else None
    for mutant in wanted:
        assert judge is not None
        progress(len(fates), len(mutants))
        fates[mutant.number] = judge.fate(mutant)
        with kept.open("a") as file:
            file.write(json.dumps(asdict(fates[mutant.number])) + "\n")
    return [fates[mutant.number] for mutant in mutants]


def varied_images(network: Network, count: int, seed: int = 0) -> np.ndarray:
    """Images of noise, and of noise that is dark, bright, or coarse: sums of any size, far from the middle too."""
    images, rng = random_images(network, count, seed), np.random.default_rng(seed)
    top = (1 << network.input.bits) - 1
    for at in range(2, count):
        coarse = np.repeat(np.repeat(images[at, ::4, ::4], 4, axis=0), 4, axis=1)
        chosen = images[at] if at % 2 else coarse[: images.shape[1], : images.shape[2]]
        share = rng.random(chosen.shape) < rng.random()
        flat = np.full_like(chosen, rng.integers(0, top + 1))
        images[at] = np.where(share, chosen, flat) if at % 3 else chosen
    return images


def made(subject: Subject, work: Path, count: int) -> list[Mutant]:
    """The mutants, and their accelerator in ``work``, with the bench that was built for it before if it is the same."""
    fresh = work.with_name(f"{work.name}-new")
    shutil.rmtree(fresh, ignore_errors=True)
    mutants = mutate(subject, fresh, count)
    if work.is_dir() and digest(work) == digest(fresh):
        shutil.rmtree(fresh)
    else:
        shutil.rmtree(work, ignore_errors=True)
        fresh.rename(work)
    return mutants


def digest(work: Path) -> str:
    """What changes with the mutants, and with the bench that judges them."""
    files = (work / "mutants.sv", work / "accelerator.json", *BENCHES)
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


class Judge:
    """The benches around the mutated accelerator in ``work``."""

    def __init__(self, subject: Subject, work: Path, seconds: float) -> None:
        self.work, self.seconds = work, seconds
        interval = pipeline(subject.network, subject.plan).interval
        images = min(CYCLES // interval, MOST_IMAGES)
        self.bench = Bench(work, subject.network, varied_images(subject.network, images))
        self.bench.check()
        self.longer = Bench(work, subject.network, varied_images(subject.network, LONGER * images, 1))
        self.ends: dict[tuple[tuple[float, float], int], tuple[int, ...]] = {}

    def fate(self, mutant: Mutant) -> Fate:
        """Bench, proof, longer runs, in this order, until one of them has an answer."""
        verdict = self.bench.judge(mutant.number)
        if verdict.caught:
            return Fate(mutant.number, str(mutant), CAUGHT, verdict.by, verdict.problem)
        answer = compare(self.work, mutant, self.seconds)
        if answer.equal:
            return Fate(mutant.number, str(mutant), EQUAL, "proof", answer.why)
        return Fate(mutant.number, str(mutant), *self.looked_at(mutant))

    def looked_at(self, mutant: Mutant) -> tuple[str, str, str]:
        """What longer runs say, and then the stage by itself."""
        late = 0
        for seed in SEEDS:
            for pattern in PATTERNS:
                key = (pattern, seed)
                if key not in self.ends:
                    self.ends[key] = self.longer.run(ORIGINAL, pattern, seed).ends
                verdict = self.longer.run(mutant.number, pattern, seed)
                if verdict.caught:
                    return MISSED, verdict.by, f"seed {seed}, gaps and stalls {pattern}: {verdict.problem}"
                late += verdict.ends != self.ends[key]
        return passed(differs(self.work, mutant), late, len(SEEDS) * len(PATTERNS))


def passed(difference: str, late: int, runs: int) -> tuple[str, str, str]:
    """The fate of a mutant of which ``late`` of the longer ``runs`` gave the right results at other times, and which
    has the ``difference`` alone, if any."""
    here = (
        f"here {late} of {runs} longer runs give the same results later" if late else f"here none in {runs} longer runs"
    )
    if difference:
        return UNMET, "longer runs", f"alone {difference}; {here}"
    return LATE, "alone", f"alone the same words in {STREAMS:,} streams of {CYCLES_ALONE:,} cycles; {here}"

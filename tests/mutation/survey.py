"""What becomes of every mutant of a datapath: caught by the bench, proved equal, or looked at for longer."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hw.plan.pipeline import pipeline
from tests.mutation.alone import CYCLES as CYCLES_ALONE
from tests.mutation.alone import STREAMS, differs
from tests.mutation.bench import PATTERNS, Bench, digest_of
from tests.mutation.equivalence import compare
from tests.mutation.images import varied_images
from tests.mutation.mutants import ORIGINAL, Mutant, mutate
from tests.mutation.subjects import Subject
from tests.mutation.witness import images_of, search

__all__ = ["CAUGHT", "EQUAL", "FATES", "LATE", "MISSED", "SAME", "UNMET", "Fate", "survey"]

#: The bench runs as many images as take so many cycles, this many at most. Most mutants fail in the first share of
#: them, which is all that they get. Where all find nothing, a further share of others runs under another seed.
CYCLES, MOST_IMAGES, SHARE, FURTHER, SEED = 500_000, 5_000, 20, 4, 2

#: The bench fails; or ABC proves that nothing tells the mutant from the original; or that no image does where nothing
#: waits; or the stage that has the fault gives the same words alone; or it gives others, and nothing says whether they
#: come about here; or further runs fail, or ABC finds an image with which the bench does.
CAUGHT, EQUAL, SAME, LATE, UNMET, MISSED = "caught", "equal", "same", "timing", "unmet", "missed"
FATES = (CAUGHT, EQUAL, SAME, LATE, UNMET, MISSED)


@dataclass(frozen=True)
class Fate:
    """``fate`` of mutant ``number``: one of those above, ``by`` what, and the sentence that says more."""

    number: int
    fault: str
    fate: str
    by: str
    said: str


class Kept:
    """Answers in a file, a line each, so that nothing is asked twice."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.is_file() else []
        self.answers: dict[str, Any] = dict(json.loads(line) for line in lines)

    def of(self, question: str, answer: Callable[[], Any]) -> Any:
        """What was answered before, or ``answer()``, which JSON can hold."""
        if question not in self.answers:
            self.answers[question] = answer()
            with self.path.open("a") as file:
                file.write(json.dumps([question, self.answers[question]]) + "\n")
        return self.answers[question]


def survey(
    subject: Subject, folder: Path, count: int, seconds: float, progress: Callable[[int, int], None]
) -> list[Fate]:
    """The fate of each of ``count`` mutants of ``subject``. What is known already is read from ``folder`` and not done
    again: proofs while the mutants stay the same, the rest while the bench does too. ``seconds`` is the time for each
    proof."""
    work = folder / subject.name
    mutants = made(subject, work, count)
    judge = Judge(subject, work, seconds)
    kept = Kept(folder / f"{subject.name}-{judge.bench.digest}.jsonl")
    fates = []
    for mutant in mutants:
        progress(len(fates), len(mutants))
        fates.append(Fate(**kept.of(str(mutant.number), lambda mutant=mutant: asdict(judge.fate(mutant)))))
    return fates


def made(subject: Subject, work: Path, count: int) -> list[Mutant]:
    """The mutants, and their accelerator in ``work``, with what was built for it before if it is the same."""
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
    """What changes with the mutants."""
    return digest_of(work / "mutants.sv", work / "accelerator.json")


class Judge:
    """The benches around the mutated accelerator in ``work``."""

    def __init__(self, subject: Subject, work: Path, seconds: float) -> None:
        self.network, self.work, self.seconds = subject.network, work, seconds
        count = min(CYCLES // pipeline(subject.network, subject.plan).interval, MOST_IMAGES)
        images = varied_images(subject.network, count)
        self.first = Bench(work, subject.network, images[: count // SHARE], "first")
        self.bench = Bench(work, subject.network, images, "all")
        self.bench.check()
        self.others = Bench(work, subject.network, varied_images(subject.network, count // FURTHER, 1), "others")
        self.proofs = Kept(work.with_name(f"{work.name}-proofs-{digest(work)}.jsonl"))
        self.ends: dict[tuple[float, float], tuple[int, ...]] = {}

    def fate(self, mutant: Mutant) -> Fate:
        """A share of the bench, proof, all of the bench, and what looks for longer, until one of them has an answer."""
        if (verdict := self.first.judge(mutant.number)).caught:
            return Fate(mutant.number, str(mutant), CAUGHT, verdict.by, verdict.problem)
        if why := self.proofs.of(f"{mutant.number} equal", lambda: compare(self.work, mutant, self.seconds).why):
            return Fate(mutant.number, str(mutant), EQUAL, "proof", why)
        if (verdict := self.bench.judge(mutant.number)).caught:
            return Fate(mutant.number, str(mutant), CAUGHT, verdict.by, verdict.problem)
        return Fate(mutant.number, str(mutant), *self.looked_at(mutant))

    def looked_at(self, mutant: Mutant) -> tuple[str, str, str]:
        """What a search among all images says, then runs with other images, and then the stage by itself."""
        # Two images, so that the second one meets what the first one left.
        cycles = self.original(PATTERNS[0])[1]
        question = f"{mutant.number} images"
        found = self.proofs.of(question, lambda: asdict(search(self.work, mutant, cycles, 3 * self.seconds)))
        if problem := self.shown(mutant, tuple(found["beats"])):
            return MISSED, "an image", f"ABC finds an image: {problem}"
        late = 0
        for pattern in PATTERNS:
            verdict = self.others.run(mutant.number, pattern, SEED)
            if verdict.caught:
                return MISSED, verdict.by, f"other images, gaps and stalls {pattern}: {verdict.problem}"
            late += verdict.ends != self.original(pattern)
        alone = self.proofs.of(f"{mutant.number} alone", lambda: differs(self.work, mutant))
        return passed(found["none_in"], alone, late)

    def original(self, pattern: tuple[float, float]) -> tuple[int, ...]:
        """When the results of a run with other images come without a fault."""
        if pattern not in self.ends:
            self.ends[pattern] = self.others.run(ORIGINAL, pattern, SEED).ends
        return self.ends[pattern]

    def shown(self, mutant: Mutant, words: tuple[int, ...]) -> str:
        """What the bench says of ``mutant`` when ``words`` stand at the input; empty where nothing is wrong."""
        if not words:
            return ""
        image = self.network.input
        pixels = self.bench.case.design.pixels_per_beat
        shape = (image.height, image.width, image.channels)
        # Four times, so that the interval between frames can be told.
        images = np.tile(images_of(self.work, words, shape, image.bits, pixels), (4, 1, 1, 1))
        bench = Bench(self.work, self.network, images, "found")
        bench.check()
        return bench.judge(mutant.number, patterns=PATTERNS[:1]).problem


def passed(cycles: int, difference: str, late: int) -> tuple[str, str, str]:
    """The fate of a mutant of which ``late`` of the runs with other images gave the right results at other times,
    which no image tells from the original in ``cycles``, if any, and which has the ``difference`` alone, if any."""
    same = f"the same words in {STREAMS:,} streams of {CYCLES_ALONE:,} cycles"
    times = f"{late} of {len(PATTERNS)} runs with other images give the same results at other times"
    seen = f"alone {difference or same}; {times if late else 'no difference with other images'}"
    if cycles:
        return SAME, "all images", f"no image tells them apart in {cycles:,} cycles without pauses; {seen}"
    return (UNMET, "other images", seen) if difference else (LATE, "alone", seen)

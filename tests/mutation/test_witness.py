# amaranth: UnusedElaboratable=no
"""The search among all images, the images of the check, and a stage by itself."""

import numpy as np
import pytest

from hw.frames import input_beats
from hw.plan.plan import Folding, Plan
from sim import simulate
from sw.network import Dense, DenseEncoding, Input, Network, Scores, Thermometer
from tests.mutation.alone import differs
from tests.mutation.images import Rarity, noise, varied_images
from tests.mutation.mutants import choose, mutate
from tests.mutation.subjects import SUBJECTS, Subject
from tests.mutation.survey import Kept
from tests.mutation.witness import images_of, readiness, search
from tests.networks import random_images
from tests.simulators import needs_icarus

#: So long takes the small accelerator for two images.
CYCLES = 40


@pytest.fixture(scope="module")
def mutated(small, tmp_path_factory):
    """The small accelerator and its mutants."""
    folder = tmp_path_factory.mktemp("small")
    return folder, mutate(small, folder, 120)


@needs_icarus
def test_an_image_is_found_where_there_is_one_and_the_bench_fails_with_it(small, mutated):
    folder, mutants = mutated
    # A tap that counts as the other value.
    [mutant] = [each for each in mutants if str(each).startswith("inv at A[0] of `assign odd = agree_0[0]")]
    found = search(folder, mutant, CYCLES, 20)
    assert not found.none_in
    images = images_of(folder, found.beats, (2, 2, 1), 1, 1)
    choose(folder, mutant.number)
    assert not simulate(folder, small.network, images, "icarus").passed


def test_no_image_tells_a_stage_that_only_takes_later(mutated):
    folder, mutants = mutated
    # It takes a word when the next stage takes, and not where it stands empty.
    [late] = [each for each in mutants if str(each).startswith("const0 at A[0] of `assign i__ready = _013_")]
    assert search(folder, late, CYCLES, 20).none_in == CYCLES
    assert differs(folder, late) == ""
    [wrong] = [each for each in mutants if str(each).startswith("const1 at B[1] of `assign _041_ = take")]
    assert "give another word" in differs(folder, wrong)


def test_beats_come_back_as_the_images_that_they_were(tmp_path):
    # Two colours of three bits, so that no two of rows, columns, colours and bits can be taken for one another.
    rng = np.random.default_rng(4)
    layers = (
        Thermometer(name="encode", reads=("input",), thresholds=np.array([[1], [5]])),
        Dense(name="dense", reads=("encode",), weights=DenseEncoding(rng.integers(0, 2, (2, 12), dtype=np.uint8))),
        Scores(name="scores", reads=("dense",), scale=np.ones(2, int), bias=np.array([0, 1])),
    )
    network = Network("colours", Input(2, 3, 2, 3), layers)
    mutate(Subject("colours", "two colours", network, Plan({"dense": Folding(1, 2)})), tmp_path, 1)
    images = random_images(network, 5, 4)[2:]
    beats, words = input_beats(images, 3, 1, 8), []
    for ready in readiness(tmp_path, 200):
        words.append(beats[0] if ready else 255)
        beats = beats[ready:]
        if not beats:
            break
    assert (images_of(tmp_path, tuple(words), (2, 3, 2), 3, 1) == images).all()


def test_bred_images_spread_over_more_of_what_layers_make_than_noise():
    network = SUBJECTS["reuse"].network

    def spread(images: np.ndarray) -> float:
        rarity = Rarity(network)
        rarity.add(images)
        shares = [seen / seen.sum() for seen in (counts - 1 for counts in rarity.seen.values())]
        return sum(float(-(share[share > 0] * np.log(share[share > 0])).sum()) for share in shares)

    def patterns(images: np.ndarray) -> int:
        rarity = Rarity(network)
        rarity.add(images)
        return sum(int((rarity.groups[name].seen > 1).sum()) for name in ("conv2", "dense1"))

    bred = varied_images(network, 400, 3)
    assert bred.shape == (400, 8, 8, 1)
    assert bred.dtype == np.uint8
    assert int(bred.max()) == 15
    assert spread(bred) > 1.05 * spread(noise(network, 400, 3))
    assert patterns(bred) > 1.3 * patterns(noise(network, 400, 3))
    assert (varied_images(network, 400, 3) == bred).all()


def test_an_answer_is_kept_and_not_asked_for_again(tmp_path):
    asked = []
    for _ in range(2):
        kept = Kept(tmp_path / "answers.jsonl")
        assert [kept.of(question, lambda: asked.append(1) or {"none": True}) for question in "aba"] == 3 * [
            {"none": True}
        ]
    assert len(asked) == 2

"""Neurons of few inputs: the choice, its limits, complements, and a Network that is the model."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sw.compact.few import ANNEALED, EVERY, START, FewBinarizer, FewInputs, chosen
from sw.compact.method import parse_methods
from sw.compact.train import train
from sw.errors import SubbitError
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.train.config import TrainConfig
from sw.train.export import compare
from sw.train.models import BinaryModel, ModelSpec
from tests.sw.trainings import assert_same, in_two_halves

METHODS = ("few:inputs=3,most=5@dense1", "few:inputs=6,most=-1@dense2")
TINY = TrainConfig(
    topology="both, dense 40, both", encoding="threshold", epochs=6, batch=32, learning_rate=0.02, validation=0.2,
    progress=False, accelerator="cpu", compact=METHODS,
)  # fmt: skip


def binarizer(outputs=8, pairs=10, wanted=16, most=3, tied=True, seed=0):
    latent = torch.empty(outputs, pairs).uniform_(-1, 1, generator=torch.Generator().manual_seed(seed))
    return FewBinarizer(latent, wanted, most, tied)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, 40), st.integers(1, 9), st.integers(0, 2**31), st.sampled_from([2, 9, 10**6]))
def test_the_largest_are_chosen_but_never_more_of_an_output_than_it_may_have(keep, most, seed, values):
    scores = torch.tensor(np.random.default_rng(seed).integers(0, values, (5, 7)) / values)
    mask = chosen(scores, keep, most)
    assert int(mask.sum()) == min(keep, 5 * min(most, 7))
    assert int(mask.sum(1).max()) <= most
    for row, part in zip(scores, mask, strict=True):
        if part.any() and not part.all():
            assert row[~part].max() <= row[part].min()
    # What is left out of an output that may have more is no larger than anything chosen.
    free = mask.sum(1) < min(most, 7)
    if mask.any() and free.any() and keep:
        assert scores[free][~mask[free]].max() <= scores[mask].min()


@pytest.mark.parametrize("tied", [True, False])
def test_in_eval_mode_no_output_reads_more_than_it_may_and_the_export_says_the_same(tied):
    few = binarizer(tied=tied).eval()
    weights = few()
    assert weights.shape == few.shape == (8, 20 if tied else 10)
    assert sorted(weights.unique().tolist()) == [0.0, 2.0]
    assert int((weights > 0).sum()) == 16
    assert int((weights > 0).sum(1).max()) <= 3
    encoding = few.export()
    assert isinstance(encoding, TwoLevelEncoding)
    assert encoding.values == (0, 2)
    assert np.array_equal(encoding.decode(), (weights > 0).numpy())


def test_of_an_input_and_its_complement_the_sign_reads_one():
    few = binarizer().eval()
    first, again = few()[:, :10] > 0, few()[:, 10:] > 0
    assert not (first & again).any()
    assert (first | again)[few.final].all()
    assert (few.latent[first] > 0).all()
    assert (few.latent[again] < 0).all()
    assert torch.equal(few.difference(), few()[:, :10] - few()[:, 10:])


def test_the_gradient_passes_the_choice_by():
    for tied in (True, False):
        few = binarizer(tied=tied)
        wanted = torch.randn(few.latent.shape, generator=torch.Generator().manual_seed(1))
        ((few.difference() if tied else few()) * wanted).sum().backward()
        assert torch.equal(few.latent.grad, wanted)


def test_inputs_grow_fewer_by_the_same_factor_until_the_wanted_ones_are_left():
    few = binarizer(outputs=50, pairs=800, wanted=100, most=3)
    counts = []
    for progress in (0.0, ANNEALED / 2, ANNEALED, 1.0):
        few.choose(progress)
        counts.append(int(few.mask.sum()))
    assert counts == [round(START * 40000), round((START * 40000 * 100) ** 0.5), 100, 100]
    assert int(few.mask.sum(1).max()) <= 3
    wide = binarizer(outputs=4, pairs=10, wanted=20, most=6)  # Wanted: more than the first share.
    assert int(wide.mask.sum()) == 20


def test_the_choice_is_made_anew_every_few_steps():
    few, seen = binarizer(), []
    for step in range(2 * EVERY):
        with torch.no_grad():
            few.latent.copy_(torch.randn(few.latent.shape, generator=torch.Generator().manual_seed(step)))
        few.before_step(1.0)
        seen.append(few.mask)
    assert [torch.equal(a, b) for a, b in itertools.pairwise(seen)].count(False) == 1
    assert not torch.equal(seen[EVERY - 1], seen[EVERY])


def test_a_trained_network_is_the_model_and_a_resumed_training_ends_the_same(blobs, tmp_path):
    network, whole = train(dataclasses.replace(TINY, output=str(tmp_path / "whole")), blobs)
    weights = {layer.name: layer.weights for layer in network.layers if hasattr(layer, "weights")}
    assert {weights[name].values for name in ("dense1", "dense2")} == {(0, 2)}
    ones = weights["dense1"].decode().reshape(40, -1).sum(1)
    assert (int(ones.sum()), int(ones.max()) <= 5) == (120, True)
    assert int(weights["dense2"].decode().sum()) == 6 * 3
    assert whole.validation_accuracy > 0.6
    assert compare(whole.model, network, blobs.test_images).equal
    _, resumed = in_two_halves(train, TINY, blobs, tmp_path / "halves", 3)
    assert_same(whole.model, resumed.model)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("few:inputs=0", "^few's inputs must be above 0, not 0"),
        ("few:inputs=6,most=5", "^few's most must be at least the 6 inputs, 0 for these, or -1 for no limit, not 5$"),
        ("few:most=-2", "^few's most must be at least"),
        ("few@conv1", "^few is for dense layers without another method, which conv1 is not$"),
        ("few:inputs=300@dense1", "^dense1 has 128 inputs to choose from: give few no more$"),
        ("few@none", "^'none' is no layer with weights"),
    ],
)
def test_what_cannot_be_is_one_sentence(text, words):
    model = BinaryModel(ModelSpec((8, 8, 1), 4, 3, "conv 2 pad 1, both, dense 16"))
    with pytest.raises(SubbitError, match=words):
        parse_methods([text])[0].attach(model)


def test_a_finished_network_is_not_converted(blobs):
    network, _ = train(dataclasses.replace(TINY, epochs=1), blobs)
    with pytest.raises(SubbitError, match="few is a way to train"):
        FewInputs().convert(network)

import dataclasses

import numpy as np
import pytest
import torch

from sw.compact.baselines import MostFrequent, RandomSubset
from sw.compact.clusters import clusters
from sw.compact.method import parse_methods
from sw.compact.nearest import all_codewords, nearest, word_numbers
from sw.compact.sinkhorn import sinkhorn
from sw.compact.sparks import SparseSelection
from sw.compact.subset import DEAD_ZONE, START, RefinedSubset
from sw.compact.train import train
from sw.errors import SubbitError
from sw.network.encodings.codebook import CodebookEncoding
from sw.train.binarize import kernel_order
from sw.train.config import TrainConfig
from sw.train.estimators import sign
from sw.train.export import compare, export
from sw.train.models import BinaryModel, ModelSpec
from tests.sw.trainings import assert_same, in_two_halves

TINY = TrainConfig(
    topology="conv 6, conv 8 pad 1, conv 8 pad 1, pool, dense 8", epochs=4, batch=32, learning_rate=0.05,
    validation=0.2, progress=False, accelerator="cpu", compact=("codebook:n=6",),
)  # fmt: skip
WAYS = ("sparks", "snn", "frequent", "random")


def latent(out=6, channels=5, kernel=3):
    return torch.empty(out, channels, kernel, kernel).uniform_(-1, 1)


def made(way, n=6, **options):
    start = latent()
    kinds = {"sparks": SparseSelection, "snn": RefinedSubset, "frequent": MostFrequent, "random": RandomSubset}
    return kinds[way](start, n, **options)


def words_of(binarizer):
    return binarizer.signs().detach().reshape(-1, 9)


def test_codewords_are_in_the_order_of_their_numbers():
    words = all_codewords(9)
    assert words.shape == (512, 9)
    assert words[1].tolist() == [1] + [-1] * 8
    assert torch.equal(word_numbers(words), torch.arange(512))


def test_nearest_is_the_least_distance_and_a_tie_goes_to_the_lowest_number():
    codewords, words = all_codewords(9)[torch.randperm(512)[:20]], torch.empty(300, 9).uniform_(-1, 1)
    assert torch.equal(nearest(words, codewords), torch.cdist(words, codewords).argmin(dim=1))
    pair = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
    assert nearest(torch.tensor([[0.25, 0.25]]), pair).tolist() == [0]
    assert nearest(torch.tensor([[0.25, 0.25]]), pair.flip(0)).tolist() == [0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kernel", [2, 3])
def test_all_codewords_are_plain_signs(way, kernel):
    start = latent(kernel=kernel)
    binarizer = {"sparks": SparseSelection, "snn": RefinedSubset, "frequent": MostFrequent, "random": RandomSubset}[
        way
    ](start, 2 ** (kernel * kernel))
    binarizer.before_step(0.0)
    assert torch.equal(binarizer.signs(), sign(start))
    bits = (kernel_order(start) >= 0).numpy()
    assert np.array_equal(binarizer.export().decode(), bits)


@pytest.mark.parametrize("way", WAYS)
def test_a_word_gets_its_own_gradient(way):
    binarizer = made(way)
    told = torch.randn(binarizer.shape)
    (binarizer.signs() * told).sum().backward()
    assert torch.equal(binarizer.latent.grad, told)


@pytest.mark.parametrize("exact", [True, False])
def test_permutation_straight_through_is_the_formula(exact):
    """dL/du_j = sum of the gradients of its words; dL/dV = B^T dL/dU; dL/dX through the Sinkhorn steps."""
    torch.manual_seed(1)
    binarizer = SparseSelection(latent(), 6, exact=exact, noise=1.0, temperature=0.5, warm=0.0)
    told = torch.randn(binarizer.shape)
    binarizer.begin()
    torch.manual_seed(7)
    binarizer.before_step(0.0)
    codewords = binarizer.codewords()
    (binarizer.signs() * told).sum().backward()

    chosen = nearest(binarizer.latent.detach().reshape(-1, 9), codewords)
    by_codeword = torch.stack([told.reshape(-1, 9)[chosen == j].sum(dim=0) for j in range(6)])  # dL/dU, transposed
    by_selection = all_codewords(9) @ by_codeword.T  # B^T dL/dU
    torch.manual_seed(7)
    free = binarizer.preferences.detach().clone().requires_grad_()
    noise = -torch.log(-torch.log(torch.rand(free.shape)))
    rest = None
    if binarizer.rest is not None:
        rest = binarizer.rest.detach() / 0.5
    soft = sinkhorn((free + noise) / 0.5, 10, rest)[:, :6]
    (soft * by_selection).sum().backward()
    assert torch.allclose(binarizer.preferences.grad, free.grad, rtol=1e-3, atol=1e-6 * float(free.grad.abs().max()))
    assert float(free.grad.abs().max()) > 0


@pytest.mark.parametrize("exact", [True, False])
def test_the_choice_is_the_first_columns_of_an_assignment(exact):
    torch.manual_seed(3)
    binarizer = SparseSelection(latent(), 6, exact=exact, temperature=1.0)
    wanted = torch.randperm(512)[: binarizer.preferences.shape[1]]
    with torch.no_grad():
        binarizer.preferences[wanted, torch.arange(len(wanted))] += 20.0
        binarizer.select(0.0)
    assert torch.equal(binarizer.chosen, wanted[:6])


def test_the_fast_choice_is_the_exact_one_where_what_is_left_out_is_alike():
    torch.manual_seed(0)
    start = latent()
    exact, fast = (SparseSelection(start, 6, exact=exact, temperature=0.5) for exact in (True, False))
    with torch.no_grad():
        fast.preferences.normal_()
        fast.rest.uniform_(0, 2)
        exact.preferences[:, :6] = fast.preferences
        exact.preferences[:, 6:] = fast.rest[:, None]
        soft = exact.select(0.0), fast.select(0.0)
    assert torch.allclose(*soft, atol=1e-4)
    assert torch.equal(exact.chosen, fast.chosen)


def test_the_choice_lasts_as_long_as_it_was_told_and_settles():
    binarizer = SparseSelection(latent(), 6, every=3, warm=0.0, settled=0.5, noise=5.0)
    choices = []
    for step in range(12):
        binarizer.before_step(step / 12)
        choices.append(tuple(binarizer.chosen.tolist()))
        binarizer.after_step()
    assert len(set(choices[0:3])) == len(set(choices[3:6])) == len(set(choices[6:])) == 1
    assert len(set(choices)) == 3
    assert bool(binarizer.done)


@pytest.mark.parametrize("exact", [True, False])
def test_plain_signs_train_first_and_the_choice_starts_at_clusters(exact):
    torch.manual_seed(0)
    words = all_codewords(9)
    start = words[torch.tensor([0, 511, 7]).repeat_interleave(4)].reshape(4, 3, 3, 3)
    binarizer = SparseSelection(start, 4, warm=0.3, exact=exact)
    binarizer.before_step(0.2)
    assert torch.equal(binarizer.signs(), start)
    assert not binarizer.ready()
    binarizer.before_step(0.3)
    assert binarizer.ready()
    assert {0, 511, 7} < set(binarizer.chosen.tolist())
    assert torch.equal(binarizer.signs(), start)
    place = binarizer.chosen.tolist().index(7)
    assert binarizer.preferences[7, place] > binarizer.preferences[6, place] > binarizer.preferences[14, place]


@pytest.mark.parametrize("n", [4, 32, 512])
def test_clusters_are_different_words_that_fit_better_than_random_ones(n):
    torch.manual_seed(n)
    words = torch.randn(400, 9) + 0.5
    found = clusters(words, n)
    assert len(set(found.tolist())) == n

    def distance(places):
        return float(torch.cdist(words, all_codewords(9)[places]).amin(dim=1).square().sum())

    assert all(distance(found) <= distance(torch.randperm(512)[:n]) + 1e-3 for _ in range(20))
    if n == 4:  # at the end no centre can be exchanged for the word that its own members like best
        everything, members = all_codewords(9), nearest(words, all_codewords(9)[found])
        for place in range(4):
            gains = everything @ words[members == place].sum(dim=0)
            gains[[other for other in found.tolist() if other != found[place]]] = -torch.inf
            assert gains.argmax() == found[place]


def test_a_fresh_choice_has_a_gradient_once_a_step_and_none_in_eval():
    binarizer = SparseSelection(latent(), 6, every=2, warm=0.0)
    binarizer.before_step(0.0)
    assert binarizer.codewords().requires_grad
    assert not binarizer.eval().codewords().requires_grad
    binarizer.train().after_step()
    binarizer.before_step(0.0)
    assert not binarizer.codewords().requires_grad


def test_a_refined_subset_follows_the_real_codewords_with_hysteresis():
    binarizer = RefinedSubset(latent(), 6)
    before = binarizer.codewords().clone()
    with torch.no_grad():
        binarizer.real[0] = -2.0 * before[0]  # leaves the dead zone
        binarizer.real[1] = -0.5 * DEAD_ZONE * before[1]  # does not
        binarizer.real[2] = 9.0 * before[2]
    binarizer.refine()
    after = binarizer.codewords()
    assert torch.equal(after[0], -before[0])
    assert torch.equal(after[1:], before[1:])
    assert float(binarizer.real.detach().abs().max()) == 3.0


def test_a_refined_subset_replaces_the_later_of_two_equal_codewords():
    binarizer = RefinedSubset(latent(), 6)
    before = binarizer.codewords().clone()
    with torch.no_grad():
        binarizer.real[4] = START * before[1]
        binarizer.real[5] = START * before[1]
    binarizer.refine()
    after = binarizer.codewords()
    assert torch.equal(after[:4], before[:4])
    numbers = word_numbers(after).tolist()
    assert len(set(numbers)) == 6
    assert torch.equal(sign(binarizer.real.detach()), after)
    full = RefinedSubset(latent(kernel=2), 16)  # no word is unused: the one that vanished comes back
    with torch.no_grad():
        full.real[3] = full.real[5]
    full.refine()
    assert len(set(word_numbers(full.codewords()).tolist())) == 16


def test_a_refined_subset_learns_at_every_25th_training_step_alone():
    binarizer = RefinedSubset(latent(), 6, every=25)
    steps = []
    for step in range(1, 51):
        binarizer.before_step(0.0)
        binarizer.eval().signs()
        binarizer.train()
        (binarizer.signs() * torch.randn(binarizer.shape)).sum().backward()
        steps += [step] if binarizer.real.grad is not None else []
        binarizer.real.grad = None
        binarizer.after_step()
    assert steps == [25, 50]


def test_most_frequent_words_are_counted_once_and_kept():
    words = all_codewords(9)
    start = torch.cat([words[[3, 77, 77, 200, 200, 200, 9, 9, 9, 9]], words[[77, 5]]]).reshape(4, 3, 3, 3)
    binarizer = MostFrequent(start, 4, warm=0.5)
    binarizer.before_step(0.4)
    assert torch.equal(binarizer.signs(), start)
    binarizer.before_step(0.5)
    assert word_numbers(binarizer.codewords()).tolist() == [9, 77, 200, 3]
    with torch.no_grad():
        binarizer.latent.neg_()
    binarizer.before_step(0.9)
    assert word_numbers(binarizer.codewords()).tolist() == [9, 77, 200, 3]


@pytest.mark.parametrize("way", WAYS)
def test_trains_with_few_codewords_and_the_network_is_the_model(blobs, way):
    config = dataclasses.replace(TINY, epochs=8, compact=(f"codebook:n=6,by={way}@conv2+conv3+dense1",))
    network, result = train(config, blobs)
    assert result.validation_accuracy > 0.8
    assert compare(result.model, network, blobs.test_images).equal
    for name in ("conv2", "conv3", "dense1"):
        weights = network.layer(name).weights
        assert isinstance(weights, CodebookEncoding)
        assert len(weights.codewords) == 6
        assert np.array_equal(weights.decode() * 2.0 - 1, kernel_order(result.model.binarizers()[name]()).detach())


@pytest.mark.parametrize("way", [*WAYS, "sparks,exact=yes,every=3"])
def test_a_stopped_training_resumes_to_where_it_would_have_ended(blobs, tmp_path, way):
    config = dataclasses.replace(TINY, compact=(f"codebook:n=6,by={way}",))
    _, whole = train(dataclasses.replace(config, output=str(tmp_path / "whole")), blobs)
    _, resumed = in_two_halves(train, config, blobs, tmp_path / "halves", 2)
    assert_same(whole.model, resumed.model)


@pytest.mark.parametrize(("kernel", "codewords"), [(1, 40), (2, 16), (5, 32), (3, 40)])
def test_other_kernels_have_codebooks_too(kernel, codewords):
    spec = ModelSpec(shape=(12, 12, 1), bits=4, classes=3, topology=f"conv 8, conv 8 kernel {kernel}, dense 8")
    model = BinaryModel(spec)
    parse_methods(["codebook:n=40,by=random@conv2"])[0].attach(model)
    weights = export(model.eval()).layer("conv2").weights
    assert isinstance(weights, CodebookEncoding)
    assert len(weights.codewords) == codewords


def model_of(topology="conv 4, conv 6, conv 6, dense 8"):
    return BinaryModel(ModelSpec(shape=(8, 8, 1), bits=4, classes=3, topology=topology))


def test_without_names_the_inner_convolutions_or_else_the_inner_dense_layers_are_taken():
    for topology, expected in (
        ("conv 4, conv 6, conv 6, dense 8", ["conv2", "conv3"]),
        ("dense 8, dense 8", ["dense2"]),
        ("dense 8", ["dense1", "dense2"]),
    ):
        model = model_of(topology)
        parse_methods(["codebook:by=random,n=4"])[0].attach(model)
        assert [n for n, b in model.binarizers().items() if isinstance(b, RandomSubset)] == expected


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["codebook:n=3"], "n must be from 4 to 512, not 3"),
        (["codebook:n=many"], "n must be a whole number"),
        (["codebook:by=luck"], "chosen by sparks, snn, frequent, random, not 'luck'"),
        (["codebook:size=3"], "no option 'size', its options are n=32"),
        (["codebook:exact=1"], "exact must be yes or no"),
        (["codebok"], "it starts with one of budget, codebook"),
        (["codebook@"], "names of layers"),
        (["codebook:temperature=0"], "temperature positive"),
        (["codebook:every=-1"], "must not be negative"),
        (["codebook:settled=0.2"], "settled above that"),
        (["codebook@conv9"], "'conv9' is no layer with weights"),
        (["codebook", "codebook:n=16"], "conv2 is compacted already"),
        (["codebook@conv1"], None),
    ],
)
def test_a_wrong_codebook_is_told_in_one_sentence(texts, sentence):
    def use():
        model = model_of()
        for method in parse_methods(texts):
            method.attach(model)

    if sentence is None:
        use()
        return
    with pytest.raises(SubbitError, match=sentence):
        use()


def test_a_layer_that_cannot_be_cut_is_named():
    with pytest.raises(SubbitError, match=r"dense2 cannot have a codebook: .* 13 inputs"):
        parse_methods(["codebook@dense2"])[0].attach(model_of("dense 13, dense 8"))


def test_text_and_method_are_each_others_inverse():
    for text in ("codebook", "codebook:n=16,by=snn", "codebook:exact=yes,noise=0.5@conv2+conv3"):
        assert str(parse_methods([text])[0]) == text

"""Two-level weights in training: quantiser, budget, penalty, and a Network that is the model."""

import copy
import dataclasses
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sw.compact.method import parse_methods
from sw.compact.quantiser import group_ratio, keep_largest, two_means
from sw.compact.train import load_model, train
from sw.compact.two_level import MOST_RATIO, TwoLevel, TwoLevelBinarizer, default_gamma
from sw.errors import SubbitError
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.train.binarize import DenseBinarizer
from sw.train.config import TrainConfig
from sw.train.export import compare, export
from sw.train.models import BinaryModel, ModelSpec
from tests.sw.trainings import assert_same, in_two_halves

SPEC = ModelSpec((8, 8, 1), 4, 3, "conv 6 pad 1, conv 6 pad 1, pool, conv 8, dense 16")
TINY = TrainConfig(
    topology="conv 6 pad 1, conv 6 pad 1, pool, dense 16, dense 16", epochs=6, batch=32, learning_rate=0.02,
    validation=0.2, progress=False, accelerator="cpu",
)  # fmt: skip


def model_with(*texts, spec=SPEC, seed=0):
    torch.manual_seed(seed)
    model = BinaryModel(spec)
    for method in parse_methods(texts):
        method.attach(model)
    return model


def members(model):
    return [b for b in model.binarizers().values() if isinstance(b, TwoLevelBinarizer)]


def share(network):
    """The share of ones over all two-level layers of a Network."""
    bits = [e.decode() for e in encodings(network)]
    return sum(int(b.sum()) for b in bits) / sum(b.size for b in bits)


def encodings(network):
    weights = [getattr(layer, "weights", None) for layer in network.layers]
    return [encoding for encoding in weights if isinstance(encoding, TwoLevelEncoding)]


def train_steps(model, steps=20, rate=0.02, seed=0):
    """Adam on random images and labels, with all that the training loop calls."""
    random = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    height, width, channels = model.spec.shape
    model.train()
    for step in range(steps):
        progress = step / steps
        for binarizer in model.binarizers().values():
            binarizer.before_step(progress)
        images = torch.randint(0, 2**model.spec.bits, (24, channels, height, width), generator=random).float()
        labels = torch.randint(0, model.spec.classes, (24,), generator=random)
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss = loss + sum(term(loss.detach(), progress) for term in model.regularisers.values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for binarizer in model.binarizers().values():
            binarizer.after_step()
    return model


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.integers(-40, 40), min_size=2, max_size=12))
def test_two_means_is_the_best_of_all_splits(numbers):
    weights = np.array(numbers, float) / 16
    if len(set(numbers)) == 1:
        assert two_means(torch.tensor(weights)) == (weights[0], weights[0])
        return

    def error(groups):
        return sum(((group - group.mean()) ** 2).sum() for group in groups)

    everything = [
        (weights[list(chosen)], np.delete(weights, chosen))
        for size in range(1, len(weights))
        for chosen in itertools.combinations(range(len(weights)), size)
    ]
    alpha, beta = two_means(torch.tensor(weights))
    cut = (alpha + beta) / 2
    found = (weights[weights < cut], weights[weights >= cut])
    assert error(found) == pytest.approx(min(map(error, everything)), abs=1e-9)
    assert (alpha, beta) == pytest.approx((found[0].mean(), found[1].mean()))


def test_the_ratio_is_that_of_the_group_means():
    weights = torch.tensor([-0.5, -0.3, 0.1, 0.9, 0.7])
    assert group_ratio(weights, weights > 0.5) == pytest.approx((0.8 - 0.7 / 3) / (0.8 + 0.7 / 3))
    assert group_ratio(weights, weights > 1) == group_ratio(weights, weights > -1) == 0.0
    assert group_ratio(torch.ones(4), torch.tensor([True, False, True, False])) == 0.0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 60), st.integers(0, 2**31), st.sampled_from([3, 9, 1000]))
def test_exactly_as_many_weights_are_kept_whatever_ties_there_are(keep, seed, values):
    random = np.random.default_rng(seed)
    weights = [torch.tensor(random.integers(0, values, shape) / values).float() for shape in ((4, 5), (4, 2, 5))]
    before = [part.clone() for part in weights]
    cut = keep_largest(weights, keep)
    kept = [part - cut >= 0 for part in weights]
    assert sum(int(part.sum()) for part in kept) == keep
    out = torch.cat([old[~part] for old, part in zip(before, kept, strict=True)])
    held = torch.cat([old[part] for old, part in zip(before, kept, strict=True)])
    assert not len(out) or not len(held) or out.max() <= held.min()
    assert all((new - old).abs().max() < 1e-6 for old, new in zip(before, weights, strict=True))


def test_levels_with_zero_are_zero_and_one_in_training_and_in_the_network():
    model = train_steps(model_with("two-level:ones=0.2,levels=zero"), steps=12)
    for training in (True, False):
        for member in members(model.train(training)):
            assert sorted(member().unique().tolist()) == [0.0, 2.0]
    assert {member.export().values for member in members(model.eval())} == {(0, 2)}
    images = np.random.default_rng(4).integers(0, 1 << model.spec.bits, (20, *model.spec.shape)).astype(np.uint8)
    assert compare(model, export(model), images).equal


def test_gamma_is_the_published_one_and_lies_between_where_none_was():
    assert [default_gamma(ones) for ones in (0.5, 0.25, 0.1, 0.05, 0.01)] == [0.0, 0.02, 0.04, 0.07, 0.1]
    assert default_gamma(0.075) == pytest.approx(0.055)
    assert default_gamma(0.001) == 0.1


@pytest.mark.parametrize("gamma", [0.07, 0.4])
@pytest.mark.parametrize("levels", ["learnt", "closed"])
def test_the_penalty_is_its_share_of_the_loss_until_the_budget_is_met(gamma, levels):
    model = model_with(f"two-level:ones=0.05,by=penalty,gamma={gamma},levels={levels}")
    (term,) = model.regularisers.values()
    total = sum(member.inner.latent.numel() for member in members(model))
    loss = torch.tensor(0.8)
    for ones in (total, total // 3, int(0.05 * total) + 1, int(0.05 * total), 0):
        for member in members(model):
            member.inner.latent.data.fill_(-1.4)
        left = ones
        for member in members(model):
            flat = member.inner.latent.data.view(-1)
            flat[:left] = 1.2
            left = max(0, left - len(flat))
            member.inner.latent.grad = None
        penalty = term(loss, 0.0)
        if ones <= 0.05 * total:
            assert penalty == 0
            continue
        assert float(penalty.detach()) == pytest.approx(0.8 * gamma / (1 - gamma), rel=1e-4)
        penalty.backward()
        # lambda dh/dw, the same for every weight, whatever its size: the identity through the sign, halved to a bit.
        strength = 0.8 * gamma / (1 - gamma) / (ones / total - 0.05)
        for member in members(model):
            expected = torch.full(member.shape, strength / (2 * total))
            torch.testing.assert_close(member.inner.latent.grad, expected, rtol=1e-3, atol=0)


def test_the_penalty_looks_at_the_weights_of_the_step_and_reaches_a_codebook():
    model = model_with("codebook:n=16,by=snn", "two-level:ones=0.05,by=penalty,gamma=0.5")
    for binarizer in model.binarizers().values():
        for _ in range(25):
            binarizer.before_step(0.0)
    model(torch.zeros(2, 1, 8, 8))
    (term,) = model.regularisers.values()
    term(torch.tensor(1.0), 0.0).backward()
    inner = model.layers["conv2"].binarizer.inner
    assert (inner.real.grad >= 0).all()
    assert inner.real.grad.sum() > 0
    assert (inner.latent.grad > 0).all()


METHODS = [
    f"two-level:ones={ones},by={by},levels={levels}"
    for ones in (0.5, 0.1)
    for by in ("penalty", "magnitude")
    for levels in ("learnt", "closed")
]


@pytest.mark.parametrize("method", [*METHODS, "two-level:ones=0.1,per-layer=yes", "two-level:ones=0.01,fraction=0"])
@pytest.mark.parametrize("padding", ["-1", "zero"])
def test_the_network_is_the_model_and_keeps_the_budget(method, padding, tmp_path):
    spec = dataclasses.replace(SPEC, padding=padding)
    model = train_steps(model_with(method, spec=spec))
    images = np.random.default_rng(0).integers(0, 16, (20, 8, 8, 1)).astype(np.uint8)
    network = export(model)  # from a model in training mode: the same as in eval mode
    comparison = compare(model, network, images)
    assert comparison.equal, comparison
    wanted = parse_methods([method])[0].ones
    found = encodings(network)
    assert len(found) == 3
    assert wanted == 0.5 or share(network) <= wanted
    if "magnitude" in method and wanted < 0.5:
        assert share(network) > wanted - 1 / sum(e.decode().size for e in found)
    again = export(model.eval())
    assert [(e.ratio, e.decode().tolist()) for e in encodings(again)] == [(e.ratio, e.decode().tolist()) for e in found]


@pytest.mark.parametrize("by", ["penalty", "magnitude"])
@pytest.mark.parametrize("way", ["sparks", "snn"])
def test_a_codebook_has_two_levels(way, by):
    model = train_steps(model_with(f"codebook:n=32,by={way}", f"two-level:ones=0.2,by={by}"), steps=40)
    images = np.random.default_rng(0).integers(0, 16, (20, 8, 8, 1)).astype(np.uint8)
    network = export(model)
    assert compare(model, network, images).equal
    kinds = [type(encoding.inner) for encoding in encodings(network)]
    assert kinds.count(CodebookEncoding) == 2
    sparsest = min(int(e.inner.codewords.sum(axis=1).min()) for e in encodings(network)[:2]) / 9
    assert sparsest > 0.2 or share(network) <= 0.2


def test_layers_feeding_scores_start_with_the_same_logits():
    plain, two = model_with(), model_with("two-level:levels=learnt,fraction=5@dense2")
    images = torch.randint(0, 16, (4, 1, 8, 8)).float()
    torch.testing.assert_close(plain(images), two(images), rtol=1e-4, atol=1e-4)
    assert members(two)[0].unit == 32


def test_the_gradient_of_learned_levels_passes_the_rounding():
    (member,) = members(model_with("two-level:levels=learnt,fraction=3@dense1"))
    with torch.no_grad():
        member.phi.copy_(0.3 * member.tau)
    weights = member()
    assert set(weights.detach().unique().tolist()) == {2 - 8, 2 + 8}
    weights.sum().backward()
    count = weights.numel()
    tau = member.tau.item()
    assert float(member.phi.grad) == pytest.approx(count * 8 / tau, rel=1e-5)
    assert float(member.tau.grad) == pytest.approx(-count * 8 * 0.3 / tau, rel=1e-5)
    with torch.no_grad():
        member.phi.fill_(-1e6)
    member.after_step()
    assert (member.phi / member.tau).item() == pytest.approx(-MOST_RATIO)


def test_pruning_goes_in_a_line_to_the_wanted_share_by_half_of_the_training():
    model = model_with("two-level:ones=0.1")
    total = sum(member.inner.latent.numel() for member in members(model))
    for progress, expected in ((0.0, 0.5), (0.25, 0.3), (0.5, 0.1), (0.9, 0.1)):
        for member in members(model):
            member.before_step(progress)
        for member in members(model):
            member.after_step()
        ones = sum(int((member.signs() > 0).sum()) for member in members(model))
        assert ones == int(expected * total + 1e-6)
        assert len({member.cut.item() for member in members(model)}) == 1


def test_latent_weights_are_kept_within_one_and_a_half():
    model = model_with("two-level")
    for binarizer in model.binarizers().values():
        getattr(binarizer, "inner", binarizer).latent.data.fill_(2.0)
        binarizer.after_step()
    tops = [getattr(b, "inner", b).latent.max().item() for b in model.binarizers().values()]
    assert tops == [1.0, 1.5, 1.5, 1.5, 1.0]


@pytest.mark.parametrize("method", ["two-level:ones=0.05", "two-level:ones=0.05,by=penalty,levels=learnt,gamma=0.5"])
def test_a_trained_network_keeps_its_budget_and_a_resumed_training_ends_the_same(blobs, tmp_path, method):
    config = dataclasses.replace(TINY, compact=(method,))
    network, whole = train(dataclasses.replace(config, output=str(tmp_path / "whole")), blobs)
    assert 0 < share(network) <= 0.05
    assert whole.validation_accuracy > 0.6 or "penalty" in method
    assert compare(whole.model, network, blobs.test_images).equal
    _, resumed = in_two_halves(train, config, blobs, tmp_path / "halves", 3)
    lasts = [torch.load(tmp_path / run / "last.ckpt", weights_only=True) for run in ("whole", "halves")]
    assert_same(*(last["state_dict"] for last in lasts))
    assert_same(whole.model, resumed.model)
    assert_same(whole.model, load_model(whole.path))


def test_a_copy_has_a_budget_of_its_own():
    model = train_steps(model_with("two-level:ones=0.1,by=penalty"), steps=3)
    twin = copy.deepcopy(model)
    assert members(twin)[0].budget.members == members(twin)
    assert members(twin)[0].budget is not members(model)[0].budget


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ones": 0.6}, "^two-level's ones must be above 0 and at most 0.5, not 0.6$"),
        ({"ones": 0.0}, "^two-level's ones must be above 0"),
        ({"by": "chance"}, "^two-level weights are kept by penalty or magnitude, not 'chance'$"),
        ({"gamma": 1.0}, "^two-level's gamma must be at least 0 and below 1, not 1.0$"),
        ({"levels": "open"}, "^two-level's levels must be learnt, closed or zero, not 'open'$"),
        ({"fraction": 9}, "^two-level's fraction must be from 0 to 8, not 9$"),
        ({"per_layer": True, "by": "penalty"}, "^two-level's per-layer goes with by=magnitude"),
    ],
)
def test_wrong_options_are_one_sentence(options, words):
    with pytest.raises(SubbitError, match=words):
        TwoLevel(**options)


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        (("two-level@conv2", "two-level@conv2"), "^conv2 has two levels already"),
        (("two-level", "codebook:n=16"), "^conv2 is compacted already: give a layer one codebook, before any other"),
        (("two-level@none",), "^'none' is no layer with weights"),
    ],
)
def test_methods_that_do_not_go_together_are_one_sentence(methods, words):
    with pytest.raises(SubbitError, match=words):
        model_with(*methods)


def test_sums_beyond_exact_floats_are_refused():
    spec = ModelSpec((8, 8, 1), 4, 3, "conv 64 pad 1, dense 16", activation_bits=8)
    with pytest.raises(SubbitError, match="^dense1's sums would be too large to be exact: give two-level a smaller"):
        model_with("two-level@dense1", spec=spec)
    model_with("two-level:fraction=1@dense1", spec=spec)


def test_the_inner_layers_are_taken_and_the_text_is_read_back():
    assert [name for name, b in model_with("two-level").binarizers().items() if not isinstance(b, DenseBinarizer)] == [
        "conv2",
        "conv3",
        "dense1",
    ]
    method = TwoLevel(ones=0.05, by="penalty", per_layer=False, layers=("conv2",))
    assert parse_methods([str(method)]) == [method]


@pytest.mark.parametrize("by", ["penalty", "magnitude"])
def test_closed_levels_do_not_follow_what_the_penalty_moves_all_weights_by(by):
    model = model_with(f"two-level:ones=0.1,by={by}@conv2")
    (member,) = members(model)
    ratios = []
    for shift in (0.0, -0.25):
        with torch.no_grad():
            member.inner.latent.copy_(torch.where(torch.arange(9) < 1, 0.5, -0.0625).reshape(3, 3) + shift)
        ratios.append(member.whole_ratio(torch.where(member.inner.latent > shift, 1.0, -1.0)).item() / member.unit)
    assert ratios == ([0.75, 0.75] if by == "penalty" else [0.75, pytest.approx(-0.125, abs=0.0625)])


def test_two_levels_on_a_codebook_are_ready_when_it_is(blobs):
    model = BinaryModel(dataclasses.replace(TINY, topology="conv 6, conv 8, dense 8").spec(blobs))
    for method in parse_methods(["codebook:n=6,warm=0.3@conv2", "two-level:ones=0.2@conv2"]):
        method.attach(model)
    for progress, ready in ((0.1, False), (0.3, True)):
        for binarizer in model.binarizers().values():
            binarizer.before_step(progress)
        assert model.ready() is ready

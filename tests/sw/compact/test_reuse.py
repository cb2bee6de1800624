import copy
import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sw.compact.method import parse_methods
from sw.compact.reuse import Reuse, ReuseTerm, reused
from sw.compact.train import load_model, train
from sw.compact.tree import bit_distances, depths, least_tree, weight
from sw.errors import SubbitError
from sw.network import DenseEncoding, Linear, load, save
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.reuse import ReuseEncoding
from sw.network.encodings.sparse import SparseEncoding
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.train.binarize import kernel_order
from sw.train.config import TrainConfig
from sw.train.export import compare
from sw.train.models import BinaryModel, ModelSpec
from tests.networks import networks, random_images
from tests.sw.trainings import assert_same, in_two_halves

TINY = TrainConfig(
    topology="conv 6, conv 16 pad 1, pool, dense 24", epochs=4, batch=32, learning_rate=0.02, validation=0.2,
    progress=False, accelerator="cpu", compact=("reuse",),
)  # fmt: skip


def model_of(topology="conv 4, conv 5 pad 1, dense 6"):
    torch.manual_seed(0)
    return BinaryModel(ModelSpec(shape=(8, 8, 1), bits=4, classes=3, topology=topology))


def rows_of(binarizer):
    bits = kernel_order(binarizer.signs().detach()) > 0
    return bits.to(torch.uint8).numpy().reshape(len(bits), -1)


def tree_share(network, name):
    rows = network.layer(name).weights.decode()
    rows = rows.reshape(len(rows), -1)
    distances, _ = bit_distances(rows, complement=True)
    return weight(least_tree(distances, rows.shape[1]), distances, 0) / rows.size


@settings(max_examples=25, deadline=None, derandomize=True)
@given(network=networks(largest=5), depth=st.integers(0, 3), complement=st.booleans())
def test_any_network_keeps_its_scores_and_takes_fewer_operations(network, depth, complement, tmp_path_factory):
    after = Reuse(depth=depth, complement=complement).finish(network)
    images = random_images(network, 5)
    np.testing.assert_array_equal(after.score(images), network.score(images))
    for before, layer in zip(network.layers, after.layers, strict=True):
        if isinstance(before, Linear) and isinstance(layer, Linear):
            np.testing.assert_array_equal(layer.weights.decode(), before.weights.decode())
            assert layer.weights.values == before.weights.values
            assert layer.weights.bit_operations() <= before.weights.bit_operations()
            if depth:
                assert layer.weights.depth <= depth
            assert complement or not isinstance(layer.weights, ReuseEncoding) or not layer.weights.complements.any()
    path = tmp_path_factory.mktemp("file") / "n.safetensors"
    save(after, path)
    np.testing.assert_array_equal(load(path).score(images), network.score(images))


def test_layers_are_chosen_by_name_and_unknown_ones_are_told(small_network):
    after = Reuse(layers=("conv2",)).finish(small_network)
    kinds = {layer.name: layer.weights.kind for layer in after.layers if isinstance(layer, Linear)}
    assert kinds == {"conv1": "dense", "conv2": "reuse", "dense1": "dense"}
    for wrong in ("conv9", "encode"):
        with pytest.raises(SubbitError, match=f"^'{wrong}' is no layer with weights: they are conv1, conv2, dense1$"):
            Reuse(layers=(wrong,)).finish(small_network)
    with pytest.raises(SubbitError, match=r"^'conv9' is no layer with weights: they are conv1, conv2, dense1, dense2$"):
        Reuse(layers=("conv9",)).attach(model_of())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reuse:strength=-1", "reuse's strength must be 0 or more, not -1.0"),
        ("reuse:strength=nan", "reuse's strength must be 0 or more, not nan"),
        ("reuse:strength=inf", "reuse's strength must be 0 or more, not inf"),
        ("reuse:depth=-1", "reuse's depth must be at least 1, or 0 for no bound, not -1"),
        ("reuse:every=0", "reuse's every must be at least 1 step, not 0"),
        ("reuse:warmup=1.5", "reuse's warmup must be a share from 0 to 1, not 1.5"),
    ],
)
def test_options_are_checked(text, words):
    with pytest.raises(SubbitError, match=f"^{words}$"):
        parse_methods([text])


def alike_rows(out=12, taps=40, changed=0.1):
    rng = np.random.default_rng(1)
    bits = np.repeat(rng.integers(0, 2, (1, taps)), out, axis=0) ^ (rng.random((out, taps)) < changed)
    return bits.astype(np.uint8)


def test_reuse_goes_inside_two_levels_where_it_saves():
    bits = alike_rows()
    two = TwoLevelEncoding(DenseEncoding(bits), 3, 2)
    after = reused(two)
    assert isinstance(after, TwoLevelEncoding)
    assert isinstance(after.inner, ReuseEncoding)
    assert (after.values, after.depth) == (two.values, after.inner.depth)
    np.testing.assert_array_equal(after.decode(), bits)
    few = TwoLevelEncoding(
        SparseEncoding.of((np.random.default_rng(0).random((12, 400)) < 0.01).astype(np.uint8)), 3, 2
    )
    kept = reused(few)
    assert isinstance(kept, TwoLevelEncoding)
    assert isinstance(kept.inner, SparseEncoding)


def test_reuse_of_a_codebook_has_roots_where_they_are_cheaper():
    rng = np.random.default_rng(0)
    table = ((np.arange(4)[:, None] >> np.arange(9)) & 1).astype(np.uint8)
    indices = rng.integers(0, 4, (40, 20))
    indices[20:30] = indices[20]
    indices[30:] = indices[30]
    indices[20:, :3] = rng.integers(0, 4, (20, 3))
    rows = CodebookEncoding(table, indices, (40, 3, 3, 20))
    after = reused(rows)
    assert isinstance(after, ReuseEncoding)
    np.testing.assert_array_equal(after.decode(), rows.decode())
    assert 2 <= after.roots.sum() <= 22
    assert after.bit_operations() < rows.bit_operations()
    many = ((np.arange(32)[:, None] >> np.arange(9)) & 1).astype(np.uint8)
    apart = CodebookEncoding(many, rng.integers(0, 32, (40, 20)), (40, 3, 3, 20))
    assert reused(apart) is apart


def test_a_tree_is_found_anew_with_other_options(small_network):
    unbounded = Reuse().finish(small_network)
    assert max(layer.weights.depth for layer in unbounded.layers if isinstance(layer, Linear)) > 1
    star = Reuse(depth=1).finish(unbounded)
    assert max(layer.weights.depth for layer in star.layers if isinstance(layer, Linear)) == 1


@pytest.mark.parametrize("complement", [False, True])
def test_the_term_is_the_formula_and_so_is_its_gradient(complement):
    model = model_of()
    Reuse(strength=3.0, warmup=0.5, complement=complement).attach(model)
    (term,) = model.regularisers.values()
    assert isinstance(term, ReuseTerm)
    assert term.names == ["conv2", "dense1"]
    value = term(torch.tensor(1.0), 0.25)
    value.backward()
    expected = 0.0
    for name in term.names:
        binarizer = model.binarizers()[name]
        rows = binarizer.signs().detach().flatten(1)
        out, taps = rows.shape
        bits = (rows > 0).numpy().astype(np.uint8)
        distances, flips = bit_distances(bits, complement)
        parents = term.get_buffer(f"{name}_parents").numpy()
        children = np.flatnonzero(parents != np.arange(out))
        assert len(children) == out - 1
        expected += weight(least_tree(distances, taps), distances, 0) / (out * taps)
        gradient = torch.zeros_like(rows)
        for child in children:
            turn = -1.0 if flips[child, parents[child]] else 1.0
            gradient[child] -= turn * rows[parents[child]] / (2 * out * taps)
            gradient[parents[child]] -= turn * rows[child] / (2 * out * taps)
        # The latent weights are small, so the estimator passes the gradient as it is; 0.5 is the share of the warmup.
        torch.testing.assert_close(binarizer.latent.grad.flatten(1), 3.0 * 0.5 * gradient)
    assert value.item() == pytest.approx(3.0 * 0.5 * expected, rel=1e-5)
    assert model.binarizers()["conv1"].latent.grad is None


def test_the_term_leaves_the_models_parameters_alone():
    model, plain = model_of(), model_of()
    Reuse(strength=1.0).attach(model)
    Reuse().attach(plain)
    assert len(plain.regularisers) == 0
    assert [name for name, _ in model.named_parameters()] == [name for name, _ in plain.named_parameters()]
    twin = copy.deepcopy(model)
    term = twin.regularisers["reuse"]
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.fill_(0.5)
    assert term(torch.tensor(1.0), 1.0).item() == 0.0
    assert model.regularisers["reuse"](torch.tensor(1.0), 1.0).item() > 0.0


def test_two_terms_stand_side_by_side_and_the_tree_is_kept_for_some_steps():
    model = model_of()
    for method in parse_methods(["reuse:strength=1,every=3@conv2", "reuse:strength=1,depth=1@dense1"]):
        method.attach(model)
    first, second = model.regularisers.values()
    latent = model.binarizers()["conv2"].latent
    seen = []
    for step in range(7):
        with torch.no_grad():
            latent.copy_(torch.rand(latent.shape, generator=torch.Generator().manual_seed(step)) - 0.5)
        first(torch.tensor(1.0), 1.0)
        second(torch.tensor(1.0), 1.0)
        seen.append(first.get_buffer("conv2_parents").tolist())
    assert seen[0] == seen[1] == seen[2] != seen[3] == seen[4] == seen[5] != seen[6]
    assert depths(second.get_buffer("dense1_parents").numpy()).max() == 1


@pytest.mark.parametrize(
    "text", ["reuse:depth=2", "reuse:strength=5,every=3", "reuse:strength=5,every=3,complement=no"]
)
def test_trains_and_the_network_is_the_model(blobs, text, tmp_path):
    network, result = train(dataclasses.replace(TINY, compact=(text,), output=str(tmp_path)), blobs)
    kinds = [layer.weights.kind for layer in network.layers if isinstance(layer, Linear)]
    assert kinds == ["reuse"] * 4
    assert compare(result.model, network, blobs.test_images).equal
    assert compare(load_model(tmp_path / "best.ckpt"), network, blobs.test_images[:5]).equal


def test_training_with_the_term_makes_the_trees_lighter(blobs):
    shares = {}
    for text in ("reuse", "reuse:strength=5,every=5"):
        network, _ = train(dataclasses.replace(TINY, epochs=8, compact=(text,)), blobs)
        shares[text] = [tree_share(network, name) for name in ("conv2", "dense1")]
    without, drawn = shares.values()
    assert drawn[0] < 0.7 * without[0]
    assert drawn[1] < 0.7 * without[1]


def test_a_codebook_learns_with_the_term_and_is_kept(blobs):
    compact = ("codebook:n=4,by=random@conv2", "reuse:strength=20,every=5")
    network, result = train(dataclasses.replace(TINY, compact=compact), blobs)
    weights = network.layer("conv2").weights
    assert isinstance(weights.rows if isinstance(weights, ReuseEncoding) else weights, CodebookEncoding)
    assert compare(result.model, network, blobs.test_images).equal


def test_a_stopped_training_resumes_to_where_it_would_have_ended(blobs, tmp_path):
    config = dataclasses.replace(TINY, compact=("reuse:strength=5,every=7",))
    _, whole = train(dataclasses.replace(config, output=str(tmp_path / "whole")), blobs)
    _, resumed = in_two_halves(train, config, blobs, tmp_path / "halves", 2)
    assert {"regularisers.reuse.steps", "regularisers.reuse.conv2_parents"} <= whole.model.state_dict().keys()
    assert_same(whole.model, resumed.model)

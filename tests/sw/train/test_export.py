import dataclasses

import numpy as np
import pytest
import torch

from sw import network as net
from sw.train.estimators import ESTIMATORS, Levels
from sw.train.export import compare, export, thresholds
from sw.train.layers import Activation, BatchNorm
from sw.train.models import TOPOLOGIES, BinaryModel, ModelSpec


def trained_looking(spec, seed=0):
    """A model whose statistics and parameters are as odd as training may make them: gammas of both signs and zero."""
    torch.manual_seed(seed)
    model = BinaryModel(spec)
    for module in model.modules():
        if isinstance(module, BatchNorm):
            torch.nn.init.normal_(module.gamma)
            torch.nn.init.normal_(module.beta)
            module.gamma.data[0] = 0.0
            module.beta.data[0] = -abs(module.beta.data[0])
    torch.nn.init.normal_(model.layers["scores"].bias)
    height, width, channels = spec.shape
    for _ in range(3):
        model.train()(torch.randint(0, 2**spec.bits, (16, channels, height, width)).float())
    return model.eval()


def images(spec, count=12):
    return np.random.default_rng(1).integers(0, 2**spec.bits, (count, *spec.shape)).astype(np.uint8)


def check(spec):
    model = trained_looking(spec)
    network = export(model)
    comparison = compare(model, network, images(spec), batch=5)
    assert comparison.equal, comparison
    assert comparison.images == 12
    assert comparison.layers == len(model.layers)
    found = network.classify(images(spec))
    scores = model.scores(torch.from_numpy(images(spec)).permute(0, 3, 1, 2).float())
    assert np.array_equal(found, scores.argmax(dim=1).numpy())


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("encoding", ["threshold", "planes"])
def test_every_topology_is_exported_exactly(topology, encoding):
    check(ModelSpec((32, 32, 2), 8, 10, topology, width=0.06, encoding=encoding))


@pytest.mark.parametrize("bits", [1, 2, 3])
@pytest.mark.parametrize("topology", ["both, dense 9, both", "conv 3, pool, both, dense 7, both, dense 5"])
def test_inputs_and_their_complements_are_exported_exactly(topology, bits):
    spec = ModelSpec((6, 7, 2), 4, 4, topology, encoding="thermometer:2", activation_bits=bits)
    check(spec)
    network = export(trained_looking(spec))
    run, source = network.run(images(spec)), network.layer("both1")
    levels, doubled = run.activations[source.reads[0]], run.activations["both1_act"]
    top = 2 ** len(network.shapes[source.reads[0]].planes) - 1
    flat = levels.reshape(len(levels), -1)
    assert np.array_equal(doubled.reshape(len(levels), -1), np.hstack([flat, top - flat]))


@pytest.mark.parametrize("padding", ["-1", "+1", "zero"])
@pytest.mark.parametrize("bits", [1, 2, 3])
def test_every_padding_and_number_of_levels_is_exported_exactly(padding, bits):
    text = "conv 6 pad 1, conv 5 kernel 5 pad 2 stride 2, pool, dense 9"
    check(ModelSpec((9, 7, 1), 4, 4, text, padding=padding, activation_bits=bits))


@pytest.mark.parametrize(
    "encoding", ["threshold", "thermometer:5", "planes", "planes:1", "planes:3", "slices", "slices:3+1"]
)
@pytest.mark.parametrize("topology", ["dense 9, dense 7", "conv 6 pad 1, pool, dense 7"])
def test_every_encoding_is_exported_exactly(encoding, topology):
    check(ModelSpec((6, 5, 3), 4, 4, topology, encoding=encoding))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_estimator_changes_nothing_in_eval_mode(estimator):
    check(ModelSpec((6, 6, 1), 4, 3, "conv 6, dense 7", estimator=estimator))


def test_an_exported_network_survives_its_file(tmp_path):
    spec = ModelSpec((8, 8, 1), 4, 4, "cnn", width=0.1)
    model = trained_looking(spec)
    net.save(export(model), tmp_path / "n.safetensors")
    assert compare(model, net.load(tmp_path / "n.safetensors"), images(spec)).equal


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_thresholds_found_by_bisection_are_those_of_a_sweep(bits):
    torch.manual_seed(3)
    channels, low, high = 200, -300, 300
    layer = Activation(channels, Levels(bits)).eval()
    with torch.no_grad():
        layer.norm.gamma.normal_()
        layer.norm.gamma[:5] = torch.tensor([0.0, -0.0, 1e-30, -1e-30, 0.0])
        layer.norm.beta.normal_()
        layer.norm.beta[:40] = 0.0  # then the sign flips exactly where sum = mean: sign(0) = +1 decides
        layer.norm.beta[4] = -1.0
        layer.norm.mean.copy_(torch.randint(-100, 100, (channels,)))
        layer.norm.mean[20:30] += 1000  # never reached
        layer.norm.mean[30:40] -= 1000  # always passed
        layer.norm.variance.uniform_(0.1, 900.0)
    table, invert = thresholds(layer, low, high)
    sweep = torch.arange(low, high + 1)
    expected = layer.level_of(sweep[:, None].expand(-1, channels)).numpy()
    network_layer = net.Threshold(name="t", reads=("s",), thresholds=table, invert=invert)
    kind = net.TensorType.sums(1, 1, channels, low, high)
    sums = np.broadcast_to(sweep.numpy()[:, None, None, None], (len(sweep), 1, 1, channels))
    assert np.array_equal(network_layer.compute(sums, kind).reshape(expected.shape), expected)
    assert table.min() >= low
    assert table.max() <= high + 1


def test_a_difference_is_named_by_layer_pixel_channel_and_both_values():
    spec = ModelSpec((6, 6, 1), 4, 3, "conv 4 pad 1, dense 5")
    model = trained_looking(spec)
    network = export(model)
    conv = network.layer("conv1")
    bits = conv.weights.decode().copy()
    bits[2, 0, 0, 0] ^= 1
    wrong = dataclasses.replace(conv, weights=net.DenseEncoding(bits))
    layers = tuple(wrong if layer is conv else layer for layer in network.layers)
    comparison = compare(model, dataclasses.replace(network, layers=layers), images(spec), batch=4)
    assert not comparison.equal
    found = comparison.mismatch
    assert (found.layer, found.image, found.row, found.column, found.channel) == ("conv1", 0, 0, 0, 2)
    assert abs(found.model - found.network) == 2
    assert str(comparison) == (
        f"conv1 differs at image 0, pixel (0, 0), channel 2: "
        f"PyTorch has {found.model:g}, the Network has {found.network}"
    )


def test_comparison_leaves_the_model_in_its_mode():
    spec = ModelSpec((6, 6, 1), 4, 3, "dense 5")
    model = trained_looking(spec).train()
    compare(model, export(model), images(spec))
    assert model.training


def test_a_network_of_other_layers_is_refused():
    model = trained_looking(ModelSpec((6, 6, 1), 4, 3, "dense 5"))
    other = export(trained_looking(ModelSpec((6, 6, 1), 4, 3, "dense 5, dense 5")))
    with pytest.raises(ValueError, match="^network must have the layers"):
        compare(model, other, images(model.spec))

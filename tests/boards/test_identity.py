"""An identity is one network's: the same for every file and encoding of it, another where an answer could differ."""

from dataclasses import replace

import numpy as np

from boards.identity import identity
from hw.plan.plan import Folding, Plan
from sw.network import (
    BitPlanes,
    BitSlices,
    Convolution,
    Dense,
    DenseEncoding,
    Input,
    Layer,
    Network,
    Padding,
    Scores,
    Thermometer,
    Threshold,
    load,
    save,
)
from sw.network.encodings.two_level import TwoLevelEncoding
from tests.sim.test_level_padding import network_of

PLAN = Plan({"conv1": Folding(), "conv2": Folding(), "dense1": Folding()})


def changed(network: Network, name: str, **fields: object) -> Network:
    """``network`` with other fields in the layer called ``name``."""
    layers = [replace(layer, **fields) if layer.name == name else layer for layer in network.layers]
    return replace(network, layers=tuple(layers))


def other(array: np.ndarray, step: int = 1) -> np.ndarray:
    """``array`` with its last element another."""
    copy = array.copy()
    copy.flat[-1] = (1 - copy.flat[-1]) if copy.dtype == np.uint8 or copy.dtype == bool else copy.flat[-1] + step
    return copy


def test_identity_is_pinned(small_network):
    assert identity(small_network, PLAN).hex() == "59f7707db87d0e4b"


def test_the_level_around_an_image_matters(rng):
    weights = DenseEncoding(rng.integers(0, 2, (6, 2, 2, 4), dtype=np.uint8))
    first = network_of(np.random.default_rng(1), weights, level=1)
    second = network_of(np.random.default_rng(1), weights, level=2)
    again = network_of(np.random.default_rng(1), weights, level=2)
    assert identity(first, PLAN) != identity(second, PLAN) == identity(again, PLAN)


def test_a_file_and_an_encoding_do_not_matter(small_network, codebook_network, tmp_path):
    save(codebook_network, tmp_path / "network.safetensors")
    wanted = identity(small_network, PLAN)
    assert len(wanted) == 8
    assert identity(codebook_network, PLAN) == wanted
    assert identity(load(tmp_path / "network.safetensors"), PLAN) == wanted


def test_names_and_number_formats_do_not_matter(small_network):
    names = {"input": "input"} | {layer.name: f"layer{at}" for at, layer in enumerate(small_network.layers)}
    layers = tuple(
        replace(layer, name=names[layer.name], reads=tuple(names[read] for read in layer.reads))
        for layer in small_network.layers
    )
    assert identity(replace(small_network, name="other", layers=layers), PLAN) == identity(small_network, PLAN)
    scores = small_network.layers[-1]
    assert isinstance(scores, Scores)
    narrow = changed(small_network, "scores", scale=scores.scale.astype(np.int8), bias=scores.bias.astype(np.int16))
    assert identity(narrow, PLAN) == identity(small_network, PLAN)


def test_folding_clock_and_device_do_not_matter(small_network):
    plan = Plan({"conv1": Folding(4, 9), "conv2": Folding(2, 36), "dense1": Folding()}, clock_hz=48e6, device="up5k")
    assert identity(small_network, plan) == identity(small_network, PLAN)


def test_what_is_sent_matters(small_network):
    plans = [PLAN, replace(PLAN, output="class"), replace(PLAN, pixels_per_beat=2)]
    assert len({identity(small_network, plan) for plan in plans}) == 3


def variants(network: Network) -> list[Network]:
    """Networks that differ from ``network`` in one thing each."""
    layers = {layer.name: layer for layer in network.layers}
    encode, conv, act, dense = (layers[name] for name in ("encode", "conv1", "conv1_act", "dense1"))
    scores = layers["scores"]
    assert isinstance(encode, Thermometer)
    assert isinstance(conv, Convolution)
    assert isinstance(act, Threshold)
    assert isinstance(dense, Dense)
    assert isinstance(scores, Scores)
    weights = DenseEncoding(other(dense.weights.decode()))
    return [
        network,
        changed(network, "encode", thresholds=other(encode.thresholds)),
        changed(network, "conv1", weights=DenseEncoding(other(conv.weights.decode()))),
        changed(network, "conv1", padding=Padding("+1", 1)),
        changed(network, "conv1", padding=Padding("zero", 1)),
        changed(network, "conv1_act", thresholds=other(act.thresholds)),
        changed(network, "conv1_act", invert=other(act.invert)),
        changed(network, "dense1", weights=weights),
        changed(network, "dense1", weights=TwoLevelEncoding(dense.weights, 1, 1)),
        changed(network, "dense1", weights=TwoLevelEncoding(dense.weights, 3, 1)),
        changed(network, "scores", scale=other(scores.scale)),
        changed(network, "scores", bias=other(scores.bias)),
        replace(network, input=Input(8, 8, 1, 7)),
    ]


def test_every_part_of_a_network_matters(small_network):
    found = [identity(network, PLAN) for network in variants(small_network)]
    assert len(set(found)) == len(found)


def one_layer(first: Layer) -> Network:
    """One pixel, ``first``, and two scores."""
    weights = DenseEncoding(np.array([[0], [1]], np.uint8))
    dense = Dense(name="dense", reads=("first",), weights=weights)
    scores = Scores(name="scores", reads=("dense",), scale=np.ones(2, np.int64), bias=np.zeros(2, np.int64))
    return Network("one", Input(1, 1, 1, 8), (first, dense, scores))


def test_kept_bits_matter_and_what_they_stand_for():
    where = {"name": "first", "reads": ("input",)}
    firsts = [layer for at in (6, 7) for layer in (BitPlanes(**where, planes=(at,)), BitSlices(**where, slices=(at,)))]
    found = [identity(one_layer(first), Plan()) for first in firsts]
    assert len(set(found)) == 4

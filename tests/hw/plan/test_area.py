"""What nothing reads counts for nothing in the estimate of a whole accelerator."""

from dataclasses import replace

import numpy as np
import pytest

from hw.plan.area import stage_areas
from hw.plan.cost import stage_area
from hw.plan.pipeline import pipeline
from hw.plan.plan import Folding, Plan
from sw.network import DenseEncoding, Linear, Network
from sw.network.encodings.two_level import TwoLevelEncoding
from tests.networks import dense_network

DEVICES = {"ice40": "ice40-hx8k", "xc7": "artix7-35t"}


def unrolled(network, family):
    layers = [layer for layer in network.layers if isinstance(layer, Linear)]
    folding = {layer.name: Folding(layer.outputs, layer.taps, datapath="unrolled") for layer in layers}
    return pipeline(network, Plan(folding, pixels_per_beat=12, output="class", device=DEVICES[family]))


def changed(network, **fields):
    """The network with other fields of some layers, by their names."""
    layers = tuple(replace(layer, **fields.get(layer.name, {})) for layer in network.layers)
    return Network(network.name, network.input, layers)


def bits_of(network, name):
    layer = layer_of(network, name)
    return layer.weights.decode().reshape(layer.outputs, -1)


def layer_of(network, name):
    return next(layer for layer in network.layers if layer.name == name)


def levels(bits):
    return {"weights": TwoLevelEncoding(DenseEncoding(bits), 1, 0)}


@pytest.mark.parametrize("family", ["ice40", "xc7"])
def test_neurons_that_nothing_reads_are_left_out(family):
    """Three neurons more in the first layer, of one input each, so that they share nothing with others."""
    network = dense_network()
    first, second = bits_of(network, "first"), bits_of(network, "second")
    act = layer_of(network, "first_act")
    more = changed(
        network,
        first=levels(np.vstack([first, np.eye(3, 12, dtype=np.uint8)])),
        first_act={
            "thresholds": np.vstack([act.thresholds, np.zeros((3, 1), int)]),
            "invert": np.append(act.invert, [False] * 3),
        },
        second=levels(np.hstack([second, np.zeros((len(second), 3), np.uint8)])),
    )
    made = unrolled(more, family)
    assert stage_areas(made, family) == stage_areas(unrolled(network, family), family)
    (stage,) = (stage for stage in made.stages if stage.name == "first")
    assert stage_area(stage, family).ffs > stage_areas(made, family)["first"].ffs


def test_pixels_that_nothing_reads_are_not_compared_and_a_limit_of_one_bit_is_a_wire():
    """On 7-series, where Yosys compares in tables: elsewhere in carry cells, which are counted by themselves."""
    family, network = "xc7", dense_network()
    bits = bits_of(network, "first").copy()
    bits[:, 3:] = 0
    read = int(bits.any(axis=0).sum())
    assert 0 < read < 12
    areas = {}
    for limit in (5, 8):
        made = unrolled(changed(network, first=levels(bits), encode={"thresholds": np.array([[limit]])}), family)
        areas[limit] = stage_areas(made, family)["encode"], stage_area(made.stages[0], family)
    (own, whole), (own_wires, wires) = areas[5], areas[8]
    assert wires.luts == own_wires.luts < own.luts < whole.luts
    assert whole.luts - own.luts == pytest.approx((whole.luts - wires.luts) * (12 - read) / 12)
    assert own.ffs == own_wires.ffs < whole.ffs == wires.ffs

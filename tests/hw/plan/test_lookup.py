"""The lookup datapath in plans: where it is refused, its foldings, its cycles by hand, and its price."""

import pytest

from hw.plan.cost import stage_area
from hw.plan.datapath import datapath
from hw.plan.pipeline import pipeline
from hw.plan.plan import Folding, Plan
from hw.plan.search import Space, least_area_plan
from sw.errors import SubbitError
from sw.network import Linear


def lookups(network, pe=1, words=1):
    """Every layer by lookup."""
    return {
        layer.name: Folding(pe, words * layer.weights.words.taps, datapath="lookup")
        for layer in network.layers
        if isinstance(layer, Linear)
    }


def test_a_layer_without_a_codebook_is_refused(small_network):
    folding = {layer.name: Folding() for layer in small_network.layers if isinstance(layer, Linear)}
    plan = Plan(folding | {"conv2": Folding(1, 9, datapath="lookup")})
    sentence = r"^conv2 has no codebook but dense weights$"
    with pytest.raises(SubbitError, match=sentence):
        pipeline(small_network, plan)


@pytest.mark.parametrize(
    ("folding", "sentence"),
    [
        (Folding(4, 9, datapath="lookup"), r"^conv2: pe must divide the 6 outputs, not 4$"),
        (Folding(1, 6, datapath="lookup"), r"^conv2: simd must be 9, the taps of a word, times a divisor of 4, not 6$"),
    ],
)
def test_folding_that_does_not_divide_is_refused(codebook_network, folding, sentence):
    with pytest.raises(ValueError, match=sentence):
        pipeline(codebook_network, Plan(lookups(codebook_network) | {"conv2": folding}))


def test_every_folding_can_be_built(codebook_network):
    way = datapath("lookup")
    for layer in Space(codebook_network).layers:
        foldings = list(way.foldings(layer, codebook_network))
        assert len({(folding.pe, folding.simd) for folding in foldings}) == len(foldings) > 1
        for folding in foldings:
            window, unit = way.build(layer, codebook_network, folding, None)
            assert window.payload.as_shape().width == unit.input.as_shape().width


@pytest.mark.parametrize(("pe", "words"), [(1, 1), (2, 2), (3, 4)])
def test_cycles_by_hand(codebook_network, pe, words):
    """Two by two windows of four channels: a group of words takes its nine beats, its codewords or its folds."""
    n = len(codebook_network.layer("conv2").weights.codewords)
    folding = lookups(codebook_network) | {"conv2": Folding(pe, 9 * words, datapath="lookup")}
    cycles = pipeline(codebook_network, Plan(folding)).cycles["conv2"]
    assert cycles == 4 * (4 // words) * max(9, n, 6 // pe)


def test_plans_survive_json(codebook_network):
    plan = Plan(lookups(codebook_network))
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("family", ["ice40", "ecp5", "gowin", "xc7"])
def test_lookups_have_a_price_and_the_search_takes_what_is_cheaper(codebook_network, family):
    for stage in pipeline(codebook_network, Plan(lookups(codebook_network))).stages:
        assert stage_area(stage, family).luts >= 0
    plan = least_area_plan(codebook_network, Plan(), 700, family)
    assert plan is not None
    assert pipeline(codebook_network, plan).interval <= 700

"""Plans that are found: they meet the rate, they fit, they are cheap, and what cannot be met is one sentence."""

from dataclasses import replace
from itertools import pairwise

import pytest

from benchmarks.networks import mlp
from hw.datapath.rom import SINGLE_PORT
from hw.layer.pool import PoolShape
from hw.layer.unit import UnitShape
from hw.plan.area import pipeline_area
from hw.plan.cost import stage_area
from hw.plan.device import DEVICES, device
from hw.plan.estimate import Estimate
from hw.plan.explain import alternatives
from hw.plan.pipeline import pipeline
from hw.plan.plan import Folding, Plan
from hw.plan.search import fastest_plan, fits, least_area_plan, plan_for_rate
from hw.plan.space import Space
from sw.errors import SubbitError


@pytest.mark.parametrize("interval", [5_000, 600, 150, 100])
@pytest.mark.parametrize("family", ["ice40", "ecp5", "gowin", "xc7"])
def test_a_found_plan_meets_the_interval(small_network, interval, family):
    plan = least_area_plan(small_network, Plan(), interval, family)
    assert plan is not None
    assert pipeline(small_network, plan).interval <= interval


def test_the_formula_of_the_search_is_that_of_the_pipeline(small_network):
    for layer, choices in Space(small_network).candidates.items():
        for candidate in choices:
            folding = {name: Folding() for name in Space(small_network).candidates} | {layer: candidate.folding}
            assert pipeline(small_network, Plan(folding)).cycles[layer] == candidate.cycles


def test_more_time_never_costs_more(small_network):
    prices = []
    for interval in (100, 200, 400, 800, 1600, 3200):
        plan = least_area_plan(small_network, Plan(), interval, "ice40")
        assert plan is not None
        prices.append(pipeline_area(pipeline(small_network, plan), "ice40").price(40.0))
    # The estimate of a buffer differs a little between search and pipeline, hence a margin of one LUT in twenty.
    assert all(later <= 1.05 * earlier for earlier, later in pairwise(prices))


def test_the_cheapest_of_all_foldings_is_found(small_network):
    """Against every folding of one layer, the others as found."""
    found = least_area_plan(small_network, Plan(), 700, "ecp5")
    assert found is not None
    least = pipeline_area(pipeline(small_network, found), "ecp5").price(40.0)
    for layer, choices in Space(small_network).candidates.items():
        for candidate in choices:
            made = pipeline(small_network, Plan(found.folding | {layer: candidate.folding}))
            if made.interval <= 700:
                assert pipeline_area(made, "ecp5").price(40.0) >= 0.95 * least


def test_the_fastest_plan_fits_and_the_next_faster_does_not(small_network):
    small = device("hx1k")
    plan = fastest_plan(small_network, Plan(), small)
    made = pipeline(small_network, plan)
    assert fits(pipeline_area(made, small.family), small)
    space = Space(small_network)
    faster = [interval for interval in space.intervals(plan.output) if interval < made.interval]
    if faster:
        assert least_area_plan(small_network, Plan(), faster[-1], small.family, small) is None


@pytest.mark.parametrize("chosen", DEVICES, ids=lambda d: d.name)
def test_every_device_has_a_cost_model(small_network, chosen):
    plan = plan_for_rate(small_network, Plan(clock_hz=chosen.clock_mhz * 1e6), 1_000, chosen.family, chosen)
    made = pipeline(small_network, plan)
    area = sum((stage_area(stage, chosen.family) for stage in made.stages), Estimate())
    assert area.luts > 0
    assert area.ffs > 0
    assert fits(area, chosen)


def test_a_rate_beyond_every_folding_is_one_sentence(small_network):
    with pytest.raises(
        SubbitError,
        match=r"^1e\+09 frames a second cannot be met at 12 MHz: no folding gives more than [\d,]+; "
        r"ask for fewer or raise the clock\.$",
    ):
        plan_for_rate(small_network, Plan(), 1e9, "ice40")


def test_a_rate_beyond_the_device_is_one_sentence(small_network):
    slow = least_area_plan(small_network, Plan(), 5_000, "ice40")
    assert slow is not None
    area = pipeline_area(pipeline(small_network, slow), "ice40")
    # Room for the slowest plan and hardly more.
    tiny = replace(device("hx1k"), name="tiny", luts=int(area.luts) + 9, ffs=int(area.ffs) + 9, block_rams=16)
    with pytest.raises(
        SubbitError,
        match=r"^110000 frames a second at 12 MHz cannot be met on tiny: the most that fits is [\d,]+; "
        r"ask for fewer or take a larger device\.$",
    ):
        plan_for_rate(small_network, Plan(), 110_000, "ice40", tiny)
    with pytest.raises(SubbitError, match=r"^small does not fit tiny at any folding: take a larger device\.$"):
        fastest_plan(small_network, Plan(), replace(tiny, luts=20))


def test_large_tables_go_to_single_port_ram_where_there_is_any():
    network = mlp("wide", 384)
    plan = plan_for_rate(network, Plan(), 200, "ice40", device("up5k"))
    made = pipeline_area(pipeline(network, plan), "ice40")
    assert [fold.rom in SINGLE_PORT for fold in plan.folding.values()] == [True, True, True, True]
    assert 0 < made.sprams <= 4
    assert made.brams <= 30
    with pytest.raises(SubbitError, match="does not fit ice40-hx8k at any folding"):
        plan_for_rate(network, Plan(), 200, "ice40", device("hx8k"))


def test_what_fits_without_single_port_ram_is_not_loaded_from_flash_memory():
    network = mlp("narrow", 96)
    plan = plan_for_rate(network, Plan(), 200, "ice40", device("up5k"))
    assert not any(fold.rom in SINGLE_PORT for fold in plan.folding.values())
    assert fits(pipeline_area(pipeline(network, plan), "ice40"), device("up5k"))
    told = alternatives(network, plan, "ice40", device("up5k"))
    assert not any(each.folding and each.folding.rom in SINGLE_PORT for each in told)


@pytest.mark.parametrize("family", ["ice40", "xc7"])
def test_what_a_datapath_costs_is_told_with_the_pools_behind_it(small_network, family):
    plan = least_area_plan(small_network, Plan(), 600, family)
    assert plan is not None
    made, space = pipeline(small_network, plan), Space(small_network, family=family)
    priced = {each.layer: each for each in alternatives(small_network, plan, family) if each.chosen}
    followed = {}
    for stage in made.stages:
        if isinstance(stage.shape, UnitShape):
            layer = stage.name
            followed[layer] = Estimate()
        elif isinstance(stage.shape, PoolShape):
            followed[layer] += stage_area(stage, family)
    assert any(area.luts for area in followed.values())
    for layer in space.layers:
        own = space.candidate(layer, plan.folding[layer.name]).area(made.interval, family)
        assert priced[layer.name].area == own + followed[layer.name]

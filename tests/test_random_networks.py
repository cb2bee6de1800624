"""Random networks with random plans: Verilog against Network, bit for bit, and the interval against the formula."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw.generate import generate
from hw.plan.pipeline import pipeline
from sim import simulate
from tests.networks import networks, plans, random_images
from tests.simulators import needs_icarus

IMAGES = 6
LONGEST = 4_000


def check(data, simulator, folder):
    """One random network under one random plan, with pauses in the streams or without."""
    network = data.draw(networks())
    plan = data.draw(plans(network).filter(lambda plan: pipeline(network, plan).interval < LONGEST))
    gaps, stalls = (data.draw(st.sampled_from([0.0, 0.25]), label=name) for name in ("gaps", "stalls"))
    generated = generate(network, plan, folder / "accelerator")
    report = simulate(generated, network, random_images(network, IMAGES), simulator, "fast", gaps=gaps, stalls=stalls)
    assert report.passed, report
    if not gaps and not stalls:
        assert report.cycles_per_frame == generated.cycles


def random_networks(examples):
    """The settings of a run over ``examples`` random networks, the same ones every time."""
    return settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )


@pytest.mark.slow
@pytest.mark.timeout(7200)
@needs_icarus
@random_networks(200)
@given(data=st.data())
def test_two_hundred_in_icarus(data, tmp_path_factory):
    check(data, "icarus", tmp_path_factory.mktemp("random"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@random_networks(12)
@given(data=st.data())
def test_a_dozen_in_verilator(data, tmp_path_factory):
    check(data, "verilator", tmp_path_factory.mktemp("random"))

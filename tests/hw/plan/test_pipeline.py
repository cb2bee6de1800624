"""Plans that do not fit, cycles by hand, and plan files."""

import numpy as np
import pytest

from hw.plan.pipeline import pipeline
from hw.plan.plan import Folding, Plan
from hw.plan.schedule import Steps, buffer_words
from sw.errors import SubbitError
from sw.network import Linear


def folding(network, pe=1, simd=1):
    return {layer.name: Folding(pe, simd) for layer in network.layers if isinstance(layer, Linear)}


def test_the_plan_names_every_layer_and_no_other(small_network):
    with pytest.raises(ValueError, match=r"^folding must name the layers \[.*\], not \['conv9'\]$"):
        pipeline(small_network, Plan({"conv9": Folding()}))


@pytest.mark.parametrize(
    ("pe", "simd", "sentence"),
    [(3, 1, r"^conv1: pe must divide the 4 outputs, not 3$"), (1, 2, r"^conv1: simd must divide the 9 taps, not 2$")],
)
def test_folding_that_does_not_divide_is_refused(small_network, pe, simd, sentence):
    plan = folding(small_network) | {"conv1": Folding(pe, simd)}
    with pytest.raises(ValueError, match=sentence):
        pipeline(small_network, Plan(plan))


def test_the_cycles_of_the_first_layer_by_hand(small_network):
    """8x8 windows of 9 taps for 4 channels: 64 * 4/2 * 9/3 cycles folded,
    10 * 10 padded pixels and a window a cycle unfolded."""
    for pe, simd, cycles in [(1, 1, 64 * 4 * 9), (4, 1, 64 * 9), (4, 9, 100), (2, 9, 100 + 64), (2, 3, 36 + 64 * 6)]:
        plan = folding(small_network) | {"conv1": Folding(pe, simd)}
        assert pipeline(small_network, Plan(plan)).cycles["conv1"] == cycles


def test_a_buffer_holds_what_a_burst_brings():
    """A source that makes 8 words in its first 8 of 16 cycles, a sink that takes one every second cycle."""
    words = np.arange(8) + 1
    source = Steps(np.array([1] * 8 + [8]), np.append(words, 8), np.append(words, 8), np.append(words, 8), 8)
    sink = Steps(np.full(8, 2), words, words, words, 8)
    assert 4 <= buffer_words(source, sink, 1, 16) <= 7


def test_plans_survive_json(tmp_path, small_network):
    plan = Plan(folding(small_network, 1, 1), pixels_per_beat=2, output="class", clock_hz=5e7, device="hx8k")
    path = tmp_path / "plan.json"
    path.write_text(plan.to_json())
    assert Plan.load(path) == plan


def test_a_file_that_is_no_plan_is_one_sentence(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text('{"folding": {"a": {"pe": 0}}}')
    with pytest.raises(SubbitError, match=r"is no plan \(.*pe must be a positive integer, not 0\)"):
        Plan.load(path)
    path.write_text('{"fold": 1}')
    with pytest.raises(SubbitError, match=r"is no plan \(fold: "):
        Plan.load(path)
    with pytest.raises(SubbitError, match=r"cannot be read \(No such file or directory\)"):
        Plan.load(tmp_path / "none.json")

# amaranth: UnusedElaboratable=no
"""Repacking keeps the order of the elements and loses no cycle."""

import numpy as np
import pytest

from hw.stream.repack import RepackShape
from tests.hw.streams import GAPS_AND_STALLS, drain, pack

RATIOS = [(1, 4), (4, 1), (2, 6), (6, 3), (2, 3), (3, 2), (5, 3), (4, 6), (7, 1), (3, 7)]


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS)
@pytest.mark.parametrize("ratio", RATIOS)
def test_repacking_keeps_order(ratio, gaps, stalls):
    shape = RepackShape(*ratio, bits=2)
    words = np.random.default_rng(0).integers(0, 4, (ratio[1] * 8, ratio[0]))
    expected = shape.reference(words)
    out = drain(shape.create(), [pack(word, 2) for word in words], len(expected), gaps, stalls)
    assert out.words == [pack(word, 2) for word in expected]


@pytest.mark.parametrize("ratio", RATIOS)
def test_repacking_runs_at_the_rate_of_its_wider_side(ratio):
    shape = RepackShape(*ratio, bits=1)
    groups = 20
    words = [0] * (ratio[1] * groups)
    cycles = drain(shape.create(), words, ratio[0] * groups).cycles
    # The last output may come only after the last input: a few cycles of latency, none a word.
    assert cycles[-1] <= max(ratio) * groups + 2

# amaranth: UnusedElaboratable=no
"""What the tests of the mutation check share."""

import numpy as np
import pytest

from hw.plan.plan import Folding, Plan
from sw.network import Dense, DenseEncoding, Input, Network, Scores, Thermometer
from tests.mutation.subjects import Subject


@pytest.fixture(scope="session")
def small():
    """A dense layer of two outputs over four pixels, two taps at a time: seconds in any simulator."""
    rng = np.random.default_rng(2)
    layers = (
        Thermometer(name="encode", reads=("input",), thresholds=np.array([[1]])),
        Dense(name="dense", reads=("encode",), weights=DenseEncoding(rng.integers(0, 2, (2, 4), dtype=np.uint8))),
        Scores(name="scores", reads=("dense",), scale=np.ones(2, int), bias=np.array([0, 1])),
    )
    plan = Plan({"dense": Folding(1, 2)})
    return Subject("small", "a dense layer", Network("small", Input(2, 2, 1, 1), layers), plan)

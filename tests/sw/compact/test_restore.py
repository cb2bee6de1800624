from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sw.compact.restore import model_of
from sw.network import Linear, Threshold
from sw.train.export import compare, export
from tests.networks import networks, random_images


@st.composite
def even_networks(draw):
    """Networks whose thresholds are evenly spaced, a level unreachable here and there."""
    network = draw(networks())
    layers = []
    for layer in network.layers:
        if isinstance(layer, Threshold):
            source = network.source(layer)
            rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
            count = layer.thresholds.shape[1]
            first = rng.uniform(source.low - 1, source.high + 1, len(layer.thresholds))
            step = rng.uniform(0.3, 1 + source.magnitude / count, len(first))
            table = np.ceil(first[:, None] + np.arange(count) * step[:, None]).astype(np.int64)
            layer = replace(layer, thresholds=table)
        layers.append(layer)
    return replace(network, layers=tuple(layers))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(network=even_networks(), with_images=st.booleans())
def test_a_model_of_any_network_gives_its_values_at_every_layer(network, with_images):
    images = random_images(network, 6)
    model = model_of(network, images if with_images else None)
    found = compare(model, network, images)
    assert found.equal, found
    again = export(model, network.name)
    np.testing.assert_array_equal(again.score(images), network.score(images))
    for before, after in zip(network.layers, again.layers, strict=True):
        if isinstance(before, Linear):
            np.testing.assert_array_equal(before.weights.decode(), after.weights.decode())
            assert before.weights.values == after.weights.values

from dataclasses import replace

import numpy as np
import onnx
from hypothesis import given, settings
from hypothesis import strategies as st

from sw.interop.export import check, model_of
from sw.network import DenseEncoding, Linear
from sw.network.encodings.reuse import ReuseEncoding
from sw.network.encodings.sparse import SparseEncoding
from sw.network.encodings.two_level import TwoLevelEncoding
from tests.networks import networks, random_images


def stored_otherwise(draw, encoding):
    """The same weights, or some, in another encoding."""
    kind = draw(st.sampled_from(["same", "sparse", "reuse"]))
    if isinstance(encoding, TwoLevelEncoding):
        return replace(encoding, inner=stored_otherwise(draw, encoding.inner))
    if kind == "sparse":
        return SparseEncoding.of(encoding.decode())
    if kind == "reuse" and isinstance(encoding, DenseEncoding):
        parents = [draw(st.integers(0, number)) for number in range(encoding.shape[0])]
        flips = [parent != number and draw(st.booleans()) for number, parent in enumerate(parents)]
        return ReuseEncoding.of(encoding, np.array(parents), np.array(flips))
    return encoding


@st.composite
def any_networks(draw):
    network = draw(networks())
    layers = [
        replace(layer, weights=stored_otherwise(draw, layer.weights)) if isinstance(layer, Linear) else layer
        for layer in network.layers
    ]
    return replace(network, layers=tuple(layers))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(network=any_networks())
def test_qonnx_computes_the_scores_of_any_network(network):
    images = random_images(network, 6)
    model = model_of(network, batch=6)
    onnx.checker.check_model(model)
    found = check(network, model, images)
    assert found.equal, found.mismatch

"""Borders around images, and what their values are among the levels."""

import numpy as np
import pytest

from sw.interop.qonnx import Pixels
from sw.network import Padding
from tests.sw.interop.graphs import Chain, assert_imported, signs


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_unsigned_activations_with_padding(tmp_path, rng, bits):
    """Zero is the lowest level of an unsigned quantiser."""
    chain = Chain(1, 1, 5, 5).node("Sub", 0.5).bipolar().conv(signs(rng, 4, 1, 3, 3), pad=1)
    chain.norm(rng, 4, reach=3).node("Relu").quant(bits, 0.25)
    chain.conv(signs(rng, 4, 4, 3, 3), pad=1).norm(rng, 4, 12).bipolar().flat().dense(signs(rng, 3, 100))
    network = assert_imported(chain, tmp_path).network
    # The sums of nine taps reach no more than 2**5 of the 8-bit quantiser's levels.
    assert (network.layer("conv1_act").bits, network.layer("conv2").padding.kind) == (min(bits, 5), "-1")


@pytest.mark.parametrize(("bits", "narrow", "level"), [(2, 0, 2), (2, 1, 1), (3, 0, 4), (3, 1, 3)])
def test_signed_activations_with_zero_padding(tmp_path, rng, bits, narrow, level):
    """Zero is one of the levels of a signed quantiser: -2, -1, 0, 1, or -1, 0, 1."""
    chain = Chain(1, 2, 6, 5).node("Sub", 0.5).bipolar().conv(signs(rng, 4, 2, 3, 3), pad=1)
    chain.norm(rng, 4, reach=3).quant(bits, 0.25, signed=1, narrow=narrow)
    chain.conv(signs(rng, 4, 4, 3, 3), pad=2).norm(rng, 4, 9).bipolar().flat().dense(signs(rng, 3, 224))
    network = assert_imported(chain, tmp_path).network
    assert network.layer("conv2").padding == Padding("level", 2, level)


def test_zero_padding_behind_a_pool_of_falling_channels(tmp_path, rng):
    """Where every channel falls behind the pool all are stored upside down, and so is the level of the border."""
    chain = Chain(1, 2, 8, 8).node("Sub", 0.5).bipolar().conv(signs(rng, 4, 2, 3, 3)).pool()
    chain.node("Neg").quant(2, 4.0, signed=1)
    chain.conv(signs(rng, 4, 4, 3, 3), pad=1).norm(rng, 4, 9).bipolar().flat().dense(signs(rng, 3, 36))
    assert assert_imported(chain, tmp_path).network.layer("conv2").padding == Padding("level", 1, 1)


@pytest.mark.parametrize("quantised", [False, True])
def test_signed_pixels_with_zero_padding(tmp_path, rng, quantised):
    """Pixels from -128 to 127: the one that is worth 0 stands around the image."""
    pixels = Pixels(low=-128.0, high=127.0, quantised=quantised)
    chain = Chain(1, 2, 6, 5).quant(8, 1.0, signed=1).conv(signs(rng, 4, 2, 3, 3), pad=1)
    chain.norm(rng, 4, reach=300).bipolar().flat().dense(signs(rng, 3, 120))
    assert assert_imported(chain, tmp_path, pixels).network.layer("conv1").padding == Padding("level", 1, 128)


@pytest.mark.parametrize(("value", "opset"), [(-1.0, 9), (0.0, 13), (1.0, 13)])
def test_pad_node(tmp_path, rng, value, opset):
    chain = Chain(1, 1, 5, 5, opset=opset).node("Sub", 0.5).bipolar()
    pads = [0, 0, 1, 1, 0, 0, 1, 1]
    if opset < 11:
        chain.node("Pad", mode="constant", pads=pads, value=value)
    else:
        chain.node("Pad", np.array(pads), np.array(value, np.float32), mode="constant")
    chain.conv(signs(rng, 4, 1, 3, 3), pad=1 if value == 0 else 0).norm(rng, 4).bipolar().flat()
    imported = assert_imported(chain.dense(signs(rng, 3, 196 if value == 0 else 100)), tmp_path)
    padding = imported.network.layers[1].padding
    assert (padding.kind, padding.amount) == {-1.0: ("-1", 1), 0.0: ("zero", 2), 1.0: ("+1", 1)}[value]

"""What graphs do to pixels alone: colours repeated, bits cut out, branches added; and what of it is refused."""

import numpy as np
import pytest
from onnx import helper

from sw.errors import SubbitError
from sw.interop.qonnx import Pixels, read_qonnx
from sw.network import BitPlanes, BitSlices, Padding, Thermometer
from tests.sw.interop.graphs import Chain, assert_imported, signs

WHOLE = Pixels(8, 0.0, 255.0)


def chain():
    return Chain(1, 2, 5, 4)


def end(made, rng, channels, pad=0):
    """A convolution, an activation and a dense layer."""
    made.conv(signs(rng, 4, channels, 3, 3), pad=pad).bipolar().flat()
    return made.dense(signs(rng, 3, 4 * (3 + 2 * pad) * (2 + 2 * pad)))


def steps(made, table, low=-1.0, high=1.0):
    table = np.asarray(table, np.float32).reshape(-1, 1)
    return made.node("MultiThreshold", table, out_dtype="BIPOLAR", out_scale=high - low, out_bias=low)


def bits(made, places):
    """The bits at ``places`` of each channel, as `subbit export` writes them."""
    made.node("Mod", np.exp2(np.array(places, np.float32) + 1).reshape(1, -1, 1, 1), fmod=1)
    return steps(made, np.exp2(places))


def test_colours_repeated_for_a_threshold_each(tmp_path, rng):
    made = steps(chain().node("Gather", np.array([0, 0, 0, 1, 1, 1]), axis=1), [9, 200, 30, 0, 77, 256])
    network = assert_imported(end(made, rng, 6, 1), tmp_path, WHOLE).network
    assert isinstance(network.layers[0], Thermometer)
    np.testing.assert_array_equal(network.layers[0].thresholds, [[9, 200, 30], [0, 77, 256]])
    assert network.layer("conv1").padding == Padding("zero", 1)


def test_thresholds_that_fall(tmp_path, rng):
    """Bits that are worth -1 where the pixel reaches the threshold: the weights are turned."""
    made = steps(chain().node("Gather", np.array([0, 0, -1, -1]), axis=1), [9, 200, 30, 8], 3.0, -1.0)
    network = assert_imported(end(made, rng, 4), tmp_path, WHOLE).network
    np.testing.assert_array_equal(network.layers[0].thresholds, [[9, 200], [30, 8]])


def test_bits_of_pixels(tmp_path, rng):
    made = bits(chain().node("Gather", np.array([0, 0, 1, 1]), axis=1), [0, 5, 0, 5])
    network = assert_imported(end(made, rng, 4, 1), tmp_path, WHOLE).network
    assert isinstance(network.layers[0], BitSlices)
    assert network.layers[0].slices == (0, 5)


def test_branches_of_pixels_that_are_added(tmp_path, rng):
    """The lowest bit and the upper four, each made of the image, and a number added to both."""
    made = chain()
    made.node("Mod", 2.0, fmod=1)
    low, made.last = made.last, "image"
    made.quant(4, 16.0, mode="FLOOR")
    made.nodes.append(helper.make_node("Add", [low, made.last], ["both"]))
    made.last = "both"
    network = assert_imported(end(made.node("Add", 5.0), rng, 2), tmp_path, WHOLE).network
    assert isinstance(network.layers[0], BitPlanes)
    assert network.layers[0].planes == (0, 4, 5, 6, 7)


def moved(made):
    """The image turned and turned back, but for one axis, and added to itself."""
    made.node("Transpose", perm=[0, 1, 3, 2]).node("Reshape", np.array([1, 2, 5, 4]))
    made.nodes.append(helper.make_node("Add", ["image", made.last], ["both"], "Add_x"))
    made.last = "both"
    return made


def late(made, rng, kind, *constants, **attributes):
    return made.conv(signs(rng, 4, 2, 1, 1)).bipolar().node(kind, *constants, **attributes)


ROW = "picks from 2 channels by no row of their numbers"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda rng: chain().node("Gather", np.array([0, 1]), axis=2),
            r"Gather_0 \(Gather\) picks other than channels",
        ),
        (lambda rng: chain().node("Gather", np.array([0, 2]), axis=1), rf"Gather_0 \(Gather\) {ROW}"),
        (lambda rng: chain().node("Gather", np.array([[0, 1]]), axis=1), rf"Gather_0 \(Gather\) {ROW}"),
        (lambda rng: steps(chain().node("Gather", np.array([1, 0]), axis=1), [3, 4]), "neither in proportion"),
        (lambda rng: chain().node("Gather", np.array([0, 0, 1, 1]), axis=1), "neither in proportion to the pixels"),
        (
            lambda rng: bits(chain().node("Gather", np.array([0, 0, 1, 1]), axis=1), [0, 5, 0, 6]),
            "neither in proportion",
        ),
        (
            lambda rng: bits(chain().node("Gather", np.array([0, 0, 1, 1]), axis=1), [5, 0, 5, 0]),
            "neither in proportion",
        ),
        (
            lambda rng: late(chain(), rng, "Gather", np.array([0, 1]), axis=1),
            r"Gather_2 \(Gather\) is read on constants",
        ),
        (lambda rng: late(chain(), rng, "Mod", 2.0, fmod=1), r"Mod_2 \(Mod\) is read on constants"),
        (lambda rng: moved(chain()), r"Add_x \(Add\) adds pixels of different places"),
        (
            lambda rng: chain().node("Mod", np.full((1, 2, 1, 1), 300.0, np.float32), first=True, fmod=1),
            r"Mod_0 \(Mod\) does not read image as its one variable number",
        ),
        (
            lambda rng: steps(chain(), [3, 4], 1.0, -1.0).pool(),
            r"MaxPool_1 \(MaxPool\) pools the image itself: put a quantiser of one bit in front of it",
        ),
    ],
)
def test_refused(tmp_path, rng, make, sentence):
    path = end(make(rng), rng, 2).save(tmp_path)
    with pytest.raises(SubbitError, match=sentence):
        read_qonnx(path, pixels=WHOLE)

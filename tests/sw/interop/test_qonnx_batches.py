"""Graphs of a fixed number of images at once: read as they are for one, and refused where images mix."""

import numpy as np
import pytest
from onnx import helper

from sw.errors import SubbitError
from sw.interop.qonnx import read_qonnx
from tests.sw.interop.graphs import Chain, assert_imported, signs


@pytest.mark.parametrize("batch", [2, 3, 16])
def test_a_fixed_number_of_images(tmp_path, rng, batch):
    """Shapes that have the number of images in them, as an export of several at once writes them."""
    chain = Chain(batch, 2, 6, 5).node("Sub", 0.5).bipolar().conv(signs(rng, 3, 2, 3, 3)).norm(rng, 3).bipolar()
    chain.node("Transpose", perm=[0, 2, 3, 1]).node("Reshape", np.array([batch, 12, 3])).node(
        "Unsqueeze", np.array([1])
    )
    chain.node("Squeeze", np.array([1])).node("Reshape", np.array([-1, 36])).dense(signs(rng, 8, 36)).bipolar()
    chain.node("Reshape", np.array([batch, -1])).dense(signs(rng, 4, 8))
    assert_imported(chain, tmp_path, images=batch)


@pytest.mark.parametrize("batch", [2, 3])
def test_the_number_of_images_computed_in_the_graph(tmp_path, rng, batch):
    """Shape tells the number of images that the file has."""
    chain = Chain(batch, 2, 4, 4).node("Sub", 0.5).bipolar().conv(signs(rng, 3, 2, 3, 3)).bipolar()
    source, first, rest = chain.last, chain.constant(np.array([0])), chain.constant(np.array([-1]))
    chain.nodes.append(helper.make_node("Shape", [source], ["sizes"]))
    chain.nodes.append(helper.make_node("Gather", ["sizes", first], ["images"]))
    chain.nodes.append(helper.make_node("Concat", ["images", rest], ["flat"], axis=0))
    chain.nodes.append(helper.make_node("Reshape", [source, "flat"], ["features"]))
    chain.last = "features"
    assert_imported(chain.dense(signs(rng, 4, 12)), tmp_path, images=batch)


@pytest.mark.parametrize(
    ("move", "sentence"),
    [
        (("Reshape", np.array([1, -1])), "makes 1 rows of 3 images: leave the first axis to the images"),
        (("Reshape", np.array([6, 24])), "makes 6 rows of 3 images: leave the first axis to the images"),
        (("Reshape", np.array([-1, 24])), r"makes the shape \(4, 24\) of \(2, 3, 4, 4\): leave the first axis"),
        (("Reshape", np.array([3, 47])), r"does not fit a tensor of shape \(1, 3, 4, 4\)"),
        (("Flatten", 0), r"makes the shape \(1, 96\) of"),
        (("Transpose", [2, 0, 1, 3]), r"makes the shape \(4, 2, 3, 4\) of"),
    ],
)
def test_what_mixes_images_is_refused(tmp_path, rng, move, sentence):
    chain = Chain(3, 2, 6, 6).node("Sub", 0.5).bipolar().conv(signs(rng, 3, 2, 3, 3)).bipolar()
    kind, how = move
    if kind == "Reshape":
        chain.node(kind, how)
    else:
        chain.node(kind, **{"axis" if kind == "Flatten" else "perm": how})
    with pytest.raises(SubbitError, match=sentence):
        read_qonnx(chain.dense(signs(rng, 4, 48)).save(tmp_path))


def test_images_that_change_places_are_refused(tmp_path, rng):
    """Two images of two channels: a Transpose that makes channels images has the right shape and is wrong."""
    chain = Chain(2, 2, 6, 6).node("Sub", 0.5).bipolar().conv(signs(rng, 2, 2, 3, 3)).bipolar()
    chain.node("Transpose", perm=[1, 0, 2, 3]).flat().dense(signs(rng, 4, 32))
    with pytest.raises(SubbitError, match="leave the first axis to the images"):
        read_qonnx(chain.save(tmp_path))

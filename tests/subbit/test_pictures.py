"""What the pictures show, read back from the drawn figures."""

import numpy as np
import pytest

from subbit.pictures import (
    accuracy_against_bits,
    codeword_frequencies,
    reuse_tree,
    slice_sensitivity,
    word_counts,
    write,
)
from sw.errors import SubbitError
from sw.network import Dense, DenseEncoding, Network
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.reuse import ReuseEncoding


def test_word_counts_are_those_of_the_indices(rng):
    table = ((np.arange(40)[:, None] >> np.arange(9)) & 1).astype(np.uint8)
    encoding = CodebookEncoding(table, rng.integers(0, 40, (16, 8)), (16, 3, 3, 8))
    assert np.array_equal(word_counts(encoding), np.bincount(encoding.indices.reshape(-1), minlength=512))
    assert word_counts(DenseEncoding(np.zeros((3, 13), np.uint8))) is None


def test_codewords_are_drawn_by_rank(small_network):
    figure = codeword_frequencies(small_network, small_network)
    conv2 = small_network.layer("conv2").weights
    counts = word_counts(conv2)
    before, after = figure.axes[1].lines
    expected = np.sort(counts[counts > 0])[::-1] / 24
    for line in (before, after):
        assert np.allclose(line.get_ydata(), expected)
        assert line.get_xdata().tolist() == list(range(1, len(expected) + 1))


def test_networks_that_differ_are_not_compared(small_network):
    layers = (Dense(name="dense1", reads=("input",), weights=DenseEncoding(np.zeros((3, 64), np.uint8))),
              *small_network.layers[-1:])  # fmt: skip
    with pytest.raises(SubbitError, match="has no layer conv1"):
        codeword_frequencies(small_network, Network("other", small_network.input, layers))


def test_a_tree_has_an_edge_for_each_child_and_its_distance(rng):
    bits = rng.integers(0, 2, (6, 20), dtype=np.uint8)
    parents = np.array([0, 0, 1, 1, 2, 0])
    tree = ReuseEncoding.of(DenseEncoding(bits), parents)
    axis = reuse_tree(tree, "layer").axes[0]
    assert len(axis.lines) == 5
    told = [text.get_text() for text in axis.texts][:5]
    assert told == [str((bits[child] != bits[parents[child]]).sum()) for child in range(1, 6)]
    assert sorted({y for line in axis.lines for y in line.get_ydata()}) == [-3, -2, -1, 0]


def test_slices_that_are_left_out_are_grey():
    single = {"sets": [[0], [1], [2]], "mean": [0.9, 0.8, 0.4], "spread": [0.0, 0.01, 0.02]}
    cumulative = {"sets": [[1], [0, 1], [0, 1, 2]], "mean": [0.8, 0.7, 0.1], "spread": [0.0] * 3}
    figure = slice_sensitivity(
        {"accuracy": 0.9, "kept": [2], "dropped": [0, 1], "single": single, "cumulative": cumulative}
    )
    left, right = figure.axes
    assert [bar.get_height() for bar in left.patches] == [90.0, 80.0, 40.0]
    assert [label.get_text() for label in right.get_xticklabels()] == ["+1", "+0", "+2"]
    colours = [bar.get_facecolor() for bar in left.patches]
    assert colours[0] == colours[1] != colours[2]


def test_accuracy_is_drawn_over_bits(tmp_path):
    figure = accuracy_against_bits({"sparks": [(0.5, 0.9, 0.01), (0.3, 0.8, 0.02)]}, 0.95)
    assert figure.axes[0].lines[0].get_xdata().tolist() == [0.3, 0.5]
    files = write(figure, tmp_path, "accuracy")
    first = [path.read_bytes() for path in files]
    assert [path.suffix for path in files] == [".png", ".svg"]
    write(accuracy_against_bits({"sparks": [(0.5, 0.9, 0.01), (0.3, 0.8, 0.02)]}, 0.95), tmp_path, "accuracy")
    assert [path.read_bytes() for path in files] == first

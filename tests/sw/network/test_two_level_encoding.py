"""Sparse and two-level weights: what is stored comes back, and sums are those of the definition, tap by tap."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subbit.inspection import inspect_network
from sw.errors import SubbitError
from sw.network import (
    Convolution,
    Dense,
    DenseEncoding,
    Input,
    Network,
    Padding,
    Scores,
    TensorType,
    Threshold,
    load,
    save,
)
from sw.network.encodings import encoding_of_kind
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.sparse import SparseEncoding
from sw.network.encodings.two_level import TwoLevelEncoding

INNER = {"dense": DenseEncoding, "sparse": SparseEncoding.of, "codebook": CodebookEncoding.of}


@st.composite
def bits(draw):
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=2, max_size=4)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return (rng.random(shape) < draw(st.sampled_from([0.0, 0.05, 0.5, 1.0]))).astype(np.uint8)


def again(encoding):
    return encoding_of_kind(encoding.kind).from_arrays(encoding.arrays())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(bits())
def test_sparse_weights_come_back_from_their_arrays_and_from_their_memories(matrix):
    encoding = SparseEncoding.of(matrix)
    assert np.array_equal(encoding.decode(), matrix)
    assert np.array_equal(again(encoding).decode(), matrix)
    assert encoding.shape == matrix.shape
    assert encoding.bit_operations() == matrix.sum()
    roms = encoding.roms()
    counts = roms["counts"].words if "counts" in roms else [0] * len(matrix)
    places = iter(roms["positions"].words if "positions" in roms else [0] * int(matrix.sum()))
    rebuilt = np.zeros((len(matrix), matrix[0].size), np.uint8)
    for row, count in zip(rebuilt, counts, strict=True):
        row[list(itertools.islice(places, count))] = 1
    assert np.array_equal(rebuilt.reshape(matrix.shape), matrix)
    assert next(places, None) is None
    assert all(0 <= word < 1 << rom.width for rom in roms.values() for word in rom.words)


def test_the_order_of_sparse_memories_is_that_of_the_taps():
    matrix = np.zeros((3, 2, 2, 3), np.uint8)
    matrix[0, 0, 1, 2] = matrix[0, 1, 1, 0] = matrix[2, 0, 0, 0] = 1
    roms = SparseEncoding.of(matrix).roms()
    assert (roms["counts"].words, roms["counts"].width) == ((2, 0, 1), 2)
    assert (roms["positions"].words, roms["positions"].width) == ((5, 9, 0), 4)
    assert SparseEncoding.of(matrix).stored_bits() == 3 * 2 + 3 * 4


@settings(max_examples=40, deadline=None, derandomize=True)
@given(bits(), st.sampled_from(["dense", "sparse"]), st.integers(0, 8), st.floats(-8.0, 8.0))
def test_two_level_weights_come_back(matrix, kind, fraction, ratio):
    whole = round(ratio * 2**fraction)
    encoding = TwoLevelEncoding(INNER[kind](matrix), whole, fraction)
    found = again(encoding)
    assert (found.kind, found.inner.kind, found.ratio, found.fraction) == ("two-level", kind, whole, fraction)
    assert np.array_equal(found.decode(), matrix)
    assert found.values == encoding.values == (whole - 2**fraction, whole + 2**fraction)
    assert found.stored_bits() == INNER[kind](matrix).stored_bits()
    assert found.bit_operations() == matrix.sum() + matrix[0].size


def test_a_codebook_under_two_levels_keeps_its_table_and_its_operations():
    matrix = np.random.default_rng(0).integers(0, 2, (700, 3, 3, 2)).astype(np.uint8)
    inner = CodebookEncoding.of(matrix)
    encoding = again(TwoLevelEncoding(inner, -3, 2))
    assert np.array_equal(encoding.decode(), matrix)
    assert encoding.table_bits() == inner.table_bits() > 0
    assert encoding.bit_operations() == inner.bit_operations() + 18
    assert encoding.depth == 0


def slow_sums(x, kind, matrix, values, stride, padding):
    """Sums over the windows of values (n, height, width, channels), tap by tap in Python's whole numbers."""
    outside = {"none": 0, "zero": 0, "-1": kind.low, "+1": kind.high}[padding.kind]
    n, height, width, channels = x.shape
    outputs, rows, columns, _ = matrix.shape
    down, across = ((size + 2 * padding.amount - k) // stride + 1 for size, k in ((height, rows), (width, columns)))
    out = np.zeros((n, down, across, outputs), np.int64)
    for image, oy, ox, o in itertools.product(range(n), range(down), range(across), range(outputs)):
        for ky, kx, c in itertools.product(range(rows), range(columns), range(channels)):
            y, column = oy * stride + ky - padding.amount, ox * stride + kx - padding.amount
            inside = 0 <= y < height and 0 <= column < width
            value = int(x[image, y, column, c]) if inside else outside
            if inside and kind.domain == "levels":
                value = 2 * value - kind.high
            out[image, oy, ox, o] += value * values[matrix[o, ky, kx, c]]
    return out


@pytest.mark.parametrize("encoding", INNER)
@pytest.mark.parametrize("padding", [Padding(), Padding("-1", 1), Padding("+1", 2), Padding("zero", 1)])
@pytest.mark.parametrize("depth", [1, 2])
def test_a_convolution_of_two_levels_is_its_definition(rng, encoding, padding, depth):
    source = TensorType.levels(5, 4, 2, depth)
    x = rng.integers(0, 1 << depth, (2, 5, 4, 2), dtype=np.uint8)
    matrix = (rng.random((3, 3, 3, 2)) < 0.3).astype(np.uint8)
    weights = TwoLevelEncoding(INNER[encoding](matrix), 13, 4)
    layer = Convolution(name="c", reads=("input",), weights=weights, padding=padding, stride=1 + padding.amount % 2)
    expected = slow_sums(x, source, matrix, (-3, 29), layer.stride, padding)
    found = layer.compute(x, source)
    assert np.array_equal(found, expected)
    kind = layer.output(source)
    assert kind.low <= expected.min()
    assert expected.max() <= kind.high == 18 * 29 * source.high


@pytest.mark.parametrize("padding", [Padding(), Padding("zero", 1)])
def test_pixels_with_two_levels_are_exact(rng, padding):
    source = TensorType.pixels(4, 4, 3, tuple(range(8)))
    x = rng.integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    matrix = rng.integers(0, 2, (2, 3, 3, 3), dtype=np.uint8)
    layer = Convolution(
        name="c", reads=("input",), weights=TwoLevelEncoding(DenseEncoding(matrix), -2047, 8), padding=padding
    )
    expected = slow_sums(x, source, matrix, (-2303, -1791), 1, padding)
    assert np.array_equal(layer.compute(x, source), expected)


@pytest.mark.parametrize("ratio", [-2048, -300, 0, 2048])
@pytest.mark.parametrize("taps", [1, 65, 9000])
def test_a_dense_layer_of_two_levels_reaches_both_extremes_exactly(ratio, taps):
    source = TensorType.levels(1, 1, taps, 1)
    matrix = np.stack([np.zeros(taps), np.ones(taps), np.arange(taps) % 3 == 0]).astype(np.uint8)
    layer = Dense(name="d", reads=("input",), weights=TwoLevelEncoding(SparseEncoding.of(matrix), ratio, 8))
    rows = np.array([np.zeros(taps), np.ones(taps), np.arange(taps) % 2]).astype(np.uint8)
    table = np.where(matrix, ratio + 256, ratio - 256).astype(object)
    expected = (2 * rows.astype(object) - 1) @ table.T
    assert np.array_equal(layer.compute(rows[:, None, None, :], source).reshape(3, 3).astype(object), expected)


def two_level_network(rng, threshold=0, ratio=13):
    conv = (rng.random((4, 3, 3, 1)) < 0.2).astype(np.uint8)
    last = rng.integers(0, 2, (3, 36), dtype=np.uint8)
    return Network(
        "mixed",
        Input(3, 3, 1, 8),
        (
            Convolution(
                name="conv1",
                reads=("input",),
                weights=TwoLevelEncoding(SparseEncoding.of(conv), ratio, 4),
                padding=Padding("zero", 1),
            ),
            Threshold(
                name="act", reads=("conv1",), thresholds=np.full((4, 1), threshold), invert=np.zeros(4, np.bool_)
            ),
            Dense(name="dense1", reads=("act",), weights=TwoLevelEncoding(DenseEncoding(last), -4, 2)),
            Scores(name="scores", reads=("dense1",), scale=np.ones(3, int), bias=np.zeros(3, int)),
        ),
    )


def test_a_file_keeps_both_levels(rng, tmp_path, make_images):
    network = two_level_network(rng, threshold=900)
    save(network, tmp_path / "n.safetensors")
    found = load(tmp_path / "n.safetensors")
    images = make_images(network, 6)
    first, second = network.run(images), found.run(images)
    for name, array in first.activations.items():
        assert np.array_equal(second.activations[name], array), name
    assert len(np.unique(first.activations["act"])) == 2
    assert found.layer("conv1").weights.inner.kind == "sparse"


def test_a_damaged_file_is_one_sentence(rng, tmp_path):
    from tests.sw.network.test_file import rewrite

    path = tmp_path / "n.safetensors"
    for change, words in (
        (lambda m, d, a: a.update({"conv1.levels": np.array([13, 99])}), "fraction must be from 0 to 8, not 99"),
        (lambda m, d, a: a.pop("conv1.sparse.counts"), "the arrays of sparse weights must be"),
        (lambda m, d, a: a.pop("dense1.dense.packed"), "the arrays of dense weights must be packed and shape"),
    ):
        save(two_level_network(rng), path)
        rewrite(path, change)
        with pytest.raises(SubbitError, match=words):
            load(path)


def test_thresholds_are_as_wide_as_the_sums_need(rng):
    facts = {layer.name: layer for layer in inspect_network(two_level_network(rng)).layers}
    # Sums from -9 * 29 * 255 to 9 * 29 * 255, and one more for never: 133,112 thresholds in 18 bits.
    assert facts["act"].threshold_bits == 4 * 18 + 4
    assert facts["conv1"].encoding.startswith("two-level of ")


ARRAYS = TwoLevelEncoding(SparseEncoding.of(np.eye(4, dtype=np.uint8)), 3, 2).arrays()
SPARSE = SparseEncoding.of(np.eye(4, dtype=np.uint8)).arrays()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"levels": None}, "must be levels and those of one plain encoding"),
        ({"levels": np.array([3])}, "levels must be two whole numbers"),
        ({"levels": np.array([3.0, 2.0])}, "levels must be two whole numbers"),
        ({"levels": np.array([3, -1])}, "fraction must be from 0 to 8, not -1"),
        ({"levels": np.array([3, 60])}, "fraction must be from 0 to 8, not 60"),
        ({"levels": np.array([33, 2])}, "ratio must be from -32 to 32, not 33"),
        ({"levels": np.array([-(2**62), 2])}, "ratio must be from -32 to 32"),
        ({"dense.packed": np.zeros(2, np.uint8)}, "must be levels and those of one plain encoding"),
        ({"stray": np.zeros(2)}, "must be levels and those of one plain encoding"),
        ({"sparse.stray": np.zeros(2)}, "the arrays of sparse weights must be"),
    ],
)
def test_damaged_two_level_arrays_are_refused(change, words):
    arrays = {name: array for name, array in (ARRAYS | change).items() if array is not None}
    with pytest.raises(ValueError, match=words):
        TwoLevelEncoding.from_arrays(arrays)


@pytest.mark.parametrize("kind", ["unknown", "two-level"])
def test_unknown_and_nested_kinds_are_refused(kind):
    arrays = {"levels": np.array([0, 0]), **{f"{kind}.{name}": array for name, array in ARRAYS.items()}}
    with pytest.raises(ValueError, match=r"encoding must be one of|must be levels and those of one plain encoding"):
        TwoLevelEncoding.from_arrays(arrays)
    nested = TwoLevelEncoding(DenseEncoding(np.eye(2, dtype=np.uint8)), 1, 0)
    with pytest.raises(ValueError, match="^inner must be an encoding of plain weights, not two-level$"):
        TwoLevelEncoding(nested, 0, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"counts": None}, "the arrays of sparse weights must be counts, positions and shape"),
        ({"stray": np.zeros(1)}, "the arrays of sparse weights must be counts, positions and shape"),
        ({"counts": np.array([1, 1, 1])}, "counts must be 4 numbers from 0 to 4"),
        ({"counts": np.array([5, 0, -1, 0])}, "counts must be 4 numbers from 0 to 4"),
        ({"counts": np.array([2, 1, 1, 1])}, "positions must be 5 numbers from 0 to 3"),
        ({"counts": np.array([4, 0, 0, 0])[:, None]}, "counts must be a row of whole numbers"),
        ({"counts": np.ones(4)}, "counts must be a row of whole numbers"),
        ({"positions": np.array([0, 1, 2, 4])}, "positions must be 4 numbers from 0 to 3"),
        ({"positions": np.array([0, 1, 2, -1])}, "positions must be 4 numbers from 0 to 3"),
        ({"positions": np.array([[0, 1, 2, 3]])}, "positions must be a row of whole numbers"),
        ({"counts": np.array([2, 0, 1, 1]), "positions": np.array([1, 1, 2, 3])}, "positions must ascend"),
        ({"shape": np.array([4])}, "shape must have at least 2 axes"),
        ({"shape": np.array([4, 0])}, "shape must have at least 2 axes"),
        ({"shape": np.array([4, 2**40, 2**40])}, "shape must have at least 2 axes and at most"),
        ({"shape": np.array([[4, 4]])}, "shape must be a row of whole numbers"),
        ({"shape": np.array([4.0, 4.0])}, "shape must be a row of whole numbers"),
    ],
)
def test_damaged_sparse_arrays_are_refused(change, words):
    arrays = {name: array for name, array in (SPARSE | change).items() if array is not None}
    with pytest.raises(ValueError, match=words):
        SparseEncoding.from_arrays(arrays)


def test_few_positions_do_not_make_gigabytes_of_weights():
    with pytest.raises(ValueError, match=r"^so few positions must be of at most 4198400 weights, not 2147483648$"):
        SparseEncoding(np.array([1]), np.array([0]), (1, 1 << 31))

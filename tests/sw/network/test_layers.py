"""The integer arithmetic against a definition written out tap by tap, and golden vectors that pin every order."""

import itertools

import numpy as np
import pytest

from sw.network import (
    BitPlanes,
    BitSlices,
    Convolution,
    Dense,
    DenseEncoding,
    Input,
    MaxPool,
    Network,
    Padding,
    Scores,
    TensorType,
    Thermometer,
    Threshold,
    sign,
)
from sw.network.agreement import Agreement
from sw.network.encodings.two_level import TwoLevelEncoding


def slow_convolution(x, bits, stride, padding, source):
    """Every tap in turn: the value of the activation times +-1, taps outside by the rule of the padding."""
    images, height, width, channels = x.shape
    outputs, rows, columns, _ = bits.shape
    out_height = (height + 2 * padding.amount - rows) // stride + 1
    out_width = (width + 2 * padding.amount - columns) // stride + 1
    level = padding.level if source.domain == "pixels" else 2 * padding.level - source.high
    outside = {"none": 0, "zero": 0, "-1": -source.high, "+1": source.high, "level": level}[padding.kind]
    out = np.zeros((images, out_height, out_width, outputs), np.int64)
    for n, oy, ox, o in itertools.product(*map(range, out.shape)):
        for ky, kx, c in itertools.product(range(rows), range(columns), range(channels)):
            y, column = oy * stride + ky - padding.amount, ox * stride + kx - padding.amount
            value = outside
            if 0 <= y < height and 0 <= column < width:
                value = int(x[n, y, column, c])
                if source.domain == "levels":
                    value = 2 * value - source.high
            out[n, oy, ox, o] += value if bits[o, ky, kx, c] else -value
    return out


@pytest.mark.parametrize("kind", ["none", "-1", "+1", "zero", "level"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 3), (7, 5)])
@pytest.mark.parametrize(("bits", "channels"), [(1, 3), (1, 8), (2, 3)])
def test_convolution_is_its_definition(rng, kind, stride, kernel, bits, channels):
    amount = 0 if kind == "none" else min(2, min(kernel) - 1)
    if (kind != "none" and amount == 0) or (kind == "level" and bits == 1):
        kind, amount = "none", 0
    source = TensorType.levels(8, 7, channels, bits)
    x = rng.integers(0, 1 << bits, (2, 8, 7, channels), dtype=np.uint8)
    weights = rng.integers(0, 2, (3, *kernel, channels), dtype=np.uint8)
    padding = Padding(kind, amount, 2 if kind == "level" else 0)
    layer = Convolution(name="c", reads=("input",), weights=DenseEncoding(weights), stride=stride, padding=padding)
    out = layer.compute(x, source)
    assert out.shape[1:] == layer.output(source).shape
    np.testing.assert_array_equal(out, slow_convolution(x, weights, stride, padding, source))


@pytest.mark.parametrize("kind", ["none", "zero", "level"])
def test_convolution_of_pixels_is_its_definition(rng, kind):
    source = TensorType.pixels(5, 6, 2, (0, 3, 7))
    x = rng.integers(0, 256, (2, 5, 6, 2), dtype=np.uint8) & np.uint8(0b10001001)
    weights = rng.integers(0, 2, (3, 3, 3, 2), dtype=np.uint8)
    padding = Padding(kind, 0 if kind == "none" else 1, 0b10000001 if kind == "level" else 0)
    layer = Convolution(name="c", reads=("input",), weights=DenseEncoding(weights), padding=padding)
    np.testing.assert_array_equal(layer.compute(x, source), slow_convolution(x, weights, 1, padding, source))


@pytest.mark.parametrize("taps", [1, 63, 64, 65, 700, 70_000])
def test_dense_reaches_both_extremes(taps):
    weights = np.stack([np.ones(taps), np.zeros(taps)]).astype(np.uint8)
    layer = Dense(name="d", reads=("input",), weights=DenseEncoding(weights))
    source = TensorType.levels(1, 1, taps, 1)
    out = layer.compute(np.ones((1, 1, 1, taps), np.uint8), source)
    assert out.reshape(-1).tolist() == [taps, -taps]
    assert (layer.output(source).low, layer.output(source).high) == (-taps, taps)


def test_dense_reads_row_column_channel():
    weights = np.zeros((1, 12), np.uint8)
    weights[0, 1 * 6 + 2 * 2 + 1] = 1  # row 1, column 2, channel 1 of a 2x3x2 tensor
    layer = Dense(name="d", reads=("input",), weights=DenseEncoding(weights))
    x = np.zeros((1, 2, 3, 2), np.uint8)
    x[0, 1, 2, 1] = 1
    assert layer.compute(x, TensorType.levels(2, 3, 2, 1)).item() == 12


def test_the_packed_file_order_is_raster_with_the_first_bit_lowest():
    bits = np.zeros((2, 1, 3, 2), np.uint8)
    bits[0, 0, 0, 0] = bits[0, 0, 1, 1] = bits[1, 0, 2, 1] = 1
    assert DenseEncoding(bits).arrays()["packed"].tolist() == [0b00001001, 0b00001000]


def test_sign_of_zero_is_plus_one():
    assert sign(np.array([-1e-30, -0.0, 0.0, 2.0])).tolist() == [0, 1, 1, 1]


def test_thermometer_channel_order_and_comparison():
    layer = Thermometer(name="t", reads=("input",), thresholds=np.array([[10, 20], [5, 300]]))
    x = np.array([[[[10, 4]], [[19, 5]], [[20, 255]]]], np.uint8)
    assert layer.compute(x, TensorType.pixels(3, 1, 2, tuple(range(8)))).reshape(3, 4).tolist() == [
        [1, 0, 0, 0],
        [1, 0, 1, 0],
        [1, 1, 1, 0],
    ]


def test_planes_that_are_dropped_read_as_zero():
    layer = BitPlanes(name="p", reads=("input",), planes=(1, 7))
    x = np.array([[[[255]], [[1]], [[130]]]], np.uint8)
    out = layer.output(TensorType.pixels(3, 1, 1, tuple(range(8))))
    assert layer.compute(x, TensorType.pixels(3, 1, 1, tuple(range(8)))).reshape(-1).tolist() == [130, 0, 130]
    assert (out.planes, out.high) == ((1, 7), 130)


def test_slices_are_channels_colour_by_colour_with_the_lowest_bit_first():
    layer = BitSlices(name="s", reads=("input",), slices=(0, 6, 7))
    source = TensorType.pixels(1, 3, 2, tuple(range(8)))
    x = np.array([[[[255, 0], [1, 64], [128, 193]]]], np.uint8).reshape(1, 1, 3, 2)
    assert layer.compute(x, source).reshape(3, 6).tolist() == [
        [1, 1, 1, 0, 0, 0],
        [1, 0, 0, 0, 1, 0],
        [0, 0, 1, 1, 1, 1],
    ]
    assert layer.compute(x, source).dtype == np.uint8
    assert layer.output(source) == TensorType.levels(1, 3, 6, 1)


@pytest.mark.parametrize("slices", [(), (1, 0), (1, 1), (-1, 2)])
def test_slices_are_ascending_bit_numbers(slices):
    with pytest.raises(ValueError, match="slices must be ascending bit numbers, not"):
        BitSlices(name="s", reads=("input",), slices=slices)


def test_slices_must_be_bits_of_the_pixels():
    layer = BitSlices(name="s", reads=("input",), slices=(3, 4))
    with pytest.raises(ValueError, match=r"s.slices must be among \(0, 1, 2, 3\), not \(3, 4\)"):
        layer.output(TensorType.pixels(1, 1, 1, (0, 1, 2, 3)))
    with pytest.raises(ValueError, match="s must read pixels"):
        layer.output(TensorType.levels(1, 1, 1, 1))


def test_thresholds_count_and_invert():
    layer = Threshold(
        name="t", reads=("c",), thresholds=np.array([[-2, 0, 3], [-2, 0, 3]]), invert=np.array([False, True])
    )
    x = np.array([-3, -2, -1, 0, 2, 3]).reshape(1, 6, 1, 1).repeat(2, axis=3)
    out = layer.compute(x.astype(np.int32), TensorType.sums(6, 1, 2, -9, 9))
    assert out[0, :, 0, 0].tolist() == [0, 1, 1, 2, 2, 3]
    assert out[0, :, 0, 1].tolist() == [3, 2, 2, 1, 1, 0]


def test_thresholds_out_of_reach_are_always_and_never():
    layer = Threshold(
        name="t", reads=("c",), thresholds=np.array([[-(1 << 60)], [1 << 60]]), invert=np.array([False, False])
    )
    x = np.array([-9, 9], np.int32).reshape(1, 2, 1, 1).repeat(2, axis=3)
    assert layer.compute(x, TensorType.sums(2, 1, 2, -9, 9)).reshape(2, 2).tolist() == [[1, 0], [1, 0]]


def test_max_pool_drops_the_remainder():
    x = np.arange(5 * 7, dtype=np.uint8).reshape(1, 5, 7, 1)
    layer = MaxPool(name="p", reads=("t",), size=2)
    assert layer.compute(x, TensorType.levels(5, 7, 1, 8)).reshape(2, 3).tolist() == [[8, 10, 12], [22, 24, 26]]


@pytest.mark.parametrize("levels", [(-3, 2), (5, 1), (0, 3), (-250, 8)])
@pytest.mark.parametrize("domain", ["levels", "pixels"])
def test_counts_of_two_levels_make_the_layers_sums(rng, domain, levels):
    bits = rng.integers(0, 2, (5, 12), dtype=np.uint8)
    layer = Dense(name="d", reads=("input",), weights=TwoLevelEncoding(DenseEncoding(bits), *levels))
    source = TensorType.pixels(2, 2, 3, (0, 2)) if domain == "pixels" else TensorType.levels(2, 2, 3, 2)
    x = rng.integers(0, 2, (40, 12)) * 4 + rng.integers(0, 2, (40, 12)) if domain == "pixels" else None
    x = rng.integers(0, 4, (40, 12)) if x is None else x
    x[0], x[1] = 0, sum(1 << plane for plane in source.planes)
    rows = np.vstack([bits, np.ones(12, np.uint8)]).astype(np.int64)
    agree = np.stack([((x[:, None] >> plane & 1) == rows).sum(axis=2) << plane for plane in source.planes]).sum(axis=0)
    agreement = Agreement.of(layer, source)
    counts = agreement.counts(agree[:, :5], agree[:, 5:])
    assert counts.min() >= 0
    assert counts.max() <= agreement.top
    images = x.reshape(40, 2, 2, 3).astype(np.uint8)
    np.testing.assert_array_equal(agreement.sums(counts), layer.compute(images, source).reshape(40, 5))


@pytest.mark.parametrize("domain", ["levels", "pixels", "zero"])
def test_agreements_tell_the_same_thresholds(rng, domain):
    """(sum >= t) == (count >= T) for every sum that can be reached, exactly at the threshold and beside it."""
    bits = rng.integers(0, 2, (5, 3, 3, 3), dtype=np.uint8)
    padding = Padding("zero", 1) if domain == "zero" else Padding()
    layer = Convolution(name="c", reads=("input",), weights=DenseEncoding(bits), padding=padding)
    source = TensorType.pixels(6, 6, 3, (0, 2)) if domain == "pixels" else TensorType.levels(6, 6, 3, 1)
    agreement = Agreement.of(layer, source)
    count = np.arange(agreement.top + 1)
    sums = agreement.sums(count[:, None])
    reach = layer.taps * source.magnitude
    for t in range(-reach - 2, reach + 3):
        table = agreement.thresholds(np.full((5, 1), t))
        np.testing.assert_array_equal(count[:, None] >= table[:, 0], sums >= t)


def test_ties_go_to_the_lowest_class():
    layers = (
        Thermometer(name="t", reads=("input",), thresholds=np.array([[1]])),
        Dense(name="d", reads=("t",), weights=DenseEncoding(np.array([[0], [1], [1]], np.uint8))),
        Scores(name="s", reads=("d",), scale=np.array([1, 1, 1]), bias=np.array([0, 0, 0])),
    )
    network = Network("tie", Input(1, 1, 1), layers)
    assert network.classify(np.array([[[[1]]], [[[0]]]], np.uint8)).tolist() == [1, 0]


def test_blocks_do_not_change_results(small_network, make_images, monkeypatch):
    images = make_images(small_network, 23)
    whole = small_network.run(images)
    monkeypatch.setattr("sw.network.network.BLOCK_BYTES", 1)
    np.testing.assert_array_equal(small_network.run(images).scores, whole.scores)
    np.testing.assert_array_equal(small_network.score(images), whole.scores)


def test_no_images_give_no_scores(small_network, make_images):
    assert small_network.run(make_images(small_network, 0)).scores.shape == (0, 3)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.zeros((1, 8, 7, 1), np.uint8), r"images must be of shape \(n, 8, 8, 1\), not \(1, 8, 7, 1\)"),
        (np.zeros((8, 8, 1), np.uint8), r"images must be of shape \(n, 8, 8, 1\), not \(8, 8, 1\)"),
        (np.zeros((1, 8, 8, 1)), "images must be uint8, not float64"),
    ],
)
def test_wrong_images_are_refused(small_network, images, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        small_network.run(images)


def test_pixels_beyond_their_bits_are_refused():
    layers = (
        Dense(name="d", reads=("input",), weights=DenseEncoding(np.ones((2, 1), np.uint8))),
        Scores(name="s", reads=("d",), scale=np.array([1, 1]), bias=np.array([0, 0])),
    )
    with pytest.raises(ValueError, match=r"^pixels must be below 16, not 16$"):
        Network("n", Input(1, 1, 1, 4), layers).run(np.full((1, 1, 1, 1), 16, np.uint8))


def test_layers_that_do_not_fit_are_refused():
    layer = Dense(name="d", reads=("input",), weights=DenseEncoding(np.ones((2, 3), np.uint8)))
    scores = Scores(name="s", reads=("d",), scale=np.array([1, 1]), bias=np.array([0, 0]))
    with pytest.raises(ValueError, match=r"^d.weights must have 4 inputs, not 3$"):
        Network("n", Input(2, 2, 1), (layer, scores))
    with pytest.raises(ValueError, match=r"^d.reads must name one layer before it, not \('later',\)$"):
        Network("n", Input(1, 3, 1), (Dense(name="d", reads=("later",), weights=layer.weights), scores))
    with pytest.raises(ValueError, match=r"^layers must end with Scores$"):
        Network("n", Input(1, 3, 1), (layer,))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Padding("level", 1), "level must be positive for padding by a level and 0 otherwise, not 0"),
        (lambda: Padding("zero", 1, 2), "level must be positive for padding by a level and 0 otherwise, not 2"),
        (lambda: Padding("level", 0, 2), "amount must be 0 for no padding and positive otherwise, not 0"),
        (
            lambda: Padding("level", 1, 3).check(TensorType.levels(2, 2, 1, 2)),
            "must be by a level between the ends 0 and 3, not 3",
        ),
        (
            lambda: Padding("level", 1, 5).check(TensorType.pixels(2, 2, 1, (0, 1, 7))),
            r"must be by a pixel of the planes \(0, 1, 7\), not 5",
        ),
        (
            lambda: Padding("-1", 1).check(TensorType.pixels(2, 2, 1, (0,))),
            "must be none, zero or a pixel for pixels, not -1",
        ),
    ],
)
def test_wrong_padding(make, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        make()


@pytest.mark.parametrize(
    ("padding", "planes", "value", "element"),
    [
        (Padding("level", 1, 2), None, 1, 2),
        (Padding("+1", 1), None, 3, 3),
        (Padding("-1", 1), None, -3, 0),
        (Padding("level", 1, 0b10000010), (1, 3, 7), 130, 0b101),
        (Padding("zero", 1), (1, 3, 7), 0, 0),
    ],
)
def test_what_a_padded_tap_is_worth_and_how_it_is_stored(padding, planes, value, element):
    source = TensorType.levels(2, 2, 1, 2) if planes is None else TensorType.pixels(2, 2, 1, planes)
    assert (padding.value(source), padding.element(source)) == (value, element)

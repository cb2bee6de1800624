# amaranth: UnusedElaboratable=no
"""Each layer component against its own reference, with gaps and stalls, in Amaranth's simulator."""

from dataclasses import fields, replace

import numpy as np
import pytest

from hw.layer.encode import EncodeShape
from hw.layer.listed_sum import ListedSumShape
from hw.layer.listed_window import ListedWindow, ListedWindowShape
from hw.layer.parallel_window import ParallelWindow
from hw.layer.pool import PoolShape
from hw.layer.product import ProductShape
from hw.layer.results import ResultsShape
from hw.layer.serial_window import SerialWindow
from hw.layer.window import WindowShape
from hw.layer.window_store import WindowStore
from sw.network import Convolution, Dense, DenseEncoding, Padding, TensorType
from sw.network.agreement import Agreement
from sw.network.encodings.two_level import TwoLevelEncoding
from tests.hw.streams import GAPS_AND_STALLS, drain, pack

RNG = np.random.default_rng(5)
FRAMES = 2

WINDOWS = [
    WindowShape(5, 6, 4, 1, (3, 3), lanes=2),
    WindowShape(5, 6, 4, 1, (3, 3), lanes=4, folds=3, pad=1),
    WindowShape(4, 5, 3, 2, (3, 2), lanes=1, pad=1, fill=3, stride=2),
    WindowShape(4, 5, 4, 3, (3, 3), lanes=2, pad=2, fill=5),
    WindowShape(4, 4, 2, 1, (3, 3), lanes=2, pad=1, fill="skip", folds=2),
    WindowShape(6, 7, 2, 1, (1, 1), lanes=1, stride=2),
    WindowShape(3, 3, 1, 1, (4, 4), lanes=1, pad=3, fill="skip"),
    WindowShape(1, 1, 12, 1, lanes=3, folds=4),
    WindowShape(5, 6, 4, 1, (3, 3), lanes=2, order="channel"),
    WindowShape(5, 4, 3, 1, (3, 2), lanes=1, pad=1, fill="skip", stride=2, order="channel"),
    WindowShape(3, 3, 2, 2, (4, 4), lanes=1, pad=3, fill=2, folds=2, order="channel"),
    WindowShape(3, 4, 6, 1, (1, 1), lanes=2, order="channel"),
    WindowShape(5, 6, 4, 1, (3, 3), lanes=36),
    WindowShape(5, 4, 2, 1, (3, 3), lanes=6, folds=2, pad=1, fill="skip"),
    WindowShape(6, 6, 1, 8, (3, 3), lanes=9, pad=1, fill=77, stride=2),
    WindowShape(7, 1, 1, 1, (3, 1), lanes=3, folds=3),
    WindowShape(4, 1, 1, 1, (2, 1), lanes=2, stride=2),  # one column, told by a number of no bits
    WindowShape(5, 5, 3, 1, (2, 2), lanes=4, pad=1, fill=1),
]


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS)
@pytest.mark.parametrize("shape", WINDOWS, ids=str)
def test_windows_come_in_order_and_whole(shape, gaps, stalls):
    images = RNG.integers(0, 1 << shape.bits, (FRAMES, shape.height, shape.width, shape.channels))
    part = SerialWindow(shape, WindowStore.depth_for(shape, 1)) if shape.is_serial else ParallelWindow(shape)
    words = [pack(word, shape.bits) for word in images.reshape(-1, shape.in_lanes)]
    expected = []
    for image in images:
        for taps, skip, missing in shape.reference(image):
            known = pack(np.where(skip, 0, taps), shape.bits)
            expected.append((known, pack(skip, 1), missing) if shape.skips else (known, 0, 0))
    out = drain(part, words, len(expected), gaps, stalls)
    assert [known_part(shape, word) for word in out.words] == expected


def known_part(shape: WindowShape, word: int) -> tuple[int, int, int]:
    """Taps of a word with the skipped ones cleared, the mask, and the missing positions."""
    taps = word & ((1 << shape.lanes * shape.bits) - 1)
    if not shape.skips:
        return taps, 0, 0
    word >>= shape.lanes * shape.bits
    skip = word & ((1 << shape.lanes) - 1)
    for lane in range(shape.lanes):
        if skip >> lane & 1:
            taps &= ~(((1 << shape.bits) - 1) << lane * shape.bits)
    return taps, skip, word >> shape.lanes


def test_the_parallel_window_takes_a_cycle_a_padded_pixel():
    shape = WindowShape(30, 30, 4, 1, (3, 3), lanes=36)
    words = RNG.integers(0, 16, 3 * 900).tolist()
    cycles = drain(ParallelWindow(shape), words, 3 * 784).cycles
    assert cycles[783 + 784] - cycles[783] == cycles[783 + 2 * 784] - cycles[783 + 784] == 900


def product(
    outputs, taps, planes, pe, simd, domain="levels", steps=1, skipped=None, counts=False, levels=None, series=False
):
    """A compute unit over random weights, two-level ones where ``levels`` is ratio and fraction, and its input."""
    bits = RNG.integers(0, 2, (outputs, taps), dtype=np.uint8)
    bits[0], bits[-1] = 0, 1

    def encoded(shape):
        plain = DenseEncoding(bits.reshape(shape))
        return plain if levels is None else TwoLevelEncoding(plain, *levels)

    if skipped is None:
        layer = Dense(name="layer", reads=("input",), weights=encoded(bits.shape))
        kind = (
            TensorType.pixels(1, 1, taps, planes) if domain == "pixels" else TensorType.levels(1, 1, taps, len(planes))
        )
        positions = 0
    else:
        kernel = skipped
        positions = kernel[0] * kernel[1]
        shape = (outputs, *kernel, taps // positions)
        layer = Convolution(name="layer", reads=("input",), weights=encoded(shape), padding=Padding("zero", 1))
        kind = TensorType.levels(8, 8, taps // positions, len(planes))
    agreement = Agreement.of(layer, kind)
    reach = taps * layer.product(kind)
    table = np.sort(RNG.integers(-reach - 1, reach + 2, (outputs, steps)), axis=1)
    table[0], table[-1] = -reach, reach
    invert = RNG.random(outputs) < 0.5
    shape = ProductShape(
        bits,
        planes,
        pe,
        simd,
        agreement,
        thresholds=None if counts else agreement.thresholds(table),
        invert=None if counts else invert,
        skip_positions=positions,
        series=series,
    )
    return shape, kind


PRODUCTS = [
    product(4, 12, (0,), 1, 1),
    product(6, 12, (0,), 3, 4),
    product(5, 15, (0,), 5, 15),
    product(4, 9, (0,), 4, 9, counts=True),
    product(6, 10, (0, 1), 2, 5, steps=3),
    product(4, 9, (1, 4, 7), 2, 3, domain="pixels"),
    product(4, 9, (3,), 1, 9, domain="pixels"),
    product(4, 27, (0,), 2, 3, skipped=(3, 3)),
    product(4, 18, (0,), 2, 18, skipped=(3, 3)),
    product(3, 12, (0, 1), 3, 4, steps=3, skipped=(2, 2)),
    product(4, 12, (0,), 2, 4, levels=(-3, 2)),
    product(3, 12, (0,), 3, 12, levels=(5, 1), counts=True),
    product(4, 9, (1, 2), 4, 3, domain="pixels", levels=(-7, 3)),
    product(4, 27, (0,), 2, 3, skipped=(3, 3), levels=(-250, 8)),
    product(4, 16, (0, 1), 1, 4, steps=3, skipped=(2, 2), levels=(2, 0)),
    product(2, 6, (0,), 1, 2, levels=(0, 3)),
    product(4, 9, (1, 4, 7), 2, 3, domain="pixels", series=True),
    product(6, 10, (0, 1, 2), 3, 10, steps=3, series=True),
    product(3, 12, (0, 1), 1, 4, steps=3, skipped=(2, 2), series=True),
    product(4, 9, (1, 2), 4, 3, domain="pixels", levels=(-7, 3), series=True),
    product(4, 6, (2, 3), 2, 2, domain="pixels", counts=True, series=True),
]


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS)
@pytest.mark.parametrize(("shape", "kind"), PRODUCTS)
def test_products_equal_their_reference(shape, kind, gaps, stalls):
    taps = shape.weights.shape[1]
    windows = RNG.integers(0, 1 << len(shape.planes), (6, taps))
    windows[0], windows[1] = 0, (1 << len(shape.planes)) - 1
    positions = max(1, shape.skip_positions)
    skips = np.repeat(RNG.random((6, positions)) < 0.4, taps // positions, axis=1) & bool(shape.skip_positions)
    words, expected = [], []
    for window, skip in zip(windows, skips, strict=True):
        outputs = shape.reference(window, skip)
        for fold in range(shape.folds):
            expected.append(pack(outputs[fold * shape.pe : (fold + 1) * shape.pe], shape.level_bits))
            for at in [*range(0, taps, shape.simd)] * shape.passes:
                word = pack(window[at : at + shape.simd], len(shape.planes))
                if shape.skip_positions:
                    width = shape.simd * len(shape.planes)
                    word |= pack(skip[at : at + shape.simd], 1) << width
                    word |= int(skip.sum()) // shape.agreement.skip_channels << (width + shape.simd)
                words.append(word)
    out = drain(shape.create(), words, len(expected), gaps, stalls)
    assert out.words == expected


def listed(outputs, window, planes, low, step, steps=1, signed=True, counts=False, pe=1):
    """Window generator and compute unit over lists of every length from none to all taps."""
    shares = np.linspace(0, 1, outputs)
    lists = tuple(tuple(np.flatnonzero(RNG.random(window.taps) < share).tolist()) for share in shares)
    front = ListedWindowShape(**vars(window), lists=lists, pe=pe)
    reach = window.taps * (abs(low) + step) * sum(1 << plane for plane in planes)
    table = np.sort(RNG.integers(-reach - 1, reach + 2, (outputs, steps)) // 4, axis=1)
    table[0], table[-1] = -reach, reach
    thresholds, invert = (None, None) if counts else (table, RNG.random(outputs) < 0.5)
    return front, ListedSumShape(front, planes, low, step, signed, thresholds, invert)


LISTED = [
    listed(4, WindowShape(5, 6, 4, 1, (3, 3), lanes=2), (0,), -7, 8, pe=2),
    listed(6, WindowShape(4, 4, 2, 1, (3, 3), lanes=2, pad=1, fill="skip"), (0,), -3, 4, pe=3),
    listed(3, WindowShape(4, 5, 3, 2, (3, 2), lanes=3, pad=1, fill=2, stride=2), (0, 1), -1, 2, steps=3),
    listed(4, WindowShape(4, 4, 6, 1, (2, 2), lanes=3, pad=1), (0,), 5, 16, pe=4),
    listed(2, WindowShape(4, 3, 1, 3, (3, 3), lanes=1, pad=1), (1, 4, 7), -255, 256, signed=False, pe=2),
    listed(5, WindowShape(1, 1, 12, 1, lanes=4), (0,), -1, 2, counts=True),
]


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS)
@pytest.mark.parametrize(("front", "unit"), LISTED)
def test_listed_windows_and_sums_equal_their_reference(front, unit, gaps, stalls):
    """Through both components, one after the other, since what the first sends has no meaning of its own."""
    images = RNG.integers(0, 1 << front.bits, (FRAMES, front.height, front.width, front.channels))
    whole = replace(WindowShape(**{f.name: getattr(front, f.name) for f in fields(WindowShape)}), lanes=front.taps)
    expected = []
    for image in images:
        for taps, skip, _ in whole.reference(image):
            outputs = unit.reference(taps, skip)
            expected += [pack(part, unit.level_bits) for part in outputs.reshape(-1, unit.pe)]
    words = [pack(word, front.bits) for word in images.reshape(-1, front.lanes)]
    count = FRAMES * front.windows * (front.words_per_window + sum(front.beats))
    beats = drain(ListedWindow(front, WindowStore.depth_for(front, 1)), words, count, gaps, stalls)
    if not gaps and not stalls:
        assert np.diff(beats.cycles[-front.words_per_window - 2 :]).max() == 1
    assert drain(unit.create(), beats.words, len(expected), gaps, stalls).words == expected


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS)
@pytest.mark.parametrize(
    "shape",
    [
        PoolShape(4, 6, 4, 1, 2, 2),
        PoolShape(5, 5, 3, 2, 2, 1),
        PoolShape(7, 6, 2, 1, 3, 2),
        PoolShape(2, 2, 1, 3, 2, 1),
    ],
    ids=str,
)
def test_pools_equal_their_reference(shape, gaps, stalls):
    images = RNG.integers(0, 1 << shape.bits, (FRAMES, shape.height, shape.width, shape.channels))
    words = [pack(word, shape.bits) for word in images.reshape(-1, shape.lanes)]
    pooled = np.concatenate([shape.reference(image).reshape(-1, shape.lanes) for image in images])
    out = drain(shape.create(), words, len(pooled), gaps, stalls)
    assert out.words == [pack(word, shape.bits) for word in pooled]


@pytest.mark.parametrize(
    "shape",
    [
        EncodeShape(3, 8, 2, thresholds=RNG.integers(0, 257, (3, 4))),
        EncodeShape(2, 8, 1, planes=(1, 6, 7)),
        EncodeShape(3, 8, 2, slices=(0, 4, 7)),
        EncodeShape(1, 1, 2, slices=(0,)),
    ],
    ids=["thermometer", "planes", "slices", "one slice"],
)
def test_encoders_equal_their_reference(shape):
    pixels = RNG.integers(0, 1 << shape.bits, (20, shape.pixels * shape.channels))
    out = drain(shape.create(), [pack(word, shape.bits) for word in pixels], len(pixels), 0.3, 0.3)
    assert out.words == [pack(shape.reference(word), shape.bits_out) for word in pixels]


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS)
@pytest.mark.parametrize("scale", [1, 2, None])
@pytest.mark.parametrize("classes", [1, 2, 5, 10])
def test_all_classes_at_once_equal_their_reference(classes, scale, gaps, stalls):
    slope = RNG.integers(-7, 8, classes) if scale is None else np.full(classes, scale)
    shape = ResultsShape(slope, RNG.integers(-40, 40, classes), bits=5, top=25, output="class", lanes=classes)
    counts = RNG.integers(0, 26, (24, classes))
    counts[0], counts[1], counts[2:8] = 0, 25, RNG.integers(0, 3, (6, classes))
    expected = [(shape.reference(row)[1], 1) for row in counts]
    words = [pack(row, shape.bits) for row in counts]
    out = drain(shape.create(), words, len(expected), gaps, stalls)
    assert [(word & 255, word >> shape.result_bits) for word in out.words] == expected


@pytest.mark.parametrize("offset", [0, 1])
def test_of_equal_scores_the_first_class_wins_wherever_they_stand(offset):
    """Every pair of classes, the others below."""
    shape = ResultsShape(np.full(6, 2), np.full(6, offset), bits=2, top=3, output="class", lanes=6)
    pairs = [(a, b) for a in range(6) for b in range(a + 1, 6)]
    words = [pack(np.isin(np.arange(6), pair) * 2, 2) for pair in pairs]
    out = drain(shape.create(), words, len(words))
    assert [word & 255 for word in out.words] == [a for a, _ in pairs]
    assert np.diff(out.cycles).tolist() == [1] * (len(pairs) - 1)


def test_results_that_no_component_makes_are_refused():
    for output, lanes in (("class", 2), ("scores", 5)):
        with pytest.raises(ValueError, match=rf"^lanes must be 1, or with output class all 5 classes, not {lanes}$"):
            ResultsShape(np.ones(5, int), np.zeros(5, int), bits=2, top=3, output=output, lanes=lanes)


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS)
@pytest.mark.parametrize("output", ["scores", "class"])
@pytest.mark.parametrize("scale", [1, 2, None])
def test_results_equal_their_reference(scale, output, gaps, stalls):
    slope = RNG.integers(-7, 8, 5) if scale is None else np.full(5, scale)
    shape = ResultsShape(slope, RNG.integers(-90, 90, 5), bits=6, top=50, output=output)
    counts = RNG.integers(0, 51, (6, 5))
    counts[0] = 0  # ties: the lowest class wins where the offsets allow it
    expected = []
    for row in counts:
        scores, winner = shape.reference(row)
        if output == "scores":
            expected += [(int(score) % (1 << shape.result_bits), 0) for score in scores]
        expected.append((winner, 1))
    out = drain(shape.create(), counts.reshape(-1).tolist(), len(expected), gaps, stalls)
    mask = (1 << shape.result_bits) - 1
    assert [(word & mask, word >> shape.result_bits) for word in out.words] == expected

# amaranth: UnusedElaboratable=no
"""Codeword lookup against its reference, the reference against plain XNOR, and the cycles of a window against its
rhythm, in Amaranth's simulator."""

import numpy as np
import pytest

from hw.layer.lookup import LookupShape
from hw.layer.lookup.gather import GroupShape
from hw.layer.product import ProductShape
from hw.layer.window import WindowShape
from sw.network import Convolution, Dense, Padding, TensorType
from sw.network.agreement import Agreement
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.words import Words
from tests.hw.streams import GAPS_AND_STALLS, drain, pack

RNG = np.random.default_rng(11)


def lookup(outputs, kernel, channels, n, pe, words, planes=(0,), domain="levels", steps=1, zero=False, counts=False):
    """A unit over a random codebook, the plain unit of the same weights, and its window generator; a kernel of None is
    a dense layer."""
    shape = (outputs, channels) if kernel is None else (outputs, *kernel, channels)
    cut = Words(shape)
    numbers = RNG.choice(cut.codewords, n, replace=False)
    codewords = ((numbers[:, None] >> np.arange(cut.taps)) & 1).astype(np.uint8)
    indices = RNG.integers(0, n, (outputs, cut.count))
    indices[0], indices[-1] = 0, n - 1
    encoding = CodebookEncoding(codewords, indices, shape)
    side = 1 if kernel is None else 8
    bits = planes if domain == "pixels" else len(planes)
    kind = (TensorType.pixels if domain == "pixels" else TensorType.levels)(side, side, channels, bits)
    if kernel is None:
        layer = Dense(name="layer", reads=("input",), weights=encoding)
    else:
        padding = Padding("zero", 1) if zero else Padding()
        layer = Convolution(name="layer", reads=("input",), weights=encoding, padding=padding)
    agreement = Agreement.of(layer, kind)
    reach = layer.taps * kind.magnitude
    table = np.sort(RNG.integers(-(reach // 3) - 1, reach // 3 + 2, (outputs, steps)), axis=1)
    table[0], table[-1] = -reach, reach
    limits = {} if counts else {"thresholds": agreement.thresholds(table), "invert": RNG.random(outputs) < 0.5}
    positions = 1 if kernel is None else kernel[0] * kernel[1]
    unit = LookupShape(codewords, indices, positions, planes, pe, words * cut.taps, agreement, **limits)
    bits = encoding.decode().reshape(outputs, -1)
    plain = ProductShape(bits, planes, pe, 1, agreement, **limits, skip_positions=positions if zero else 0)
    rows, columns = kernel or (1, 1)
    window = WindowShape(rows, columns, channels, len(planes), (rows, columns), lanes=unit.group.lanes, order="channel")
    return unit, plain, window


LOOKUPS = {
    "3x3, n = 2, one fold": lambda: lookup(4, (3, 3), 3, 2, 4, 1),
    "3x3, n = 4, two folds": lambda: lookup(4, (3, 3), 4, 4, 2, 2),
    "3x3, n = 16": lambda: lookup(6, (3, 3), 2, 16, 2, 1),
    "3x3, n = 32, two words": lambda: lookup(5, (3, 3), 4, 32, 5, 2),
    "3x3, folds are the most": lambda: lookup(15, (3, 3), 2, 5, 1, 1, steps=3),
    "3x3, n = 11, five folds, three words": lambda: lookup(10, (3, 3), 6, 11, 2, 3),
    "3x3, one channel": lambda: lookup(4, (3, 3), 1, 6, 2, 1),
    "3x3, one codeword": lambda: lookup(4, (3, 3), 2, 1, 2, 1),
    "3x3, all is one": lambda: lookup(3, (3, 3), 1, 4, 3, 1),
    "3x3, zero padding, doubled": lambda: lookup(4, (3, 3), 3, 7, 2, 1, zero=True),
    "3x3, zero padding": lambda: lookup(6, (3, 3), 4, 16, 2, 2, zero=True),
    "3x3, zero padding, one group": lambda: lookup(6, (3, 3), 1, 4, 2, 1, zero=True),
    "2x2, zero padding, levels": lambda: lookup(3, (2, 2), 2, 8, 1, 1, planes=(0, 1), steps=3, zero=True),
    "2x2, n = folds": lambda: lookup(4, (2, 2), 3, 4, 1, 1),
    "2x2, counts": lambda: lookup(4, (2, 2), 3, 3, 1, 1, counts=True),
    "5x5, zero padding": lambda: lookup(4, (5, 5), 2, 9, 2, 2, zero=True),
    "4x4": lambda: lookup(2, (4, 4), 2, 20, 1, 1),
    "1x1": lambda: lookup(4, (1, 1), 24, 6, 2, 1),
    "1x1, counts": lambda: lookup(6, (1, 1), 18, 16, 2, 2, counts=True),
    "dense": lambda: lookup(6, None, 12, 5, 2, 2),
    "dense, one group": lambda: lookup(6, None, 12, 4, 3, 2),
    "dense, levels": lambda: lookup(4, None, 18, 16, 4, 2, planes=(0, 1), steps=3),
    "pixels": lambda: lookup(4, (3, 3), 2, 8, 2, 1, planes=(1, 4, 7), domain="pixels"),
}
WINDOWS = 6


def windows_of(unit, window):
    """Some windows and their masks of skipped taps, (windows, taps), in row, column, channel order."""
    taps = RNG.integers(0, 1 << len(unit.planes), (WINDOWS, window.taps))
    taps[0], taps[1] = 0, (1 << len(unit.planes)) - 1
    skips = np.repeat(RNG.random((WINDOWS, unit.positions)) < 0.4, window.channels, axis=1)
    return taps, skips & bool(unit.agreement.skip_channels)


def stimulus(unit, window, taps, skips):
    """Words in and words out."""
    words, expected = [], []
    for tap, skip in zip(taps, skips, strict=True):
        expected += [pack(row, unit.level_bits) for row in unit.reference(tap, skip).reshape(-1, unit.pe)]
        parts = [window.words(flat.reshape(*window.kernel, -1)) for flat in (tap, skip)]
        for lanes, mask in zip(*parts, strict=True):
            word, width = pack(lanes, window.bits), window.lanes * window.bits
            if unit.agreement.skip_channels:
                word |= pack(mask, 1) << width
                word |= int(skip.sum()) // window.channels << (width + window.lanes)
            words.append(word)
    return words, expected


@pytest.mark.parametrize("name", LOOKUPS)
def test_the_reference_is_that_of_the_decoded_weights(name):
    unit, plain, window = LOOKUPS[name]()
    for taps, skip in zip(*windows_of(unit, window), strict=True):
        assert np.array_equal(unit.reference(taps, skip), plain.reference(taps, skip))


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS)
@pytest.mark.parametrize("name", LOOKUPS)
def test_lookups_equal_their_reference_in_the_cycles_of_their_rhythm(name, gaps, stalls):
    unit, _, window = LOOKUPS[name]()
    words, expected = stimulus(unit, window, *windows_of(unit, window))
    out = drain(unit.create(), words, len(expected), gaps, stalls)
    assert out.words == expected
    if not gaps and not stalls:
        ends = out.cycles[unit.folds - 1 :: unit.folds]
        assert np.diff(ends)[1:].tolist() == [unit.rhythm.work] * (WINDOWS - 2)
        assert unit.rhythm.makes.sum() == len(unit.indices)


def test_a_group_takes_as_long_as_its_beats_its_codewords_or_its_folds():
    for name, period in [
        ("3x3, n = 2, one fold", 9),
        ("3x3, n = 32, two words", 32),
        ("3x3, folds are the most", 15),
        ("dense", 5),
    ]:
        unit, _, _ = LOOKUPS[name]()
        assert unit.period == period
        assert unit.rhythm.work == unit.groups * period


def test_the_tables_are_what_their_rows_say():
    """Every weight, read back from the memories: row group * folds + fold, lane p * words + word."""
    unit, plain, _ = lookup(6, (5, 5), 4, 9, 2, 2)
    codewords, indices, _ = unit.roms
    bits = unit.table.index_bits
    numbers = np.zeros((6, 4, 5), int)  # output, channel, run
    for row, word in enumerate(indices.rows):
        group, fold = divmod(row, unit.folds)
        for p in range(2):
            for at in range(2):
                index = word >> (p * 2 + at) * bits & ((1 << bits) - 1)
                channels, run = divmod(group, 5)
                numbers[fold * 2 + p, channels * 2 + at, run] = codewords.rows[index]
    taps = (numbers[..., None] >> np.arange(5)) & 1
    assert np.array_equal(taps.transpose(0, 2, 3, 1).reshape(6, -1), plain.weights)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pe": 4}, r"^pe must divide the 6 outputs, not 4$"),
        ({"simd": 5}, r"^simd must be 9, the taps of a word, times a divisor of 4, not 5$"),
        ({"simd": 27}, r"^simd must be 9, the taps of a word, times a divisor of 4, not 27$"),
        ({"positions": 12}, r"^positions must be runs of 9 taps in whole channels, not 12$"),
    ],
)
def test_wrong_foldings_are_refused(change, sentence):
    unit, _, _ = lookup(6, (3, 3), 4, 9, 2, 2)
    fields = {"positions": 9, "pe": 2, "simd": 9} | change
    with pytest.raises(ValueError, match=sentence):
        LookupShape(unit.codewords, unit.indices, planes=(0,), agreement=unit.agreement, **fields)


def test_wrong_groups_are_refused():
    with pytest.raises(ValueError, match=r"^beats must be 1 or the 9 taps of a word, not 3$"):
        GroupShape(2, 9, 1, 3)
    with pytest.raises(ValueError, match=r"^beats must be a tap each where taps are skipped, not 1$"):
        GroupShape(2, 9, 1, 1, 9)

"""Weights along a tree decode to the plain weights, from arrays and from memories alike; damage is one sentence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sw.errors import SubbitError
from sw.network import Dense, DenseEncoding, Input, Network, Scores, load, save
from sw.network.encodings import encoding_of_kind
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.reuse import ReuseEncoding


@st.composite
def trees(draw, largest=12):
    """Parents and complements of a forest, its channels in any order."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    out = draw(st.integers(1, largest))
    parents = np.array([rng.integers(max(0, n - draw(st.sampled_from([1, 3, 99]))), n + 1) for n in range(out)])
    parents[0] = 0
    names = rng.permutation(out)  # channel n of the draft is called names[n]
    shuffled = np.empty_like(parents)
    shuffled[names] = names[parents]
    return shuffled, (rng.random(out) < 0.4) & (shuffled != np.arange(out)), rng


def rebuilt(encoding, taps):
    """The bits (out, taps) from nothing but the memories, channel after channel."""
    roms = encoding.roms()
    out = encoding.shape[0]

    def words(name, count):
        return list(roms[name].words) if name in roms else [0] * count

    parents, turned = words("parents", out), words("complements", out)
    table = words("codewords", 2) if isinstance(encoding.rows, CodebookEncoding) else None
    size = taps if table is None else encoding.rows.indices.shape[1]
    count = 2 if table is None else len(table)

    def rows(name, number):
        if count == 2:
            return [[word >> place & 1 for place in range(size)] for word in words(name, number)]
        return np.reshape(words(name, number * size), (number, size)).tolist()

    roots = [channel for channel in range(out) if parents[channel] == channel]
    known = dict(zip(roots, rows("roots", len(roots)), strict=True))
    children = [channel for channel in range(out) if channel not in known]
    changes = {}
    if "differences" in roms:
        for channel, row in zip(children, rows("differences", len(children)), strict=True):
            changes[channel] = list(enumerate(row))
    else:
        counts = words("counts", out)
        places = iter(words("places", sum(counts)))
        new = iter(words("symbols", sum(counts)))
        for channel in range(out):
            changes[channel] = [(next(places), next(new)) for _ in range(counts[channel])]
    while len(known) < out:
        for channel in children:
            if channel not in known and parents[channel] in known:
                row = [(symbol + turned[channel]) % count for symbol in known[parents[channel]]]
                for place, value in changes[channel]:
                    if "differences" in roms:
                        row[place] = (row[place] + value) % count
                    else:
                        row[place] = value if count > 2 else 1 - row[place]
                known[channel] = row
    return np.array([known[channel] for channel in range(out)])


def decoded_from_memories(encoding):
    symbols = rebuilt(encoding, int(np.prod(encoding.shape[1:])))
    if not isinstance(encoding.rows, CodebookEncoding):
        return symbols.reshape(encoding.shape)
    words, table = encoding.rows.words, np.array(encoding.roms()["codewords"].words)
    return words.join((table[symbols][..., None] >> np.arange(words.taps)) & 1)


@given(tree=trees(), taps=st.sampled_from([(1,), (7,), (64,), (3, 3, 2)]), alike=st.booleans())
@settings(deadline=None, derandomize=True, max_examples=150)
def test_bits_come_back_from_the_arrays_and_from_the_memories(tree, taps, alike):
    parents, complements, rng = tree
    bits = rng.integers(0, 2, (len(parents), *taps), dtype=np.uint8)
    if alike:
        bits[:] = bits[0]
        bits[rng.random(bits.shape) < 0.05] ^= 1
    encoding = ReuseEncoding.of(DenseEncoding(bits), parents, complements)
    np.testing.assert_array_equal(encoding.decode(), bits)
    assert encoding.decode().dtype == np.uint8
    again = encoding_of_kind("reuse").from_arrays(encoding.arrays())
    np.testing.assert_array_equal(again.decode(), bits)
    np.testing.assert_array_equal(decoded_from_memories(encoding), bits)
    rows, whole = bits.reshape(len(bits), -1), np.prod(taps)
    start = rows[parents] ^ complements[:, None]
    operations = sum(
        whole if parent == channel else (rows[channel] != start[channel]).sum()
        for channel, parent in enumerate(parents)
    )
    assert encoding.bit_operations() == again.bit_operations() == operations


@given(tree=trees(), codewords=st.sampled_from([1, 2, 5, 32]), alike=st.booleans())
@settings(deadline=None, derandomize=True, max_examples=80)
def test_codewords_come_back_from_the_arrays_and_from_the_memories(tree, codewords, alike):
    parents, _, rng = tree
    table = ((np.arange(codewords)[:, None] >> np.arange(9)) & 1).astype(np.uint8)
    rows = CodebookEncoding(table, rng.integers(0, codewords, (len(parents), 6)), (len(parents), 3, 3, 6))
    if alike:
        rows.indices[:] = rows.indices[0]
        rows.indices[-1, :2] = codewords - 1
    bits = rows.decode().copy()
    encoding = ReuseEncoding.of(rows, parents)
    np.testing.assert_array_equal(encoding.decode(), bits)
    again = ReuseEncoding.from_arrays(encoding.arrays())
    np.testing.assert_array_equal(again.decode(), bits)
    np.testing.assert_array_equal(again.rows.codewords, rows.codewords)
    np.testing.assert_array_equal(decoded_from_memories(encoding), bits)
    assert encoding.table_bits() == rows.table_bits()


def test_golden_memories_of_lists():
    bits = np.zeros((3, 40), np.uint8)
    bits[1] = 1
    bits[1, 5] = bits[2, 7] = bits[2, 9] = 1
    bits[1, 4] = 0
    encoding = ReuseEncoding.of(DenseEncoding(bits), np.array([0, 0, 0]), np.array([False, True, False]))
    roms = encoding.roms()
    assert {name: (rom.words, rom.width) for name, rom in roms.items()} == {
        "roots": ((0,), 40),
        "parents": ((0, 0, 0), 2),
        "complements": ((0, 1, 0), 1),
        "counts": ((0, 1, 2), 2),
        "places": ((4, 7, 9), 6),
    }
    assert encoding.stored_bits() == 40 + 6 + 3 + 6 + 18
    assert (encoding.bit_operations(), encoding.depth) == (40 + 1 + 2, 1)


def test_operations_with_a_codebook_are_those_counted_by_hand():
    table = ((np.arange(4)[:, None] >> np.arange(9)) & 1).astype(np.uint8)
    indices = np.array([[0, 1, 2]] * 100)
    indices[3, 1] = 3
    rows = CodebookEncoding(table, indices, (100, 3, 3, 3))
    parents = np.zeros(100, int)
    parents[50] = 50
    encoding = ReuseEncoding.of(rows, parents)
    # Taps: two roots of 27, one tap changes. Codewords: 4 of 9 taps in 3 words, two roots of 3 half, 1 changed word.
    assert encoding.bit_operations() == min(2 * 27 + 1, 4 * 9 * 3 + 2 * 3 / 2 + 1) == 55
    parents = np.arange(100)
    assert ReuseEncoding.of(rows, parents).bit_operations() == rows.bit_operations() == 4 * 9 * 3 + 100 * 3 / 2


def test_depth_is_the_longest_chain_whatever_the_order():
    rows = DenseEncoding(np.random.default_rng(0).integers(0, 2, (300, 8)))
    for parents in (np.maximum(np.arange(300) - 1, 0), np.minimum(np.arange(300) + 1, 299)):
        encoding = ReuseEncoding.of(rows, parents)
        assert encoding.depth == 299
        np.testing.assert_array_equal(encoding.decode(), rows.bits)
    assert ReuseEncoding.of(rows, np.arange(300)).depth == 0


def network(weights):
    return Network(
        "n",
        Input(1, 1, weights.shape[1], 8),
        (
            Dense(name="dense1", reads=("input",), weights=weights),
            Scores(name="scores", reads=("dense1",), scale=np.ones(4, np.int64), bias=np.zeros(4, np.int64)),
        ),
    )


@pytest.fixture
def encoding():
    bits = np.random.default_rng(3).integers(0, 2, (4, 20))
    return ReuseEncoding.of(DenseEncoding(bits), np.array([1, 1, 0, 0]), np.array([False, False, True, False]))


@pytest.fixture
def coded():
    return ReuseEncoding.of(CodebookEncoding.of(np.eye(4, 18, dtype=np.uint8)), np.array([1, 1, 0, 0]))


@pytest.mark.parametrize("name", ["encoding", "coded"])
def test_the_file_keeps_it(name, request, tmp_path):
    before = network(request.getfixturevalue(name))
    save(before, tmp_path / "n.safetensors")
    after = load(tmp_path / "n.safetensors")
    weights = after.layer("dense1").weights
    assert isinstance(weights, ReuseEncoding)
    for key, array in before.layer("dense1").weights.arrays().items():
        np.testing.assert_array_equal(weights.arrays()[key], array)
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 1, before.input.channels), dtype=np.uint8)
    np.testing.assert_array_equal(after.score(images), before.score(images))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parents": np.array([1, 0, 0, 0])}, "parents must lead to a root from every channel"),
        ({"parents": np.array([1, 2, 3, 0])}, "parents must lead to a root from every channel"),
        ({"parents": np.array([1, 1, 0, 4])}, "parents must be from 0 to 3, not 0 to 4"),
        ({"parents": np.array([1, 1, 0, -1])}, "parents must be from 0 to 3, not -1 to 1"),
        ({"parents": np.array([1, 1, 0, 2**63], np.uint64)}, "parents must be from 0 to 3"),
        ({"parents": np.array([1, 1, 0])}, "parents must be 4 whole numbers"),
        ({"parents": np.array([1.0, 1, 0, 0])}, "parents must be 4 whole numbers"),
        ({"parents": np.zeros((4, 1), np.int64)}, "parents must be 4 whole numbers"),
        ({"parents": np.zeros(0, np.int64)}, "parents must be 4 whole numbers"),
        ({"complements": np.zeros(3, bool)}, "complements must be 4 booleans"),
        ({"complements": np.zeros(4, np.uint8)}, "complements must be 4 booleans"),
        ({"complements": np.array([False, True, False, False])}, "complements must be of channels with a parent"),
        ({"dense.packed": np.zeros(11, np.uint8)}, "packed must be 10 bytes"),
        ({"dense.packed": None}, "the arrays of dense weights must be packed and shape"),
        ({"dense.shape": np.array([1 << 40, 1 << 40])}, "packed must be|bytes"),
        ({"parents": None}, "the arrays of reuse must be"),
        ({"complements": None}, "the arrays of reuse must be"),
        ({"sparse.counts": np.zeros(4)}, "the arrays of reuse must be"),
        ({"dense.packed": None, "dense.shape": None, "reuse.x": np.zeros(1)}, "rows of reuse must be"),
        ({"dense.packed": None, "dense.shape": None}, "the arrays of reuse must be"),
    ],
)
def test_damaged_arrays_are_one_sentence(encoding, tmp_path, change, words):
    arrays = {name: array for name, array in (encoding.arrays() | change).items() if array is not None}
    with pytest.raises(ValueError, match=words):
        ReuseEncoding.from_arrays(arrays)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"complements": np.array([True, False, False, False])}, "complements must be of channels with a parent"),
        ({"codebook.indices": np.full((4, 2), 9)}, "indices must be from 0"),
        ({"codebook.codewords": np.zeros((0, 9), np.uint8)}, "codewords must be at least one"),
        ({"codebook.shape": np.array([4, 1 << 40])}, "must be"),
        ({"codebook.shape": np.array(4)}, "shape must be a row of whole numbers"),
    ],
)
def test_damaged_arrays_with_a_codebook_are_one_sentence(coded, change, words):
    with pytest.raises(ValueError, match=words):
        ReuseEncoding.from_arrays(coded.arrays() | change)


def test_a_damaged_file_is_one_sentence(encoding, tmp_path):
    path = tmp_path / "n.safetensors"
    object.__setattr__(encoding, "parents", np.array([1, 0, 0, 0]))
    save(network(encoding), path)
    with pytest.raises(SubbitError, match="is damaged .parents must lead to a root from every channel"):
        load(path)


def test_rows_must_be_dense_or_a_codebook(encoding):
    with pytest.raises(ValueError, match="rows must be a dense or a codebook encoding"):
        ReuseEncoding(encoding, encoding.parents, encoding.complements)  # type: ignore[arg-type]

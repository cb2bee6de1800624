"""The memories of encoded weights, read back as hardware would read them, are the weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw.network import Dense, DenseEncoding, Input, Network, Scores
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.reuse import ReuseEncoding
from sw.network.encodings.sparse import SparseEncoding
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.network.roms import encoded_roms

OUT, TAPS = 6, 24  # words of 8 taps
ROOT = np.array([0, 0, 1, 1, 0, 5])


def numbers(image, width):
    """The words of a $readmemh text, each checked to fit its width."""
    words = [int(line, 16) for line in image.splitlines()]
    assert all(word >> width == 0 for word in words)
    return words


def fields(word, width, count):
    return [(word >> (width * place)) & ((1 << width) - 1) for place in range(count)]


def read_dense(read, rom):
    return np.array([fields(word, 1, TAPS) for word in read("weights")])


def read_sparse(read, rom):
    bits, places = np.zeros((OUT, TAPS), int), iter(read("positions") if "positions" in rom else [])
    for row, count in zip(bits, read("counts") if "counts" in rom else [0] * OUT, strict=True):
        row[[next(places) for _ in range(count)]] = 1
    return bits


def read_codebook(read, rom):
    indices = np.array(read("indices") if "indices" in rom else [0] * OUT * 3).reshape(OUT, 3)
    return np.array([[bit for k in row for bit in fields(read("codewords")[k], 1, 8)] for row in indices])


def read_reuse(read, rom):
    parents = read("parents")
    flips = read("complements") if "complements" in rom else [0] * OUT
    roots = iter(read("roots"))
    rows = {c: np.array(fields(next(roots), 1, TAPS)) for c in range(OUT) if parents[c] == c}
    children = [c for c in range(OUT) if c not in rows]
    if "differences" in rom:
        changes = dict(zip(children, (np.array(fields(w, 1, TAPS)) for w in read("differences")), strict=True))
    else:
        places, changes = iter(read("places") if "places" in rom else []), {}
        for channel, count in enumerate(read("counts") if "counts" in rom else [0] * OUT):
            if channel in children:
                changes[channel] = np.isin(np.arange(TAPS), [next(places) for _ in range(count)]).astype(int)
    while len(rows) < OUT:
        for c in children:
            if c not in rows and parents[c] in rows:
                rows[c] = rows[parents[c]] ^ flips[c] ^ changes[c]
    return np.array([rows[c] for c in range(OUT)])


READERS = {"dense": read_dense, "sparse": read_sparse, "codebook": read_codebook, "reuse": read_reuse}
MAKERS = {
    "dense": DenseEncoding,
    "sparse": SparseEncoding.of,
    "codebook": CodebookEncoding.of,
    "reuse": lambda bits: ReuseEncoding.of(
        DenseEncoding(bits), ROOT, np.array([False, True, False, True, False, False])
    ),
}


@pytest.mark.parametrize("two_level", [False, True])
@pytest.mark.parametrize("kind", READERS)
@given(seed=st.integers(0, 2**32), ones=st.sampled_from([0.0, 0.03, 0.5, 1.0]))
def test_memories_hold_the_weights(kind, two_level, seed, ones):
    bits = (np.random.default_rng(seed).random((OUT, TAPS)) < ones).astype(np.uint8)
    encoding = MAKERS[kind](bits)
    weights = TwoLevelEncoding(encoding, 3, 4) if two_level else encoding
    layers = (
        Dense(name="dense1", reads=("input",), weights=weights),
        Scores(name="scores", reads=("dense1",), scale=np.ones(OUT, np.int64), bias=np.zeros(OUT, np.int64)),
    )
    roms = encoded_roms(Network("net", Input(4, 6, 1, 8), layers), dense=True)
    found = {name.rpartition(".")[2]: rom for name, rom in roms.items()}
    assert {name.rpartition(".")[0] for name in roms} <= {f"dense1.{weights.kind}"}  # no memory where all bits are 0
    read = READERS[kind](lambda name: numbers(found[name].mem(), found[name].width), found)
    assert np.array_equal(read, bits)
    assert weights.stored_bits() == sum(rom.bits for rom in found.values())

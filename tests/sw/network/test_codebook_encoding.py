import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw.network import Dense, Input, Network, Scores, load, save
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.words import Words

SHAPES = [
    (5, 3, 3, 4),  # one word a kernel
    (3, 2, 2, 3),
    (2, 5, 5, 2),  # words are rows
    (2, 7, 7, 1),
    (3, 4, 4, 2),  # two words a kernel
    (2, 6, 6, 1),
    (2, 1, 3, 2),
    (4, 1, 1, 12),  # words are runs of channels
    (4, 27),
]


def test_golden_order_of_words_and_taps():
    weights = np.zeros((1, 3, 3, 2), np.uint8)
    weights[0, 0, 1, 1] = 1  # channel 1, row 0, column 1: word 1, tap 1
    encoding = CodebookEncoding.of(weights)
    assert encoding.codewords.tolist() == [[0] * 9, [0, 1] + [0] * 7]
    assert encoding.indices.tolist() == [[0, 1]]
    assert encoding.roms()["codewords"].words == (0, 2)
    assert encoding.roms()["indices"].mem() == "0\n1\n"


@pytest.mark.parametrize(
    ("shape", "taps", "count"),
    [((5, 3, 3, 4), 9, 4), ((3, 2, 2, 3), 4, 3), ((2, 5, 5, 2), 5, 10), ((2, 7, 7, 1), 7, 7), ((3, 4, 4, 2), 8, 4),
     ((2, 6, 6, 1), 9, 4), ((4, 1, 1, 12), 6, 2), ((4, 64), 8, 8), ((4, 27), 9, 3), ((4, 26), 2, 13)],
)  # fmt: skip
def test_the_rule_of_words(shape, taps, count):
    assert (Words(shape).taps, Words(shape).count) == (taps, count)


@pytest.mark.parametrize("shape", SHAPES)
@given(data=st.data())
def test_decodes_to_the_bits_it_was_made_of(shape, data):
    seed = data.draw(st.integers(0, 2**32))
    bits = np.random.default_rng(seed).integers(0, 2, shape, dtype=np.uint8)
    words = Words(shape)
    assert np.array_equal(words.join(words.split(bits)), bits)
    encoding = CodebookEncoding.of(bits)
    assert np.array_equal(encoding.decode(), bits)
    again = CodebookEncoding.from_arrays(encoding.arrays())
    assert np.array_equal(again.decode(), bits)
    assert again.shape == shape


def test_stored_bits_are_indices_and_table():
    bits = np.random.default_rng(0).integers(0, 2, (16, 3, 3, 8), dtype=np.uint8)
    table = np.unique(bits.transpose(0, 3, 1, 2).reshape(-1, 9), axis=0)
    encoding = CodebookEncoding.of(bits)
    assert encoding.table_bits() == 9 * len(table)
    assert encoding.stored_bits() == 9 * len(table) + 128 * (len(table) - 1).bit_length()


def layer(out, channels, codewords):
    random = np.random.default_rng(0)
    table = (np.arange(codewords)[:, None] >> np.arange(9)) & 1
    indices = random.integers(0, codewords, (out, channels))
    return CodebookEncoding(table.astype(np.uint8), indices, (out, 3, 3, channels))


def test_accounting_gives_the_figures_published_for_resnet18():
    """Sub-bit Neural Networks, repository of the authors: Mbit and G bit operations of ResNet-18 on ImageNet."""
    convolutions = [(64, 64, 56)] * 4 + [(64, 128, 28)] + [(128, 128, 28)] * 3
    convolutions += [(128, 256, 14)] + [(256, 256, 14)] * 3 + [(256, 512, 7)] + [(512, 512, 7)] * 3
    for codewords, mbit, giga in ((64, 7.324, 0.883), (32, 6.103, 0.501), (16, 4.882, 0.297)):
        layers = [(layer(out, channels, codewords), size) for channels, out, size in convolutions]
        assert sum(e.stored_bits() - e.table_bits() for e, _ in layers) / 1e6 == pytest.approx(mbit, abs=1e-3)
        assert sum(e.bit_operations() * size**2 for e, size in layers) / 1e9 == pytest.approx(giga, abs=1e-3)


def test_a_codebook_that_is_too_large_counts_as_plain():
    assert layer(8, 4, 16).bit_operations() == 8 * 4 * 9


def test_a_network_file_carries_it(tmp_path):
    bits = np.random.default_rng(0).integers(0, 2, (3, 24), dtype=np.uint8)
    layers = (
        Dense(name="dense1", reads=("input",), weights=CodebookEncoding.of(bits)),
        Scores(name="scores", reads=("dense1",), scale=np.ones(3, np.int64), bias=np.zeros(3, np.int64)),
    )
    save(Network("codes", Input(2, 4, 3, 8), layers), tmp_path / "codes.safetensors")
    weights = load(tmp_path / "codes.safetensors").layer("dense1").weights
    assert isinstance(weights, CodebookEncoding)
    assert np.array_equal(weights.decode(), bits)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"codewords": np.zeros((2, 9), np.uint8)}, "no two of them the same"),
        ({"codewords": np.zeros((2, 4), np.uint8)}, "rows of 9 bits"),
        ({"codewords": np.full((2, 9), 2, np.uint8)}, "rows of 9 bits"),
        ({"indices": np.full((5, 4), 600)}, "from 0 to"),
        ({"indices": np.full((5, 4), -1)}, "from 0 to"),
        ({"indices": np.zeros((5, 4))}, "whole numbers"),
        ({"indices": np.zeros((5, 5), int)}, "of shape"),
        ({"shape": np.array([5, 3, 3])}, "of a dense layer or a convolution"),
        ({"shape": np.array([5, 3, 3, 10**9])}, "of shape"),
        ({"shape": np.array([5, 13])}, "no divisor"),
        ({"more": np.zeros(1)}, "must be codewords, indices and shape"),
    ],
)
def test_damaged_arrays_are_refused(change, sentence):
    bits = np.random.default_rng(0).integers(0, 2, (5, 3, 3, 4), dtype=np.uint8)
    with pytest.raises(ValueError, match=sentence):
        CodebookEncoding.from_arrays(CodebookEncoding.of(bits).arrays() | change)


def test_words_outside_the_given_codebook_are_refused():
    with pytest.raises(ValueError, match="made of the codewords alone"):
        CodebookEncoding.of(np.eye(9, dtype=np.uint8).reshape(9, 3, 3, 1), np.zeros((1, 9), np.uint8))

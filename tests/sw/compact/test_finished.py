"""Methods on networks that are finished: what is free stays equal, and what is not is what the rules say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sw.compact.baselines import MostFrequent
from sw.compact.codebook import Codebook
from sw.compact.finished import input_slices, with_slices, with_two_levels
from sw.compact.method import Evidence, convert, inner_layers, parse_methods
from sw.errors import SubbitError
from sw.network import (
    BitPlanes,
    BitSlices,
    Convolution,
    Dense,
    DenseEncoding,
    Input,
    Linear,
    Network,
    Padding,
    Scores,
    Threshold,
)
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.network.words import Words, word_numbers
from sw.train.binarize import latent_of
from tests.networks import networks, random_images


def encoding(network, name):
    layer = network.layer(name)
    assert isinstance(layer, Linear)
    return layer.weights


def planes_network(rng, kind=None, shape=(6, 5, 2)):
    """A convolution of pixels, or of their slices, a dense layer, scores."""
    picked = {
        None: [],
        "planes": [BitPlanes(name="pick", reads=("input",), planes=(1, 2, 4, 6))],
        "slices": [BitSlices(name="pick", reads=("input",), slices=(1, 2, 4, 6))],
    }[kind]
    source = "pick" if picked else "input"
    channels = shape[2] * (4 if kind == "slices" else 1)

    def weights(*sizes):
        return DenseEncoding(rng.integers(0, 2, sizes, np.uint8))

    table = rng.integers(-200, 200, (5, 1))
    return Network(
        "planes",
        Input(*shape),
        (
            *picked,
            Convolution(name="conv", reads=(source,), weights=weights(5, 3, 3, channels)),
            Threshold(name="act", reads=("conv",), thresholds=table, invert=rng.random(5) < 0.5),
            Dense(name="dense", reads=("act",), weights=weights(3, 60)),
            Scores(name="scores", reads=("dense",), scale=np.array([1, 2, -1]), bias=np.array([0, 5, -5])),
        ),
    )


class TestCodebook:
    def test_the_most_frequent_words_and_the_nearest_of_them(self, rng):
        bits = (rng.random((16, 3, 3, 12)) < 0.3).astype(np.uint8)
        found = Codebook(n=8, by="frequent").encoded("conv", DenseEncoding(bits))
        words = Words(bits.shape)
        numbers, counts = np.unique(word_numbers(words.split(bits)), return_counts=True)
        wanted = numbers[np.lexsort((numbers, -counts))][:8]
        np.testing.assert_array_equal(np.sort(wanted), word_numbers(found.codewords))
        before, after = words.split(bits), words.split(found.decode())
        chosen = found.codewords[None, None]
        least = (before[:, :, None] != chosen).sum(axis=3).min(axis=2)
        np.testing.assert_array_equal((before != after).sum(axis=2), least)

    def test_clusters_change_fewer_weights_than_random_words(self, rng):
        bits = (rng.random((32, 3, 3, 16)) < 0.4).astype(np.uint8)
        changed = {
            by: int((Codebook(n=16, by=by).encoded("conv", DenseEncoding(bits)).decode() != bits).sum())
            for by in ("sparks", "frequent", "random")
        }
        assert changed["sparks"] < changed["frequent"] < changed["random"]

    def test_enough_codewords_lose_nothing_and_the_same_call_gives_the_same(self, small_network, make_images):
        images = make_images(small_network, 10)
        for text in ("codebook:n=512@conv1+conv2", "codebook:n=512,by=frequent", "budget:bits=0.9"):
            once, again = (convert(small_network, parse_methods([text])) for _ in range(2))
            np.testing.assert_array_equal(once.score(images), again.score(images))
            if "512" in text:
                np.testing.assert_array_equal(once.score(images), small_network.score(images))

    def test_layers_are_those_that_training_takes(self, small_network):
        after = convert(small_network, parse_methods(["codebook:n=4"]))
        assert [name for name in ("conv1", "conv2", "dense1") if encoding(after, name).kind == "codebook"] == ["conv2"]
        assert inner_layers(small_network, convolutions=True) == ["conv2"]
        both = convert(small_network, parse_methods(["codebook:n=4@conv2+dense1"]))
        assert encoding(both, "dense1").kind == "codebook"

    def test_two_levels_stay_under_a_codebook(self, small_network):
        two = convert(small_network, parse_methods(["two-level:ones=0.3@conv2"]))
        found = encoding(convert(two, parse_methods(["codebook:n=8@conv2"])), "conv2")
        assert isinstance(found, TwoLevelEncoding)
        assert (found.values, found.inner.kind) == (encoding(two, "conv2").values, "codebook")

    def test_what_cannot_be(self, small_network):
        wanted = "^the codewords of snn come from training: choose by=sparks or by=frequent without it$"
        with pytest.raises(SubbitError, match=wanted):
            convert(small_network, parse_methods(["codebook:n=8,by=snn"]))
        odd = Network(
            "odd",
            Input(1, 11, 1),
            (
                Dense(name="dense", reads=("input",), weights=DenseEncoding(np.ones((2, 11), np.uint8))),
                Scores(name="scores", reads=("dense",), scale=np.ones(2, int), bias=np.zeros(2, int)),
            ),
        )
        with pytest.raises(
            SubbitError, match="^dense cannot have a codebook: a codebook needs words of at least 2 wei"
        ):
            convert(odd, parse_methods(["codebook:n=8"]))
        with pytest.raises(SubbitError, match="^codebooks cannot bring this network to 0.01 bits a weight: "):
            convert(small_network, parse_methods(["budget:bits=0.01"]))

    def test_the_baseline_is_that_of_training(self, rng):
        bits = rng.integers(0, 2, (8, 3, 3, 6), np.uint8)
        binarizer = MostFrequent(latent_of(bits), 8)
        binarizer.before_step(1.0)
        found = Codebook(n=8, by="frequent").encoded("conv", DenseEncoding(bits))
        np.testing.assert_array_equal(found.decode(), binarizer.export().decode())


class TestTwoLevels:
    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(network=networks(largest=6))
    def test_half_the_weights_are_one_for_nothing(self, network):
        """Outputs with more ones than zeros are turned round, with what reads them."""
        plain = [layer.name for layer in network.layers if isinstance(layer, Linear) and layer.plain]
        after = with_two_levels(network, plain, 0.5, 4)
        images = random_images(network, 6)
        np.testing.assert_array_equal(after.score(images), network.score(images))
        for name in plain:
            bits = encoding(after, name).decode()
            assert 2 * bits.reshape(len(bits), -1).sum(axis=1).max() <= bits[0].size
            assert encoding(after, name).values == (-1, 1)

    @pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
    def test_ones_are_within_the_share_and_as_many_in_every_output(self, rng, share):
        weights = DenseEncoding(rng.integers(0, 2, (9, 200), np.uint8))
        layers = (
            Dense(name="dense", reads=("input",), weights=weights),
            Scores(name="scores", reads=("dense",), scale=np.ones(9, int), bias=np.zeros(9, int)),
        )
        network = Network("n", Input(10, 20, 1), layers)
        found = encoding(with_two_levels(network, ["dense"], share, 4), "dense")
        rows = found.decode().reshape(9, 200)
        assert rows.sum() <= share * 1800 < rows.sum() + 9
        assert np.ptp(rows.sum(axis=1)) == 0
        before = weights.decode()
        turned = before.sum(axis=1) > 100
        assert not (rows > (before ^ turned[:, None])).any()  # no weight becomes one
        lower, upper = found.values
        assert lower < 0 < upper

    def test_sums_stand_for_those_of_the_nearest_levels(self, rng):
        """Where the tau s + phi that replace the weights are exact, scores are those sums in whole numbers."""
        before = np.repeat([[1, 1, 0, 0, 0, 0, 0, 0]], 2, axis=0).astype(np.uint8)
        layers = (
            Dense(name="dense", reads=("input",), weights=DenseEncoding(before)),
            Scores(name="scores", reads=("dense",), scale=np.array([1, 3]), bias=np.array([8, -8])),
        )
        network = Network("n", Input(2, 4, 1), layers)
        after = with_two_levels(network, ["dense"], 0.125, 8)
        kept = encoding(after, "dense").decode()
        assert kept.sum() == 2
        lower = 2 / 7 - 1  # the mean of one +1 and six -1
        lo, hi = encoding(after, "dense").values
        assert (hi + lo) / (hi - lo) == pytest.approx((1 + lower) / (1 - lower), abs=2**-8)
        images = rng.integers(0, 256, (20, 2, 4, 1), np.uint8)
        real = images.reshape(20, 8) @ np.where(kept, 1.0, lower).T * [1, 3] + [8, -8]
        size = (hi - lo) / (1 - lower)
        np.testing.assert_allclose(after.score(images) / size, real, atol=255 * 8 * 3 * 2**-8)

    def test_two_levels_are_given_once(self, small_network):
        after = with_two_levels(small_network, ["conv2"], 0.3, 4)
        wanted = "^conv2 has two levels already: give each layer one two-level method only$"
        with pytest.raises(SubbitError, match=wanted):
            with_two_levels(after, ["conv2"], 0.3, 4)


class TestSlices:
    @pytest.mark.parametrize("kind", [None, "planes", "slices"])
    def test_bits_that_never_change_are_left_out_for_nothing(self, rng, kind):
        """With images whose lower bits are constant the means are exact, and every score stays."""
        network = planes_network(rng, kind)
        images = (rng.integers(0, 256, (30, 6, 5, 2), np.uint8) & 0b1101_0000) | 0b10
        assert input_slices(network) == (tuple(range(8)) if kind is None else (1, 2, 4, 6))
        after = with_slices(network, (4, 6) if kind else (4, 6, 7), images)
        assert input_slices(after) == ((4, 6) if kind else (4, 6, 7))
        np.testing.assert_array_equal(after.score(images), network.score(images))
        if kind == "slices":
            assert encoding(after, "conv").shape == (5, 3, 3, 4)

    def test_scores_of_pixels_take_up_what_is_left_out(self, rng):
        layers = (
            Dense(name="dense", reads=("input",), weights=DenseEncoding(rng.integers(0, 2, (3, 8), np.uint8))),
            Scores(name="scores", reads=("dense",), scale=np.array([3, -2, 1]), bias=np.array([5, 0, -7])),
        )
        network = Network("n", Input(2, 2, 2), layers)
        images = rng.integers(0, 256, (9, 2, 2, 2), np.uint8) & 0b1111_0000 | 0b0101
        after = with_slices(network, (4, 5, 6, 7), images)
        np.testing.assert_array_equal(after.score(images), network.score(images))

    def test_what_was_always_or_never_so_stays(self, rng):
        network = planes_network(rng)
        ends = network.shapes["conv"]
        table = np.array([ends.low, ends.high + 1, ends.low - 9, ends.high + 9, 0])[:, None]
        layers = [replace(one, thresholds=table) if one.name == "act" else one for one in network.layers]
        network = replace(network, layers=tuple(layers))
        after = with_slices(network, (7,), np.full((1, 6, 5, 2), 127, np.uint8))
        reach = after.shapes["conv"].high
        assert after.layer("act").thresholds[:4, 0].tolist() == [-reach, reach + 1, -reach, reach + 1]

    def test_without_images_a_bit_is_one_half_of_the_time(self, rng):
        network = planes_network(rng)
        after = with_slices(network, (7,))
        weights = encoding(network, "conv").decode().reshape(5, -1).astype(int) * 2 - 1
        shift = weights.sum(axis=1) * 63.5
        wanted = np.ceil(network.layer("act").thresholds[:, 0] - 0.5 - shift)
        np.testing.assert_array_equal(after.layer("act").thresholds[:, 0], wanted)

    def test_a_codebook_and_two_levels_stay(self, rng):
        network = planes_network(rng, "slices")
        for weights, kind in (
            (CodebookEncoding.of(encoding(network, "conv").decode()), CodebookEncoding),
            (TwoLevelEncoding(encoding(network, "conv"), 3, 2), TwoLevelEncoding),
        ):
            layers = [replace(one, weights=weights) if one.name == "conv" else one for one in network.layers]
            after = with_slices(replace(network, layers=tuple(layers)), (2, 6))
            assert isinstance(encoding(after, "conv"), kind)
            bits = weights.decode().reshape(5, 3, 3, 2, 4)[..., [1, 3]].reshape(5, 3, 3, 4)
            np.testing.assert_array_equal(encoding(after, "conv").decode(), bits)

    def test_they_are_chosen_by_what_images_say(self, rng):
        """Only bit 6 is looked at by a network that compares with a half of it."""
        layers = (
            Dense(name="dense", reads=("input",), weights=DenseEncoding(np.array([[1], [0]], np.uint8))),
            Scores(name="scores", reads=("dense",), scale=np.array([1, 1]), bias=np.array([-127, 129])),
        )
        network = Network("n", Input(1, 1, 1), layers)
        images = rng.integers(0, 256, (200, 1, 1, 1), np.uint8)
        evidence = Evidence(images, network.classify(images))
        assert evidence.classes.tolist() == [0 if pixel >= 128 else 1 for pixel in images.reshape(-1)]
        (method,) = parse_methods(["slices:drop=0.05"])
        assert input_slices(method.convert(network, evidence)) == (7,)
        (method,) = parse_methods(["slices:keep=2"])
        assert len(input_slices(method.convert(network, evidence))) == 2
        assert input_slices(method.convert(network)) == (6, 7)

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("slices", "slices are judged by images: name some, or say how many to keep, as in slices:keep=4"),
            ("slices:keep=9", "slices: keep must be at most the 8 slices of the input, not 9"),
            ("slices:keep=4,width=0.5", "slices: width takes training: leave it out for a finished network"),
        ],
    )
    def test_what_is_missing_is_told(self, rng, text, sentence):
        with pytest.raises(SubbitError, match=f"^{sentence}$"):
            convert(planes_network(rng), parse_methods([text]))

    def test_thresholds_on_pixels_have_no_slices(self, small_network):
        wanted = "^slices are left out of pixels that a layer weighs bit by bit, and encode does not$"
        with pytest.raises(SubbitError, match=wanted):
            convert(small_network, parse_methods(["slices:keep=4"]))

    def test_padding_stays(self, rng):
        network = planes_network(rng)
        layers = list(network.layers)
        layers[0] = replace(layers[0], padding=Padding("zero", 1), stride=2)
        layers[2] = replace(layers[2], weights=DenseEncoding(np.ones((3, 45), np.uint8)))
        after = with_slices(replace(network, layers=tuple(layers)), tuple(range(8)))
        images = random_images(after, 5)
        np.testing.assert_array_equal(after.score(images), replace(network, layers=tuple(layers)).score(images))


@st.composite
def texts(draw):
    first = draw(st.sampled_from(["", "slices:keep=2"]))
    rest = draw(st.lists(st.sampled_from(["codebook:n=8", "two-level:ones=0.3", "reuse"]), unique=True, max_size=3))
    return [text for text in (first, *rest) if text]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(network=networks(largest=5), methods=texts())
def test_methods_go_together_or_say_why_not(network, methods):
    try:
        after = convert(network, parse_methods(methods))
    except SubbitError:
        return
    images = random_images(network, 3)
    assert after.score(images).shape == network.score(images).shape

import dataclasses
import itertools
import json

import numpy as np
import pytest

from sw.compact.method import parse_methods
from sw.compact.slices import Sensitivity, Slices, choose, injected, sensitivity, slices_of
from sw.compact.train import load_model, resume_point, train
from sw.errors import SubbitError
from sw.network import BitSlices
from sw.train import fit
from sw.train.config import TrainConfig
from sw.train.data import DataSet
from sw.train.export import compare
from sw.train.fit import TrainingStopped, accuracy
from sw.train.models import BinaryModel, ModelSpec
from tests.sw.trainings import assert_same, stopped

TINY = TrainConfig(
    topology="conv 8 pad 1, pool, dense 8", epochs=5, batch=32, learning_rate=0.02, validation=0.25, progress=False,
    accelerator="cpu", augment="none", encoding="slices",
)  # fmt: skip


def planted(bearers, bits=8, images=360, size=6, noise=0.05):
    """Noise in all bits but the bearers: each of those tells the label by the half of the image in which it is set."""
    random = np.random.default_rng(7)
    labels = np.arange(images, dtype=np.int64) % 2
    half = np.arange(size) < size // 2
    pixels = random.integers(0, 1 << bits, (images, size, size, 1))
    for bit in bearers:
        told = (half[None, :] == (labels[:, None] == 0))[:, :, None, None].repeat(size, axis=2)
        told = told ^ (random.random(told.shape) < noise)
        pixels = pixels & ~(1 << bit) | told.astype(int) << bit
    cut = images * 3 // 4
    pixels = pixels.astype(np.uint8)
    return DataSet("planted", pixels[:cut], labels[:cut], pixels[cut:], labels[cut:], bits, ("a", "b"))


@pytest.fixture(scope="module")
def data():
    return planted([7])


@pytest.fixture(scope="module")
def trained(data):
    return fit.train(TINY, data).model


class TestInjection:
    def test_only_the_chosen_bits_of_every_colour_are_random(self):
        images = np.random.default_rng(0).integers(0, 256, (40, 5, 5, 3), dtype=np.uint8)
        mixed = injected(images, (0, 6), 8, seed=1)
        assert mixed.dtype == np.uint8
        assert np.array_equal(mixed & ~np.uint8(65), images & ~np.uint8(65))
        for bit, colour in itertools.product((0, 6), range(3)):
            differs = ((mixed ^ images)[..., colour] >> bit & 1).mean()
            assert 0.4 < differs < 0.6
        assert not np.array_equal(mixed[..., 0] & 65, mixed[..., 1] & 65)
        assert not np.array_equal(mixed[0] & 65, mixed[1] & 65)

    def test_the_bits_of_a_slice_depend_on_the_seed_alone(self):
        images = np.zeros((9, 4, 4, 2), np.uint8)
        assert np.array_equal(injected(images, (3,), 4, 5), injected(images + 7, (3, 1), 4, 5) & 8)
        assert not np.array_equal(injected(images, (3,), 4, 5), injected(images, (3,), 4, 6))
        assert injected(images, (), 4, 5).max() == 0

    def test_a_slice_that_pixels_do_not_have_is_refused(self):
        with pytest.raises(ValueError, match=r"slices must be from 0 to 3, not \(1, 4\)"):
            injected(np.zeros((1, 1, 1, 1), np.uint8), (1, 4), 4, 0)


class TestSensitivity:
    def test_it_is_the_mean_and_deviation_over_the_seeds_and_the_same_again(self, trained, data):
        images, labels = data.test_images, data.test_labels
        sets = [(7,), (0, 1, 2), ()]
        found = sensitivity(trained, images, labels, sets, range(4))
        shares = [[accuracy(trained, injected(images, s, 8, seed), labels) for seed in range(4)] for s in sets]
        assert found.mean == pytest.approx([np.mean(row) for row in shares])
        assert found.spread == pytest.approx([np.std(row, ddof=1) for row in shares])
        assert found.spread[0] > 0
        assert (found.mean[2], found.spread[2]) == (accuracy(trained, images, labels), 0.0)
        assert sensitivity(trained, images, labels, sets, range(4)) == found
        assert sensitivity(trained, images, labels, [(7,)], [0]).spread == (0.0,)

    def test_the_bit_that_tells_the_label_is_the_sensitive_one(self, trained, data):
        found = sensitivity(trained, data.test_images, data.test_labels, [(bit,) for bit in range(8)], range(3))
        assert max(found.mean[:7]) > 0.95
        assert min(found.mean[:7]) > 0.9
        assert found.mean[7] < 0.7

    @pytest.mark.parametrize(
        ("encoding", "slices"),
        [
            ("slices", (0, 1, 2, 3)),
            ("slices:3+1", (1, 3)),
            ("planes", (0, 1, 2, 3)),
            ("planes:2", (2, 3)),
            ("threshold", (0, 1, 2, 3)),
            ("thermometer:3", (0, 1, 2, 3)),
        ],
    )
    def test_every_input_encoding_takes_it(self, encoding, slices):
        data = planted([3], bits=4)
        spec = ModelSpec(data.shape, 4, 2, "dense 4", encoding=encoding)
        assert slices_of(spec) == slices
        model = BinaryModel(spec).eval()
        sets = [(bit,) for bit in range(4)]
        found = sensitivity(model, data.test_images, data.test_labels, sets, [0])
        plain = accuracy(model, data.test_images, data.test_labels)
        assert [mean for bit, mean in enumerate(found.mean) if bit not in slices] == [plain] * (4 - len(slices))


def measured(cost, bits):
    """A stand-in for measuring: `cost` of a frozen set of slices; and what was asked for."""
    asked = []

    def measure(sets):
        asked.extend(tuple(sorted(s)) for s in sets)
        means = tuple(0.9 - cost(frozenset(s)) for s in sets)
        return Sensitivity(tuple(tuple(sorted(s)) for s in sets), means, (0.0,) * len(means))

    return measure, range(bits), asked


class TestChoice:
    def test_the_least_sensitive_go_first_up_to_the_drop(self):
        costs = [0.004, 0.0, 0.3, 0.001]
        measure, slices, _ = measured(lambda s: sum(costs[bit] for bit in s), 4)
        found = choose(measure, slices, 0.005)
        assert (found.kept, found.dropped) == ((2,), (0, 1, 3))
        assert (found.accuracy, found.joint) == pytest.approx((0.9, 0.895))
        assert found.single.sets == ((0,), (1,), (2,), (3,))
        assert found.single.mean == pytest.approx([0.9 - cost for cost in costs])
        assert found.cumulative.sets == ((1,), (1, 3), (0, 1, 3), (0, 1, 2, 3))
        assert found.cumulative.mean == pytest.approx([0.9, 0.899, 0.895, 0.595])
        assert choose(measure, slices, 0.0049).kept == (0, 2)

    def test_what_is_redundant_alone_but_not_together_is_kept_and_the_search_goes_on(self):
        def cost(chosen):  # 0 and 1 say the same, so each alone is free; 2 costs a little, 3 all
            return 0.2 * ({0, 1} <= chosen) + 0.003 * (2 in chosen) + 0.4 * (3 in chosen)

        measure, slices, _ = measured(cost, 4)
        found = choose(measure, slices, 0.01)
        assert (found.dropped, found.kept) == ((0, 2), (1, 3))
        assert found.joint == pytest.approx(0.897)
        assert found.cumulative.mean == pytest.approx([0.9, 0.7, 0.697, 0.297])

    def test_equal_slices_go_from_the_lowest_bit(self):
        measure, slices, asked = measured(lambda s: 0.1 * (len(s) > 2), 5)
        assert choose(measure, slices, 0.01).dropped == (0, 1)
        assert len(asked) - len(set(asked)) <= 1  # the first of the cumulative sets is a single slice

    def test_one_slice_is_always_kept(self):
        measure, slices, _ = measured(lambda s: 0.001 * max(s, default=0), 3)
        assert choose(measure, slices, 0.5).kept == (2,)

    def test_none_is_dropped_where_all_are_needed(self):
        measure, slices, _ = measured(lambda s: 0.2 * len(s), 3)
        found = choose(measure, slices, 0.01)
        assert (found.kept, found.dropped) == ((0, 1, 2), ())
        assert found.joint == found.accuracy

    @pytest.mark.parametrize(("keep", "kept"), [(1, (3,)), (2, (1, 3)), (3, (1, 2, 3)), (4, (0, 1, 2, 3))])
    def test_a_number_to_keep_overrides_the_drop_either_way(self, keep, kept):
        def cost(chosen):
            return 0.2 * ({0, 1} <= chosen) + 0.003 * (2 in chosen) + 0.4 * (3 in chosen)

        measure, slices, _ = measured(cost, 4)
        assert choose(measure, slices, 0.01, keep).kept == kept

    def test_copies_of_one_bit_are_not_all_dropped(self):
        data = planted([2, 5], bits=6)
        model = fit.train(TINY, data).model
        seen = data.train_images, data.train_labels
        found = choose(lambda sets: sensitivity(model, *seen, sets, range(3)), range(6), 0.05)
        assert min(found.single.mean) > 0.85 * found.accuracy
        assert len({2, 5} & set(found.kept)) >= 1
        assert found.accuracy - found.joint <= 0.05
        assert sensitivity(model, *seen, [(2, 5)], range(3)).mean[0] < 0.7


class TestMethod:
    def test_it_keeps_the_bit_that_tells_and_trains_a_smaller_network_on_it(self, data, tmp_path):
        config = dataclasses.replace(TINY, compact=("slices:seeds=3,drop=0.03",), output=str(tmp_path / "run"))
        network, result = train(config, data)
        first = network.layers[0]
        assert isinstance(first, BitSlices)
        assert first.slices == (7,)
        assert network.layers[1].weights.shape == (1, 3, 3, 1)  # an eighth of 8 channels
        assert compare(result.model, network, data.test_images).equal
        found = result.found["slices"]
        assert (found["choice"]["kept"], found["encoding"], found["width"]) == ([7], "slices:7+", 0.125)
        assert found["base"]["epochs"] == 5
        kept = json.loads((tmp_path / "run" / "slices.json").read_text())
        assert {name: kept[name] for name in ("choice", "slices", "method", "base")} == {
            name: found[name] for name in ("choice", "slices", "method", "base")
        }
        choice = kept["choice"]
        assert [len(choice["single"][name]) for name in ("sets", "mean", "spread")] == [8, 8, 8]
        assert [len(chosen) for chosen in choice["cumulative"]["sets"]] == list(range(1, 9))
        assert resume_point(tmp_path / "run", config.compact) == tmp_path / "run" / "last.ckpt"
        assert_same(load_model(tmp_path / "run" / "best.ckpt"), result.model)
        base = fit.load_model(tmp_path / "run" / "slices" / "best.ckpt")
        assert (base.spec.encoding, base.spec.width) == ("slices:7+6+5+4+3+2+1+0", 1.0)

    def test_sensitivity_is_measured_on_the_validation_images(self, data):
        result = train(dataclasses.replace(TINY, epochs=2, compact=("slices:seeds=1",)), data)[1]
        found = result.found["slices"]
        assert found["choice"]["accuracy"] == found["base"]["validation_accuracy"]

    @pytest.mark.parametrize(
        ("options", "encoding", "width", "kept"),
        [
            ("keep=3,shrink=no", "planes", 2.0, 3),
            ("keep=4", "planes", 1.0, 4),
            ("keep=2", "slices:4", 1.0, 2),
            ("keep=1,width=0.25", "planes:2", 0.5, 1),
        ],
    )
    def test_the_options_say_how_many_and_how_wide(self, data, options, encoding, width, kept):
        config = dataclasses.replace(
            TINY, epochs=1, encoding=encoding, width=2.0, compact=(f"slices:seeds=1,{options}",)
        )
        result = train(config, data)[1]
        assert result.model.spec.width == width
        assert len(slices_of(result.model.spec)) == kept
        assert set(slices_of(result.model.spec)) <= set(slices_of(config.spec(data)))

    @pytest.mark.parametrize(
        ("stage", "epoch", "kept"),
        [("base", 2, "slices/last.ckpt"), ("last", 0, "slices/last.ckpt"), ("last", 3, "last.ckpt")],
    )
    def test_it_goes_on_where_it_was_cut_off(self, data, tmp_path, monkeypatch, stage, epoch, kept):
        config = dataclasses.replace(TINY, compact=("slices:seeds=2,drop=0.03",))
        whole = train(config, data)[1]
        folder = tmp_path / "run"
        with stopped(epoch, lambda config: (config.compact == ()) == (stage == "base")):
            train(dataclasses.replace(config, output=str(folder)), data)
        assert (folder / "slices.json").exists() == (stage == "last")
        point = resume_point(folder, config.compact)
        assert point == folder / kept
        with monkeypatch.context() as patch:
            if stage == "last":  # what was measured is not measured again
                patch.setattr("sw.compact.slices.sensitivity", None)
            resumed = train(dataclasses.replace(config, resume=str(point)), data)[1]
        assert_same(resumed.model, whole.model)
        alike = [{**r.found["slices"], "base": None} for r in (resumed, whole)]
        assert alike[0] == alike[1]

    @pytest.mark.parametrize("keeps", [True, False])
    def test_stopping_it_between_the_trainings_says_how_to_go_on(self, data, tmp_path, monkeypatch, keeps):
        config = dataclasses.replace(TINY, epochs=1, compact=("slices",), output=str(tmp_path) if keeps else None)
        monkeypatch.setattr("sw.compact.slices.classify", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(TrainingStopped) as error:
            train(config, data)
        last = tmp_path / "slices" / "last.ckpt"
        told = f"before it had kept an epoch: go on with resume {last}" if keeps else "and nothing was kept of it"
        assert str(error.value).endswith(told)

    def test_what_was_kept_must_be_whole_and_of_the_same_training(self, data, tmp_path):
        config = dataclasses.replace(TINY, epochs=1, compact=("slices:seeds=1,keep=2",), output=str(tmp_path))
        train(config, data)
        (tmp_path / "last.ckpt").unlink()
        again = dataclasses.replace(config, resume=str(tmp_path / "slices" / "last.ckpt"))
        kept = tmp_path / "slices.json"
        with pytest.raises(SubbitError, match=r"slices.json was made with slices:seeds=1,keep=2, not slices:seeds=2"):
            train(dataclasses.replace(again, compact=("slices:seeds=2",)), data)
        with pytest.raises(SubbitError, match="slices.json was trained with batch = 32, not 16: resume with the same"):
            train(dataclasses.replace(again, batch=16), data)
        kept.write_text(kept.read_text()[:-40])
        with pytest.raises(SubbitError, match="slices.json is damaged: remove it to measure the slices again$"):
            train(again, data)
        kept.unlink()
        train(again, data)
        assert kept.exists()

    @pytest.mark.parametrize(
        ("text", "changes", "message"),
        [
            ("slices:drop=1", {}, "slices: drop must be at least 0 and below 1, not 1.0"),
            ("slices:seeds=0", {}, "slices: seeds must be at least 1, not 0"),
            ("slices:keep=-1", {}, "slices: keep must be at least 0, not -1"),
            ("slices:keep=9", {}, "slices: keep must be at most the 8 slices of the input, not 9"),
            ("slices:width=-1", {}, "slices: width must be at least 0, not -1.0"),
            ("slices:width=nan", {}, "slices: width must be at least 0, not nan"),
            ("slices@conv1", {}, "slices are chosen for the whole network: leave out @ and the layers"),
            (
                "slices",
                {"encoding": "thermometer:3"},
                "slices are chosen from an input of planes or slices, not thermo",
            ),
        ],
    )
    def test_a_wrong_call_writes_nothing(self, data, tmp_path, text, changes, message):
        with pytest.raises(SubbitError) as error:
            train(dataclasses.replace(TINY, compact=(text,), output=str(tmp_path / "run"), **changes), data)
        assert str(error.value).startswith(message)
        assert not (tmp_path / "run").exists()

    def test_its_text_reads_back(self):
        method = Slices(drop=0.02, keep=3, shrink=False)
        assert str(method) == "slices:drop=0.02,keep=3,shrink=no"
        assert parse_methods([str(method)]) == [method]

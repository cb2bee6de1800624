import dataclasses

import numpy as np
import pytest
import torch

from sw.errors import SubbitError
from sw.train.binarize import DenseBinarizer, Regulariser
from sw.train.config import TrainConfig
from sw.train.estimators import sign
from sw.train.export import compare, export
from sw.train.fit import accuracy, classify, load_model, train
from sw.train.loop import Batches, Learner, learning_rate_factor
from tests.sw.trainings import assert_same, stopped

TINY = TrainConfig(
    topology="conv 4 pad 1, pool, dense 8", epochs=6, batch=32, learning_rate=0.02, validation=0.2, progress=False,
    input_dropout=0.05, dropout=0.1, accelerator="cpu",
)  # fmt: skip


def parameters(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("estimator", ["ste", "irnet"])
def test_training_learns_and_the_network_is_the_model(blobs, estimator, tmp_path):
    config = dataclasses.replace(TINY, epochs=12, estimator=estimator, test=True, output=str(tmp_path / "run"))
    result = train(config, blobs)
    assert result.validation_accuracy > 0.9
    assert result.test_accuracy > 0.9
    assert result.test_accuracy == accuracy(result.model, blobs.test_images, blobs.test_labels)
    assert (result.epochs, result.path) == (12, tmp_path / "run" / "best.ckpt")
    network = export(result.model)
    assert compare(result.model, network, blobs.test_images).equal
    assert np.array_equal(network.classify(blobs.test_images), classify(result.model, blobs.test_images))
    assert_same(parameters(load_model(result.path)), parameters(result.model))


def test_the_same_seed_trains_the_same_network_and_leaves_the_callers_random_numbers_alone(blobs):
    config = dataclasses.replace(TINY, epochs=2)
    torch.manual_seed(1)
    first = train(config, blobs)
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), drawn)
    assert_same(parameters(first.model), parameters(train(config, blobs).model))
    other = train(dataclasses.replace(config, seed=1), blobs)
    assert not torch.equal(first.model.layers["conv1"].binarizer.latent, other.model.layers["conv1"].binarizer.latent)
    assert first.path is None


def test_a_training_uses_the_threads_that_it_is_told_and_leaves_the_callers(blobs):
    before, seen = torch.get_num_threads(), []
    train(
        dataclasses.replace(TINY, epochs=1, threads=before + 1), blobs, lambda _: seen.append(torch.get_num_threads())
    )
    train(dataclasses.replace(TINY, epochs=1), blobs, lambda _: seen.append(torch.get_num_threads()))
    assert (seen, torch.get_num_threads()) == ([before + 1, before], before)


def test_a_fast_training_is_exact_in_validation_and_leaves_the_callers_precision(blobs):
    before = torch.get_float32_matmul_precision()
    config = dataclasses.replace(TINY, epochs=2, fast=True)
    seen = []
    original = Learner.validation_step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Learner, "validation_step", lambda *a: (seen.append(torch.get_float32_matmul_precision()), original(*a))
        )
        first = train(config, blobs)
    assert set(seen) == {"high"}
    assert torch.get_float32_matmul_precision() == before
    assert compare(first.model, export(first.model), blobs.test_images).equal
    assert_same(parameters(first.model), parameters(train(config, blobs).model))


def test_a_checkpoint_of_a_version_without_fast_goes_on(blobs, tmp_path):
    config = dataclasses.replace(TINY, output=str(tmp_path))
    earlier = {name: value for name, value in config.as_dict().items() if name != "fast"}
    config.check_continues(earlier, tmp_path)
    with pytest.raises(SubbitError, match="was trained with fast = False, not True"):
        dataclasses.replace(config, fast=True).check_continues(earlier, tmp_path)


def test_a_stopped_training_resumes_to_where_it_would_have_ended(blobs, tmp_path):
    config = dataclasses.replace(TINY, augment="digits", estimator="irnet")
    whole = train(dataclasses.replace(config, output=str(tmp_path / "whole")), blobs)
    last = tmp_path / "halves" / "last.ckpt"
    with stopped(3) as error:
        train(dataclasses.replace(config, output=str(last.parent)), blobs)
    assert str(error.value) == f"training was stopped in epoch 4 of 6: go on with resume {last}"
    torch.rand(17)
    resumed = train(dataclasses.replace(config, resume=str(last)), blobs)
    assert resumed.epochs == 6
    assert_same(parameters(whole.model), parameters(resumed.model))
    states = [torch.load(tmp_path / run / "last.ckpt", weights_only=True) for run in ("whole", "halves")]
    assert_same(states[0]["state_dict"], states[1]["state_dict"])
    again = train(dataclasses.replace(config, resume=str(last)), blobs)  # nothing is left to do
    assert (again.epochs, again.path) == (6, last.parent / "best.ckpt")
    assert_same(parameters(again.model), parameters(resumed.model))


def test_stopping_with_no_output_folder_says_that_nothing_is_kept(blobs):
    with stopped(1) as error:
        train(TINY, blobs)
    assert str(error.value) == "training was stopped in epoch 2 of 6, and nothing was kept of it"


def test_a_time_limit_ends_the_training_early(blobs):
    result = train(dataclasses.replace(TINY, epochs=10_000, max_minutes=0.01, validate_every=2), blobs)
    assert 2 <= result.epochs < 1000
    assert result.epochs % 2 == 0


def test_progress_is_told_line_by_line_where_there_is_no_terminal(blobs, capsys):
    train(dataclasses.replace(TINY, epochs=2, progress=True), blobs)
    assert "epoch 2/2, loss " in capsys.readouterr().err


class Inverted(DenseBinarizer):
    """A stand-in for a compaction method: the opposite of every sign, told of every step."""

    def binarize(self, latent):
        return -sign(latent)

    def encode(self, latent):
        return type(super().encode(latent))(1 - super().encode(latent).decode())

    def before_step(self, progress):
        self.progress = progress


class Smaller(Regulariser):
    """A say in the loss that pulls the latent weights of a layer to zero."""

    def __init__(self, binarizer):
        super().__init__()
        self.__dict__["binarizer"] = binarizer

    def forward(self, loss, progress):
        return 100.0 * self.binarizer.latent.square().mean()


def test_another_binarizer_and_a_regulariser_train_and_export(blobs, tmp_path):
    def prepare(model):
        model.set_binarizer("conv1", Inverted(model.binarizers()["conv1"].latent))
        model.regularisers["smaller"] = Smaller(model.binarizers()["conv1"])

    result = train(dataclasses.replace(TINY, output=str(tmp_path)), blobs, prepare)
    inverted, other = (result.model.binarizers()[name] for name in ("conv1", "dense1"))
    assert isinstance(inverted, Inverted)
    assert 0.9 < inverted.progress < 1.0
    assert inverted.latent.abs().mean() < 0.3 * other.latent.abs().mean()
    assert compare(result.model, export(result.model), blobs.test_images).equal
    assert_same(parameters(load_model(result.path, prepare)), parameters(result.model))


def test_latent_weights_stay_clipped_after_every_step(blobs):
    result = train(dataclasses.replace(TINY, epochs=1, learning_rate=9.0), blobs)
    for binarizer in result.model.binarizers().values():
        assert binarizer.latent.abs().max() == 1


def test_validation_images_come_from_the_training_images_and_are_not_fitted(blobs):
    batches = Batches(blobs, dataclasses.replace(TINY, augment="none"))
    fit, held = (batches.parts[name][0] for name in ("fit", "validation"))
    assert len(fit) + len(held) == len(blobs.train_images)
    seen = torch.cat([batches.training_batch(n, 0, torch.device("cpu"))[0] for n in range(batches.steps())])
    as_bytes = {image.numpy().astype(np.uint8).tobytes() for image in seen}
    assert as_bytes <= {image.numpy().tobytes() for image in fit}
    assert not as_bytes & {image.numpy().tobytes() for image in held}


def test_the_learning_rate_rises_and_then_falls_to_nothing():
    assert [learning_rate_factor(p, 0.2) for p in (0.0, 0.1, 0.2, 0.6, 1.0, 2.0)] == pytest.approx(
        [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
    )
    assert learning_rate_factor(0.0, 0.0) == 1.0


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("epochs", 0, "epochs must be a whole number of at least 1, not 0"),
        ("threads", 0, "threads must be a whole number of at least 1, not 0"),
        ("batch", 1, "batch must be a whole number of at least 2, not 1"),
        ("learning_rate", 0.0, "learning_rate must be positive, not 0.0"),
        ("max_minutes", -1.0, "max_minutes must be positive, not -1.0"),
        ("weight_decay", -1.0, "weight_decay must be at least 0, not -1.0"),
        ("label_smoothing", 1.0, "label_smoothing must be at least 0 and below 1, not 1.0"),
        ("validation", 0.0, "validation must be above 0 and below 1, not 0.0"),
        ("augment", "blur", "augment must be one of auto, none, digits, photo, not 'blur'"),
    ],
)
def test_a_bad_setting_is_named(field, value, message):
    with pytest.raises(SubbitError) as error:
        dataclasses.replace(TINY, **{field: value})
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"topology": "cnv"}, "needs images larger than 8x8"),
        ({"encoding": "planes:9"}, "encoding must be"),
        ({"batch": 1000}, "batch must be at most the 144 images"),
        ({"resume": "nowhere/last.ckpt"}, "the checkpoint nowhere/last.ckpt does not exist"),
    ],
)
def test_nothing_is_written_when_the_call_is_wrong(blobs, tmp_path, changes, message):
    with pytest.raises(SubbitError, match=message):
        train(dataclasses.replace(TINY, output=str(tmp_path / "run"), **changes), blobs)
    assert not (tmp_path / "run").exists()


def test_a_training_is_neither_written_over_nor_continued_as_another(blobs, tmp_path):
    config = dataclasses.replace(TINY, epochs=1, output=str(tmp_path))
    train(config, blobs)
    last = tmp_path / "last.ckpt"
    with pytest.raises(SubbitError, match="already holds a training: resume .* or choose another folder$"):
        train(config, blobs)
    with pytest.raises(SubbitError, match="was trained with learning_rate = 0.02, not 0.5: resume with the same$"):
        train(dataclasses.replace(config, resume=str(last), learning_rate=0.5), blobs)
    with pytest.raises(SubbitError, match="^output must be .*, the folder of the checkpoint that is resumed"):
        train(dataclasses.replace(config, resume=str(last), output=str(tmp_path / "other")), blobs)


def test_a_foreign_or_damaged_checkpoint_is_refused(blobs, tmp_path):
    (tmp_path / "a.ckpt").write_bytes(b"nothing of ours")
    torch.save({"state_dict": {}}, tmp_path / "b.ckpt")
    for name in ("a.ckpt", "b.ckpt"):
        with pytest.raises(SubbitError, match=rf"{name} is no checkpoint of subbit, or is damaged"):
            load_model(tmp_path / name)


def test_an_output_folder_that_cannot_be_made_is_said(blobs, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SubbitError, match="cannot be made .Not a directory.: name a place that can be"):
        train(dataclasses.replace(TINY, output=str(tmp_path / "file" / "run")), blobs)

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from sw.compact.method import METHODS, Method, Revision, known_layers
from sw.compact.train import load_model, resume_point, train
from sw.errors import SubbitError
from sw.network import Network
from sw.train import fit
from sw.train.binarize import DenseBinarizer
from sw.train.config import TrainConfig
from sw.train.estimators import sign
from sw.train.export import compare
from sw.train.loop import Learner
from tests.sw.trainings import assert_same, stopped

TINY = TrainConfig(
    topology="conv 4 pad 1, pool, dense 8", epochs=4, batch=32, learning_rate=0.02, validation=0.2, progress=False,
    accelerator="cpu",
)  # fmt: skip


class Opposite(DenseBinarizer):
    """The opposite of every sign."""

    def binarize(self, latent):
        return -sign(latent)

    def encode(self, latent):
        return type(super().encode(latent))(1 - super().encode(latent).decode())


@dataclass(frozen=True, kw_only=True)
class Turned(Method):
    """Turns the signs of its layers round, and names the Network afterwards."""

    kind = "turned"
    name: str = "turned"

    def attach(self, model):
        for name in known_layers(self.layers or ("conv1",), model):
            model.set_binarizer(name, Opposite(model.binarizers()[name].latent))

    def finish(self, network):
        return Network(self.name, network.input, network.layers)


@dataclass(frozen=True, kw_only=True)
class Widened(Method):
    """Trains once, and then with as many times the width as that took epochs."""

    kind = "widened"
    epochs: int = 3

    def revise(self, config, stage):
        first = stage.train(dataclasses.replace(config, epochs=self.epochs))
        return Revision(dataclasses.replace(config, width=float(first.epochs)), {"accuracy": first.validation_accuracy})

    def attach(self, model):
        pass


@pytest.fixture(autouse=True)
def methods(monkeypatch):
    for method in (Turned, Widened):
        monkeypatch.setitem(METHODS, method.kind, method)


def test_without_methods_it_is_the_plain_training(blobs):
    network, result = train(TINY, blobs)
    assert_same(result.model, fit.train(TINY, blobs).model)
    assert compare(result.model, network, blobs.test_images).equal
    assert result.found == {}


def test_methods_attach_finish_and_come_back_with_their_checkpoint(blobs, tmp_path):
    config = dataclasses.replace(TINY, compact=("turned:name=other@dense1", "turned"), output=str(tmp_path / "run"))
    network, result = train(config, blobs)
    assert network.name == "turned"  # the last method's finish is the last
    kinds = {name: type(binarizer) for name, binarizer in result.model.binarizers().items()}
    assert kinds == {"conv1": Opposite, "dense1": Opposite, "dense2": DenseBinarizer}
    assert compare(result.model, network, blobs.test_images).equal
    assert_same(load_model(result.path), result.model)
    assert type(load_model(result.path).binarizers()["conv1"]) is Opposite


@pytest.mark.parametrize(
    ("width", "epoch", "kept"),
    [(1.0, 0, None), (1.0, 2, "widened/last.ckpt"), (3.0, 0, "widened/last.ckpt"), (3.0, 2, "last.ckpt")],
    ids=["first epoch of the stage", "in the stage", "first epoch after it", "after it"],
)
def test_it_goes_on_in_the_stage_that_was_cut_off(blobs, tmp_path, monkeypatch, width, epoch, kept):
    config = dataclasses.replace(TINY, compact=("widened", "turned"))
    network, whole = train(dataclasses.replace(config, output=str(tmp_path / "whole")), blobs)
    assert whole.model.spec.width == 3.0
    output = tmp_path / "halves"
    with stopped(epoch, lambda config: config.width == width) as error:
        train(dataclasses.replace(config, output=str(output)), blobs)
    point = resume_point(output, config.compact)
    if kept is None:
        assert point is None
        assert "nothing was kept" in str(error.value)
        again = dataclasses.replace(config, output=str(output))
    else:
        assert point == output / kept
        assert str(error.value).endswith(f"go on with resume {point}")
        with pytest.raises(SubbitError, match=f"already holds a training: resume {point} or choose another folder$"):
            train(dataclasses.replace(config, output=str(output)), blobs)
        again = dataclasses.replace(config, resume=str(point))
    seen = []
    original = Learner.on_train_epoch_start
    monkeypatch.setattr(
        Learner, "on_train_epoch_start", lambda s: (seen.append((s.config.width, s.current_epoch)), original(s))
    )
    resumed_network, resumed = train(again, blobs)
    stages = [(1.0, 0), (1.0, 1), (1.0, 2), (3.0, 0), (3.0, 1), (3.0, 2), (3.0, 3)]
    assert seen == stages[stages.index((width, epoch)) :]
    assert_same(resumed.model, whole.model)
    assert resumed.found == whole.found == {"widened": {"accuracy": whole.found["widened"]["accuracy"]}}
    assert resumed.path == output / "best.ckpt"
    assert np.array_equal(network.score(blobs.test_images), resumed_network.score(blobs.test_images))
    assert_same(load_model(resumed.path), resumed.model)


def test_a_stages_checkpoint_leads_to_the_latest_stage(blobs, tmp_path, monkeypatch):
    config = dataclasses.replace(TINY, compact=("widened:epochs=1",), output=str(tmp_path))
    whole = train(config, blobs)[1]
    seen = []
    monkeypatch.setattr(Learner, "on_train_epoch_start", lambda self: seen.append(self.current_epoch))
    stage = tmp_path / "widened" / "last.ckpt"
    again = train(dataclasses.replace(config, output=None, resume=str(stage)), blobs)[1]
    assert seen == []
    assert_same(again.model, whole.model)
    monkeypatch.chdir(stage.parent)
    assert_same(train(dataclasses.replace(config, output=None, resume="last.ckpt"), blobs)[1].model, whole.model)


def test_a_stage_trains_without_compaction_and_keeps_nothing_where_nothing_is_asked_for(blobs, monkeypatch):
    seen = []
    original = fit.train

    def watched(config, *rest):
        seen.append(config)
        return original(config, *rest)

    monkeypatch.setattr(fit, "train", watched)
    train(dataclasses.replace(TINY, compact=("widened:epochs=1", "turned"), test=True), blobs)
    assert [(c.compact, c.test, c.output) for c in seen] == [
        ((), False, None),
        (("widened:epochs=1", "turned"), True, None),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"compact": ("magic",)}, "'magic' is no compaction"),
        ({"compact": "turned"}, "compact must be a tuple of texts, not 'turned'"),
        ({"compact": ("widened", "turned@conv9")}, "'conv9' is no layer with weights"),
        ({"compact": ("widened", "widened")}, "widened changes the whole training: name it once, not 2 times"),
        ({"compact": ("widened",), "batch": 1000}, "batch must be at most the 144 images"),
    ],
)
def test_a_wrong_call_writes_nothing(blobs, tmp_path, changes, message):
    with pytest.raises(SubbitError, match=message):
        train(dataclasses.replace(TINY, output=str(tmp_path / "run"), **changes), blobs)
    assert not (tmp_path / "run").exists()


def test_a_training_is_not_continued_as_another(blobs, tmp_path):
    config = dataclasses.replace(TINY, epochs=1, compact=("turned",), output=str(tmp_path / "run"))
    train(config, blobs)
    last = tmp_path / "run" / "last.ckpt"
    with pytest.raises(SubbitError, match=r"was trained with compact = \['turned'\], not \[\]: resume with the same$"):
        train(dataclasses.replace(config, compact=(), resume=str(last)), blobs)
    with pytest.raises(SubbitError, match="already holds a training: resume"):
        train(dataclasses.replace(config, compact=("widened",)), blobs)
    assert not (tmp_path / "run" / "widened").exists()


def test_a_stage_is_not_continued_as_another_or_elsewhere(blobs, tmp_path):
    config = dataclasses.replace(TINY, compact=("widened",), output=str(tmp_path / "run"))
    with stopped(2, lambda config: config.width == 1.0):
        train(config, blobs)
    last = str(tmp_path / "run" / "widened" / "last.ckpt")
    with pytest.raises(SubbitError, match="was trained with seed = 0, not 1: resume with the same$"):
        train(dataclasses.replace(config, resume=last, seed=1), blobs)
    with pytest.raises(SubbitError, match="^output must be .*run, the folder of the training that is resumed"):
        train(dataclasses.replace(config, resume=last, output=str(tmp_path / "other")), blobs)

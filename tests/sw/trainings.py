"""Trainings that are stopped as by Ctrl-C, and go on; whether two have ended the same."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
import torch

from sw.train.config import TrainConfig
from sw.train.data import DataSet
from sw.train.fit import TrainingStopped
from sw.train.loop import Learner

__all__ = ["assert_same", "in_two_halves", "stopped"]

Result = TypeVar("Result")


@contextmanager
def stopped(
    epoch: int, where: Callable[[TrainConfig], bool] = lambda config: True
) -> Iterator[pytest.ExceptionInfo[TrainingStopped]]:
    """Ctrl-C in the second batch of ``epoch``, from 0, of the training ``where`` that is so; the block must raise."""
    original = Learner.on_train_batch_start

    def stop(self, batch, number):
        if (self.current_epoch, number) == (epoch, 1) and where(self.config):
            raise KeyboardInterrupt
        original(self, batch, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "on_train_batch_start", stop)
        with pytest.raises(TrainingStopped) as error:
            yield error


def in_two_halves(
    train: Callable[[TrainConfig, DataSet], Result], config: TrainConfig, data: DataSet, folder: Path, epoch: int
) -> Result:
    """What ``train`` returns once it went on from where it was stopped in ``epoch``; it keeps itself in ``folder``."""
    with stopped(epoch) as error:
        train(dataclasses.replace(config, output=str(folder)), data)
    last = folder / "last.ckpt"
    assert str(error.value) == f"training was stopped in epoch {epoch + 1} of {config.epochs}: go on with resume {last}"
    return train(dataclasses.replace(config, resume=str(last)), data)


def assert_same(one: torch.nn.Module | Mapping[str, torch.Tensor], other: torch.nn.Module | Mapping[str, torch.Tensor]):
    """That two models, or their states, are equal in every bit."""
    states = [end.state_dict() if isinstance(end, torch.nn.Module) else end for end in (one, other)]
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name

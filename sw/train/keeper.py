"""Keeps the last and the best epoch of a training on disk, each file whole or not there."""

import os
import shutil
import zipfile
from pathlib import Path
from typing import Annotated, Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from pydantic import ConfigDict, Field

from sw.documents import Section, checked
from sw.errors import SubbitError
from sw.train.models import BinaryModel

__all__ = ["Keeper", "read_checkpoint"]


class _Subbit(Section):
    config: dict[str, Any]
    spec: dict[str, Any]
    seconds: Annotated[float, Field(ge=0, lt=1e9)]


class _Checkpoint(Section):
    """A checkpoint, as far as it is used before lightning reads it."""

    model_config = ConfigDict(extra="ignore", strict=True, arbitrary_types_allowed=True)
    epoch: Annotated[int, Field(ge=0, lt=1 << 31)]
    state_dict: dict[str, torch.Tensor]
    subbit: _Subbit


class Keeper(Callback):
    """Writes `last.ckpt` after every validation, and `best.ckpt` after one that none before it surpasses.

    Of equally good epochs the later one is kept: it was trained at the smaller learning rate. An epoch whose weights
    are as compact as they are to be surpasses all whose weights were not.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.best = -1.0
        self.ready = False

    @property
    def last_path(self) -> Path:
        """Where the last validated epoch is."""
        return self.folder / "last.ckpt"

    @property
    def best_path(self) -> Path:
        """Where the best epoch is."""
        return self.folder / "best.ckpt"

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        model: BinaryModel = pl_module.model  # type: ignore[assignment]
        accuracy, ready = float(trainer.callback_metrics["val_accuracy"]), model.ready()
        better = (ready, accuracy) >= (self.ready, self.best)
        if better:
            self.ready, self.best = ready, accuracy
        fresh = self.folder / "saving.tmp"
        trainer.save_checkpoint(fresh)
        if trainer.is_global_zero:
            if better:
                copy = self.folder / "copying.tmp"
                shutil.copyfile(fresh, copy)
                os.replace(copy, self.best_path)
            os.replace(fresh, self.last_path)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "ready": self.ready}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.ready = state_dict["best"], state_dict["ready"]


def _check_archive(path: Path) -> None:
    """Raise ValueError unless a file is an archive of torch's, whose members stand in it as they are.

    In older forms the file itself says how much memory to take, and compressed members can be bombs.
    """
    with zipfile.ZipFile(path) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise ValueError("its members are compressed")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, plain values and tensors only. Raises SubbitError where it is none of ours."""
    if not path.is_file():
        raise SubbitError(f"the checkpoint {path} does not exist")
    try:
        _check_archive(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
        checked(_Checkpoint, content)
    except Exception as error:
        raise SubbitError(f"{path} is no checkpoint of subbit, or is damaged ({type(error).__name__})") from error
    return content  # type: ignore[no-any-return]

"""Keeps the last and the best epoch of a training on disk, each file whole or not there."""

import os
import shutil
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from sw.errors import SubbitError
from sw.train.models import BinaryModel

__all__ = ["Keeper", "read_checkpoint"]


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


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, plain values and tensors only. Raises SubbitError where it is none of ours."""
    if not path.is_file():
        raise SubbitError(f"the checkpoint {path} does not exist")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if not {"config", "spec", "seconds"} <= set(content["subbit"]) or "state_dict" not in content:
            raise KeyError("subbit")
    except Exception as error:
        raise SubbitError(f"{path} is no checkpoint of subbit, or is damaged ({type(error).__name__})") from error
    return content  # type: ignore[no-any-return]

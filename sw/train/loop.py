"""The training loop's two halves for lightning: batches, and what is done with one."""

import math
import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch import LightningDataModule, LightningModule
from torch import Tensor

from sw.train.augment import AUGMENTATIONS, augment
from sw.train.config import TrainConfig
from sw.train.data import DataSet, stratified_split
from sw.train.estimators import irnet_sharpness
from sw.train.models import BinaryModel

__all__ = ["Batches", "Learner", "learning_rate_factor", "to_pixels"]

EVALUATION_BATCH = 1000


def to_pixels(images: Tensor) -> Tensor:
    """uint8 (n, height, width, channels) as float32 (n, channels, height, width), the same whole numbers."""
    return images.permute(0, 3, 1, 2).float()


def _seed(*numbers: int) -> int:
    """One 63-bit seed from several numbers, well mixed."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)


def learning_rate_factor(progress: float, warmup: float) -> float:
    """A straight rise from 0 to 1 over `warmup`, then half a cosine down to 0 at progress 1."""
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1.0 + math.cos(math.pi * min((progress - warmup) / (1.0 - warmup), 1.0)))


class Batches(LightningDataModule):
    """The training images, split into a part to fit and a part to validate on, whole on the device of the model.

    A loader yields batch numbers alone, and `transfer_batch_to_device` makes (pixels, labels) of one. The order and the
    changes of an epoch's images follow from the seed, the epoch and the process, so a resumed training repeats them.
    """

    def __init__(self, data: DataSet, config: TrainConfig) -> None:
        super().__init__()
        self.config = config
        self.change = AUGMENTATIONS[config.augmentation(data)]
        fit, held = stratified_split(data.train_labels, config.validation, config.seed)
        self.parts = {
            name: (torch.from_numpy(data.train_images[part]), torch.from_numpy(data.train_labels[part]))
            for name, part in (("fit", fit), ("validation", held))
        }
        self.epoch = -1
        self.order = torch.empty(0)
        self.generator = torch.Generator()

    @property
    def share(self) -> tuple[int, int]:
        """(this process, all processes)."""
        trainer = self.trainer
        return (trainer.global_rank, trainer.world_size) if trainer else (0, 1)

    def steps(self) -> int:
        """Steps in an epoch: each process takes its share, and what does not fill a batch waits for another epoch."""
        return max(1, len(self.parts["fit"][1]) // (self.config.batch * self.share[1]))

    def train_dataloader(self) -> range:
        return range(self.steps())

    def val_dataloader(self) -> range:
        return range(-(-len(self.parts["validation"][1]) // (EVALUATION_BATCH * self.share[1])))

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> tuple[Tensor, Tensor]:
        for name, (images, labels) in self.parts.items():
            if images.device != device:
                self.parts[name] = images.to(device), labels.to(device)
        if self.trainer is not None and self.trainer.training:
            return self.training_batch(int(batch), self.trainer.current_epoch, device)
        rank, world = self.share
        start = (int(batch) * world + rank) * EVALUATION_BATCH
        images, labels = self.parts["validation"]
        return to_pixels(images[start : start + EVALUATION_BATCH]), labels[start : start + EVALUATION_BATCH]

    def training_batch(self, number: int, epoch: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Batch `number` of an epoch, augmented."""
        rank, world = self.share
        images, labels = self.parts["fit"]
        if epoch != self.epoch:
            shuffler = torch.Generator().manual_seed(_seed(self.config.seed, epoch))
            self.order = torch.randperm(len(labels), generator=shuffler)[rank::world].to(device)
            self.generator = torch.Generator(device).manual_seed(_seed(self.config.seed, epoch, rank))
            self.epoch = epoch
        chosen = self.order[number * self.config.batch : (number + 1) * self.config.batch]
        return augment(to_pixels(images[chosen]), self.change, self.generator), labels[chosen]


class Learner(LightningModule):
    """A binary model, its loss, its optimiser and its schedule."""

    def __init__(self, model: BinaryModel, config: TrainConfig, total_steps: int) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.total_steps = total_steps
        self.earlier_seconds = 0.0
        self.begun = False
        self.started = time.monotonic()
        self.correct = torch.zeros(2, dtype=torch.int64)
        self.loss = torch.zeros(())

    @property
    def seconds(self) -> float:
        """Time spent on this training, earlier runs included."""
        return self.earlier_seconds + time.monotonic() - self.started

    def progress(self) -> float:
        """The share of the training that is done, by steps or, where that is more, by the time allowed."""
        done = self.global_step / self.total_steps
        return done if self.config.max_minutes is None else max(done, self.seconds / 60.0 / self.config.max_minutes)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        kind = torch.optim.AdamW if self.config.weight_decay else torch.optim.Adam
        fused = True if self.config.fast else None
        return kind(self.parameters(), lr=self.config.learning_rate, weight_decay=self.config.weight_decay, fused=fused)

    def on_train_epoch_start(self) -> None:
        torch.set_float32_matmul_precision("medium" if self.config.fast else "high")
        torch.manual_seed(_seed(self.config.seed, self.current_epoch, self.global_rank, 1))
        self.model.set_progress(irnet_sharpness(self.progress()))

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        factor = learning_rate_factor(self.progress(), self.config.warmup)
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.config.learning_rate * factor
        for binarizer in self.model.binarizers().values():
            binarizer.before_step(self.progress())

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        pixels, labels = batch
        loss = F.cross_entropy(self.model(pixels), labels, label_smoothing=self.config.label_smoothing)
        self.loss = loss.detach()
        progress = self.progress()
        terms = [regulariser(loss, progress) for regulariser in self.model.regularisers.values()]
        return loss + sum(terms) if terms else loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.begun = True
        for binarizer in self.model.binarizers().values():
            binarizer.after_step()

    def on_validation_epoch_start(self) -> None:
        torch.set_float32_matmul_precision("high")
        self.correct = torch.zeros(2, dtype=torch.int64, device=self.device)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        pixels, labels = batch
        right = (self.model.scores(pixels).argmax(dim=1) == labels).sum()
        self.correct += torch.stack([right, torch.tensor(len(labels), device=self.device)])

    def on_validation_epoch_end(self) -> None:
        right, seen = torch.as_tensor(self.trainer.strategy.reduce(self.correct, reduce_op="sum")).tolist()
        self.log("val_accuracy", right / seen, sync_dist=True)

    def on_train_epoch_end(self) -> None:
        validated = (self.current_epoch + 1) % self.config.validate_every == 0
        if validated and self.config.max_minutes is not None and self.progress() >= 1.0:
            self.trainer.should_stop = True

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["subbit"] = {
            "config": self.config.as_dict(),
            "spec": self.model.spec.as_dict(),
            "seconds": self.seconds,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.earlier_seconds = checkpoint["subbit"]["seconds"]
        self.started = time.monotonic()

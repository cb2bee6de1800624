"""How far a training is, on the terminal or line by line."""

import time
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

__all__ = ["EpochProgress"]

LINE_EVERY_SECONDS = 10.0


class EpochProgress(Callback):
    """A bar over the epochs on a terminal, a line every few seconds elsewhere; it costs nothing within an epoch."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.console = Console(stderr=True)
        self.last_line = 0.0
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("epoch {task.completed}/{task.total}"),
            TimeElapsedColumn(), TimeRemainingColumn(), console=self.console, transient=True,
        )  # fmt: skip

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.console.is_terminal and trainer.is_global_zero:
            self.bar.start()
            self.bar.add_task("training", total=self.epochs, completed=trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        epoch, accuracy = trainer.current_epoch + 1, trainer.callback_metrics.get("val_accuracy")
        told = "" if accuracy is None else f", validation {100 * float(accuracy):.2f} %"
        if self.bar.tasks:
            self.bar.update(self.bar.tasks[0].id, completed=epoch, description=f"training{told}")
        elif time.monotonic() - self.last_line > LINE_EVERY_SECONDS or epoch == self.epochs or trainer.should_stop:
            self.last_line = time.monotonic()
            loss: Any = getattr(pl_module, "loss", 0.0)
            self.console.print(f"epoch {epoch}/{self.epochs}, loss {float(loss):.4f}{told}", highlight=False)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self.bar.stop()

"""Training from start to end: data, model, lightning, the best epoch, and a test asked for once."""

import logging
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback

from sw.errors import SubbitError
from sw.files import made_folder
from sw.train.config import TrainConfig
from sw.train.data import DataSet, load
from sw.train.keeper import Keeper, read_checkpoint
from sw.train.loop import Batches, Learner, to_pixels
from sw.train.models import BinaryModel, ModelSpec
from sw.train.progress import EpochProgress

__all__ = ["Make", "Prepare", "TrainResult", "TrainingStopped", "accuracy", "classify", "load_model", "train"]

Prepare = Callable[[BinaryModel], None]
Make = Callable[[ModelSpec], BinaryModel]


class TrainingStopped(SubbitError):
    """The user stopped the training; the sentence says how to go on."""


@dataclass(frozen=True, eq=False)
class TrainResult:
    """A trained model, in eval mode and on the CPU, with the parameters of its best epoch.

    `validation_accuracy` and `test_accuracy` (None where it was not asked for) are shares of 1; `seconds` includes
    earlier runs that were resumed; `path` is the best checkpoint, None where no output folder was named. `found` is
    what compaction methods found out before the training, as plain values, by the kind of the method.
    """

    model: BinaryModel
    validation_accuracy: float
    test_accuracy: float | None
    seconds: float
    epochs: int
    path: Path | None
    found: dict[str, dict[str, Any]] = field(default_factory=dict)


def train(
    config: TrainConfig, data: DataSet | None = None, prepare: Prepare | None = None, make: Make = BinaryModel
) -> TrainResult:
    """Train as `config` says. `prepare` may give layers other weight binarisers before the training starts.

    `make` gives the model to start from, by default a new one as its spec tells.

    Everything is checked before a file is written. Ctrl-C raises TrainingStopped, the last finished epoch being kept
    where `output` names a folder; `resume` goes on from it and ends where an uninterrupted training would have.
    Raises SubbitError where the call, the data or the checkpoint is wrong.
    """
    data = load(config.data, config.data_dir, config.size, config.seed) if data is None else data
    spec = config.spec(data)
    config, done = _begin(config)
    batches = Batches(data, config)
    if (images := len(batches.parts["fit"][1])) < config.batch:
        raise SubbitError(f"batch must be at most the {images} images of {data.name} to train on, not {config.batch}")
    with _threads(config.threads), torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(config.seed)
        model = make(spec)
        if prepare is not None:
            prepare(model)
        return _run(model, batches, data, config, done)


def _run(model: BinaryModel, batches: Batches, data: DataSet, config: TrainConfig, done: "_Done | None") -> TrainResult:
    """Fit the model, unless that is `done`, and look at what came of it."""
    with _folder(config.output) as folder:
        done = _fit(model, batches, config, folder) if done is None else done
        best = Keeper(folder).best_path
        _fill(model, read_checkpoint(best), best)
        result = TrainResult(
            model=model,
            validation_accuracy=accuracy(model, *(part.cpu().numpy() for part in batches.parts["validation"])),
            test_accuracy=None,
            seconds=done.seconds,
            epochs=done.epochs,
            path=best if config.output else None,
        )
    return replace(result, test_accuracy=accuracy(model, data.test_images, data.test_labels)) if config.test else result


@dataclass(frozen=True)
class _Done:
    """How long a finished training took."""

    seconds: float
    epochs: int


def _begin(config: TrainConfig) -> tuple[TrainConfig, _Done | None]:
    """Check what is resumed or written over; the config with its output folder, and what a finished training took."""
    if config.resume is None:
        if config.output and (Path(config.output) / "last.ckpt").exists():
            last = Path(config.output) / "last.ckpt"
            raise SubbitError(f"{config.output} already holds a training: resume {last} or choose another folder")
        return config, None
    path = Path(config.resume)
    earlier = read_checkpoint(path)
    config.check_continues(earlier["subbit"]["config"], path)
    if config.output and Path(config.output).resolve() != path.parent.resolve():
        raise SubbitError(f"output must be {path.parent}, the folder of the checkpoint that is resumed, or left out")
    seconds, epochs = earlier["subbit"]["seconds"], earlier["epoch"] + 1
    over = epochs >= config.epochs or (config.max_minutes is not None and seconds >= 60.0 * config.max_minutes)
    return replace(config, output=str(path.parent)), _Done(seconds, epochs) if over else None


def _fit(model: BinaryModel, batches: Batches, config: TrainConfig, folder: Path) -> _Done:
    """Run lightning, which leaves the best and the last epoch as checkpoints in `folder`."""
    keeper = Keeper(folder)
    callbacks: list[Callback] = [keeper]
    if config.progress:
        callbacks.append(EpochProgress(config.epochs))
    with _quiet():
        trainer = Trainer(
            accelerator=config.accelerator,
            devices=config.devices,
            num_nodes=config.num_nodes,
            strategy=config.strategy,
            max_epochs=config.epochs,
            check_val_every_n_epoch=min(config.validate_every, config.epochs),
            num_sanity_val_steps=0,
            callbacks=callbacks,
            default_root_dir=folder,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )
        if trainer.world_size > 1 and not config.output:
            raise SubbitError("a training of several processes needs an output folder that all of them see")
        batches.trainer = trainer
        learner = Learner(model, config, config.epochs * batches.steps())
        with _resumed(learner, config), _interruptible(trainer, keeper, config):
            trainer.fit(learner, datamodule=batches, ckpt_path=config.resume, weights_only=True)
    return _Done(learner.seconds, trainer.current_epoch)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Let PyTorch use `count` threads, if that is told, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _resumed(learner: Learner, config: TrainConfig) -> Iterator[None]:
    """Turn whatever lightning makes of a damaged checkpoint, before it begins to train, into SubbitError."""
    try:
        yield
    except (SubbitError, MemoryError):
        raise
    except Exception as error:
        if config.resume is None or learner.begun:
            raise
        raise SubbitError(f"{config.resume} is a damaged checkpoint: the training cannot go on from it") from error


@contextmanager
def _interruptible(trainer: Trainer, keeper: Keeper, config: TrainConfig) -> Iterator[None]:
    """Turn lightning's exit after Ctrl-C into TrainingStopped, and give Ctrl-C back its meaning."""
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if main else None
    try:
        yield
    except SystemExit:
        if not trainer.interrupted:
            raise
        told = f"training was stopped in epoch {trainer.current_epoch + 1} of {config.epochs}"
        if config.output and keeper.last_path.exists():
            raise TrainingStopped(f"{told}: go on with resume {keeper.last_path}") from None
        raise TrainingStopped(f"{told}, and nothing was kept of it") from None
    finally:
        if main:
            signal.signal(signal.SIGINT, handler)


@contextmanager
def _folder(output: str | None) -> Iterator[Path]:
    """The folder for checkpoints; one that is removed afterwards where none is named."""
    if output is None:
        scratch = Path(tempfile.mkdtemp(prefix="subbit-"))
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return
    yield made_folder(output)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back lightning's notes on hardware, its tips, and one warning that its own code earns with new PyTorch."""
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".isinstance.treespec, LeafSpec", FutureWarning)
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def load_model(path: str | Path, prepare: Prepare | None = None) -> BinaryModel:
    """The model in a checkpoint, in eval mode; `prepare` must be what `train` was given. Raises SubbitError."""
    content = read_checkpoint(Path(path))
    try:
        spec = ModelSpec.of(content["subbit"]["spec"])
        with torch.device("meta"):  # Shapes alone: what a checkpoint says may be far larger than what it holds.
            wanted = sum(value.numel() for value in BinaryModel(spec).state_dict().values())
        if wanted > sum(value.numel() for value in content["state_dict"].values()):
            raise ValueError("parameters are missing")
    except SubbitError:
        raise
    except Exception as error:  # Plain values of any kind, put into a model.
        raise SubbitError(f"{path} is a damaged checkpoint: it does not tell a model") from error
    model = BinaryModel(spec)
    if prepare is not None:
        prepare(model)
    return _fill(model, content, path)


def _fill(model: BinaryModel, content: dict[str, Any], path: str | Path) -> BinaryModel:
    """`model` with the parameters in a checkpoint, in eval mode and on the CPU. Raises SubbitError."""
    try:
        model.load_state_dict({name.removeprefix("model."): value for name, value in content["state_dict"].items()})
    except RuntimeError as error:
        raise SubbitError(f"{path} is a damaged checkpoint: its parameters are not those of its model") from error
    return model.cpu().eval()


@torch.no_grad()
def classify(model: BinaryModel, images: np.ndarray, batch: int = 500) -> np.ndarray:
    """Class of each uint8 image (n, height, width, channels), int64 (n,); a tie goes to the lowest class."""
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    parts = [torch.tensor(images[start : start + batch]) for start in range(0, len(images), batch)]
    found = [model.scores(to_pixels(part.to(device))).argmax(dim=1).cpu().numpy() for part in parts]
    model.train(training)
    return np.concatenate(found)


def accuracy(model: BinaryModel, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of images whose class is right."""
    return float((classify(model, images) == labels).mean())

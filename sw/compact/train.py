"""Training with compaction from start to end: what the methods revise, attach to, train, export and finish."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sw.compact.method import Method, Stage, parse_methods
from sw.errors import SubbitError
from sw.network import Network
from sw.train import fit
from sw.train.config import TrainConfig
from sw.train.data import DataSet, load
from sw.train.export import export
from sw.train.fit import Prepare, TrainingStopped, TrainResult
from sw.train.keeper import read_checkpoint
from sw.train.models import BinaryModel

__all__ = ["load_model", "prepared_by", "resume_point", "train"]

LAST = "last.ckpt"


def train(config: TrainConfig, data: DataSet | None = None) -> tuple[Network, TrainResult]:
    """Train as `config` says with the methods that `config.compact` names; the Network, and what the training found.

    All that `sw.train.fit.train` promises. A method that trains a network of its own first does so in a sub-folder of
    the output, named like the method, and a training is resumed in the stage in which it was cut off: `resume` names
    the last checkpoint of any stage (`resume_point` finds it). Raises SubbitError.
    """
    methods = parse_methods(config.compact)
    _check_once(methods)
    data = load(config.data, config.data_dir, config.size, config.seed) if data is None else data
    folder, in_stage = _place(config, methods)
    prepare = prepared_by(methods)
    _check_attach(config, data, prepare)
    found: dict[str, dict[str, Any]] = {}
    revised = config
    try:
        for method in methods:
            revision = method.revise(revised, _stage(method, revised, data, folder))
            revised = revision.config
            if revision.found:
                found[method.kind] = revision.found
    except KeyboardInterrupt:
        raise _stopped(TrainingStopped("training was stopped, and nothing was kept of it"), config, folder) from None
    if in_stage:
        last = _last(folder)
        revised = replace(revised, output=str(folder), resume=str(last) if last else None)
    try:
        result = fit.train(revised, data, prepare)
    except TrainingStopped as stopped:
        raise _stopped(stopped, config, folder) from None
    network = export(result.model)
    for method in methods:
        network = method.finish(network)
    return network, replace(result, found=found)


def load_model(path: str | Path) -> BinaryModel:
    """The model in a checkpoint of `train`, with its methods attached, in eval mode. Raises SubbitError."""
    methods = parse_methods(read_checkpoint(Path(path))["subbit"]["config"].get("compact", []))
    return fit.load_model(path, prepared_by(methods))


def prepared_by(methods: Sequence[Method]) -> Prepare:
    """What attaches `methods`, in their order, to a model."""

    def prepare(model: BinaryModel) -> None:
        for method in methods:
            method.attach(model)

    return prepare


def resume_point(folder: Path, compact: Sequence[str] = ()) -> Path | None:
    """The checkpoint in `folder` from which a training with these methods goes on, or None where there is none."""
    return next((path for path in _checkpoints(folder, parse_methods(compact)) if path.is_file()), None)


def _checkpoints(folder: Path, methods: Sequence[Method]) -> list[Path]:
    """Where the last checkpoints of all stages may be, the latest stage first."""
    stages = [folder / method.kind / LAST for method in reversed(methods)]
    return [folder / LAST, *stages]


def _check_once(methods: Sequence[Method]) -> None:
    """Raise SubbitError where a method that revises the training is named more than once."""
    revising = [method.kind for method in methods if type(method).revise is not Method.revise]
    for kind in revising:
        if revising.count(kind) > 1:
            raise SubbitError(f"{kind} changes the whole training: name it once, not {revising.count(kind)} times")


def _place(config: TrainConfig, methods: Sequence[Method]) -> tuple[Path | None, bool]:
    """The folder of the whole training, and whether `resume` names the checkpoint of a stage. Raises SubbitError."""
    output = Path(config.output) if config.output else None
    if config.resume is None:
        begun = resume_point(output, config.compact) if output else None
        if begun is not None:
            raise SubbitError(f"{output} already holds a training: resume {begun} or choose another folder")
        return output, False
    path = Path(config.resume)
    plain = not read_checkpoint(path)["subbit"]["config"].get("compact")
    if not (plain and path.parent.resolve().name in {method.kind for method in methods}):
        return path.parent, False
    folder = path.parent.resolve().parent if path.parent == Path() else path.parent.parent
    if output is not None and output.resolve() != folder.resolve():
        raise SubbitError(f"output must be {folder}, the folder of the training that is resumed, or left out")
    return folder, True


def _check_attach(config: TrainConfig, data: DataSet, prepare: Prepare) -> None:
    """Raise SubbitError where a method cannot be attached, before a stage is trained for nothing."""
    if config.compact:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            prepare(BinaryModel(config.spec(data)))


def _stage(method: Method, config: TrainConfig, data: DataSet, folder: Path | None) -> Stage:
    """What `method` may use to find out what the training to come should be."""
    own = folder / method.kind if folder else None

    def trained(wanted: TrainConfig) -> TrainResult:
        last = _last(own)
        plain = replace(
            wanted,
            compact=(),
            output=str(own) if own else None,
            resume=str(last) if last else None,
            test=False,
        )
        return fit.train(plain, data)

    def tell(text: str) -> None:
        if config.progress:
            print(f"{method.kind}: {text}", file=sys.stderr)

    return Stage(data, folder, trained, tell)


def _last(folder: Path | None) -> Path | None:
    """The last checkpoint in a folder, if there is one."""
    return folder / LAST if folder and (folder / LAST).is_file() else None


def _stopped(stopped: TrainingStopped, config: TrainConfig, folder: Path | None) -> TrainingStopped:
    """`stopped`, or where a finished stage was kept and nothing after it, how to go on from there."""
    kept = resume_point(folder, config.compact) if folder else None
    if kept is None or str(kept) in str(stopped):
        return stopped
    return TrainingStopped(f"training was stopped before it had kept an epoch: go on with resume {kept}")

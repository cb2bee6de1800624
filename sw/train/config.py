"""Everything that a training is told, in one frozen record that a checkpoint can carry."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sw.errors import SubbitError
from sw.network.padding import PaddingKind
from sw.train.augment import AUGMENTATIONS
from sw.train.data import DataSet
from sw.train.models import ModelSpec

__all__ = ["FREE", "TrainConfig"]

# What may differ between a training and its continuation: where it runs, how long, and how it is shown.
FREE = frozenset(
    [
        "epochs",
        "max_minutes",
        "output",
        "resume",
        "data_dir",
        "test",
        "progress",
        "accelerator",
        "devices",
        "num_nodes",
        "strategy",
    ]
)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A training: data, model, and how the one is fitted to the other.

    The model's fields are those of `ModelSpec`. `output` is the folder for the checkpoints, `resume` a checkpoint to go
    on from. `validation` is the share of the training images that picks the best epoch; the test images are never used
    for it, and are looked at once, at the end, only where `test` asks for it.

    `batch` images a step and a device; Adam (AdamW where `weight_decay` > 0) at `learning_rate`, after a `warmup` share
    of the training on a cosine down to 0. `max_minutes` ends the training early, and the cosine with it.
    `augment`: none, digits or photo; auto takes digits for one channel and photo for three.
    `compact` names compaction methods, each a text as `sw.compact` reads it. `start` tells the Network that is trained
    further, by its `sw.network.digest`, or is None.
    `threads` of a CPU share each step, by default as many as PyTorch takes: another number adds in another order, and
    so trains another network from the same seed.
    `fast` takes products in bfloat16 where the processor is made for these, and Adam's fused steps: wide layers
    train faster. Products of bits and small whole numbers stay exact, gradients are rounded, and so it
    trains another network from the same seed.
    `accelerator`, `devices`, `num_nodes`, `strategy` go to lightning: the same call trains on several machines.
    """

    data: str = "digits"
    data_dir: str | None = None
    size: tuple[int, int] | None = None
    topology: str = "cnn"
    width: float = 1.0
    encoding: str = "planes"
    padding: PaddingKind = "-1"
    activation_bits: int = 1
    compact: tuple[str, ...] = ()
    start: str | None = None
    estimator: str = "ste"
    input_dropout: float = 0.0
    dropout: float = 0.0
    epochs: int = 60
    max_minutes: float | None = None
    batch: int = 32
    learning_rate: float = 1e-2
    weight_decay: float = 0.0
    warmup: float = 0.05
    label_smoothing: float = 0.1
    augment: str = "auto"
    validation: float = 0.1
    validate_every: int = 1
    seed: int = 0
    threads: int | None = None
    fast: bool = False
    output: str | None = None
    resume: str | None = None
    test: bool = False
    progress: bool = True
    accelerator: str = "auto"
    devices: int | str = 1
    num_nodes: int = 1
    strategy: str = "auto"

    def __post_init__(self) -> None:
        for name, low in (("epochs", 1), ("batch", 2), ("validate_every", 1), ("num_nodes", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < low:
                raise SubbitError(f"{name} must be a whole number of at least {low}, not {value!r}")
        if self.threads is not None and (not isinstance(self.threads, int) or self.threads < 1):
            raise SubbitError(f"threads must be a whole number of at least 1, not {self.threads!r}")
        if isinstance(self.compact, str) or not all(isinstance(text, str) for text in self.compact):
            raise SubbitError(f"compact must be a tuple of texts, not {self.compact!r}")
        if not self.learning_rate > 0:
            raise SubbitError(f"learning_rate must be positive, not {self.learning_rate!r}")
        if self.max_minutes is not None and not self.max_minutes > 0:
            raise SubbitError(f"max_minutes must be positive, not {self.max_minutes!r}")
        if not self.weight_decay >= 0:
            raise SubbitError(f"weight_decay must be at least 0, not {self.weight_decay!r}")
        for name in ("warmup", "label_smoothing"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise SubbitError(f"{name} must be at least 0 and below 1, not {getattr(self, name)!r}")
        if not 0.0 < self.validation < 1.0:
            raise SubbitError(f"validation must be above 0 and below 1, not {self.validation!r}")
        if self.augment not in ("auto", *AUGMENTATIONS):
            raise SubbitError(f"augment must be one of auto, {', '.join(AUGMENTATIONS)}, not {self.augment!r}")

    def spec(self, data: DataSet) -> ModelSpec:
        """The model that this training makes for `data`. Raises SubbitError where the two do not go together."""
        shared = {f.name for f in fields(ModelSpec)} & {f.name for f in fields(self)}
        values = {name: getattr(self, name) for name in shared}
        return ModelSpec(shape=data.shape, bits=data.bits, classes=data.classes, **values)

    def augmentation(self, data: DataSet) -> str:
        """The name of the augmentation that is meant for `data`."""
        if self.augment != "auto":
            return self.augment
        return "photo" if data.shape[2] == 3 else "digits"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return {**asdict(self), "size": list(self.size) if self.size else None, "compact": list(self.compact)}

    def check_continues(self, earlier: dict[str, Any], path: Path) -> None:
        """Raise SubbitError where this training is not the one told by `earlier`, as a checkpoint holds it."""
        now, earlier = self.as_dict(), {"fast": False, **earlier}  # Which earlier versions did not have.
        for name in sorted(set(now) - FREE):
            if earlier.get(name) != now[name]:
                raise SubbitError(
                    f"{path} was trained with {name} = {earlier.get(name)!r}, not {now[name]!r}: resume with the same"
                )

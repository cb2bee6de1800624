"""Compaction of a finished network, and what it changed: the public functions behind ``subbit compact``."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from subbit.console import made_by_user
from subbit.extras import require
from subbit.inspection import LayerFacts, inspect_network
from sw.network import Linear, Network, Scores, Threshold

if TYPE_CHECKING:
    from sw.train.fit import TrainResult

__all__ = ["LayerChange", "agreement", "changes", "compact", "fine_tune"]


@dataclass(frozen=True)
class LayerChange:
    """What compaction made of one layer: its facts ``before`` and ``after``, and how many weight bits changed.

    ``changed`` is None where the layer has other weights in number. An output whose every weight was turned round, and
    what reads it with them, has not changed.
    """

    name: str
    before: LayerFacts
    after: LayerFacts
    changed: int | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "before": self.before.as_dict(), "after": self.after.as_dict()}


def compact(
    network: Network, *methods: str, images: np.ndarray | None = None, classes: np.ndarray | None = None
) -> Network:
    """A finished network made compact by ``methods`` without training: "reuse" keeps its scores, "codebook:n=32" not.

    ``images``, uint8 (n, height, width, channels), let a method judge what it leaves out, by ``classes``, int64 (n,),
    or by what the network says of them now. Raises SubbitError where a method is unknown, does not suit the network or
    works in training alone.
    """
    require("train", "compaction")
    from sw.compact.method import Evidence, convert, parse_methods

    evidence = None
    if images is not None:
        with made_by_user():
            seen = network.check_images(images)
        evidence = Evidence(seen, network.classify(seen) if classes is None else classes)
    return convert(network, parse_methods(methods), evidence)


def fine_tune(network: Network, *methods: str, **settings: Any) -> tuple[Network, "TrainResult"]:
    """``network`` trained further with ``methods`` attached; returns the new one and what the training found.

    ``settings`` are the fields of ``sw.train.config.TrainConfig`` that do not describe a model: ``data="mnist"``,
    ``epochs=5``, ``learning_rate=1e-3``. The training starts from the network's own scores. Raises SubbitError where
    the data do not fit the network, or PyTorch cannot tell a layer.
    """
    require("train", "fine-tuning")
    from sw.compact.finetune import fine_tune as fit
    from sw.train.config import TrainConfig
    from sw.train.data import load

    config = TrainConfig(**settings, compact=methods)
    return fit(network, config, load(config.data, config.data_dir, config.size, config.seed))


def agreement(network: Network, images: np.ndarray, classes: np.ndarray) -> float:
    """The share of ``images`` that ``network`` puts into ``classes``."""
    return float((network.classify(images) == classes).mean())


def changes(before: Network, after: Network) -> list[LayerChange]:
    """What became of each layer that has weights in both networks, by its name."""
    facts = [{layer.name: layer for layer in inspect_network(one).layers} for one in (before, after)]
    found = []
    for layer in before.layers:
        other = next((one for one in after.layers if one.name == layer.name), None)
        if isinstance(layer, Linear) and isinstance(other, Linear):
            changed = _changed(before, after, layer, other)
            found.append(LayerChange(layer.name, facts[0][layer.name], facts[1][layer.name], changed))
    return found


def _changed(before: Network, after: Network, layer: Linear, other: Linear) -> int | None:
    """Weight bits that differ."""
    if layer.weights.shape != other.weights.shape:
        return None
    differ = layer.weights.decode() != other.weights.decode()
    turned = _signs(before, layer.name) != _signs(after, layer.name)
    return int((differ.reshape(len(differ), -1) ^ turned[:, None]).sum())


def _signs(network: Network, name: str) -> np.ndarray:
    """Whether what reads a layer's sums turns them round, bool (outputs,)."""
    for layer in network.layers:
        if name in layer.reads and isinstance(layer, Threshold):
            return layer.invert
        if name in layer.reads and isinstance(layer, Scores):
            return layer.scale < 0
    return np.zeros(network.shapes[name].channels, bool)

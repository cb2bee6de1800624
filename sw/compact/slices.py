"""Bit slices of the input that a network can do without: measured, chosen, left out (CBNN).

Li and Ren, "Build a Compact Binary Neural Network through Bit-level Sensitivity and Data Pruning", 2018, arXiv
1802.00904, and the authors' code (PSCLab-ASU/C-BNN). A network is trained on every bit of every pixel as a channel of
its own. Then some slices of all colours are replaced by random bits, for a whole set of images and without training
again, and what that costs is their sensitivity. Slices that cost next to nothing are left out, and a smaller network is
trained on the others.

Ours: the average over seeds, the search for the slices to leave out, and the rule for how small the network becomes.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sw.compact.finished import input_slices, with_slices
from sw.compact.method import Evidence, Method, Revision, Stage, register
from sw.errors import SubbitError
from sw.files import atomic_write
from sw.kept_slices import read_kept
from sw.network import Network
from sw.train.config import TrainConfig
from sw.train.data import stratified_split
from sw.train.fit import classify
from sw.train.layers import PlanesInput, SlicesInput
from sw.train.models import BinaryModel, ModelSpec, slices_text

__all__ = ["Choice", "Sensitivity", "Slices", "choose", "injected", "sensitivity", "slices_of"]

KEPT = "slices.json"
SLACK = 1e-9  # a mean of shares is exact to less than this


@dataclass(frozen=True)
class Sensitivity:
    """Accuracy (a share of 1) with the slices of each of `sets` random: its mean over seeds and standard deviation."""

    sets: tuple[tuple[int, ...], ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True)
class Choice:
    """What was measured and chosen.

    `accuracy` is that of the images as they are, `joint` the mean with all of `dropped` random. `single` has every
    slice by itself, lowest bit first, `cumulative` the least sensitive slice, the two least sensitive, and so on.
    """

    accuracy: float
    joint: float
    kept: tuple[int, ...]
    dropped: tuple[int, ...]
    single: Sensitivity
    cumulative: Sensitivity


def slices_of(spec: ModelSpec) -> tuple[int, ...]:
    """The bits of a pixel that a model looks at, ascending; all of them where it compares pixels with thresholds."""
    layer = spec.input_layer()
    if isinstance(layer, SlicesInput):
        return layer.slices
    return layer.planes if isinstance(layer, PlanesInput) else tuple(range(spec.bits))


def injected(images: np.ndarray, slices: Sequence[int], bits: int, seed: int) -> np.ndarray:
    """`images` with `slices` of every colour replaced by random bits; the bits of a slice depend on the seed alone."""
    if not set(slices) <= set(range(bits)):
        raise ValueError(f"slices must be from 0 to {bits - 1}, not {tuple(slices)}")
    noise = np.random.default_rng(seed).integers(0, 256, images.shape, dtype=np.uint8)
    mask = np.uint8(sum(1 << place for place in set(slices)))
    return (images & ~mask) | (noise & mask)


def sensitivity(
    model: BinaryModel | Network,
    images: np.ndarray,
    labels: np.ndarray,
    sets: Sequence[Sequence[int]],
    seeds: Sequence[int],
) -> Sensitivity:
    """Accuracy of `model` on uint8 images (n, height, width, channels) with the slices of each set random.

    The random bits go into the pixels, so any input encoding will do. All sets see the same random bits of a seed, so
    that their differences are less random than they are. The spread of a single seed is 0.
    """
    said, bits = (
        (model.classify, model.input.bits)
        if isinstance(model, Network)
        else (partial(classify, model), model.spec.bits)
    )
    found = [
        [float((said(injected(images, chosen, bits, seed)) == labels).mean()) for seed in seeds] for chosen in sets
    ]
    return Sensitivity(
        tuple(tuple(sorted(chosen)) for chosen in sets),
        tuple(float(np.mean(shares)) for shares in found),
        tuple(float(np.std(shares, ddof=1)) if len(shares) > 1 else 0.0 for shares in found),
    )


def choose(
    measure: Callable[[Sequence[Sequence[int]]], Sensitivity], slices: Sequence[int], drop: float, keep: int = 0
) -> Choice:
    """The slices to leave out: as many as cost at most `drop` of the accuracy when all of them are random at once.

    From the least sensitive slice on (the lower bit where two are equal), a slice is left out where its injection
    *together with* those left out before it stays within `drop`; otherwise it is kept and the next one is tried. One
    slice is always kept. With `keep`, exactly so many are kept: the search ends early, or goes on with the least
    sensitive of those that had not passed. `measure` gives the Sensitivity of sets; the empty set is the plain images.
    """
    accuracy = measure([()]).mean[0]
    single = measure([(place,) for place in slices])
    order = [place for _, place in sorted(zip((-mean for mean in single.mean), slices, strict=True))]
    cumulative = measure([order[: count + 1] for count in range(len(order))])
    known = {chosen: mean for part in (single, cumulative) for chosen, mean in zip(part.sets, part.mean, strict=True)}

    def joint(chosen: Sequence[int]) -> float:
        key = tuple(sorted(chosen))
        if key not in known:
            known[key] = measure([key]).mean[0]
        return known[key]

    most = len(order) - max(1, keep)
    dropped: list[int] = []
    for place in order:
        if len(dropped) < most and accuracy - joint([*dropped, place]) <= drop + SLACK:
            dropped.append(place)
    if keep:
        dropped += [place for place in order if place not in dropped][: most - len(dropped)]
    return Choice(
        accuracy,
        joint(dropped) if dropped else accuracy,
        tuple(sorted(set(slices) - set(dropped))),
        tuple(sorted(dropped)),
        single,
        cumulative,
    )


@register
@dataclass(frozen=True, kw_only=True)
class Slices(Method):
    """Trains on all bit slices of the input, leaves out the redundant ones, trains a smaller network on the others.

    `drop` is the share of the validation accuracy that random bits in all slices left out may cost, before the second
    training; `seeds` how often they are drawn; `keep`, where it is not 0, the number of slices to keep in spite of
    that. With `shrink` all widths are multiplied by the share of slices kept, so that inner weights fall with its
    square (our rule, as the paper's is not published in numbers); `width`, where it is not 0, is that factor by hand.
    """

    kind = "slices"
    drop: float = 0.01
    seeds: int = 5
    keep: int = 0
    shrink: bool = True
    width: float = 0.0

    def __post_init__(self) -> None:
        if self.layers:
            raise SubbitError("slices are chosen for the whole network: leave out @ and the layers")
        if not 0.0 <= self.drop < 1.0:
            raise SubbitError(f"slices: drop must be at least 0 and below 1, not {self.drop!r}")
        if self.seeds < 1:
            raise SubbitError(f"slices: seeds must be at least 1, not {self.seeds!r}")
        if self.keep < 0:
            raise SubbitError(f"slices: keep must be at least 0, not {self.keep!r}")
        if not 0.0 <= self.width < float("inf"):
            raise SubbitError(f"slices: width must be at least 0, not {self.width!r}")

    def attach(self, model: BinaryModel) -> None:
        """Nothing: the model's input is what `revise` made it."""

    def revise(self, config: TrainConfig, stage: Stage) -> Revision:
        spec = config.spec(stage.data)
        if config.encoding.partition(":")[0] not in ("planes", "slices"):
            raise SubbitError(f"slices are chosen from an input of planes or slices, not {config.encoding}")
        every = slices_of(spec)
        self._check_keep(every)
        base = replace(config, encoding=slices_text(every), compact=())
        kept = stage.folder / KEPT if stage.folder else None
        if kept and kept.is_file():
            found = self._found_before(kept, base)
        else:
            found = self._measured(base, stage, every)
            if kept:
                with atomic_write(kept) as temporary:
                    temporary.write_text(json.dumps({**found, "config": base.as_dict()}, indent=2) + "\n")
        chosen = tuple(found["choice"]["kept"])
        factor = self.width or (len(chosen) / len(every) if self.shrink else 1.0)
        revised = replace(config, encoding=slices_text(chosen), width=config.width * factor)
        stage.tell(
            f"{', '.join(map(str, chosen))} of {len(every)} kept, {100 * found['choice']['joint']:.2f} % in validation "
            f"with the others random and {100 * found['choice']['accuracy']:.2f} % as they are: "
            f"training on {revised.encoding} at width {revised.width:g}"
        )
        return Revision(revised, {**found, "encoding": revised.encoding, "width": revised.width})

    def convert(self, network: Network, evidence: Evidence | None = None) -> Network:
        """The network without the slices that it can do without: as many are left out as `drop` or `keep` says.

        Nothing is shrunk, which takes training. Without evidence the upper `keep` slices stay.
        """
        every = input_slices(network)
        if self.width:
            raise SubbitError("slices: width takes training: leave it out for a finished network")
        self._check_keep(every)
        if evidence is None and not self.keep:
            raise SubbitError("slices are judged by images: name some, or say how many to keep, as in slices:keep=4")
        if evidence is None:
            return with_slices(network, every[-self.keep :])
        choice = choose(
            lambda sets: sensitivity(network, evidence.images, evidence.classes, sets, range(self.seeds)),
            every,
            self.drop,
            self.keep,
        )
        return with_slices(network, choice.kept, evidence.images)

    def _check_keep(self, every: Sequence[int]) -> None:
        if self.keep > len(every):
            raise SubbitError(f"slices: keep must be at most the {len(every)} slices of the input, not {self.keep}")

    def _measured(self, base: TrainConfig, stage: Stage, every: tuple[int, ...]) -> dict[str, Any]:
        """Train on every slice and choose; plain values, as slices.json keeps them."""
        stage.tell(f"training on all {len(every)} slices")
        result = stage.train(base)
        data = stage.data
        held = stratified_split(data.train_labels, base.validation, base.seed)[1]
        images, labels = data.train_images[held], data.train_labels[held]
        stage.tell(f"measuring the sensitivity on {len(held):,} validation images")
        with _on(base.accelerator, result.model) as model:
            choice = choose(
                lambda sets: sensitivity(model, images, labels, sets, range(self.seeds)), every, self.drop, self.keep
            )
        return {
            "method": str(self),
            "slices": list(every),
            "choice": json.loads(json.dumps(asdict(choice))),
            "base": {
                "validation_accuracy": result.validation_accuracy,
                "epochs": result.epochs,
                "seconds": round(result.seconds, 1),
            },
        }

    def _found_before(self, path: Path, base: TrainConfig) -> dict[str, Any]:
        """What an earlier run kept. Raises SubbitError where it is damaged or of another training."""
        try:
            found = read_kept(path)
        except (OSError, ValueError) as error:
            raise SubbitError(f"{path} is damaged: remove it to measure the slices again") from error
        method, config = found["method"], found.pop("config")
        if method != str(self):
            raise SubbitError(f"{path} was made with {method}, not {self}: resume with the same")
        base.check_continues(config, path)
        return found


@contextmanager
def _on(accelerator: str, model: BinaryModel) -> Iterator[BinaryModel]:
    """`model` on a GPU where there is one and `accelerator` admits it, and on the CPU again afterwards."""
    yield model.to("cuda" if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available() else "cpu")
    model.cpu()

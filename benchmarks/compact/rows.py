"""The networks that the compaction tables compare: one line of settings each."""

import re
from dataclasses import dataclass, replace

from benchmarks.report import RESULTS
from sw.train.config import TrainConfig

__all__ = ["ROWS", "RUNS", "Row"]

#: Every run that was kept, with its recipe.
RUNS = RESULTS / "compact_runs.json"

# VGG-like, two convolutions before each pool, sized so that the whole table repeats in a night on two cores.
NETWORK = "conv 32 stride 2 pad 1, conv 32 pad 1, pool, conv 64 pad 1, conv 64 pad 1, pool"

_SHARED = TrainConfig(
    data="fashion-mnist",
    topology=NETWORK,
    encoding="thermometer:8",
    estimator="bireal",
    batch=256,
    learning_rate=1e-2,
    epochs=12,
    validation=1 / 12,
    validate_every=2,
    augment="none",
    label_smoothing=0.0,
)
#: For CIFAR-10: VGG-small's shape, small enough for two cores.
PHOTOS = "conv 32 stride 2 pad 1, conv 64 pad 1, pool, conv 128 pad 1, conv 128 pad 1, pool"
#: Twice as wide, for what is left when half of the width goes.
WIDE = "conv 64 stride 2 pad 1, conv 64 pad 1, pool, conv 128 pad 1, conv 128 pad 1, pool, dense 128"
CODEBOOKS = (32, 16, 8, 64, 128)  # What is asked most comes first.
WAYS = ("sparks", "snn", "frequent", "random")
ONES = (0.25, 0.10, 0.05, 0.03, 0.01)
STRENGTHS = (0.03, 0.1, 0.3, 1)


@dataclass(frozen=True)
class Row:
    """One setting: the table it belongs to, its name there, and its training."""

    table: str
    name: str
    config: TrainConfig

    @property
    def key(self) -> str:
        """A name for files."""
        return re.sub("[^a-z0-9.]+", "-", f"{self.table}-{self.name}")


def _rows() -> list[Row]:
    def row(table: str, name: str, *compact: str, **changes: object) -> Row:
        return Row(table, name, replace(_SHARED, compact=compact, **changes))

    rows = [row("codebook", "dense")]
    rows += [row("codebook", f"{way} {n}", f"codebook:n={n},by={way}") for n in CODEBOOKS for way in WAYS]
    rows += [row("two-level", f"{ones:g}", f"two-level:ones={ones:g}") for ones in ONES]
    rows += [row("slices", f"{kept}", encoding=f"slices:{kept}") for kept in range(8, 0, -1)]
    rows += [row("reuse", "untrained", "reuse")]
    rows += [row("reuse", f"{strength:g}", f"reuse:strength={strength:g}") for strength in STRENGTHS]
    rows += [row("mnist", "dense", data="mnist", augment="digits")]
    rows += [row("mnist", f"sparks {n}", f"codebook:n={n}", data="mnist", augment="digits") for n in (32, 16)]
    digits: dict[str, object] = {"data": "mnist", "augment": "digits", "encoding": "slices"}
    rows += [row("pruning", "mnist, 8 slices", **digits)]
    rows += [row("pruning", f"mnist, {kept} kept", f"slices:keep={kept}", **digits) for kept in (4, 3)]
    rows += [row("pruning", "mnist, 1 % allowed", "slices:drop=0.01", **digits)]
    # The last layer shrinks on one side only, so that at half the width more than a quarter of the weights is left.
    narrow = "slices:keep=4,width=0.48"
    rows += [row("pruning", "fashion-mnist, 4 kept", narrow, encoding="slices")]
    rows += [row("pruning", "mnist, 4 kept, narrower", narrow, **digits)]
    # With a dense layer that shrinks on both sides, nearly all weights fall with the square of the share.
    for name, network in (("dense 128", f"{NETWORK}, dense 128"), ("wide", WIDE)):
        larger: dict[str, object] = {**digits, "topology": network}
        rows += [row("pruning", f"mnist, 8 slices, {name}", **larger)]
        rows += [row("pruning", f"mnist, 4 kept, {name}", "slices:keep=4", **larger)]
    photos: dict[str, object] = {"data": "cifar10", "augment": "photo", "topology": PHOTOS, "epochs": 6}
    rows += [row("cifar10", "dense", **photos)]
    rows += [row("cifar10", f"sparks {n}", f"codebook:n={n}", **photos) for n in (64, 32, 16)]
    return rows


ROWS = _rows()

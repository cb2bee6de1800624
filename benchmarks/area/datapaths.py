"""Area of one network as every datapath computes it, at the same frames a second: plain weights, codebooks, few ones.

    python -m benchmarks datapaths [--families ecp5 ice40 xc7] [--cycles 64000]

The weights are random within what each method leaves: a codebook of n words, or so many ones with two levels. Every
layer but the first and the last is compact, as `--compact` makes it. For each the planner takes the cheapest folding of
the datapath that is named, or of any, and Yosys measures the whole accelerator. Rows that are there already are kept.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from rich.progress import track

from benchmarks.networks import chain, codebook_weights
from benchmarks.report import kept_rows, publish, versions
from hw.accelerator import Accelerator
from hw.plan.datapath import Datapath
from hw.plan.pipeline import pipeline
from hw.plan.plan import Plan
from hw.plan.search import bram_price, cheapest, least_area_plan
from hw.plan.space import Space
from hw.synthesis import synthesise
from hw.yosys import yosys_version
from sw.errors import SubbitError
from sw.network import DenseEncoding, Input, Linear, Network, Thermometer
from sw.network.encodings import Encoding
from sw.network.encodings.sparse import SparseEncoding
from sw.network.encodings.two_level import TwoLevelEncoding

__all__ = ["VARIANTS", "codebook", "compacted", "few", "main", "network"]

STEPS = [("conv", 32), ("pool", 2), ("conv", 64), ("conv", 64), ("pool", 2), ("dense", 64), ("dense", 10)]
Compact = Callable[[np.random.Generator, tuple[int, ...]], Encoding]


def plain(rng: np.random.Generator, shape: tuple[int, ...]) -> Encoding:
    """Weights of -1 and +1 with equal chances."""
    return DenseEncoding(rng.integers(0, 2, shape, dtype=np.uint8))


def codebook(n: int) -> Compact:
    """Weights made of ``n`` words."""
    return lambda rng, shape: codebook_weights(rng, shape, n)


def few(ones: float) -> Compact:
    """Two-level weights of which the share ``ones`` is one, in every output alike."""

    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> Encoding:
        taps = int(np.prod(shape[1:]))
        bits = np.zeros((shape[0], taps), np.uint8)
        count = max(1, round(ones * taps))
        for row in bits:
            row[rng.choice(taps, count, replace=False)] = 1
        return TwoLevelEncoding(SparseEncoding.of(bits.reshape(shape)), -210, 8)

    return make


#: Name, how inner weights are made, and the datapath of the inner layers; where there is none the planner chooses.
VARIANTS: tuple[tuple[str, Compact, str | None], ...] = (
    ("plain, xnor", plain, "xnor"),
    ("codebook 32, by lookup", codebook(32), "lookup"),
    ("codebook 16, by lookup", codebook(16), "lookup"),
    ("two-level 5 %, xnor", few(0.05), "xnor"),
    ("two-level 5 %, by sparse", few(0.05), "sparse"),
    ("two-level 1 %, by sparse", few(0.01), "sparse"),
    ("codebook 16, as planned", codebook(16), None),
    ("two-level 5 %, as planned", few(0.05), None),
    ("two-level 1 %, as planned", few(0.01), None),
)


def network(compact: Compact) -> Network:
    """Three convolutions and two dense layers over 28x28 pixels, all but the first and the last compact."""
    first = Thermometer(name="encode", reads=("input",), thresholds=np.array([[128]]))
    return compacted(chain("compact", Input(28, 28, 1), STEPS, first, 0), compact)


def compacted(made: Network, compact: Compact) -> Network:
    """``made`` with other weights in all layers but the first and the last."""
    inner = [layer for layer in made.layers if isinstance(layer, Linear)][1:-1]
    rng = np.random.default_rng(1)
    swapped = {layer.name: replace(layer, weights=compact(rng, layer.weights.shape)) for layer in inner}
    return replace(made, layers=tuple(swapped.get(layer.name, layer) for layer in made.layers))


@dataclass(frozen=True, eq=False)
class Forced(Space):
    """All layers but the first and the last by one datapath, those two by XNOR."""

    way: str = "xnor"

    def doubt(self, way: Datapath, layer: Linear) -> str | None:
        wanted = "xnor" if layer in (self.layers[0], self.layers[-1]) else self.way
        return super().doubt(way, layer) if way.name == wanted else "is not to be computed like this"


def measure(name: str, family: str, cycles: int) -> dict[str, object]:
    """One row: the plan and what Yosys makes of it."""
    _, compact, way = next(variant for variant in VARIANTS if variant[0] == name)
    made = network(compact)
    if way is None:
        plan = least_area_plan(made, Plan(), cycles, family)
    else:
        plan = cheapest(Forced(made, family=family, way=way), cycles, Plan(), bram_price(None))
    if plan is None:
        raise SubbitError(f"no plan of {name} takes {cycles} cycles a frame: allow more")
    accelerator = Accelerator(made, plan)
    roms = sum(rom.depth * rom.width for rom in accelerator.roms.values())
    area = synthesise(accelerator, family, seconds=1200)
    folding = [f"{fold.datapath} {fold.pe}x{fold.simd}" for fold in plan.folding.values()]
    return {
        "network": name,
        "family": family,
        "cycles": pipeline(made, plan).interval,
        "LUTs": area.luts + area.lutrams,
        "FFs": area.ffs,
        "block RAMs": area.brams,
        "ROM bits": roms,
        "folding": ", ".join(folding),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", default=["ecp5", "ice40", "xc7"])
    parser.add_argument("--cycles", type=int, default=64_000, help="cycles a frame (%(default)s)")
    parser.add_argument("--again", action="store_true", help="measure rows anew that are there already")
    given = parser.parse_args()
    known = kept_rows("datapaths", again=given.again)
    rows: list[dict[str, object]] = []
    wanted = [(name, family) for family in given.families for name, _, _ in VARIANTS]
    for name, family in track(wanted, description="Yosys"):
        old = [row for row in known if (row["network"], row["family"], row["asked"]) == (name, family, given.cycles)]
        row = old[0] if old else {**measure(name, family, given.cycles), "asked": given.cycles}
        base = next((each for each in rows if each["family"] == family), row)
        row["LUT ratio"] = round(int(str(row["LUTs"])) / int(str(base["LUTs"])), 3)
        row["ROM ratio"] = round(int(str(base["ROM bits"])) / int(str(row["ROM bits"])), 2)
        rows.append(row)
        title = f"One network, at most {given.cycles:,} cycles a frame"
        publish("datapaths", title, rows, {"yosys": yosys_version(), **versions("amaranth")})


if __name__ == "__main__":
    main()

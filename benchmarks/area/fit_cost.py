"""Fits the cost model to Yosys: python -m benchmarks.area.fit_cost

Stages of random networks under random plans are synthesised one by one for every family; LUTs and flip-flops are then
explained by the features of ``hw.plan.cost`` with coefficients that are not negative, by relative least squares. The
error is that of predicting each sample from all others of its kind. Writes hw/plan/cost.json and docs/cost-model.md.
Samples are kept in benchmarks/results/cost_samples.json under the digest of their Verilog: a run goes on where it was
cut off, and measures only what is new.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.progress import track
from scipy.optimize import nnls

from benchmarks.networks import chain, codebook_layer
from benchmarks.report import RESULTS
from hw.accelerator import component_of
from hw.layer.encode import EncodeShape
from hw.plan.cost import COEFFICIENTS, features
from hw.plan.datapath import datapath
from hw.plan.pipeline import Stage, pipeline
from hw.plan.plan import Folding, Plan
from hw.synthesis import FAMILIES, synthesise
from hw.verilog import emit
from hw.yosys import yosys_version
from sw.errors import SubbitError
from sw.files import atomic_write
from sw.network import BitPlanes, DenseEncoding, Input, Linear, Network, Thermometer, Threshold
from sw.network.encodings.two_level import TwoLevelEncoding

__all__ = ["main"]

WANTED = {
    "encode": 4,
    "widen": 4,
    "narrow": 4,
    "shifter": 4,
    "serial": 10,
    "parallel": 7,
    "product": 16,
    "pool": 5,
    "results": 4,
}
PAGE = """# The cost model and its error

Written by `python -m benchmarks.area.fit_cost` with Yosys {version}. {stages} stages of random networks under random
plans, each synthesised alone on every family. A stage's area is predicted from a fit to all other stages of its kind;
the error is relative to the measured area (at least 20 cells). The sum is over all stages, predicted against measured.
LUTs include memory in LUTs. Block RAMs follow Yosys' own rule and are not fitted.

| family | stages | LUTs, median / worst | FFs, median / worst | LUTs, sum | FFs, sum | block RAMs wrong |
|---|---|---|---|---|---|---|
{rows}
"""
DOCUMENT = Path(__file__).parents[2] / "docs" / "cost-model.md"
SAMPLES = RESULTS / "cost_samples.json"
# Weights of a sample of constants, and comparisons of one of encoders, at most.
MOST_CONSTANTS = 16_384
MOST_COMPARISONS = 1024


def random_network(rng: np.random.Generator) -> Network:
    """A network of realistic sizes: some convolutions and pools, some dense layers."""
    side, channels = int(rng.choice([8, 14, 16, 28])), int(rng.choice([1, 3]))
    if rng.random() < 0.5:
        first = BitPlanes(name="encode", reads=("input",), planes=tuple(range(int(rng.choice([5, 0])), 8)))
    else:
        table = np.sort(rng.integers(1, 255, (channels, int(rng.choice([1, 3, 5])))), axis=1)
        first = Thermometer(name="encode", reads=("input",), thresholds=table)
    steps: list[tuple[str, int]] = []
    for _ in range(int(rng.integers(0, 3))):
        steps.append(("conv", int(rng.choice([8, 16, 24, 32, 64]))))
        if rng.random() < 0.5:
            steps.append(("pool", 2))
    steps += [("dense", int(rng.choice([32, 64, 96, 256])))] * int(rng.integers(0, 3))
    return chain("sample", Input(side, side, channels), [*steps, ("dense", 10)], first, int(rng.integers(1 << 30)))


def random_plan(rng: np.random.Generator, network: Network) -> Plan:
    """Foldings of up to 256 lanes."""
    folding = {}
    for layer in network.layers:
        if isinstance(layer, Linear):
            simd = int(rng.choice([d for d in range(1, 145) if layer.taps % d == 0]))
            pe = int(rng.choice([d for d in range(1, 256 // simd + 1) if layer.outputs % d == 0]))
            folding[layer.name] = Folding(pe, simd)
    return Plan(folding, pixels_per_beat=int(rng.choice([1, 2])))


def few_ones(rng: np.random.Generator, network: Network) -> Network:
    """``network`` with two-level weights of which one in 10 to one in 100 is one."""
    layers = []
    for layer in network.layers:
        if isinstance(layer, Linear):
            bits = rng.random(layer.weights.shape) < rng.choice([0.1, 0.05, 0.01])
            plain = DenseEncoding(bits.astype(np.uint8))
            layer = replace(layer, weights=TwoLevelEncoding(plain, int(rng.integers(-255, 256)), 8))
        layers.append(layer)
    return replace(network, layers=tuple(layers))


def sparse_plan(rng: np.random.Generator, network: Network) -> Plan:
    """Up to 8 readers a layer."""
    folding = {}
    for layer in network.layers:
        if isinstance(layer, Linear):
            source = network.source(layer)
            channels = source.size if layer.kind == "dense" else source.channels
            simd = int(rng.choice([d for d in range(1, 65) if channels % d == 0]))
            pe = int(rng.choice([d for d in range(1, 9) if layer.outputs % d == 0]))
            folding[layer.name] = Folding(pe, simd, datapath="sparse")
    return Plan(folding)


def plain_stages(rng: np.random.Generator) -> Iterable[Stage]:
    """Those of a random accelerator of plain weights."""
    network = random_network(rng)
    return pipeline(network, random_plan(rng, network)).stages


def sparse_stages(rng: np.random.Generator) -> Iterable[Stage]:
    """Those of a random accelerator of few ones, with memories that Yosys reads in reasonable time."""
    network = few_ones(rng, random_network(rng))
    return [stage for stage in pipeline(network, sparse_plan(rng, network)).stages if stage.buffer <= 1024]


def random_lookup(rng: np.random.Generator) -> Iterable[Stage]:
    """A lookup of realistic size: a convolution, zero-padded or not, or a dense layer."""
    outputs, n = int(rng.choice([16, 32, 64, 128])), int(rng.choice([4, 8, 16, 32, 64]))
    shape = (outputs, 3, 3, int(rng.choice([8, 16, 32, 64]))) if rng.random() < 0.7 else (outputs, 9 * 2**5)
    net = codebook_layer(8, shape, n, int(rng.integers(1 << 30)), padded=rng.random() < 0.5)
    layer, threshold = net.layers[1], net.layers[2]
    assert isinstance(layer, Linear)
    assert isinstance(threshold, Threshold)
    pe = int(rng.choice([d for d in (1, 2, 4, 8, 16) if outputs % d == 0]))
    folding = Folding(pe, 9 * int(rng.choice([1, 1, 2, 4])), datapath="lookup")
    return [Stage("unit", datapath("lookup").build(layer, net, folding, threshold)[1])]


def constant_stages(rng: np.random.Generator) -> Iterable[Stage]:
    """A dense layer all at once: weights of -1 and +1, or of two levels with few ones."""
    taps, outputs = int(rng.choice([16, 32, 64, 144, 288, 512])), int(rng.choice([4, 8, 16, 32, 64]))
    if taps * outputs > MOST_CONSTANTS:
        return
    first = Thermometer(name="encode", reads=("input",), thresholds=np.array([[1]]))
    steps = [("dense", outputs), ("dense", 10)]
    network = chain("constant", Input(1, taps, 1, 1), steps, first, int(rng.integers(1 << 30)))
    if rng.random() < 0.5:
        network = few_ones(rng, network)
    shapes = {layer.name: layer.weights.shape for layer in network.layers if isinstance(layer, Linear)}
    plan = Plan({name: Folding(shape[0], shape[1]) for name, shape in shapes.items()})
    yield next(stage for stage in pipeline(network, plan).stages if features(stage, "ice40").kind == "constant product")


def encoders(rng: np.random.Generator) -> Iterable[Stage]:
    """Comparisons of many pixels at a time with any limits."""
    pixels, channels, levels = (int(rng.choice(some)) for some in ([4, 16, 64, 196], [1, 3], [1, 2, 4, 8]))
    if pixels * channels * levels <= MOST_COMPARISONS:
        limits = np.sort(rng.integers(1, 256, (channels, levels)), axis=1)
        yield Stage("encode", EncodeShape(channels, 8, pixels, thresholds=limits))


#: Where stages come from, and how many of each kind are wanted from there.
SOURCES: tuple[tuple[Callable[[np.random.Generator], Iterable[Stage]], Mapping[str, int]], ...] = (
    (plain_stages, WANTED),
    (sparse_stages, {"listed window": 8, "listed sum": 8}),
    (random_lookup, {"lookup": 10}),
    (constant_stages, {"constant product": 12}),
    (encoders, {"encode": 8}),
)


def stages(seed: int) -> list[Stage]:
    """Stages of every kind, as many as are wanted, from random accelerators."""
    found = []
    for source, wanted in SOURCES:
        rng, left = np.random.default_rng(seed), Counter(wanted)
        while left.total():
            for stage in source(rng):
                kind = features(stage, "ice40").kind
                if left[kind] and stage.buffer <= 8192:
                    left[kind] -= 1
                    found.append(stage)
    return found


def sample(text: str, known: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Measured area of one stage's Verilog on every family, but for those that are ``known``."""
    areas = dict(known)
    for family in FAMILIES:
        if family in known:
            continue
        try:
            area = synthesise(text, family, seconds=300)
        except SubbitError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        areas[family] = {"luts": area.luts + area.lutrams, "ffs": area.ffs, "brams": area.brams}
    return areas


def measured(seed: int) -> list[tuple[Stage, dict[str, dict[str, float]]]]:
    """All samples, those that are known taken from the kept ones."""
    kept = json.loads(SAMPLES.read_text()) if SAMPLES.exists() else {}
    known = kept["samples"] if kept.get("yosys") == yosys_version() else {}
    used, pairs = {}, []
    for stage in track(stages(seed), description="Yosys"):
        text = emit(component_of(stage), "top")
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        if known.get(digest, {}).keys() != FAMILIES.keys():
            known[digest] = sample(text, known.get(digest, {}))
            keep(known)
        used[digest] = known[digest]
        pairs.append((stage, known[digest]))
    keep(used)
    return pairs


def keep(samples: Mapping[str, dict[str, dict[str, float]]]) -> None:
    """Write the samples, whole or not at all."""
    with atomic_write(SAMPLES) as temporary:
        temporary.write_text(json.dumps({"yosys": yosys_version(), "samples": samples}, indent=1) + "\n")


def fit(rows: list[dict[str, float]], wanted: list[float]) -> dict[str, float]:
    """Coefficients that are not negative, relative error weighed: a stage of 20 LUTs counts as much as one of 2,000."""
    names = sorted({name for row in rows for name in row})
    matrix = np.array([[row.get(name, 0.0) for name in names] for row in rows])
    target = np.array(wanted)
    weight = 1 / np.maximum(target, 20.0)
    found, _ = nnls(matrix * weight[:, None], target * weight)
    return {name: round(float(value), 4) for name, value in zip(names, found, strict=True)}


def apply(found: dict[str, float], row: dict[str, float]) -> float:
    """The fitted formula."""
    return sum(found.get(name, 0.0) * value for name, value in row.items())


def main() -> None:
    """Sample, fit, and write the coefficients and their error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    pairs = measured(given.seed)
    table: dict = {}
    lines: list[str] = []
    for family in FAMILIES:
        groups = defaultdict(list)
        for stage, areas in pairs:
            if family in areas:
                known = features(stage, family)
                groups[known.kind].append((known, areas[family]))
        wrong = sum(known.exactly.brams != area["brams"] for group in groups.values() for known, area in group)
        errors: dict[str, list[float]] = {"luts": [], "ffs": []}
        totals = {"luts": [0.0, 0.0], "ffs": [0.0, 0.0]}
        for kind, group in groups.items():
            table.setdefault(family, {})[kind] = {}
            for what in ("luts", "ffs"):
                rows = [dict(getattr(known, what)) for known, _ in group]
                base = [getattr(known.exactly, what) for known, _ in group]
                wanted = [max(0.0, area[what] - b) for (_, area), b in zip(group, base, strict=True)]
                table[family][kind][what] = fit(rows, wanted)
                for at, row in enumerate(rows):
                    others = [n for n in range(len(rows)) if n != at]
                    found = fit([rows[n] for n in others], [wanted[n] for n in others])
                    guess, truth = base[at] + apply(found, row), group[at][1][what]
                    errors[what].append(abs(guess - truth) / max(truth, 20.0))
                    totals[what][0] += guess
                    totals[what][1] += truth
        count = sum(map(len, groups.values()))
        cells = [f"{100 * float(np.median(errors[w])):.1f} % / {100 * max(errors[w]):.0f} %" for w in ("luts", "ffs")]
        sums = [f"{100 * (totals[w][0] / totals[w][1] - 1):+.1f} %" for w in ("luts", "ffs")]
        lines.append(f"| {family} | {count} | {cells[0]} | {cells[1]} | {sums[0]} | {sums[1]} | {wrong} of {count} |")
    document = {"yosys": yosys_version(), "samples": len(pairs), "seed": given.seed, "coefficients": table}
    COEFFICIENTS.write_text(json.dumps(document, indent=1) + "\n")
    DOCUMENT.write_text(page(lines))
    print("\n".join(lines))


def page(lines: list[str]) -> str:
    """The text of docs/cost-model.md."""
    stages = sum(sum(wanted.values()) for _, wanted in SOURCES)
    return PAGE.format(version=yosys_version(), stages=stages, rows="\n".join(lines))


if __name__ == "__main__":
    main()

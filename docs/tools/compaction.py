"""Draws the pictures of docs/compaction: ``python -m docs.tools.compaction [NAME ...]``.

They are drawn from networks that the repository keeps, from the kept results of the benchmarks, or, for two levels and
slices, from a training on scikit-learn's digits that takes some seconds.
"""

import json
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

import subbit
from docs.tools.pages import ROOT
from subbit.pictures import codeword_frequencies, reuse_tree, slice_sensitivity, tree_of, write
from sw.compact.budget import codebook_sizes
from sw.network import Linear, Network
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.words import Words

__all__ = ["PICTURES", "main"]

FOLDER = ROOT / "docs" / "pictures"
NETWORKS = ROOT / "benchmarks" / "boards" / "networks"
RUNS = ROOT / "benchmarks" / "results" / "compact_runs.json"
INK, SECOND = "#1b4965", "#ca6702"


def kept(name: str) -> Network:
    """A network that the repository keeps."""
    return subbit.load(NETWORKS / f"{name}.safetensors")


def weights(network: Network, layer: str) -> Linear:
    """A layer with weights, by name."""
    return next(part for part in network.layers if isinstance(part, Linear) and part.name == layer)


def sparks() -> Figure:
    """How often each of the 512 kernels occurs, before and after 32 of them were selected."""
    return codeword_frequencies(kept("fashion-n32"), kept("fashion-dense"))


def subbit_kernels() -> Figure:
    """The codewords of one layer as 3x3 kernels, the most frequent first."""
    encoding = weights(kept("fashion-n32"), "conv3").weights
    assert isinstance(encoding, CodebookEncoding)
    uses = np.bincount(encoding.indices.reshape(-1), minlength=len(encoding.codewords))
    figure = Figure(figsize=(8, 2.7), layout="constrained")
    for place, (axis, number) in enumerate(zip(figure.subplots(3, 11).flat, [*np.argsort(-uses), -1], strict=True)):
        axis.set_axis_off()
        if place < len(uses):
            axis.imshow(encoding.codewords[number].reshape(3, 3), cmap="Blues", vmin=-0.35, vmax=1.2)
            axis.set_title(f"{100 * uses[number] / uses.sum():.1f} %", fontsize=7, pad=2)
    figure.suptitle("The 32 kernels of conv3, and the share of all 2,048 that each has; dark is +1", fontsize=9)
    return figure


def baselines() -> Figure:
    """Accuracy against the size of the codebook, for the four ways to choose one; means over the seeds."""
    found = defaultdict(list)
    for run in json.loads(RUNS.read_text())["runs"]:
        if run["table"] == "codebook":
            found[run["row"]].append(100 * run["test_accuracy"])
    means = {row: float(np.mean(accuracies)) for row, accuracies in found.items()}
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axis = figure.subplots()
    for place, way in enumerate(("sparks", "snn", "frequent", "random")):
        points = sorted((int(row.split()[1]), mean) for row, mean in means.items() if row.split()[0] == way)
        colour = matplotlib.colormaps["viridis"](place / 4)
        axis.plot(*zip(*points, strict=True), marker="o", markersize=4, label=way, color=colour)
    axis.axhline(means["dense"], color=SECOND, linewidth=1, label="dense")
    axis.set_xscale("log", base=2)
    axis.set_xlabel("codewords a layer", fontsize=9)
    axis.set_ylabel("test accuracy, %", fontsize=9)
    axis.set_xticks([8, 16, 32, 64, 128], ["8", "16", "32", "64", "128"])
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return figure


def two_level() -> Figure:
    """The weights of a layer, plain and with one in twenty at the upper level; and what that costs and saves."""
    rows = {
        name: weights(subbit.train(data="digits", epochs=30, compact=way)[0], "conv3").weights.decode()
        for name, way in (("plain", ()), ("two levels, 5 % ones", ("two-level:ones=0.05",)))
    }
    runs = [run for run in json.loads(RUNS.read_text())["runs"] if run["table"] == "two-level" and run["seed"] == 0]
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    plain, few, right = figure.subplots(1, 3, width_ratios=[2, 2, 2.4])
    for axis, (name, bits) in zip((plain, few), rows.items(), strict=True):
        matrix = bits.reshape(len(bits), -1)
        axis.imshow(matrix, cmap="Blues", aspect="auto", vmin=-0.15, vmax=1.1, interpolation="nearest")
        axis.set_title(f"{name}: {100 * matrix.mean():.0f} % ones", fontsize=9)
        axis.set_xlabel("taps", fontsize=8)
        axis.set_xticks([])
        axis.set_yticks([])
    plain.set_ylabel("outputs", fontsize=8)
    points = sorted((100 * run["inner_ones"], 100 * run["test_accuracy"], left(run)) for run in runs)
    ones, accuracy, operations = np.array(points).T
    right.plot(ones, accuracy, marker="o", markersize=4, color=INK)
    right.set_ylabel("test accuracy, %", fontsize=8, color=INK)
    right.set_xlabel("ones, % (Fashion-MNIST)", fontsize=8)
    right.set_xscale("log")
    right.set_xticks([1, 3, 5, 10, 25], ["1", "3", "5", "10", "25"])
    other = right.twinx()
    other.plot(ones, operations, marker="s", markersize=4, color=SECOND)
    other.set_ylabel("operations left, %", fontsize=8, color=SECOND)
    return figure


def left(run: dict[str, float]) -> float:
    """Operations of the inner layers, in per cent of the plain ones."""
    return 100 * run["inner_bit_operations"] / run["inner_plain_operations"]


def reuse() -> Figure:
    """The tree along which the 32 channels of a layer are computed from each other."""
    network = subbit.compact(kept("digits"), "reuse")
    tree = tree_of(weights(network, "conv3").weights)
    assert tree is not None
    return reuse_tree(tree, "conv3 of the digits network")


def slices() -> Figure:
    """What random bits cost, for each bit of a pixel."""
    result = subbit.train(data="digits", encoding="slices", epochs=30, compact=("slices:keep=2",))[1]
    return slice_sensitivity(result.found["slices"]["choice"])


def budget() -> Figure:
    """Bits of each layer under ever smaller budgets."""
    network = kept("mnist-small")
    shapes = {layer.name: layer.weights.shape for layer in network.layers if isinstance(layer, Linear)}
    names, stored = list(shapes), []
    steps = (1.0, 0.8, 0.6, 0.5, 0.4, 0.3)
    for bits in steps:
        sizes = codebook_sizes(shapes, [names[1:-1], [names[0], names[-1]]], bits)
        stored.append([kilobits(shape, sizes.get(name)) for name, shape in shapes.items()])
    figure = Figure(figsize=(7, 3), layout="constrained")
    axis = figure.subplots()
    table = np.array(stored).T
    for place, (name, row) in enumerate(zip(names, table, strict=True)):
        under = table[:place].sum(axis=0)
        axis.bar(range(len(steps)), row, bottom=under, color=matplotlib.colormaps["viridis"](place / 6), label=name)
    axis.set_xticks(range(len(steps)), ["dense", *map(str, steps[1:])])
    axis.set_xlabel("bits a weight asked for", fontsize=9)
    axis.set_ylabel("kbit stored", fontsize=9)
    axis.legend(fontsize=7, loc="upper right")
    return figure


def kilobits(shape: tuple[int, ...], codewords: int | None) -> float:
    """What weights of a shape take, plain or with so many codewords."""
    if codewords is None:
        return int(np.prod(shape)) / 1000
    words = Words(shape)
    return (shape[0] * words.count * (codewords - 1).bit_length() + words.taps * codewords) / 1000


PICTURES: dict[str, Callable[[], Figure]] = {
    "compaction-sparks": sparks,
    "compaction-sub-bit": subbit_kernels,
    "compaction-baselines": baselines,
    "compaction-two-level": two_level,
    "compaction-reuse": reuse,
    "compaction-slices": slices,
    "compaction-budget": budget,
}


def main(names: Sequence[str]) -> None:
    """Draw the pictures named, or all of them, into docs/pictures."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names or PICTURES:
            write(PICTURES[name](), Path(folder), name)
            shutil.copy(Path(folder) / f"{name}.svg", FOLDER)
            print(f"wrote docs/pictures/{name}.svg")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Pictures of what compaction does: each function draws one matplotlib figure; `write` keeps it as PNG and as SVG."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from sw.errors import SubbitError
from sw.files import atomic_write, made_folder
from sw.network import Linear, Network
from sw.network.encodings import Encoding
from sw.network.encodings.reuse import ReuseEncoding
from sw.network.encodings.two_level import TwoLevelEncoding
from sw.network.words import Words, word_numbers

__all__ = [
    "accuracy_against_bits",
    "codeword_frequencies",
    "convolution_words",
    "draw_network",
    "reuse_tree",
    "slice_sensitivity",
    "tree_of",
    "word_counts",
    "write",
]

INK, SECOND, FAINT = "#1b4965", "#ca6702", "#b8b8b8"
LABELLED = 64  # Channels of a tree that can still be labelled.


def write(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write `figure` to FOLDER/NAME.png and FOLDER/NAME.svg; the two paths."""
    paths = []
    with matplotlib.rc_context({"svg.hashsalt": name}):  # The same drawing gives the same file.
        for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            path = folder / f"{name}.{kind}"
            with atomic_write(path) as temporary:
                figure.savefig(temporary, format=kind, dpi=150, metadata=metadata)
            paths.append(path)
    return paths


def word_counts(encoding: Encoding) -> np.ndarray | None:
    """How often each word occurs in a layer's weights, (2**taps,), or None where they cannot be cut into words."""
    try:
        words = Words(encoding.shape)
    except ValueError:
        return None
    return np.bincount(word_numbers(words.split(encoding.decode())).reshape(-1), minlength=words.codewords)


def convolution_words(network: Network) -> dict[str, np.ndarray]:
    """How often each word occurs in the weights of each convolution that can be cut into words, by its name."""
    return {
        layer.name: count
        for layer in network.layers
        if isinstance(layer, Linear) and len(layer.weights.shape) == 4
        if (count := word_counts(layer.weights)) is not None
    }


def codeword_frequencies(after: Network, before: Network | None = None, only: str | None = None) -> Figure:
    """Words of each convolution, the most frequent first, on logarithmic axes: a power law is a straight line.

    `before` is the network to compare with; its layers are found by name. `only` names one layer to draw. Raises
    SubbitError where no layer has words.
    """
    counts = {name: count for name, count in convolution_words(after).items() if only in (None, name)}
    if not counts:
        raise SubbitError(f"{after.name} has no convolution whose weights can be cut into words")
    earlier = {} if before is None else {n: _counts_of(before, n, len(count)) for n, count in counts.items()}
    columns = min(len(counts), 3)
    figure, axes = _grid(len(counts), columns, 3.2, 2.6)
    for axis, (name, count) in zip(axes, counts.items(), strict=False):
        if name in earlier:
            _ranked(axis, earlier[name], FAINT, "before")
        _ranked(axis, count, INK, "after" if before is not None else None)
        axis.set_title(f"{name}: {np.count_nonzero(count)} of {len(count)} words", fontsize=9)
        axis.set_xlabel("rank of the word", fontsize=8)
        axis.set_ylabel("share of kernels", fontsize=8)
    if before is not None:
        axes[0].legend(fontsize=8)
    return figure


def _counts_of(network: Network, name: str, words: int) -> np.ndarray:
    """The word counts of a layer that must be there, with words of the same length. Raises SubbitError."""
    layer = next((layer for layer in network.layers if layer.name == name), None)
    counts = word_counts(layer.weights) if isinstance(layer, Linear) else None
    if counts is None or len(counts) != words:
        raise SubbitError(f"{network.name} has no layer {name} with words of the same length: compare like with like")
    return counts


def _ranked(axis: Any, counts: np.ndarray, colour: str, label: str | None) -> None:
    shares = np.sort(counts[counts > 0])[::-1] / counts.sum()
    axis.loglog(np.arange(1, len(shares) + 1), shares, ".-", color=colour, label=label, markersize=3, linewidth=1)
    axis.tick_params(which="both", labelsize=7)
    axis.grid(alpha=0.3)


def tree_of(encoding: Encoding) -> ReuseEncoding | None:
    """The reuse tree of a layer's weights, or None where there is none."""
    inner = encoding.inner if isinstance(encoding, TwoLevelEncoding) else encoding
    return inner if isinstance(inner, ReuseEncoding) else None


def reuse_tree(encoding: ReuseEncoding, title: str) -> Figure:
    """The tree of a layer, roots on top; an edge is as dark as it is short, and in a small tree told in numbers."""
    parents, depths = encoding.parents, encoding.depths
    places = _places(parents, encoding.roots)
    distances = encoding.changed.sum(axis=1)
    many = len(parents) > LABELLED
    figure = Figure(figsize=(min(4 + len(parents) / 8, 16), 1.5 + 0.55 * (encoding.depth + 1)), layout="constrained")
    axis = figure.subplots()
    longest = max(int(distances.max()), 1)
    for child in np.flatnonzero(~encoding.roots):
        parent = parents[child]
        shade = 0.15 + 0.85 * (1 - distances[child] / longest)
        colour = SECOND if encoding.complements[child] else INK
        axis.plot(
            [places[parent], places[child]], [-depths[parent], -depths[child]], color=colour, alpha=shade, linewidth=1
        )
        if not many:
            middle = (places[parent] + places[child]) / 2, -(depths[parent] + depths[child]) / 2
            axis.text(*middle, str(distances[child]), fontsize=6, ha="center", va="center", color="#333333")
    axis.scatter(places, -depths, s=4 if many else 40, color=INK, zorder=3)
    if not many:
        for channel, (x, y) in enumerate(zip(places, -depths, strict=True)):
            axis.text(x, y, str(channel), fontsize=5, ha="center", va="center", color="white", zorder=4)
    axis.set_title(
        f"{title}: {len(parents)} channels, depth {encoding.depth}, {int(distances.sum())} changes in all", fontsize=10
    )
    axis.set_ylabel("steps from the root", fontsize=8)
    axis.set_yticks(-np.arange(encoding.depth + 1), [str(step) for step in range(encoding.depth + 1)], fontsize=7)
    axis.set_xticks([])
    for side in ("top", "right", "bottom"):
        axis.spines[side].set_visible(False)
    return figure


def _places(parents: np.ndarray, roots: np.ndarray) -> np.ndarray:
    """Where each channel stands from left to right: leaves one by one, others above the middle of their children."""
    children: list[list[int]] = [[] for _ in parents]
    for channel in np.flatnonzero(~roots):
        children[parents[channel]].append(int(channel))
    places, leaves = np.zeros(len(parents)), 0
    pending = [(int(root), False) for root in np.flatnonzero(roots)[::-1]]
    while pending:
        channel, seen = pending.pop()
        if not children[channel]:
            places[channel], leaves = leaves, leaves + 1
        elif seen:
            places[channel] = np.mean(places[children[channel]])
        else:
            pending.append((channel, True))
            pending += [(child, False) for child in children[channel][::-1]]
    return places


def slice_sensitivity(choice: Mapping[str, Any]) -> Figure:
    """Accuracy with each slice of the input random, and with more and more of them; kept slices stand out.

    `choice` is what the slices method found, as `slices.json` holds it under "choice".
    """
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axis, part, label in ((left, "single", "random slice"), (right, "cumulative", "and one more random slice")):
        found = choice[part]
        sets = [set(places) for places in found["sets"]]
        fresh = [one - (sets[at - 1] if at and part == "cumulative" else set()) for at, one in enumerate(sets)]
        names = [("+" if part == "cumulative" else "") + "+".join(map(str, sorted(one))) for one in fresh]
        colours = [FAINT if one <= set(choice["dropped"]) else INK for one in sets]
        mean, spread = (100 * np.array(found[key]) for key in ("mean", "spread"))
        axis.bar(range(len(names)), mean, yerr=spread, color=colours, capsize=2)
        axis.axhline(100 * choice["accuracy"], color=SECOND, linewidth=1, label="images as they are")
        axis.set_xticks(range(len(names)), names, fontsize=8)
        axis.set_xlabel(label, fontsize=9)
    left.set_ylabel("accuracy, %", fontsize=9)
    left.legend(fontsize=8, loc="lower left")
    figure.suptitle("Sensitivity of the input's bits; grey ones are left out", fontsize=10)
    return figure


def accuracy_against_bits(series: Mapping[str, Sequence[tuple[float, float, float]]], dense: float | None) -> Figure:
    """Accuracy over bits a weight: points (bits, mean accuracy, spread), shares of 1, one line for each of `series`.

    `dense` is the accuracy without compaction.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for place, (name, points) in enumerate(series.items()):
        bits, mean, spread = np.array(sorted(points)).T
        colour = matplotlib.colormaps["viridis"](place / max(len(series), 2))
        axis.errorbar(bits, 100 * mean, 100 * spread, marker="o", markersize=4, capsize=2, label=name, color=colour)
    if dense is not None:
        axis.axhline(100 * dense, color=SECOND, linewidth=1, label="dense, 1 bit")
    axis.set_xlabel("bits a weight of the compacted layers, codebook included", fontsize=9)
    axis.set_ylabel("test accuracy, %", fontsize=9)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return figure


def draw_network(
    network: Network, folder: Path, before: Network | None = None, choice: Mapping[str, Any] | None = None
) -> list[Path]:
    """Draw all that there is to see of `network` into `folder`; the files written."""
    made_folder(folder)
    written: list[Path] = []
    linear = [layer for layer in network.layers if isinstance(layer, Linear)]
    if convolution_words(network):
        written += write(codeword_frequencies(network, before), folder, "codewords")
    for layer in linear:
        tree = tree_of(layer.weights)
        if tree is not None:
            written += write(reuse_tree(tree, layer.name), folder, f"reuse-{layer.name}")
    if choice is not None:
        written += write(slice_sensitivity(choice), folder, "slices")
    return written


def _grid(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Any]]:
    """A figure with `count` places for drawings, `columns` in a row."""
    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False).reshape(-1)
    for spare in places[count:]:
        spare.set_visible(False)
    return figure, list(places[:count])

"""The tables of the documents that come from the compaction runs: means and spreads over the seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.report import markdown

__all__ = ["Groups", "Run", "spread", "tables"]

Run = dict[str, Any]
#: The runs of each row, told by its table and its name, that differ in their seed alone.
Groups = Mapping[tuple[str, str], Sequence[Run]]

SIZES = (128, 64, 32, 16, 8)
WAYS = ("sparks", "snn", "frequent", "random")
DENSE = ("codebook", "dense")
#: Tables of other data sets, each with a dense network of its own.
OTHERS = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
#: What the overview tells: page, `--compact`, source, and the row.
OVERVIEW = (
    ("[Codebook, learned](sparks.md)", "`codebook:n=32`", "Sparks, CVPR 2023", ("codebook", "sparks 32")),
    (
        "[Codebook, refined](sub-bit.md)",
        "`codebook:n=32,by=snn`",
        "Sub-bit networks, ICCV 2021",
        ("codebook", "snn 32"),
    ),
    ("[Codebook, frequent](baselines.md)", "`codebook:n=32,by=frequent`", "baseline", ("codebook", "frequent 32")),
    ("[Codebook, random](baselines.md)", "`codebook:n=32,by=random`", "baseline", ("codebook", "random 32")),
    ("[Two levels](two-level.md)", "`two-level:ones=0.05`", "SBNN, 2022 and 2023", ("two-level", "0.05")),
    ("[Channel reuse](reuse.md)", "`reuse`", "MST-compression, ICCV 2023", ("reuse", "untrained")),
    ("[Channel reuse, trained](reuse.md)", "`reuse:strength=0.03`", "the same", ("reuse", "0.03")),
    ("[Bit slices](slices.md)", "`slices:keep=4`", "CBNN, 2018", ("pruning", "mnist, 4 kept, wide")),
)


def spread(runs: Sequence[Run], key: str) -> tuple[float, float]:
    """Mean and standard deviation (0 of a single run) of a figure."""
    figures = [float(run[key]) for run in runs]
    return float(np.mean(figures)), float(np.std(figures, ddof=1)) if len(figures) > 1 else 0.0


def tables(groups: Groups) -> dict[str, dict[str, str]]:
    """By page in docs, and by the mark there, each table in Markdown."""
    main = [key for key in groups if key[0] in ("codebook", "two-level", "slices", "reuse")]
    levels = [key for key in groups if key[0] == "two-level"]
    strengths = [key for key in groups if key[0] == "reuse"]
    return {
        "results.md": {
            "compaction": inner(groups, sorted(main, key=rank)),
            **{
                f"compaction on {title}": inner(groups, found)
                for name, title in OTHERS.items()
                if (found := [key for key in groups if key[0] == name])
            },
            "slices and the network shrunk to match": pruning(groups),
        },
        "compaction/index.md": {"overview": overview(groups)},
        "compaction/sparks.md": {"cost": costs(groups, {f"{n}": ("codebook", f"sparks {n}") for n in SIZES}, "n")},
        "compaction/sub-bit.md": {"cost": costs(groups, {f"{n}": ("codebook", f"snn {n}") for n in SIZES}, "n")},
        "compaction/baselines.md": {"cost": ways(groups)},
        "compaction/two-level.md": {"cost": costs(groups, {label(key): key for key in levels}, "ones")},
        "compaction/reuse.md": {"cost": costs(groups, {label(key): key for key in strengths}, "Fashion-MNIST")},
        "compaction/slices.md": {"cost": pruning(groups)},
    }


def rank(key: tuple[str, str]) -> tuple[int, ...]:
    """Codebooks by their size, the others as they are."""
    way, _, size = key[1].partition(" ")
    return (0, -int(size), WAYS.index(way)) if key[0] == "codebook" and size else (int(key != DENSE),)


def label(key: tuple[str, str]) -> str:
    """How the tables name a row."""
    table, name = key
    if table == "two-level":
        return f"{100 * float(name):g} %"
    if table == "reuse":
        return "as trained" if name == "untrained" else f"`strength={name}`"
    return name


def full_label(key: tuple[str, str]) -> str:
    """How a table of several methods names a row."""
    table, name = key
    way, _, size = name.partition(" ")
    sized = table in ("codebook", *OTHERS) and size
    short = {
        "two-level": f"two-level, {label(key)}",
        "slices": f"slices, {name} of 8",
        "reuse": f"reuse, {label(key)}",
    }
    return f"codebook, {way} n = {size}" if sized else short.get(table, name)


def percent(runs: Sequence[Run], key: str) -> str:
    """Mean and spread in per cent."""
    mean, deviation = spread(runs, key)
    return f"{100 * mean:.2f} ± {100 * deviation:.2f} %" if len(runs) > 1 else f"{100 * mean:.2f} %"


def left(runs: Sequence[Run]) -> str:
    """The operations left in the inner layers."""
    return f"{100 * spread(runs, 'inner_bit_operations')[0] / runs[0]['inner_plain_operations']:.1f} %"


def below(runs: Sequence[Run], whole: Sequence[Run]) -> str:
    """Points of test accuracy below the runs of the ``whole`` network with the same seeds."""
    accuracy = {run["seed"]: run["test_accuracy"] for run in whole}
    lost = [100 * (accuracy[run["seed"]] - run["test_accuracy"]) for run in runs if run["seed"] in accuracy]
    return f"{np.mean(lost) + 0.0:.2f}" if lost else ""


def inner(groups: Groups, keys: Sequence[tuple[str, str]]) -> str:
    """All that is known of some rows."""
    head = ["row", "seeds", "test", "below dense", "validation", "bits a weight", "without codebook", "ones"]
    rows = []
    for key in keys:
        runs = groups[key]
        rows.append(
            [
                *(full_label(key), f"{len(runs)}", percent(runs, "test_accuracy")),
                below(runs, groups.get((key[0], "dense") if key[0] in OTHERS else DENSE, ())),
                percent(runs, "validation_accuracy"),
                *(f"{spread(runs, f'inner_bits_per_weight{end}')[0]:.3f}" for end in ("", "_without_tables")),
                *(f"{100 * spread(runs, 'inner_ones')[0]:.1f} %", left(runs)),
                f"{max(run['depth'] for run in runs) or ''}",
            ]
        )
    return markdown([*head, "operations left", "depth"], rows)


def costs(groups: Groups, rows: Mapping[str, tuple[str, str]], first: str) -> str:
    """What a method saves and costs."""
    found = [
        [
            *(name, f"{spread(groups[key], 'inner_bits_per_weight')[0]:.3f}", left(groups[key])),
            *(percent(groups[key], "test_accuracy"), below(groups[key], groups[DENSE]), f"{len(groups[key])}"),
        ]
        for name, key in rows.items()
        if key in groups
    ]
    head = (first, "bits a weight", "operations left", "test accuracy", "points below dense", "seeds")
    return markdown(head, found)


def ways(groups: Groups) -> str:
    """The ways to choose a codebook, side by side."""
    pages = {
        "random": "`random`",
        "frequent": "`frequent`",
        "sparks": "[`sparks`](sparks.md)",
        "snn": "[`snn`](sub-bit.md)",
    }
    rows = [[f"{n}", *(percent(groups["codebook", f"{way} {n}"], "test_accuracy") for way in pages)] for n in SIZES]
    return markdown(["n", *pages.values()], rows)


def pruning(groups: Groups) -> str:
    """Slices dropped and the network shrunk to match, against all of them in the same network."""
    networks = ("", ", dense 128", ", wide")
    whole = [("mnist", suffix, ("pruning", f"mnist, 8 slices{suffix}")) for suffix in networks]
    rows = []
    for data, suffix, start in [*whole, ("fashion-mnist", "", ("slices", "8"))]:
        base = groups.get(start, ())
        others = [
            key
            for key in groups
            if key[0] == "pruning"
            and key != start
            and key[1].partition(", ")[0] == data
            and suffix == next((each for each in networks if each and key[1].endswith(each)), "")
        ]
        if not base:
            continue
        for key in (start, *others):
            runs = groups[key]
            weights, operations = (spread(runs, name)[0] for name in ("weights", "bit_operations"))
            fewer = [
                spread(base, name)[0] / now for name, now in (("weights", weights), ("bit_operations", operations))
            ]
            name = key[1] if key[0] == "pruning" else f"{data}, 8 slices"
            rows.append(
                [
                    *(name, f"{len(runs)}", percent(runs, "test_accuracy"), below(runs, base)),
                    *(percent(runs, "validation_accuracy"), f"{weights:,.0f}", f"{fewer[0]:.2f}x"),
                    *(f"{operations:,.0f}", f"{fewer[1]:.2f}x"),
                ]
            )
    head = ["network", "seeds", "test", "points below", "validation", "weights", "smaller", "bit operations", "fewer"]
    return markdown(head, rows)


def overview(groups: Groups) -> str:
    """A line for each method."""
    rows = []
    for page, option, source, key in OVERVIEW:
        runs = groups[key]
        start = groups["pruning", "mnist, 8 slices, wide"] if key[0] == "pruning" else groups[DENSE]
        bits, operations = f"{spread(runs, 'inner_bits_per_weight')[0]:.2f}", left(runs)
        if key[0] == "pruning":
            bits = f"{runs[0]['weights'] / start[0]['weights']:.2f} of the weights"
            operations = f"{100 * runs[0]['bit_operations'] / start[0]['bit_operations']:.1f} %"
        rows.append([page, option, source, bits, operations, f"{below(runs, start)} points", f"{len(runs)}"])
    combined = "[Combinations and the budget](combinations.md)"
    rows.append([combined, "`--bits-per-weight 0.5`", "ours", "as asked", "", "as its codebooks", ""])
    return markdown(
        ["page", "method", "source", "bits a weight", "operations", "below the whole network", "seeds"], rows
    )

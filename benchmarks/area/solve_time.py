"""Time to find an unrolled layer's circuit, beside da4ml and alkaid in turns, in processor seconds.

    python -m benchmarks solve_time [--sizes 64x64 ...] [--turns 5]

The layers are those of `benchmarks.area.unrolled`, random signs with thresholds. One turn has every method once, and
the median of the turns after the first counts, which pays for what is loaded. Of da4ml and alkaid the time includes the
writing of their Verilog, about a fiftieth at 64 x 64.
"""

import argparse
from statistics import median
from typing import Any

from rich.progress import track

from benchmarks.area.unrolled import random_layer, solve
from benchmarks.report import DOCS, kept_rows, markdown, publish, versions
from docs.tools.marks import fill

__all__ = ["NAME", "main", "table"]

NAME = "solve_time"
OURS = ("ice40", "ecp5", "xc7")
OTHERS = ("da4ml", "alkaid")


def times(size: str, turns: int) -> list[dict[str, Any]]:
    """Median processor seconds of every method for one size. Raises ImportError without da4ml and alkaid."""
    taps, outputs = (int(number) for number in size.split("x"))
    weights, thresholds = random_layer(taps, outputs)
    ways = [("subbit", family) for family in OURS] + [(name, "") for name in OTHERS]
    taken: dict[tuple[str, str], list[float]] = {way: [] for way in ways}
    for turn in track(range(turns + 1), description=size):
        for way in ways:
            _, found = solve(*way, weights, thresholds, -1)
            if turn:
                taken[way].append(found["solve_cpu_s"])
    of = {way: median(seconds) for way, seconds in taken.items()}
    least = min(of[name, ""] for name in OTHERS)
    return [
        {
            "layer": f"random {size}",
            "method": name,
            "family": family,
            "seconds": round(seconds, 2),
            "of_the_fastest_rival": round(seconds / least, 2),
        }
        for (name, family), seconds in of.items()
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown."""
    lines = [
        [
            row["layer"],
            f"this package, {row['family']}" if row["family"] else row["method"],
            f"{row['seconds']:.2f}",
            f"{row['of_the_fastest_rival']:.2f}",
        ]
        for row in rows
    ]
    return markdown(["layer", "method", "processor seconds", "of the faster rival"], lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["64x64"], help="taps x outputs")
    parser.add_argument("--turns", type=int, default=5, help="how many times every method is timed")
    options = parser.parse_args()
    for size in options.sizes:
        rows = [row for row in kept_rows(NAME) if row["layer"] != f"random {size}"] + times(size, options.turns)
        publish(NAME, "Time to find a circuit", rows, versions("numpy", *OTHERS))
        fill(DOCS / "unrolled.md", NAME, table(rows))


if __name__ == "__main__":
    main()

"""``python -m benchmarks [NAME ...]``: measures what the documents quote; without names, everything but training.

``python -m benchmarks NAME --option ...`` gives options to one benchmark.
"""

import subprocess
import sys

__all__ = ["MODULES", "main"]

MODULES = {
    "popcount": "benchmarks.area.popcount",
    "datapaths": "benchmarks.area.datapaths",
    "lookup": "benchmarks.area.lookup",
    "density": "benchmarks.area.density",
    "frame_a_cycle": "benchmarks.area.frame_a_cycle",
    "clocks": "benchmarks.area.clocks",
    "unrolled": "benchmarks.area.unrolled",
    "solve_time": "benchmarks.area.solve_time",
    "window": "benchmarks.window",
    "cycles": "benchmarks.cycles",
    "generation": "benchmarks.generation",
    "model_speed": "benchmarks.model_speed",
    "simulation": "benchmarks.simulation.speed",
    "boards": "benchmarks.boards.table",
    "damage": "benchmarks.boards.damage",
    "compact_cost": "benchmarks.compact.cost",
    "compact_given": "benchmarks.compact.given",
    "brevitas": "benchmarks.brevitas",
}


def main(names: list[str]) -> int:
    """Run the named benchmarks one after another. Exit status 2 for an unknown name."""
    options = names[1:] if len(names) > 1 and names[1].startswith("-") else []
    names = names[: len(names) - len(options)]
    unknown = [name for name in names if name not in MODULES]
    if unknown:
        print(f"{unknown[0]} is no benchmark: name some of {', '.join(MODULES)}.", file=sys.stderr)
        return 2
    return max(subprocess.call([sys.executable, "-m", MODULES[name], *options]) for name in names or MODULES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

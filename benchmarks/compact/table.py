"""Trains the rows of the compaction tables, exports each, proves the export, and evaluates the test images once.

    python -m benchmarks.compact.table --data-dir FOLDER [--tables codebook reuse] [--seeds 0 1 2] [--part 1/2]

`FOLDER` holds folders mnist, fashion-mnist and cifar10 with the original files; without it they are downloaded. Run
again after an interruption it goes on where it stopped, and it leaves out what benchmarks/results/compact_runs.json
has; two processes share the work with --part 1/2 and --part 2/2. The first seed of every row comes before the second
of any. `python -m benchmarks.compact.summary` makes the tables.
"""

import argparse
import json
import shutil
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.compact.rows import ROWS, RUNS, Row
from benchmarks.data import add_data_options, data_set
from subbit.inspection import inspect_network
from sw.compact.train import resume_point, train
from sw.errors import SubbitError
from sw.network import Network, save
from sw.train.config import FREE
from sw.train.data import DataSet
from sw.train.export import compare

__all__ = ["main"]


def run(row: Row, seed: int, data: DataSet, folder: Path, epochs: int | None) -> dict[str, object]:
    """Train one row with one seed, or go on with it; what came of it."""
    config = replace(row.config, seed=seed, progress=False)
    config = replace(config, epochs=epochs) if epochs else config
    checkpoints = folder / f"{row.key}-{seed}.training"
    last = resume_point(checkpoints, config.compact)
    network, result = train(replace(config, output=str(checkpoints), resume=str(last) if last else None), data)
    comparison = compare(result.model, network, data.test_images)
    if not comparison.equal:
        raise SubbitError(f"the Network of {row.key} is not the model: {comparison}")
    right = float((network.classify(data.test_images) == data.test_labels).mean())
    save(network, folder / f"{row.key}-{seed}.safetensors")
    shutil.rmtree(checkpoints)
    return {
        "table": row.table,
        "row": row.name,
        "seed": seed,
        "test_accuracy": right,
        "validation_accuracy": result.validation_accuracy,
        "epochs": result.epochs,
        "seconds": round(result.seconds, 1),
        "equal": str(comparison),
        "test_images": len(data.test_images),
        **size(network),
        "found": result.found,
        "recipe": {key: value for key, value in asdict(config).items() if key not in FREE or key == "epochs"},
    }


def size(network: Network) -> dict[str, object]:
    """Bits and operations of a Network and of its inner layers, which are those that are compacted."""
    facts = inspect_network(network)
    weighted = [layer for layer in facts.layers if layer.weights]
    inner = weighted[1:-1]
    weights = sum(layer.weights for layer in inner)
    return {
        "weights": facts.weights,
        "weight_bits": facts.weight_bits,
        "table_bits": sum(layer.table_bits for layer in weighted),
        "bit_operations": facts.bit_operations,
        "inner_bits_per_weight": sum(layer.weight_bits for layer in inner) / weights,
        "inner_bits_per_weight_without_tables": sum(layer.weight_bits - layer.table_bits for layer in inner) / weights,
        "inner_ones": sum(layer.ones for layer in inner) / weights,
        "inner_bit_operations": sum(layer.bit_operations for layer in inner),
        "inner_plain_operations": sum(layer.operations // 2 for layer in inner),
        "depth": max(layer.depth for layer in weighted),
    }


def main(arguments: list[str] | None = None) -> int:
    """The command. Exit status 2 where the call or the data is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    tables = sorted({row.table for row in ROWS})
    add_data_options(parser)
    parser.add_argument("--output", type=Path, default=Path("build/compact"), help="folder for results (%(default)s)")
    parser.add_argument("--tables", nargs="+", choices=tables, default=tables, help="which tables (all)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="seeds (0 1 2)")
    parser.add_argument("--epochs", type=int, help="another number of epochs than the rows'")
    parser.add_argument("--again", action="store_true", help="train rows, too, that benchmarks/results has already")
    parser.add_argument("--part", default="1/1", help="which share of the work, as in 1/2")
    given = parser.parse_args(arguments)
    try:
        part, _, parts = given.part.partition("/")
        jobs = [(row, seed) for seed in given.seeds for row in ROWS if row.table in given.tables]
        work(jobs[int(part) - 1 :: int(parts)], given)
    except SubbitError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def work(jobs: list[tuple[Row, int]], given: argparse.Namespace) -> None:
    """Do those jobs that have no result yet."""
    given.output.mkdir(parents=True, exist_ok=True)
    sets: dict[str, DataSet] = {}
    kept = [] if given.again or given.epochs or not RUNS.exists() else json.loads(RUNS.read_text())["runs"]
    known = {(run["table"], run["row"], run["seed"]) for run in kept}
    for place, (row, seed) in enumerate(jobs):
        path = given.output / f"{row.key}-{seed}.json"
        if path.exists() or (row.table, row.name, seed) in known:
            continue
        name = row.config.data
        if name not in sets:
            sets[name] = data_set(name, given)
        started = time.monotonic()
        measured = run(row, seed, sets[name], given.output, given.epochs)
        path.write_text(json.dumps(measured, indent=2) + "\n")
        print(
            f"{place + 1} of {len(jobs)}: {row.table} {row.name}, seed {seed}: "
            f"test {100 * float(str(measured['test_accuracy'])):.2f} %, {time.monotonic() - started:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())

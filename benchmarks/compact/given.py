"""Networks that others trained, made compact: what is free, what codebooks cost, and the hardware of the free form.

    python -m benchmarks compact_given --models FOLDER [--data-dir FOLDER] [--cifar10 FILE] [--hardware 4]

`--models`, `--data-dir` and `--cifar10` are those of `benchmarks.compact.official`. The LFC is judged by the validation
part of MNIST's training images and trained further on the others, the CNV by the training images of `--cifar10`, its
`train_images` and `train_labels`; both networks were trained on these by their authors, so what they lose there is the
measure, and the test images, looked at once for the rows that are shown, tell how good they are.

`--hardware` also plans, generates and simulates both, with and without channel reuse. Rows that stand in the results
are not measured again without `--again`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compact.official import cnv_pixels, decoded
from benchmarks.report import kept_rows, publish, versions
from subbit import library
from subbit.compaction import agreement, changes
from subbit.console import note
from sw.compact.finetune import validation_part
from sw.errors import SubbitError
from sw.network import Network
from sw.train.data import load

__all__ = ["main"]

FREE = (("as it is",), ("reuse",), ("two-level",), ("two-level", "reuse"))
COSTLY = ("codebook:n=32,by=frequent", "codebook:n=16,by=frequent", "codebook:n=32", "codebook:n=16")
COLUMNS = ("network", "way", "epochs")
NAME, TITLE = "compact_given", "Networks that others trained, made compact"
DEVICE = "ecp5-85f"


@dataclass(frozen=True)
class Given:
    """A network, images to judge by with their labels, and the test images with theirs."""

    network: Network
    images: np.ndarray
    labels: np.ndarray | None
    test_images: np.ndarray
    test_labels: np.ndarray | None


def given(options: argparse.Namespace) -> Iterator[Given]:
    """The two networks. Raises SubbitError where a file is missing."""
    for network in decoded(options.models):
        if network.name == "lfc" and options.data_dir:
            data = load("mnist", options.data_dir)
            held = validation_part(data, 0.1, 0)
            yield Given(network, held.images, held.classes, data.test_images, data.test_labels)
        elif network.name == "cnv" and options.cifar10:
            with np.load(options.cifar10) as held:
                seen, test = (cnv_pixels(held[f"{part}_images"]) for part in ("train", "test"))
                yield Given(network, seen, held["train_labels"], test, held["test_labels"])
        else:
            image = network.input
            shape = (400, image.height, image.width, image.channels)
            images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
            yield Given(network, images[:200], None, images[200:], None)


def row(one: Given, after: Network, way: str, epochs: int | None) -> dict[str, Any]:
    """What `way` made of the network."""
    facts, before = library.inspect(after), library.inspect(one.network)
    changed = [change for change in changes(one.network, after) if change.changed is not None]
    differ = sum(change.changed or 0 for change in changed)
    found = {
        "network": one.network.name,
        "way": way,
        "epochs": epochs,
        "bits a weight": facts.bits_per_weight,
        "ROM bits": facts.weight_bits,
        "operations left %": 100 * facts.bit_operations / before.bit_operations,
        "depth": facts.depth,
        "weight bits changed %": 100 * differ / sum(change.before.weights for change in changed),
    }
    if one.labels is not None and one.test_labels is not None:
        found["validation %"] = 100 * agreement(after, one.images, one.labels)
        found["test %"] = 100 * agreement(after, one.test_images, one.test_labels)
    if not epochs:
        same = int((after.score(one.test_images) == one.network.score(one.test_images)).all(axis=1).sum())
        found["equal scores"] = f"{same:,} of {len(one.test_images):,}"
    return found


def rows(one: Given, options: argparse.Namespace, known: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row for each way; those that are known are not measured again."""
    done = {tuple(old.get(column) for column in COLUMNS): old for old in known}
    name = one.network.name
    for ways in (*FREE, *((way,) for way in COSTLY)):
        way = " and ".join(ways)
        if (name, way, None) in done:
            yield done[name, way, None]
            continue
        note(f"{name}: {way}")
        methods = () if ways == FREE[0] else ways
        after = library.compact(one.network, *methods)
        found = row(one, after, way, None)
        if ways in FREE and not np.array_equal(after.score(one.images), one.network.score(one.images)):
            raise SubbitError(f"{name} has other scores with {way}: this is a fault of subbit")
        yield found
    if name != "lfc" or not options.data_dir or not options.epochs:
        return
    for way in COSTLY[:2]:
        if (name, way, options.epochs) in done:
            yield done[name, way, options.epochs]
            continue
        note(f"{name}: {way}, {options.epochs} epochs")
        started = time.perf_counter()
        after, _ = library.fine_tune(
            one.network, way, data="mnist", data_dir=options.data_dir, epochs=options.epochs, batch=200,
            learning_rate=2e-3, augment="none", validation=0.1, seed=0,
        )  # fmt: skip
        yield {**row(one, after, way, options.epochs), "seconds": time.perf_counter() - started}


def hardware(one: Given, images: int) -> Iterator[dict[str, Any]]:
    """Plan, Verilog and simulation with and without channel reuse."""
    fps, clock = (9_000, 37.5) if one.network.name == "lfc" else (900, 40.0)
    for way in FREE[0] + FREE[1]:
        note(f"{one.network.name}: hardware, {way}")
        network = one.network if way == FREE[0][0] else library.compact(one.network, way)
        plan = library.plan(network, device=DEVICE, fps=fps, clock_mhz=clock)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "rtl"
            library.generate(network, plan, folder)
            (report,) = library.simulate(folder, one.test_images[:images], simulator="verilator", fast=True)
        assert plan.area is not None
        yield {
            "network": one.network.name,
            "way": way,
            "device": f"{DEVICE}, {clock:g} MHz",
            "frames a second": round(plan.frames_per_second),
            "LUTs (estimate)": round(plan.area.luts),
            "FFs (estimate)": round(plan.area.ffs),
            "block RAMs": plan.area.brams,
            "cycles a frame": plan.interval,
            "images equal": f"{report.images - report.mismatches} of {report.images}",
        }


def main(arguments: list[str] | None = None) -> int:
    """The command. Exit status 2 where the call or a file is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--models", type=Path, help="folder with the two decoded models, without which nothing is done")
    parser.add_argument("--data-dir", help="folder with MNIST's four .gz files; without it images are random")
    parser.add_argument("--cifar10", type=Path, help=".npz of train_ and test_ images and labels; without it random")
    parser.add_argument("--epochs", type=int, default=4, help="epochs that the LFC is trained further; 0 for none")
    parser.add_argument("--hardware", type=int, default=0, metavar="IMAGES", help="simulate so many images of each")
    parser.add_argument("--again", action="store_true", help="measure what stands in the results, too")
    options = parser.parse_args(arguments)
    if options.models is None:
        note("nothing measured: name the folder of BNN-PYNQ's decoded weights with --models")
        return 0
    command = "python -m benchmarks compact_given --models FOLDER --data-dir FOLDER --cifar10 FILE"
    tools = versions("numpy", "scipy", "torch")
    found: list[dict[str, Any]] = []
    built: list[dict[str, Any]] = []
    known = kept_rows(NAME, again=options.again)
    try:
        for one in given(options):
            for made in rows(one, options, known):
                found.append(made)
                publish(NAME, TITLE, found + [old for old in known if old not in found], tools, command)
            if options.hardware:
                built += hardware(one, options.hardware)
                title = "Hardware of networks that others trained, with channel reuse and without"
                publish(
                    f"{NAME}_hardware",
                    title,
                    built,
                    versions("amaranth", "verilator"),
                    f"{command} --hardware {options.hardware}",
                )
    except SubbitError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

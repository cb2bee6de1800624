"""MNIST networks with every layer unrolled, so that a result leaves in every cycle: accuracy, and LUTs on 7-series.

    python -m benchmarks frame_a_cycle --data-dir FOLDER [--rows NAME ...] [--output FOLDER] [--simulate IMAGES]

`FOLDER` holds a folder mnist with the original files; without it they are downloaded. Each row is trained (again after
an interruption it goes on), exported, compared with PyTorch on all test images, evaluated on them once, planned with
all pixels in a beat and every layer unrolled, simulated from its Verilog, and mapped by Yosys as a whole: the
comparison of pixels, all layers, and the choice of the class. Rows that stand in
benchmarks/results/frame_a_cycle.json are left out, but with --again.
"""

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.data import add_data_options, data_set
from benchmarks.report import DOCS, kept_rows, markdown, publish, versions
from docs.tools.marks import fill
from hw.accelerator import Accelerator
from hw.plan.area import pipeline_area
from hw.plan.device import device
from hw.plan.plan import Folding, Plan
from hw.synthesis import synthesise
from hw.yosys import yosys_version
from subbit import library
from sw.compact.train import resume_point, train
from sw.errors import SubbitError
from sw.network import Linear, Network, load, save
from sw.train.config import TrainConfig
from sw.train.data import DataSet
from sw.train.export import compare

__all__ = ["NAME", "ROWS", "Row", "table", "unrolled_plan"]

NAME = "frame_a_cycle"
EPOCHS = 20
DEVICE = "artix7-35t"  # Of its family's tables; the design need not fit.


@dataclass(frozen=True)
class Row:
    """A network: its name in the table, its topology, the share of ones in each dense layer or in their place the
    inputs of a neuron, and its training."""

    name: str
    topology: str
    ones: tuple[float, ...] = ()
    inputs: tuple[int, ...] = ()
    learning_rate: float = 1e-2

    @property
    def config(self) -> TrainConfig:
        """How it is trained. Each layer has a budget of its own; neurons of few inputs but for the classes a limit."""
        pruned = [f"two-level:ones={ones:g},levels=zero,fraction=0@dense{at}" for at, ones in enumerate(self.ones, 1)]
        few = [
            f"few:inputs={inputs}{'' if at < len(self.inputs) else ',most=-1'}@dense{at}"
            for at, inputs in enumerate(self.inputs, 1)
        ]
        return TrainConfig(
            data="mnist",
            topology=self.topology,
            encoding="threshold",
            estimator="bireal",
            batch=256,
            learning_rate=self.learning_rate,
            epochs=EPOCHS,
            validation=1 / 12,
            validate_every=2,
            augment="digits",
            label_smoothing=0.0,
            threads=1,
            fast=bool(self.inputs),
            compact=(*pruned, *few),
            progress=False,
        )


# Of FINN's SFC topology, one network for each share of ones; then a wide one whose neurons are tables, and whose
# classes read a tenth of the last layer.
TABLES = "both, dense 2048, both, dense 2048, both"
ROWS = [
    *(Row(f"SFC, {o:.0%} ones", "sfc", (o, o, o, 0.25)) for o in (0.10, 0.05, 0.03, 0.02, 0.01)),
    Row("2048, 2048 of six inputs", TABLES, inputs=(6, 6, 205), learning_rate=2e-2),
]

# What others say of theirs, on other parts and by other tools; networks of trained tables are another kind of model.
OTHERS = [
    ["FINN SFC-max, 1 bit (second-hand)", "", "", "96 %", "91,131", "", "", ""],
    ["LUTNet, unrolled", "", "", "98.01 %", "58,192", "", "", ""],
    ["DWN, trained tables, no encoder (second-hand)", "", "", "97.1, 97.9, 98.3 %", "692, 1,413, 4,082", "", "", ""],
    ["DWN again, on a Basys 3, with the encoder", "", "", "97.76 %", "3,464", "", "", ""],
    ["TreeLUT I, trees (second-hand)", "", "", "97 %", "4,478", "", "", ""],
]


def unrolled_plan(network: Network) -> Plan:
    """All pixels in a beat, every layer unrolled, and the class alone."""
    folding = {
        layer.name: Folding(layer.outputs, layer.taps, datapath="unrolled")
        for layer in network.layers
        if isinstance(layer, Linear)
    }
    return Plan(folding, network.input.height * network.input.width, "class", device=DEVICE)


def trained(row: Row, data: DataSet, folder: Path) -> tuple[Network, dict[str, Any]]:
    """The row's network, trained now or by an earlier run, and what its training and the test images say."""
    key = "".join(letter if letter.isalnum() else "-" for letter in row.name)
    file, told = folder / f"{key}.safetensors", folder / f"{key}.json"
    if told.exists():
        return load(file), json.loads(told.read_text())
    checkpoints = folder / f"{key}.training"
    last = resume_point(checkpoints, row.config.compact)
    config = replace(row.config, output=str(checkpoints), resume=str(last) if last else None)
    network, result = train(config, data)
    comparison = compare(result.model, network, data.test_images)
    if not comparison.equal:
        raise SubbitError(f"the Network of {row.name} is not the model: {comparison}")
    save(network, file)
    right = float((network.classify(data.test_images) == data.test_labels).mean())
    dense = [layer for layer in network.layers if isinstance(layer, Linear) and layer.name.startswith("dense")]
    counts = [int(layer.weights.decode().sum()) for layer in dense]
    hidden = sum(layer.outputs * layer.taps for layer in dense[:-1])
    found = {
        "network": row.name,
        "topology": row.topology,
        "ones": sum(counts[:-1]) / hidden,
        "ones of the last layer": counts[-1] / (dense[-1].outputs * dense[-1].taps),
        "connections": sum(counts),
        "epochs": EPOCHS,
        "validation": result.validation_accuracy,
        "test": right,
        "equal": str(comparison),
    }
    told.write_text(json.dumps(found))
    shutil.rmtree(checkpoints)
    return network, found


def measured(network: Network, data: DataSet, images: int) -> dict[str, Any]:
    """Cycles a frame and images that were right in Verilog, and the area of the whole."""
    plan = unrolled_plan(network)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "rtl"
        library.generate(network, plan, folder)
        (report,) = library.simulate(folder, data.test_images[:images], simulator="verilator", fast=True)
    if not report.passed:
        raise SubbitError(f"the Verilog of {network.name} is not the Network: {report.mismatch}")
    accelerator, family = Accelerator(network, plan), device(DEVICE).family
    area = synthesise(accelerator, family, seconds=3000, gibibytes=14)
    return {
        "cycles": report.cycles_per_frame,
        "latency": report.latency,
        "equal in Verilog": f"{images - report.mismatches} of {images}",
        "LUTs": area.luts + area.lutrams,
        "FFs": area.ffs,
        "carry blocks": area.carries,
        "block RAMs": area.brams,
        "estimate": round(pipeline_area(accelerator.pipeline, family).luts),
        "yosys_s": area.seconds,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown, and below them what others report of theirs."""
    order = [row.name for row in ROWS]
    lines = [
        [
            row["network"],
            f"{100 * row['ones']:.2f} %",
            f"{row['connections']:,}",
            f"{100 * row['test']:.2f} %",
            f"{row['LUTs']:,}",
            f"{row['FFs']:,}",
            str(row["cycles"]),
            row["equal in Verilog"],
        ]
        for row in sorted(rows, key=lambda row: order.index(row["network"]))
    ]
    head = ["network", "ones", "connections", "test", "LUTs", "FFs", "cycles a frame", "equal in Verilog"]
    return markdown(head, lines + OTHERS)


def main(arguments: list[str] | None = None) -> int:
    """The command. Exit status 2 where the call or the data is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_options(parser)
    names = [row.name for row in ROWS]
    parser.add_argument("--rows", nargs="+", choices=names, default=names, help="which networks (all)")
    parser.add_argument("--output", type=Path, default=Path("build/frame_a_cycle"), help="for networks (%(default)s)")
    parser.add_argument("--simulate", type=int, default=1000, metavar="IMAGES", help="so many of each (%(default)s)")
    parser.add_argument("--again", action="store_true", help="measure anew what is there of the rows")
    given = parser.parse_args(arguments)
    rows = [row for row in kept_rows(NAME) if not (given.again and row["network"] in given.rows)]
    try:
        data = data_set("mnist", given)
        given.output.mkdir(parents=True, exist_ok=True)
        for row in ROWS:
            if row.name not in given.rows or any(other["network"] == row.name for other in rows):
                continue
            network, found = trained(row, data, given.output)
            rows.append(found | measured(network, data, given.simulate))
            tools = {"yosys": yosys_version(), **versions("amaranth", "torch")}
            publish(NAME, "MNIST, a result every cycle, 7-series by Yosys", rows, tools)
            fill(DOCS / "results.md", NAME, table(rows))
    except SubbitError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

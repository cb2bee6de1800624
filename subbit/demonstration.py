"""The main path on real digits, from training to proof, in minutes."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from subbit import library
from subbit.extras import require
from subbit.inspection import Inspection
from sw.errors import SubbitError
from sw.files import atomic_folder
from sw.network import Network

if TYPE_CHECKING:
    from hw.plan.plan import Plan
    from sim.accelerator import SimulationReport
    from subbit.building import BuildResult
    from subbit.classification import Classification
    from subbit.planning import PlanReport
    from sw.train.export import Comparison
    from sw.train.fit import TrainResult

__all__ = ["DemoResult", "demonstrate"]

SUMMARY, REPORT = "summary.json", "report.html"
LEAST_ACCURACY = 0.97
# Small enough for Icarus, which is slower than Verilator by three orders of magnitude, to see every test image too.
TOPOLOGY = "conv 16 pad 1, conv 24 pad 1, pool, conv 32 pad 1, pool"
TRAINING = {"data": "digits", "topology": TOPOLOGY, "epochs": 200, "seed": 0, "threads": 2}
PLANNING = {"device": "ice40-up5k", "fps": 10_000.0}
BOARD = "icebreaker"
# The routed design is simulated cell by cell: some images tell enough in the time of a demo.
STAGES = {"rtl": None, "routed": 20}


@dataclass(frozen=True)
class DemoResult:
    """What the demo found: each step's own result, and ``seconds`` by step.

    ``accuracy`` is the Network's on the test images; ``comparison`` is PyTorch against the Network at every layer,
    ``simulations`` the hardware against the Network, one a simulator, each over every test image. ``build`` is the
    bitstream's, and ``boards`` the answers of the board's simulation, by stage; None and nothing where the tools for
    that are not installed. ``page`` is the report's, None where what draws it is not installed.
    """

    folder: Path
    images: int
    accuracy: float
    training: "TrainResult"
    comparison: "Comparison"
    contents: Inspection
    plan: "PlanReport"
    simulations: Sequence["SimulationReport"]
    build: "BuildResult | None"
    boards: Mapping[str, "Classification"]
    page: Path | None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the network is good, equals PyTorch, and all that was simulated equals the Network."""
        proven = all(run.passed for run in (*self.simulations, *self.boards.values()))
        proven = proven and (self.build is None or self.build.met)
        return self.accuracy >= LEAST_ACCURACY and self.comparison.equal and proven

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "passed": self.passed,
            "folder": str(self.folder),
            "images": self.images,
            "accuracy": self.accuracy,
            "validation_accuracy": self.training.validation_accuracy,
            "epochs": self.training.epochs,
            "pytorch_equals_network": self.comparison.equal,
            "values_compared": self.comparison.values,
            "network": self.contents.as_dict()["total"],
            "plan": self.plan.as_dict(),
            "simulations": [run.as_json() for run in self.simulations],
            "build": None if self.build is None else self.build.as_dict(),
            "boards": {stage: run.as_dict() for stage, run in self.boards.items()},
            "report": None if self.page is None else str(self.page),
            "seconds": self.seconds,
        }


def demonstrate(folder: Path, progress: Callable[[str], None]) -> DemoResult:
    """Train on scikit-learn's digits, export, compare with PyTorch, plan, generate, prove it in each simulator, build
    the bitstream of a board, and classify on that board's simulation.

    Both simulators run every test image; Verilator also compares every layer, with and without pauses in the streams.
    The board's Verilog classifies every test image too, its routed netlist some. A report shows all of it on one page.
    Everything that is made is written into ``folder``; ``progress`` receives a line for each step.
    Raises SubbitError where an extra or every simulator is missing, before anything is trained or written.
    """
    require("train", "the demo")
    require("sim", "the demo")
    from sw.train.data import load as load_data
    from sw.train.export import compare

    simulators = library.simulators(progress)
    seconds: dict[str, float] = {}
    with atomic_folder(folder, SUMMARY) as made, TemporaryDirectory(prefix="subbit-demo-") as scratch:
        data = load_data(str(TRAINING["data"]))
        with timed("train", seconds):
            progress(
                f"train: a convolutional network on {len(data.train_images):,} digits, {TRAINING['epochs']} epochs"
            )
            network, training = library.train(**TRAINING)
            library.save(network, made / "digits.safetensors")
        with timed("compare", seconds):
            progress(f"compare: PyTorch with the Network on {len(data.test_images)} test images, at every layer")
            comparison = compare(training.model, network, data.test_images)
        with timed("plan", seconds):
            progress(f"plan: {PLANNING['fps']:,.0f} frames a second on {PLANNING['device']}")
            planned = library.plan(network, **PLANNING)
            (made / "plan.json").write_text(planned.plan.to_json())
        with timed("generate", seconds):
            progress("generate: SystemVerilog, memory images, golden vector")
            library.generate(network, planned, made / "rtl", data.test_images[:4])
        runs = []
        for name in simulators:
            with timed(name, seconds):
                progress(f"simulate: {len(data.test_images)} test images in {name}")
                runs += library.simulate(
                    made / "rtl",
                    data.test_images,
                    simulator=name,
                    network=network,
                    fast=name == "icarus",
                    build_dir=scratch,
                )
        built, answers = on_a_board(network, planned.plan, made / BOARD, data.test_images, progress, seconds)
        with timed("report", seconds):
            page = reported(folder, made, progress)
        accuracy = float((network.classify(data.test_images) == data.test_labels).mean())
        result = DemoResult(
            folder,
            len(data.test_images),
            accuracy,
            training,
            comparison,
            library.inspect(network),
            planned,
            runs,
            built,
            answers,
            page,
            {step: round(took, 1) for step, took in seconds.items()},
        )
        (made / SUMMARY).write_text(json.dumps(result.as_dict(), indent=2) + "\n")
    return result


def on_a_board(
    network: Network,
    plan: "Plan",
    folder: Path,
    images: np.ndarray,
    progress: Callable[[str], None],
    seconds: dict[str, float],
) -> tuple["BuildResult | None", dict[str, "Classification"]]:
    """The build for the board, and the answers of its simulation; nothing where its tools are not installed."""
    try:
        require("fpga", "building for a board")
    except SubbitError as error:
        progress(f"left out: {error}")
        return None, {}
    answers = {}
    with timed("build", seconds):
        progress(f"build: a bitstream for {BOARD}")
        built = library.build(network, BOARD, folder, plan=plan, progress=lambda text: None)
    for stage, most in STAGES.items():
        with timed(stage, seconds), library.virtual_board(folder, stage=stage) as port:
            chosen = images[:most]
            progress(f"classify: {len(chosen)} test images on the simulated board, {stage}")
            answers[stage] = library.classify(folder, chosen, port, virtual=True)
    return built, answers


def reported(folder: Path, made: Path, progress: Callable[[str], None]) -> Path | None:
    """Where in ``folder`` the report stands on what is ``made``; None where what draws it is not installed."""
    try:
        require("report", "the report")
    except SubbitError as error:
        progress(f"left out: {error}")
        return None
    progress("report: all of it on one page")
    board = (made / BOARD).is_dir()
    subject, others = (made / BOARD, [made / "rtl"]) if board else (made / "rtl", [])
    library.report(subject, made / REPORT, others=others, data=str(TRAINING["data"]), title=str(TRAINING["data"]))
    return folder / REPORT


@contextmanager
def timed(step: str, seconds: dict[str, float]) -> Iterator[None]:
    """Adds the wall time of its block to ``seconds`` under ``step``."""
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start

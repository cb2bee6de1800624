"""The public functions: the steps from a data set to proven hardware, as Python calls.

Each step is one function over the packages that do the work; whatever a step needs is imported when it is called.
"""

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from subbit.compaction import compact, fine_tune
from subbit.console import Failed, finished, made_by_user
from subbit.extras import require
from subbit.folders import NETWORK_FILE, network_of
from subbit.importing import import_qonnx, prove_qonnx
from subbit.inspection import Inspection, inspect_network
from subbit.interchange import check_qonnx, export_qonnx
from subbit.reporting import report
from sw.errors import SubbitError
from sw.files import atomic_write, made_folder
from sw.network import Network, load, save
from sw.network.roms import encoded_roms

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from boards.flash import Flash
    from hw.generate import Generated
    from hw.plan.plan import Plan
    from sim.accelerator import SimulationReport
    from subbit.building import BuildResult
    from subbit.classification import Classification
    from subbit.demonstration import DemoResult
    from subbit.planning import PlanReport
    from sw.train.fit import TrainResult

__all__ = [
    "NETWORK_FILE",
    "build",
    "check_qonnx",
    "classify",
    "compact",
    "demo",
    "draw",
    "export_qonnx",
    "fine_tune",
    "flash",
    "generate",
    "import_qonnx",
    "inspect",
    "load",
    "network_of",
    "plan",
    "prove_qonnx",
    "replace_weights",
    "report",
    "save",
    "simulate",
    "simulators",
    "train",
    "virtual_board",
    "write_roms",
]

Name = str | PathLike[str]


def train(**settings: Any) -> tuple[Network, "TrainResult"]:
    """Train a binary network and export it; returns the Network and what the training found.

    ``settings`` are the fields of ``sw.train.config.TrainConfig``: ``data="mnist"``, ``topology="cnn"``, ``epochs=60``
    and so on. ``compact=("codebook:n=32",)`` names ways to make the network compact; ``found`` of the result is what
    they found out before it was trained. ``test=True`` also measures the accuracy on the test images, once, at the end.

    Raises SubbitError where torch is missing, a setting is wrong, or the data is missing or damaged.
    """
    require("train", "training")
    from sw.compact.train import train as fit
    from sw.train.config import TrainConfig

    return fit(TrainConfig(**settings))


def inspect(network: Network) -> Inspection:
    """Count what is in a Network: weights, stored bits, thresholds and operations, by layer and in total."""
    return inspect_network(network)


def draw(
    network: Network, folder: Name, *, before: Network | None = None, slices: Mapping[str, Any] | None = None
) -> list[Path]:
    """Draw what compaction did to ``network`` into ``folder``, as PNG and SVG; returns the files.

    Codeword frequencies of its convolutions, beside those of ``before`` where it is given; the reuse tree of each layer
    that has one; and ``slices``, the "choice" of a training's slices.json.

    Raises SubbitError where matplotlib is missing, the networks cannot be compared or the folder cannot be written.
    """
    require("report", "drawing")
    from subbit.pictures import draw_network

    with made_by_user():
        return draw_network(network, Path(folder), before, slices)


def write_roms(network: Network, folder: Name) -> list[Path]:
    """Write the memories that the weights are encoded in, LAYER.ENCODING.NAME.mem for $readmemh; returns the files."""
    made, paths = made_folder(folder), []
    for name, rom in encoded_roms(network, dense=True).items():
        paths.append(made / f"{name}.mem")
        with atomic_write(paths[-1]) as temporary:
            temporary.write_text(rom.mem())
    return paths


def plan(
    network: Network,
    *,
    device: str | None = None,
    fps: float | None = None,
    max_fps: bool = False,
    clock_mhz: float | None = None,
    fold: Mapping[str, tuple[int, int] | tuple[int, int, str]] | None = None,
    pixels_per_beat: int = 1,
    output: str = "scores",
    explain: bool = False,
) -> "PlanReport":
    """Fold ``network`` for a device; returns the plan with its cycles by formula and its area by estimate.

    ``fps`` asks for the least area at that many frames a second, ``max_fps`` for the most that fit ``device``; with
    neither, every layer is folded as far as it goes. ``fold`` gives (PE, SIMD), or (PE, SIMD, datapath), of
    single layers by hand, after that. ``explain`` also finds what every datapath would have cost each layer.
    ``clock_mhz`` is by default that of the device's boards, or 12. ``output`` is scores or class.

    Raises SubbitError where the device is unknown, the rate cannot be met, or a folding does not divide its layer.
    """
    from subbit.planning import Wish, make_plan

    by_hand = {name: way if len(way) == 3 else (*way, "xnor") for name, way in (fold or {}).items()}
    wish = Wish(device, fps, max_fps, clock_mhz, by_hand, pixels_per_beat, output, explain)
    return make_plan(network, wish)


def generate(
    network: Network, plan: "Plan | PlanReport", folder: Name, images: np.ndarray | None = None
) -> "Generated":
    """Write the accelerator of ``network`` under ``plan`` into ``folder``: Verilog, memories, golden vector, Network.

    ``images``, uint8 (n, height, width, channels), go into the golden vector; by default four of random pixels.
    ``folder`` is written whole or not at all; an earlier one is replaced. Raises SubbitError where plan and network do
    not fit, or something else stands in the folder's place.
    """
    from hw.generate import generate as write
    from hw.plan.plan import Plan

    with made_by_user():
        return write(network, plan if isinstance(plan, Plan) else plan.plan, folder, images)


def simulate(
    folder: Name,
    images: np.ndarray,
    *,
    simulator: str = "all",
    fast: bool = False,
    seed: int = 0,
    waves: Name | None = None,
    build_dir: Name | None = None,
    network: Network | None = None,
    progress: Callable[[str], None] | None = None,
) -> list["SimulationReport"]:
    """Run ``images``, uint8 (n, height, width, channels), through the Verilog in ``folder``; one report a simulator.

    ``simulator`` is verilator, icarus, or all that are installed. Without ``fast`` every layer is compared, with and
    without pauses in the streams; with it, results alone, once. ``waves`` names a waveform file for one run,
    ``build_dir`` the folder of the built models (by default one inside ``folder``). ``network`` is by default the one
    saved there. ``progress`` receives a line before each run. A record of each stays in ``folder``.
    A wrong answer is no exception: read ``passed`` of each.

    Raises SubbitError where a simulator is missing or unknown, or the folder or the images do not fit, Failed where a
    simulator did not do its work.
    """
    require("sim", "simulation")
    from sim.accelerator import simulate as run
    from sim.tools import SIMULATORS, SimulationFailure
    from sim.tools import require as require_simulator
    from subbit.proof import keep_simulation

    tell = progress or (lambda text: None)
    network = network or network_of(folder)
    if simulator not in ("all", *SIMULATORS):
        raise SubbitError(f"simulator must be {', '.join(SIMULATORS)} or all, not {simulator!r}")
    if simulator == "all":
        chosen = simulators(tell)
    else:
        require_simulator(simulator)
        chosen = [simulator]
    reports = []
    for name in chosen:
        tell(f"{name}: {len(images)} images")
        with made_by_user(), finished(name, SimulationFailure):
            report = run(
                Path(folder),
                network,
                images,
                name,
                "fast" if fast else "checked",
                seed=seed,
                waves=None if waves is None else Path(waves),
                build_dir=None if build_dir is None else Path(build_dir),
            )
        reports.append(report)
        if (unkept := keep_simulation(Path(folder), network, images, report, seed)) is not None:
            tell(unkept)
    return reports


def classify(
    folder: Name,
    images: np.ndarray,
    port: str,
    *,
    network: Network | None = None,
    progress: Callable[[int], object] | None = None,
    virtual: bool = False,
) -> "Classification":
    """Send ``images``, uint8 (n, height, width, channels), to the board at ``port`` that holds the build ``folder``.

    Every answer is compared with ``network``, by default the one saved there. ``progress`` is called with the number of
    answers so far. ``virtual``: the board is simulated, and may take its time. Raises SubbitError where the port cannot
    be opened, nobody answers, the board holds another network, or the images do not fit.
    """
    from subbit.classification import PATIENCE, PATIENCE_VIRTUAL
    from subbit.classification import classify as ask

    network = network or network_of(folder)
    with made_by_user():
        patience = PATIENCE_VIRTUAL if virtual else PATIENCE
        return ask(Path(folder), network, network.check_images(images), port, progress, patience)


def virtual_board(
    folder: Name,
    simulator: str = "verilator",
    stage: str = "rtl",
    progress: Callable[[str], None] | None = None,
    waves: Name | None = None,
) -> "AbstractContextManager[str]":
    """The board of the build ``folder`` in a simulator: a context whose value is the serial port to talk to.

    ``stage``: rtl, synthesised, routed or bitstream. Raises SubbitError where something is missing, Failed where the
    simulator did not do its work.
    """
    from subbit.classification import virtual_board as start

    tell = progress or (lambda text: None)
    return start(Path(folder), simulator, stage, tell, None if waves is None else Path(waves))


def simulators(progress: Callable[[str], None]) -> list[str]:
    """Simulators that can be run here; ``progress`` is told of each that is left out.

    Raises SubbitError where none can.
    """
    from sim.tools import SIMULATORS
    from sim.tools import require as require_simulator

    found, missing = [], []
    for name in SIMULATORS:
        try:
            require_simulator(name)
            found.append(name)
        except SubbitError as error:
            missing.append(str(error))
    if not found:
        raise SubbitError(f"no simulator can be run here: {' '.join(missing)}")
    for sentence in missing:
        progress(f"left out: {sentence}")
    return found


def build(
    network: Network,
    board: str,
    folder: Name,
    *,
    plan: "Plan | PlanReport | None" = None,
    fps: float | None = None,
    max_fps: bool = False,
    clock_mhz: float | None = None,
    output: str = "scores",
    baud: int | None = None,
    seeds: int = 8,
    jobs: int | None = None,
    rtl_only: bool = False,
    replaceable: bool = False,
    seed_minutes: float | None = None,
    progress: Callable[[str], None] | None = None,
    name: str = "NETWORK",
) -> "BuildResult":
    """Build ``network`` for a board into ``folder``: design, netlist, bitstream, and a report of area and timing.

    ``plan``, or one for the board's device as `plan` makes it from ``fps`` and ``max_fps``. ``clock_mhz`` is by default
    the plan's, or that of the board's oscillator. Up to ``seeds`` seeds are tried, ``jobs`` at a time (by default as
    many as half the cores), until the clock is met; the best is kept either way: read ``met``. A seed is given
    up after ``seed_minutes``, by default four times what the slowest that was routed took. ``rtl_only`` ends before
    synthesis; ``replaceable`` keeps every table in block RAM, so that `replace_weights` can put another
    network's there. ``progress`` receives a line for each step; ``name`` is what a proposed command calls the network.
    What an earlier, interrupted build of the same inputs has done is not done again.

    Raises SubbitError where the board is unknown, a tool is missing or the folder is another's; Failed where the
    design does not fit or a tool fails.
    """
    from hw.plan.plan import Plan
    from subbit.building import BuildWish
    from subbit.building import build as run

    chosen = plan if plan is None or isinstance(plan, Plan) else plan.plan
    wish = BuildWish(
        board, chosen, fps, max_fps, clock_mhz, output, baud, seeds, jobs, rtl_only, replaceable, seed_minutes
    )
    return run(network, wish, Path(folder), progress or (lambda text: None), name)


def replace_weights(folder: Name, network: Network, output: Name) -> tuple[str, ...]:
    """Write into ``output`` the build ``folder`` with the weights of ``network``, of the same shape, without place and
    route; returns the names of the tables that changed.

    Raises SubbitError where the network needs other logic, or a table that changes is not all in block RAM: which.
    """
    from boards.weights import replace_weights as replace

    with made_by_user():
        return replace(Path(folder), network, Path(output))


def flash(
    folder: Name,
    *,
    ram: bool = False,
    device: str | None = None,
    dry_run: bool = False,
    progress: Callable[[str], None] | None = None,
) -> "Flash":
    """Put the bitstream of a build ``folder`` onto its board, for good or, with ``ram``, until the power goes.

    ``device`` picks one of several boards. ``dry_run``: find out the command and do nothing. Returns what was, or would
    be, run. Raises SubbitError where the folder is no finished build, or the program or the board is missing; Failed
    where the program fails.
    """
    from boards.flash import FlashFailure, check_plugged_in, flash_of, plugged_in

    tell = progress or (lambda text: None)
    made = flash_of(Path(folder), ram=ram, device=device)
    if made.met is False:
        tell("this build missed its clock: it may give wrong answers")
    if dry_run:
        return made
    found = check_plugged_in(made.board, plugged_in(made.board), device)
    if found:
        tell(f"{made.board.title}: {found}")
    try:
        made.run(tell, Path(folder) / "flash.log")
    except FlashFailure as failure:
        raise Failed(str(failure)) from failure
    return made


def demo(folder: Name = "subbit-demo", progress: Callable[[str], None] | None = None) -> "DemoResult":
    """The whole main path on scikit-learn's digits, everything written into ``folder``; read ``passed`` of the result.

    ``progress`` receives a line for each step.
    Raises SubbitError where an extra or every simulator is missing.
    """
    from subbit.demonstration import demonstrate

    return demonstrate(Path(folder), progress or (lambda text: None))

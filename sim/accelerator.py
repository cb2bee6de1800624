"""Proves a generated accelerator bit for bit: images through the Verilog in a simulator, compared with the Network."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hw.frames import frame_bytes
from sim import simulators as engines
from sim.case import CASE, PUBLIC, Case, Outcome
from sim.checker import Mismatch
from sim.design import Design, Probe
from sw.network import Network

__all__ = ["Mode", "PatternReport", "SimulationReport", "simulate"]

Mode = Literal["checked", "fast"]

BENCHES = [Path(__file__).with_name(name) for name in ("accelerator_bench.sv", "ring_clock.sv")]
BLOCK_BEATS = 1 << 16
BLOCK_IMAGES = 256
BURST = 1000
PATIENCE = 10_000
PATIENCE_FRAMES = 20
# Cycles that a run goes on after its last result, so that a beat too many is seen.
TAIL = 64


@dataclass(frozen=True)
class PatternReport:
    """One run through all images: its rates of ``gaps`` and ``stalls``, cycles from reset to the end, and seconds."""

    gaps: float
    stalls: float
    cycles: int
    seconds: float


@dataclass(frozen=True)
class SimulationReport:
    """What a simulation showed.

    ``images`` results were compared in each run of ``patterns``; ``mismatches`` of the first run that had any are
    wrong, and ``problem`` says in one sentence what was wrong first (None: hardware and Network agree). ``cycles`` and
    ``seconds`` are of the first run. ``cycles_per_frame`` is the interval between ends of consecutive frames once the
    pipeline is full, and ``planned_cycles_per_frame`` what the plan said, and ``latency`` the cycles from the first
    pixel to the end of its frame's result; both None where gaps or stalls disturb them or too few images ran.
    ``classes`` (and ``scores``, with output "scores") are the hardware's answers in the first run.
    """

    simulator: str
    mode: Mode
    images: int
    mismatches: int
    problem: str | None
    mismatch: Mismatch | None
    cycles: int
    cycles_per_frame: int | None
    planned_cycles_per_frame: int | None
    latency: int | None
    seconds: float
    build_seconds: float
    layers: tuple[str, ...]
    patterns: tuple[PatternReport, ...]
    scores: np.ndarray
    classes: np.ndarray

    @property
    def passed(self) -> bool:
        """Whether hardware and Network agree in every run."""
        return self.problem is None

    @property
    def cycles_per_second(self) -> float:
        """Clock cycles simulated a second, the first run."""
        return self.cycles / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """The report without the answers, ready for JSON."""
        fields = {
            name: value
            for name, value in vars(self).items()
            if name not in ("scores", "classes", "patterns", "mismatch")
        }
        return fields | {
            "passed": self.passed,
            "cycles_per_second": self.cycles_per_second,
            "layers": list(self.layers),
            "patterns": [asdict(pattern) for pattern in self.patterns],
            "mismatch": None if self.mismatch is None else asdict(self.mismatch),
        }


def simulate(
    generated: Any,
    network: Network,
    images: np.ndarray,
    simulator: str = "verilator",
    mode: Mode = "checked",
    *,
    gaps: float | None = None,
    stalls: float | None = None,
    seed: int = 1,
    layers: Sequence[str] | None = None,
    patience: int | None = None,
    build_dir: Path | str | None = None,
    sources: Sequence[Path | str] | None = None,
    defines: Mapping[str, object] | None = None,
    waves: Path | str | None = None,
) -> SimulationReport:
    """Run ``images``, uint8 (n, height, width, channels), through the accelerator ``generated`` and compare with
    ``network``.

    ``generated`` is the folder that ``hw.verilog.generate`` wrote, or the object that it returned. Every result is
    compared bit for bit, and the stream rules are watched at both ends.

    ``mode`` "checked" also compares the output of every layer in ``layers`` (default: all that can be seen) and runs
    the 2x2 of source ``gaps`` and sink ``stalls`` (probability that a cycle begins a pause, default 0.25; 0 leaves that
    half out). "fast" runs once, by default without pauses, at the simulator's own speed; where an image is wrong it is
    run again in checked mode to name the layer.

    ``patience`` is the number of cycles without a handshake after which the accelerator counts as stopped.
    ``build_dir``, by default the folder ``simulation`` beside the Verilog, keeps the built models. ``sources``, with
    macros ``defines``, replaces the Verilog, for instance by a synthesised netlist and its cells' models; its inside is
    not watched. ``waves`` names a waveform file: then one run is made and recorded, with the pauses asked for.

    A wrong answer is not an exception: read ``passed``. Raises SubbitError for a missing simulator or a folder that is
    no accelerator, ValueError for arguments that do not fit, SimulationFailure where the simulator itself failed.
    """
    if mode not in ("checked", "fast"):
        raise ValueError(f"mode must be 'checked' or 'fast', not {mode!r}")
    usual = 0.25 if mode == "checked" else 0.0
    rates = {"gaps": usual if gaps is None else gaps, "stalls": usual if stalls is None else stalls}
    for name, rate in rates.items():
        if not 0 <= rate < 1:
            raise ValueError(f"{name} must be from 0 to below 1, not {rate!r}")
    engines.require(simulator)
    design = Design.read(generated)
    images = network.check_images(images)
    if len(images) == 0:
        raise ValueError("images must hold at least one image")
    if sources is not None:
        design = replace(design, sources=tuple(Path(source) for source in sources), probes=())
    probes = design.probes
    watched = _watched(design, layers) if mode == "checked" else ()

    if waves is not None or mode == "fast":
        patterns = [(rates["gaps"] if gaps is not None else 0.0, rates["stalls"] if stalls is not None else 0.0)]
    else:
        patterns = [(gap, stall) for stall in sorted({0.0, rates["stalls"]}) for gap in sorted({0.0, rates["gaps"]})]

    build_dir = design.folder / "simulation" if build_dir is None else Path(build_dir)
    build_dir.mkdir(parents=True, exist_ok=True)
    done, build_seconds = [], 0.0
    with tempfile.TemporaryDirectory(prefix="run-", dir=build_dir) as folder:
        design = replace(design, probes=watched)
        case = _prepared(
            Path(folder).resolve(),
            design,
            network,
            images,
            patience or PATIENCE + PATIENCE_FRAMES * (design.interval or 0),
        )
        for pattern in patterns:
            outcome, seconds = _run(case, simulator, build_dir, pattern, seed, waves, dict(defines or {}))
            build_seconds += seconds
            done.append((pattern, outcome))
            if outcome.problem is not None:
                break
    report = _report(simulator, mode, done, build_seconds, design)
    if mode == "fast" and report.mismatch is not None and probes and sources is None:
        return _located(report, generated, network, images, seed, build_dir)
    return report


def _prepared(folder: Path, design: Design, network: Network, images: np.ndarray, patience: int) -> Case:
    """Write the frames and the taps into ``folder``, and put the memory images where the design looks for them."""
    frames = frame_bytes(images, network.input.bits, design.pixels_per_beat, design.input_bits)
    (folder / "frames.bin").write_bytes(frames)
    for memory in design.memories:
        os.symlink(memory.resolve(), folder / memory.name)
    (folder / "include").mkdir()
    taps = [_tap(index, probe) for index, probe in enumerate(design.probes)]
    (folder / "include" / "taps.svh").write_text("\n".join(taps))
    beats = len(frames) // (design.input_bits // 8) // len(images)
    if design.probes:
        run = network.run(images)
        scores, activations = run.scores, {probe.layer: run.activations[probe.layer] for probe in design.probes}
    else:
        scores, activations = network.score(images), {}
    return Case(folder, design, scores, activations, beats, patience)


def _run(
    case: Case,
    simulator: str,
    build_dir: Path,
    pattern: tuple[float, float],
    seed: int,
    waves: Path | str | None,
    defines: dict[str, object],
) -> tuple[Outcome, float]:
    """One run from reset through all images: the outcome, and the seconds spent to build."""
    case.write()
    parameters = {
        "INPUT_BITS": case.design.input_bits,
        "OUTPUT_BITS": case.design.output_bits,
        "FRAME_BEATS": case.frame_beats,
        "BLOCK": max(1, min(BLOCK_IMAGES, BLOCK_BEATS // case.frame_beats)),
        "BURST": 0 if waves else BURST,
    }
    settings = {
        "total": len(case.scores),
        "gap_rate": round(pattern[0] * 256),
        "stall_rate": round(pattern[1] * 256),
        "seed": seed,
        "patience": case.patience,
        # Watched layers may still have rows to give that the result did not need.
        "tail": TAIL + (2 * (case.design.interval or 0) if case.design.probes else 0),
    }
    failure, build_seconds = None, 0.0
    try:
        result = engines.run(
            "sim.accelerator_bench",
            sources=[*BENCHES, *case.design.sources],
            top="accelerator_bench",
            simulator=simulator,
            build_dir=build_dir,
            run_dir=case.folder,
            parameters=parameters,
            defines=defines | _macros(case.design),
            includes=[case.folder / "include"],
            plusargs=[f"+{name}={value}" for name, value in settings.items()],
            environment_variables={CASE: str(case.folder)},
            build_arguments=["--converge-limit", str(4 * BURST)] if simulator == "verilator" else [],
            public={"accelerator_bench": PUBLIC},
            seed=seed,
            waves=waves,
        )
        build_seconds = result.build_seconds
    except engines.SimulationFailure as error:
        failure = error
    outcome = case.outcome()
    if outcome is None or (failure is not None and outcome.problem is None):
        raise failure or engines.SimulationFailure(f"{simulator} left no outcome in {case.folder}")
    return outcome, build_seconds


def _macros(design: Design) -> dict[str, object]:
    """What the bench's text depends on."""
    found: dict[str, object] = {"DUT": design.top}
    return found | ({"TAPS": 1} if design.probes else {}) | ({"LOAD": design.load_words} if design.load_words else {})


def _watched(design: Design, layers: Sequence[str] | None) -> tuple[Probe, ...]:
    """The probes of ``layers``, in the order of the Network."""
    known = [probe.layer for probe in design.probes]
    if layers is None:
        return design.probes
    for layer in layers:
        if layer not in known:
            raise ValueError(f"layers must be among {', '.join(known) or 'none'}, not {layer!r}")
    return tuple(probe for probe in design.probes if probe.layer in layers)


def _tap(index: int, probe: Probe) -> str:
    """The line of SystemVerilog that watches a layer's stream from outside the design."""
    place = ".".join(("dut", *probe.path))
    signals = {name: f"{place}.{getattr(probe, name)}" for name in ("valid", "ready", "payload")}
    ports = "".join(f", .{name}({signal})" for name, signal in signals.items())
    return (
        f'stream_tap #(.WIDTH({probe.lanes * probe.bits}), .NAME("tap_{index}")) tap_{index} '
        f"(.clk(clk), .rst(rst), .flush(flush), .cycle(cycle), .last(1'b0){ports});"
    )


def _report(
    simulator: str,
    mode: Mode,
    done: Sequence[tuple[tuple[float, float], Outcome]],
    build_seconds: float,
    design: Design,
) -> SimulationReport:
    pattern, first = done[0]
    last_pattern, last = done[-1]
    problem = last.problem
    if problem is not None and len(done) > 1:
        problem = f"{problem} (gaps {last_pattern[0]:g}, stalls {last_pattern[1]:g})"
    steady = np.diff(first.ends[len(first.ends) // 2 :]) if pattern == (0.0, 0.0) else np.zeros(0)
    return SimulationReport(
        simulator=simulator,
        mode=mode,
        images=last.images,
        mismatches=len(last.wrong),
        problem=problem,
        mismatch=last.mismatch,
        cycles=first.cycle,
        cycles_per_frame=round(float(steady.mean())) if steady.size else None,
        planned_cycles_per_frame=design.interval,
        latency=int(first.ends[0]) - first.first + 1 if pattern == (0.0, 0.0) and first.ends.size else None,
        seconds=first.seconds,
        build_seconds=build_seconds,
        layers=tuple(probe.layer for probe in design.probes),
        patterns=tuple(PatternReport(*rates, outcome.cycle, outcome.seconds) for rates, outcome in done),
        scores=first.scores,
        classes=first.classes,
    )


def _located(
    report: SimulationReport, generated: Any, network: Network, images: np.ndarray, seed: int, build_dir: Path
) -> SimulationReport:
    """``report`` of a fast run with the layer named: its first wrong image and the one before it, watched inside."""
    assert report.mismatch is not None
    start = max(0, report.mismatch.image - 1)
    again = simulate(
        generated,
        network,
        images[start : report.mismatch.image + 1],
        report.simulator,
        gaps=0.0,
        stalls=0.0,
        seed=seed,
        build_dir=build_dir,
    )
    if again.mismatch is None:
        return replace(report, problem=f"{report.problem}; run again alone the image was right")
    mismatch = replace(again.mismatch, image=again.mismatch.image + start)
    return replace(report, mismatch=mismatch, problem=str(mismatch), layers=again.layers)

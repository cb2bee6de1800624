"""Proves a generated accelerator bit for bit: images through the Verilog in a simulator, compared with the Network."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sim import simulators as engines
from sim.case import BENCHES, CASE, CONVERGENCE, PUBLIC, Case, Outcome
from sim.checker import Mismatch
from sim.design import Design, Probe
from sw.network import Network

__all__ = ["Mode", "PatternReport", "SimulationReport", "simulate"]

Mode = Literal["checked", "fast"]


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
        case = Case.prepared(Path(folder).resolve(), design, network, images, patience)
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
    failure, build_seconds = None, 0.0
    try:
        result = engines.run(
            "sim.accelerator_bench",
            sources=[*BENCHES, *case.design.sources],
            top="accelerator_bench",
            simulator=simulator,
            build_dir=build_dir,
            run_dir=case.folder,
            parameters=case.parameters(every_edge=waves is not None),
            defines=defines | case.macros,
            includes=[case.folder / "include"],
            plusargs=case.plusargs(pattern, seed),
            environment_variables={CASE: str(case.folder)},
            build_arguments=CONVERGENCE if simulator == "verilator" else [],
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


def _watched(design: Design, layers: Sequence[str] | None) -> tuple[Probe, ...]:
    """The probes of ``layers``, in the order of the Network."""
    known = [probe.layer for probe in design.probes]
    if layers is None:
        return design.probes
    for layer in layers:
        if layer not in known:
            raise ValueError(f"layers must be among {', '.join(known) or 'none'}, not {layer!r}")
    return tuple(probe for probe in design.probes if probe.layer in layers)


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

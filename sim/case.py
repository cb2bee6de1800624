"""What passes between `sim.accelerator.simulate` and its bench in the simulator, as files in the folder of the run."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hw.frames import frame_bytes
from sim.checker import Checker, Mismatch
from sim.design import Design, Probe
from sw.network import Network

__all__ = ["BENCHES", "CASE", "CONVERGENCE", "PUBLIC", "Case", "Outcome"]

#: The SystemVerilog of the bench.
BENCHES = tuple(Path(__file__).with_name(name) for name in ("accelerator_bench.sv", "ring_clock.sv"))

#: Environment variable that names the folder of the run.
CASE = "SUBBIT_ACCELERATOR_CASE"

#: Signals of accelerator_bench.sv that the bench reads or drives.
PUBLIC = ("tick", "reports", "cycle", "first", "results", "finished", "stuck")

BLOCK_BEATS = 1 << 16
BLOCK_IMAGES = 256
BURST = 1000
PATIENCE = 10_000
PATIENCE_FRAMES = 20
# Cycles that a run goes on after its last result, so that a beat too many is seen.
TAIL = 64

#: What Verilator must be told of the bench's clock, which turns so often in one moment.
CONVERGENCE = ("--converge-limit", str(4 * BURST))


@dataclass(frozen=True)
class Outcome:
    """What a run came to: ``wrong`` images of the ``images`` whose results came, and the first ``problem`` in words.

    ``cycle`` is the clock cycle at the end, ``first`` that in which the first beat went in, ``ends`` those in which
    each result was complete; ``seconds`` is the time that the simulation itself took.
    """

    images: int
    wrong: tuple[int, ...]
    problem: str | None
    mismatch: Mismatch | None
    cycle: int
    first: int
    seconds: float
    ends: np.ndarray
    scores: np.ndarray
    classes: np.ndarray


@dataclass(frozen=True)
class Case:
    """The expected results of a run, in ``folder``: the Network's scores, and activations of the layers watched."""

    folder: Path
    design: Design
    scores: np.ndarray
    activations: dict[str, np.ndarray]
    frame_beats: int
    patience: int

    @classmethod
    def prepared(
        cls, folder: Path, design: Design, network: Network, images: np.ndarray, patience: int | None = None
    ) -> "Case":
        """Frames and taps in ``folder``, and memory images where ``design`` looks for them, to run ``images``.

        ``patience`` is the number of cycles without a handshake after which the accelerator counts as stopped.
        """
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
        patience = patience or PATIENCE + PATIENCE_FRAMES * (design.interval or 0)
        return cls(folder, design, scores, activations, beats, patience)

    def parameters(self, *, every_edge: bool = False) -> dict[str, object]:
        """The bench's parameters; with ``every_edge`` each edge of the clock is a moment of its own, as in a wave."""
        return {
            "INPUT_BITS": self.design.input_bits,
            "OUTPUT_BITS": self.design.output_bits,
            "FRAME_BEATS": self.frame_beats,
            "BLOCK": max(1, min(BLOCK_IMAGES, BLOCK_BEATS // self.frame_beats)),
            "BURST": 0 if every_edge else BURST,
        }

    @property
    def macros(self) -> dict[str, object]:
        """What the bench's text depends on."""
        taps = {"TAPS": 1} if self.design.probes else {}
        load = {"LOAD": self.design.load_words} if self.design.load_words else {}
        return {"DUT": self.design.top, **taps, **load}

    def plusargs(self, pattern: tuple[float, float], seed: int) -> list[str]:
        """The settings of a run with the gaps and stalls of ``pattern``.

        A run with pauses begins with images that a second reset throws away: part of one, or until nothing goes in.
        """
        interval = self.design.interval or self.frame_beats
        spoilt = {(False, False): 0, (True, False): 3 / 2, (False, True): 4, (True, True): 1 / 3}
        frames = spoilt[pattern[0] > 0, pattern[1] > 0]
        settings = {
            "total": len(self.scores),
            "gap_rate": round(pattern[0] * 256),
            "stall_rate": round(pattern[1] * 256),
            "seed": seed,
            "patience": self.patience,
            "spoil": round(frames * interval) + bool(frames),
            # So long nothing moves at the ends of an accelerator that is full, or empty.
            "calm": min(64 + 2 * interval, self.patience // 2),
            # Waits of a beat with which a frame takes longer at that end than in the accelerator.
            "lag": 1 + 3 * interval // (2 * self.frame_beats),
            "drag": 1 + 2 * interval // self.checker().result_beats,
            # Watched layers may still have rows to give that the result did not need.
            "tail": TAIL + (2 * (self.design.interval or 0) if self.design.probes else 0),
        }
        return [f"+{name}={value}" for name, value in settings.items()]

    def write(self) -> None:
        """Leave it for the bench, and take away what an earlier run left."""
        for pattern in ("*.hex", "*.rule", "outcome.*", "hardware.npz"):
            for file in self.folder.glob(pattern):
                file.unlink()
        arrays: dict[str, Any] = {f"layer_{name}": array for name, array in self.activations.items()}
        np.savez(self.folder / "expected.npz", scores=self.scores, **arrays)
        fields = {"design": self.design.as_json(), "frame_beats": self.frame_beats, "patience": self.patience}
        (self.folder / "case.json").write_text(json.dumps(fields))

    @classmethod
    def read(cls, folder: Path) -> "Case":
        """The case that ``write`` left in ``folder``."""
        fields = json.loads((folder / "case.json").read_text())
        with np.load(folder / "expected.npz") as arrays:
            activations = {name.removeprefix("layer_"): arrays[name] for name in arrays if name.startswith("layer_")}
            design = Design.of_json(fields.pop("design"))
            return cls(folder, design, arrays["scores"], activations, **fields)

    def checker(self) -> Checker:
        """The checker for the streams that the simulation writes into ``folder``."""
        return Checker(self.design, self.folder, self.scores, self.activations)

    def finish(self, checker: Checker, cycle: int, first: int, seconds: float) -> None:
        """Leave the outcome for the parent."""
        images = checker.images
        fields = {
            "images": images,
            "wrong": checker.wrong,
            "problem": checker.problem,
            "mismatch": None if checker.mismatch is None else asdict(checker.mismatch),
            "cycle": cycle,
            "first": first,
            "seconds": seconds,
        }
        arrays: dict[str, Any] = {
            "ends": checker.ends,
            "scores": checker.hardware_scores,
            "classes": checker.hardware_classes,
        }
        np.savez(self.folder / "hardware.npz", **{name: array[:images] for name, array in arrays.items()})
        (self.folder / "outcome.json").write_text(json.dumps(fields))

    def outcome(self) -> Outcome | None:
        """What ``finish`` left, None where the simulation did not come so far."""
        try:
            fields = json.loads((self.folder / "outcome.json").read_text())
            with np.load(self.folder / "hardware.npz") as arrays:
                kept = {name: arrays[name] for name in ("ends", "scores", "classes")}
        except (OSError, ValueError):
            return None
        mismatch = fields.pop("mismatch")
        wrong = tuple(fields.pop("wrong"))
        return Outcome(**fields, wrong=wrong, mismatch=mismatch and Mismatch(**mismatch), **kept)


def _tap(index: int, probe: Probe) -> str:
    """The line of SystemVerilog that watches a layer's stream from outside the design."""
    place = ".".join(("dut", *probe.path))
    signals = {name: f"{place}.{getattr(probe, name)}" for name in ("valid", "ready", "payload")}
    ports = "".join(f", .{name}({signal})" for name, signal in signals.items())
    return (
        f'stream_tap #(.WIDTH({probe.lanes * probe.bits}), .NAME("tap_{index}")) tap_{index} '
        f"(.clk(clk), .rst(quiet), .flush(flush), .cycle(cycle), .last(1'b0){ports});"
    )

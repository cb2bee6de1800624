"""What passes between `sim.accelerator.simulate` and its bench in the simulator, as files in the folder of the run."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.checker import Checker, Mismatch
from sim.design import Design

__all__ = ["CASE", "PUBLIC", "Case", "Outcome"]

#: Environment variable that names the folder of the run.
CASE = "SUBBIT_ACCELERATOR_CASE"

#: Signals of accelerator_bench.sv that the bench reads or drives.
PUBLIC = ("tick", "reports", "cycle", "first", "results", "finished", "stuck")


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

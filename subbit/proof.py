"""Records of what was simulated: a small file for each run, in the folder of the design that it was about.

A record names the network and the design that it holds for by their hashes. Where either has changed since, it proves
nothing any more, and `found` says so.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from boards.identity import identity
from hw.plan.plan import Plan
from sw.errors import SubbitError
from sw.files import atomic_write, made_folder
from sw.network import Network

if TYPE_CHECKING:
    from sim.accelerator import SimulationReport
    from subbit.classification import Classification

__all__ = [
    "FOLDER",
    "Found",
    "Run",
    "VirtualPort",
    "found",
    "images_digest",
    "keep_answers",
    "keep_simulation",
    "kept_files",
    "network_digest",
]

#: The folder of the records, inside that of the design.
FOLDER = "proof"
#: What was simulated: the accelerator that `subbit generate` wrote, or a board at one of its stages; or a real board.
Stage = Literal["accelerator", "rtl", "synthesised", "routed", "bitstream", "port"]

Count = Field(ge=0)


class Run(BaseModel):
    """One run of images through a design.

    ``by``: the simulator, or the port of a board. ``equal`` of ``images`` results were the Network's, and ``problem``
    is what was wrong, if anything was. ``layers`` that were compared too, in each of ``patterns`` runs with and without
    pauses. ``cycles`` between frames, None where it was not measured. ``network``, ``design`` and ``data`` are hashes:
    of all that decides the answers, of the files that were simulated, of the images. ``when``: UTC.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: Literal[1] = 1
    stage: Stage
    by: str
    images: int = Count
    equal: int = Count
    problem: str | None = None
    layers: int = Count
    patterns: int = Count
    cycles: int | None = None
    seed: int | None = None
    network: str
    design: str
    data: str
    when: str

    @property
    def passed(self) -> bool:
        """Whether every result was the Network's, and nothing else was wrong."""
        return self.problem is None and self.images == self.equal > 0


@dataclass(frozen=True)
class Found:
    """The record at ``path``; ``stale`` says why it proves nothing any more, None where it still does."""

    path: Path
    run: Run
    stale: str | None

    @property
    def folder(self) -> Path:
        """That of the design."""
        return self.path.parent.parent


class VirtualPort(str):
    """The port of a simulated board, which knows the ``simulator`` and the ``stage`` of the design in it."""

    simulator: str
    stage: Stage

    @classmethod
    def of(cls, port: str, simulator: str, stage: Stage) -> "VirtualPort":
        """``port`` with what is behind it."""
        made = cls(port)
        made.simulator, made.stage = simulator, stage
        return made


def keep_simulation(
    folder: Path, network: Network, images: np.ndarray, report: "SimulationReport", seed: int
) -> str | None:
    """Record what a simulation of the accelerator in ``folder`` showed; a sentence where it cannot be written."""
    return _keep(
        folder,
        network,
        images,
        stage="accelerator",
        by=report.simulator,
        equal=report.images - report.mismatches,
        problem=report.problem,
        layers=len(report.layers),
        patterns=len(report.patterns),
        cycles=report.cycles_per_frame,
        seed=seed,
    )


def keep_answers(
    folder: Path, network: Network, images: np.ndarray, port: str, answers: "Classification"
) -> str | None:
    """Record what the board of ``folder`` at ``port`` answered; a sentence where it cannot be written."""
    virtual = port if isinstance(port, VirtualPort) else None
    return _keep(
        folder,
        network,
        images,
        stage="port" if virtual is None else virtual.stage,
        by=port if virtual is None else virtual.simulator,
        equal=answers.equal,
        problem=None if answers.passed else "answers are not the network's",
        layers=0,
        patterns=1,
    )


def _keep(folder: Path, network: Network, images: np.ndarray, *, stage: Stage, by: str, **facts: object) -> str | None:
    try:
        run = Run.model_validate(
            {
                "stage": stage,
                "by": by,
                "images": len(images),
                "network": network_digest(folder, network),
                "design": design_digest(folder, stage),
                "data": images_digest(images),
                "when": datetime.now(UTC).isoformat(timespec="seconds"),
                **facts,
            }
        )
        # The same question, asked again of the same design, has one answer.
        key = f"{by} {run.network} {run.design} {run.data} {run.layers} {run.seed}"
        name = f"{stage}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
        with atomic_write(made_folder(folder / FOLDER) / name) as temporary:
            temporary.write_text(run.model_dump_json(indent=1) + "\n")
    except (OSError, SubbitError) as error:
        return f"not recorded: {error}"
    return None


def found(folder: Path, network: Network) -> list[Found]:
    """The records in the ``folder`` of a design and whether they hold for it and ``network``, the oldest first.

    Raises SubbitError where a record is damaged.
    """
    known: dict[str, str | None] = {}
    own, records = network_digest(folder, network), []
    for path in sorted((folder / FOLDER).glob("*.json")):
        run = _read(path)
        if run.stage not in known:
            known[run.stage] = _digest_now(folder, run.stage)
        stale = None
        if run.network != own:
            stale = "the network is another one now"
        elif run.design != known[run.stage]:
            stale = "the design has changed since" if known[run.stage] else "the design is no longer there"
        records.append(Found(path, run, stale))
    return sorted(records, key=lambda each: (each.run.when, each.run.stage, each.run.by))


def kept_files(folder: Path, network: Network) -> list[str]:
    """The files of the records that hold, by their names in ``folder``; none where one is damaged."""
    try:
        return [each.path.relative_to(folder).as_posix() for each in found(folder, network) if each.stale is None]
    except SubbitError:
        return []


def _read(path: Path) -> Run:
    try:
        return Run.model_validate_json(path.read_text())
    except (OSError, ValueError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise SubbitError(f"{path} is a damaged record ({reason}): remove it, and simulate again.") from error


def _digest_now(folder: Path, stage: Stage) -> str | None:
    try:
        return design_digest(folder, stage)
    except (OSError, SubbitError):
        return None


def network_digest(folder: Path, network: Network) -> str:
    """Hash of all that decides the answers of ``network`` in the design of ``folder``."""
    return identity(network, Plan.load(folder / "plan.json")).hex()


def design_digest(folder: Path, stage: Stage) -> str:
    """Hash of the files of ``folder`` that a simulation at ``stage`` reads. Raises SubbitError, OSError."""
    if stage == "accelerator":
        from sim.design import Design

        design = Design.read(folder)
        files: Iterable[Path] = (*design.sources, *design.memories)
    else:
        from sim.netlist.sources import files_of

        files = files_of(folder, "rtl" if stage == "port" else stage)
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(path.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def images_digest(images: np.ndarray) -> str:
    """Hash of images, uint8 (n, height, width, channels)."""
    return hashlib.sha256(json.dumps(images.shape).encode() + np.ascontiguousarray(images).tobytes()).hexdigest()

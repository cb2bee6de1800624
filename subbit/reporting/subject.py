"""What a report is about: a network file, or the folder of a design with all that stands in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from boards.board import Board, board
from boards.host.description import DESCRIPTION, BoardDescription
from hw.generate import DESCRIPTION as GENERATED
from hw.plan.datapath.base import USUAL
from hw.plan.device import device
from hw.plan.plan import Plan
from subbit import proof
from subbit.folders import network_of
from subbit.reporting.built import Built, read_built
from sw.errors import SubbitError
from sw.network import Network, load

__all__ = ["Subject", "read_subject"]


@dataclass(frozen=True)
class Subject:
    """A network and what there is of it.

    ``plan``: of the design, or None for a network alone. ``board`` where it is a board's, ``built`` where that has a
    bitstream. ``runs``: the records of simulations of the design, or for a network alone of any design of it;
    ``elsewhere``: those of other designs of the same network.
    """

    path: Path
    network: Network
    plan: Plan | None = None
    board: Board | None = None
    built: Built | None = None
    runs: tuple[proof.Found, ...] = ()
    elsewhere: tuple[proof.Found, ...] = ()


def read_subject(path: Path, others: Sequence[Path] = ()) -> Subject:
    """The subject at ``path``, with the simulations of the designs in the folders ``others`` added.

    Raises SubbitError where something is missing, damaged, or of another network.
    """
    subject = _read(path)
    runs, elsewhere = list(subject.runs), []
    for other in others:
        if not _is_design(other):
            raise SubbitError(f"{other} is no folder that `subbit generate` or `subbit build` wrote: name one.")
        if proof.network_digest(other, subject.network) != proof.network_digest(other, network_of(other)):
            raise SubbitError(f"{other} is a design of another network than {path}: leave it out.")
        same = subject.plan is None or _hardware(subject.plan) == _hardware(Plan.load(other / "plan.json"))
        (runs if same else elsewhere).extend(proof.found(other, subject.network))
    return replace(subject, runs=tuple(runs), elsewhere=tuple(elsewhere))


def _hardware(plan: Plan) -> Plan:
    """What of a plan makes the hardware: of the device its family, and no clock."""
    return replace(plan, clock_hz=1.0, device=USUAL if plan.device is None else device(plan.device).family)


def _read(path: Path) -> Subject:
    if not path.is_dir():
        return Subject(path, load(path))
    if not _is_design(path):
        raise SubbitError(
            f"{path} is neither a network file nor a folder that `subbit generate` or `subbit build` wrote: name one."
        )
    network, plan = network_of(path), Plan.load(path / "plan.json")
    runs = tuple(proof.found(path, network))
    if not (path / DESCRIPTION).is_file():
        return Subject(path, network, plan, runs=runs)
    return Subject(path, network, plan, board(BoardDescription.load(path).board), read_built(path), runs)


def _is_design(path: Path) -> bool:
    return any((path / name).is_file() for name in (DESCRIPTION, GENERATED))

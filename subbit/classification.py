"""Images through a board, or one that is simulated, and its answers beside those of the Network."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from boards.host.client import Answers, Client
from boards.host.description import BoardDescription
from boards.link.protocol import BUSY_UNIT
from subbit.console import finished, note
from subbit.extras import require
from subbit.proof import VirtualPort, keep_answers
from sw.errors import SubbitError
from sw.network import Network, winners

__all__ = ["PATIENCE", "PATIENCE_VIRTUAL", "Classification", "classify", "equal_answers", "virtual_board"]

#: Seconds without an answer before a board, or a simulated one, counts as gone.
PATIENCE, PATIENCE_VIRTUAL = 10.0, 900.0


@dataclass(frozen=True)
class Classification:
    """What a board said of ``images`` images.

    ``classes`` int64 (n,), and ``scores`` int64 (n, classes) or None. ``equal``: how many answers are the Network's, to
    the bit. ``seconds`` on the clock of this machine; ``cycles``: those of the board's core, at ``clock_hz``, from the
    last pixel of an image to the end of its result, on average. ``damaged`` and ``resumed``: frames that came damaged
    at either end, and how often sending was taken up again.
    """

    board: str
    port: str
    classes: np.ndarray
    scores: np.ndarray | None
    equal: int
    seconds: float
    cycles: float
    clock_hz: int
    damaged: int
    resumed: int

    @property
    def images(self) -> int:
        """How many images were sent."""
        return len(self.classes)

    @property
    def passed(self) -> bool:
        """Whether every answer is the Network's."""
        return self.equal == self.images

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **{name: value for name, value in vars(self).items() if name not in ("classes", "scores")},
            "images": self.images,
            "passed": self.passed,
            "classes": self.classes.tolist(),
            "scores": None if self.scores is None else self.scores.tolist(),
        }


def classify(
    folder: Path,
    network: Network,
    images: np.ndarray,
    port: str,
    progress: Callable[[int], object] | None = None,
    patience: float = PATIENCE,
) -> Classification:
    """Send ``images`` to the board at ``port``, which holds the design of ``folder``, and compare with ``network``.

    ``progress`` is called with the number of answers so far. A record of the run stays in ``folder``.
    Raises SubbitError where the port cannot be opened, nobody answers for ``patience`` seconds, or the board holds
    another network.
    """
    require("link", "talking to a board")
    description = BoardDescription.load(folder)
    start = time.perf_counter()
    with Client.open(port, description, patience=patience) as client:
        before = client.counters()
        answers = client.classify(images, progress)
        seconds = time.perf_counter() - start
        counters, seen, identity = client.counters(), client.statistics, client.identify()
    busy, computed = ((getattr(counters, name) - getattr(before, name)) % (1 << 32) for name in ("busy", "images"))
    found = Classification(
        board=description.board,
        port=port,
        classes=answers.classes,
        scores=answers.scores,
        equal=int(equal_answers(answers, network, images).sum()),
        seconds=round(seconds, 3),
        cycles=round(BUSY_UNIT * busy / computed, 1) if computed else 0.0,
        clock_hz=identity.clock_hz,
        damaged=counters.damaged + seen.damaged,
        resumed=seen.resumed,
    )
    if (unkept := keep_answers(folder, network, images, port, found)) is not None:
        note(unkept)
    return found


def equal_answers(answers: Answers, network: Network, images: np.ndarray) -> np.ndarray:
    """Which of a board's ``answers`` to ``images`` are those of ``network``, to the bit, bool (n,)."""
    scores = network.score(images)
    equal = answers.classes == winners(scores)
    return equal if answers.scores is None else equal & (answers.scores == scores).all(axis=1)


@contextmanager
def virtual_board(
    folder: Path, simulator: str, stage: str, progress: Callable[[str], None], waves: Path | None = None
) -> Iterator[str]:
    """The board of ``folder`` in ``simulator``; its port, for as long as the context lasts.

    ``stage``: "rtl" runs the design's Verilog, the others what a build made of it, see `sim.netlist`.
    """
    require("sim", "a simulated board")
    from sim.netlist.sources import STAGES, netlist_sources
    from sim.tools import SimulationFailure
    from sim.virtual_board import VirtualBoard

    if stage not in STAGES:
        raise SubbitError(f"the stage must be one of {', '.join(STAGES)}, not {stage!r}")
    with finished(simulator, SimulationFailure):
        sources, defines = netlist_sources(folder, stage)
        progress(f"{simulator}: building the board as {stage}")
        with VirtualBoard(folder, simulator, sources=sources, defines=defines, waves=waves) as board:
            progress(f"{simulator}: the board is at {board.port}")
            yield VirtualPort.of(board.port, simulator, stage)

"""The board as a function of images."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from boards.host.description import BoardDescription
from boards.host.line import TRIES, Line
from boards.host.pace import Pace
from boards.host.transfer import Transfer
from boards.host.transport import SerialTransport, Transport
from boards.link.protocol import VERSION, Counters, Identity, Kind
from sw.errors import SubbitError

__all__ = ["Answers", "Client", "Statistics"]


@dataclass(frozen=True)
class Answers:
    """Classes int64 (n,), and scores int64 (n, classes), or None where the board sends the class alone."""

    classes: np.ndarray
    scores: np.ndarray | None


@dataclass(frozen=True)
class Statistics:
    """What the host has seen of the line: frames each way, those that came damaged, how often sending was taken up
    again after a loss, and answers that did not fit their image."""

    frames_sent: int
    frames_received: int
    damaged: int
    resumed: int
    rejected: int


class Client:
    """A board behind ``transport`` that holds the design ``board``.

    Opening resets the board and makes sure that it holds that design. Whatever is lost or damaged on the way is sent
    again; no answer is given that is not the board's own to that very image. Not for several threads at once.

    Raises SubbitError where there is no answer for ``patience`` seconds, or the board holds another network.
    """

    def __init__(
        self,
        transport: Transport,
        board: BoardDescription,
        *,
        baud: int | None = None,
        patience: float = 10.0,
        name: str = "the board",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.board = board
        self._line = Line(transport, baud or board.baud, patience=patience, name=name, clock=clock)
        self._transfer = Transfer(self._line, Pace(), board.check_identity, board.result_bytes, self.identify)
        self.identify()
        self.reset()

    @classmethod
    def open(
        cls, port: str, board: BoardDescription | Path | str, *, baud: int | None = None, patience: float = 10.0
    ) -> "Client":
        """The board at a serial port, such as /dev/ttyUSB1 or COM4. ``board`` may be the folder of its build."""
        description = board if isinstance(board, BoardDescription) else BoardDescription.load(board)
        transport = SerialTransport(port, baud or description.baud)
        try:
            return cls(transport, description, baud=baud, patience=patience, name=port)
        except BaseException:
            transport.close()
            raise

    def identify(self) -> Identity:
        """What the board says it is. Raises SubbitError where that is not what it should be."""
        identity = self._line.told(Kind.IDENTIFY, Identity)
        problem = self._problem(identity)
        # One damaged reply in 65,536 passes for a good one: two that are equal do not.
        for _ in range(TRIES):
            if problem is None or identity == (again := self._line.told(Kind.IDENTIFY, Identity)):
                break
            identity, problem = again, self._problem(again)
        if problem is not None:
            raise SubbitError(problem)
        return identity

    def _problem(self, identity: Identity) -> str | None:
        name = self._line.name
        if identity.version != VERSION:
            return (
                f"{name} speaks version {identity.version} of the link, this program version {VERSION}: "
                "build the design again with this subbit"
            )
        if identity.network != self.board.identity:
            return (
                f"{name} holds another network ({identity.network.hex()}, not {self.board.identity.hex()}): "
                "name the folder that it was built in, or flash this one"
            )
        if (identity.image_bytes, identity.result_bytes) != (self.board.image_bytes, self.board.result_bytes):
            return (
                f"{name} takes images or gives results of another size: "
                "name the folder that it was built in, or flash this one"
            )
        if not identity.clock_hz:
            return f"{name} says that its clock stands still: build the design again with this subbit"
        return None

    def classify(self, images: np.ndarray, progress: Callable[[int], object] | None = None) -> Answers:
        """Classes and scores of images, unsigned integers (n, height, width, channels).

        ``progress`` is called with the number of answers so far. Raises SubbitError for images of another size.
        """
        count, done = len(images), 0
        classes = np.full(count, -1, np.int64)
        scores = None if self.board.output == "class" else np.zeros((count, self.board.classes), np.int64)
        for done, (index, winner, row) in enumerate(self.answers(images), 1):
            classes[index] = winner
            if scores is not None and row is not None:
                scores[index] = row
            if progress is not None:
                progress(done)
        assert done == count, f"{done} answers to {count} images"
        return Answers(classes, scores)

    def answers(self, images: np.ndarray) -> Iterator[tuple[int, int, np.ndarray | None]]:
        """Place, class and scores of each image, as the answers come, which may be in another order."""
        for index, results in self._transfer.run(self.board.encode(images)):
            scores, winner = self.board.decode(results)
            if winner >> 63:
                raise SubbitError(
                    f"{self._line.name} gave the class {winner}, of {self.board.classes}: "
                    "flash it again, and have it checked if that does not help"
                )
            yield index, winner, scores

    def counters(self) -> Counters:
        """What the board has counted since it was configured."""
        return self._line.told(Kind.COUNTERS, Counters)

    def reset(self) -> None:
        """Bring the board to the state after power-up, whatever it was doing."""
        self._transfer.reset()

    @property
    def statistics(self) -> Statistics:
        """What the host has seen of the line so far."""
        line, transfer = self._line, self._transfer
        return Statistics(line.frames_sent, line.frames_received, line.damaged, transfer.resumed, transfer.rejected)

    def close(self) -> None:
        """Let go of the port."""
        self._line.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

"""Frames over a transport, and how long to wait for one."""

import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from boards.host.transport import Transport
from boards.link.protocol import DELIMITER, REPLY, Fields, Frame, Splitter
from sw.errors import SubbitError

__all__ = ["TRIES", "Line", "Patience"]

READ = 4096
TRIES = 12  #: Wrong answers to one question after which something other than the line must be at fault.
_F = TypeVar("_F", bound=Fields)


class Patience:
    """How long a reply may take before it counts as lost: as TCP finds it (RFC 6298), doubled at every silence.

    A reply to what was sent before a silence does not tell: it may have waited for what ended the silence (Karn).
    """

    LEAST, FIRST, DOUBLED = 0.008, 0.25, 8

    def __init__(self) -> None:
        self._mean: float | None = None
        self._spread = 0.0
        self._doubled = 1

    def took(self, seconds: float) -> None:
        """A reply came after so many seconds."""
        if self._mean is None:
            self._mean, self._spread = seconds, seconds / 2
        else:
            self._spread += (abs(seconds - self._mean) - self._spread) / 4
            self._mean += (seconds - self._mean) / 8
        self._doubled = 1

    def silence(self) -> None:
        """None came in time."""
        self._doubled = min(2 * self._doubled, self.DOUBLED)

    @property
    def seconds(self) -> float:
        """How long to wait now."""
        usual = self.FIRST if self._mean is None else self._mean + 4 * self._spread + self.LEAST
        return usual * self._doubled


class Line:
    """Sends frames and gives those that come back whole.

    ``patience`` seconds without an answer end in SubbitError. ``clock`` tells seconds, and must go on while the
    transport waits. ``name`` is what errors call the other end.
    """

    def __init__(
        self,
        transport: Transport,
        baud: int,
        *,
        patience: float = 10.0,
        name: str = "the board",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.transport, self.baud, self.limit, self.name, self.clock = transport, baud, patience, name, clock
        self.wait = Patience()
        self.frames_sent = self.frames_received = self.bytes_received = 0
        self._sequence = 0
        self._splitter = Splitter()
        self._received: deque[Frame] = deque()

    @property
    def damaged(self) -> int:
        """Frames that came damaged."""
        return self._splitter.damaged

    def encode(self, kind: int, payload: bytes = b"") -> tuple[int, bytes]:
        """The sequence number and the bytes of a new frame, to be written."""
        self._sequence = (self._sequence + 1) % 256
        self.frames_sent += 1
        return self._sequence, Frame(kind, self._sequence, payload).encode()

    def write(self, data: bytes) -> None:
        """Send bytes of frames."""
        self.transport.write(data)

    def receive(self, until: float) -> Frame | None:
        """The next frame, or None where ``until`` passes without one."""
        while not self._received:
            left = until - self.clock()
            if left < 0:
                return None
            data = self.transport.read(READ, left)
            self.bytes_received += len(data)
            self._received.extend(self._splitter(data))
        self.frames_received += 1
        return self._received.popleft()

    def ask(self, kind: int) -> bytes:
        """Send a request until its reply comes. Returns the payload, and drops all other frames.

        Raises SubbitError where there is no reply for `patience` seconds.
        """
        asked: set[int] = set()
        end = self.clock() + self.limit
        while self.clock() < end:
            sequence, encoded = self.encode(kind)
            # The zero ends whatever came before, such as half a frame of a program that was ended.
            self.write(DELIMITER + encoded)
            asked, newest = {*asked, sequence}, self.clock()
            until = self.clock() + self.wait.seconds
            while frame := self.receive(min(until, end)):
                if frame.kind == kind | REPLY and frame.sequence in asked:
                    if frame.sequence == sequence:
                        self.wait.took(self.clock() - newest)
                    return frame.payload
            self.wait.silence()
        raise self.no_answer()

    def told(self, kind: int, fields: type[_F]) -> _F:
        """`ask`, and the fields of the reply. Raises SubbitError where there are none in any of so many replies."""
        for _ in range(TRIES):
            if (found := fields.unpack(self.ask(kind))) is not None:
                return found
        raise SubbitError(
            f"{self.name} gave {TRIES} replies of a wrong length: is it a board that this subbit built a design for?"
        )

    def no_answer(self, *, loading: bool = False) -> SubbitError:
        """The error to raise when nothing has come for too long, or nothing but that weights are being loaded."""
        if loading:
            return SubbitError(f"{self.name} has not loaded its weights: flash it again, with the weights")
        if self.bytes_received and not self.frames_received:
            return SubbitError(
                f"what comes from {self.name} cannot be read: is it the board's port, "
                f"and {self.baud} baud what it was built for?"
            )
        return SubbitError(
            f"{self.name} gave no answer for {self.limit:g} seconds: is the board powered and flashed, "
            f"and {self.baud} baud what it was built for?"
        )

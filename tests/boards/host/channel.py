"""A board in Python at the end of a line that does harm, in a time of its own: minutes of traffic take a second."""

import heapq
import random
from dataclasses import dataclass, field

from boards.host import BoardDescription
from boards.link.model import BoardModel
from boards.link.protocol import Frame
from boards.link.shape import LinkShape
from tests.boards.link.parts import IDENTITY, computes

BYTE = 1e-5  # Seconds that a byte takes at 1 Mbaud.


def description(height=6, width=8, *, output="scores", classes=3, identity=IDENTITY, checked_as=None):
    """A board for images of one byte a pixel."""
    beats = 1 if output == "class" else classes + 1
    bits = 16 if output == "scores" else 8
    return BoardDescription(
        "test", identity, 1_000_000, height, width, 1, 8, 1, 8, height * width, bits, beats, output, classes, checked_as
    )


def shape_of(board: BoardDescription) -> LinkShape:
    return LinkShape(
        board.input_bits,
        board.input_beats,
        board.result_bits,
        board.result_beats,
        board.identity,
        12_000_000,
        1_000_000,
        board.checked_as,
    )


def model_of(board: BoardDescription, **options) -> BoardModel:
    shape = shape_of(board)
    return BoardModel(shape, computes(shape), **options)


@dataclass(frozen=True)
class Harm:
    """Chances, for each byte: another value, a flipped bit, lost, twice, an extra one; and for every write that its end
    is cut off, or that it comes twice."""

    change: float = 0.0
    flip: float = 0.0
    lose: float = 0.0
    double: float = 0.0
    insert: float = 0.0
    cut: float = 0.0
    again: float = 0.0

    def __call__(self, data: bytes, chance: random.Random) -> bytes:
        out = bytearray()
        for byte in data:
            if chance.random() < self.change:
                byte = (byte + chance.randrange(1, 256)) % 256
            if chance.random() < self.flip:
                byte ^= 1 << chance.randrange(8)
            if chance.random() >= self.lose:
                out.append(byte)
            if chance.random() < self.double:
                out.append(byte)
            if chance.random() < self.insert:
                out.append(chance.randrange(256))
        if chance.random() < self.cut:
            del out[chance.randrange(len(out) + 1) :]
        return bytes(out) * (2 if chance.random() < self.again else 1)


@dataclass(frozen=True)
class Forgery:
    """Chance for each frame that a byte of its content changes and its CRC-16 with it, so that it passes for good."""

    rate: float

    def __call__(self, data: bytes, chance: random.Random) -> bytes:
        out = b""
        for piece in data.split(b"\0"):
            frame = Frame.decode(piece)
            if frame is not None and chance.random() < self.rate:
                content = bytearray([frame.kind, frame.sequence]) + frame.payload
                content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
                piece = Frame(content[0], content[1], bytes(content[2:])).encode()[:-1]
            out += piece + b"\0"
        return out[:-1]


@dataclass
class Channel:
    """A transport to ``board``. Bytes take their time, and ``latency`` seconds; an image takes ``computing``."""

    board: BoardModel
    there: Harm | Forgery = Harm()
    back: Harm | Forgery = Harm()
    seed: int = 0
    latency: float = 1e-3
    computing: float = 0.0
    sent: int = 0
    received: int = 0
    now: float = 0.0
    closed: bool = False
    _free: dict[str, float] = field(default_factory=lambda: {"there": 0.0, "back": 0.0})
    _events: list = field(default_factory=list)
    _order: int = 0
    _came: bytearray = field(default_factory=bytearray)

    def __post_init__(self):
        self.chance = random.Random(self.seed)

    def clock(self) -> float:
        return self.now

    def write(self, data: bytes) -> None:
        self.sent += len(data)
        harmed = self.there(data, self.chance)
        # Frames come one after the other, not all at the end of a long write.
        for piece in harmed.split(b"\0")[:-1]:
            self._travel("there", piece + b"\0", self.now)
        self._travel("there", harmed.rsplit(b"\0", 1)[-1], self.now)

    def _travel(self, way: str, data: bytes, now: float) -> None:
        self._free[way] = max(now, self._free[way]) + len(data) * BYTE
        self._at(self._free[way] + self.latency, way, data)

    def _at(self, when: float, what: str, data: bytes = b"") -> None:
        self._order += 1
        heapq.heappush(self._events, (when, self._order, what, data))

    def read(self, limit: int, timeout: float) -> bytes:
        until = self.now + timeout
        while not self._came and self._events and self._events[0][0] <= until:
            when, _, what, data = heapq.heappop(self._events)
            self.now = max(self.now, when)
            if callable(what):
                what()
            elif what == "back":
                self._came += data
            else:
                self._board(what, data)
        if not self._came:
            self.now = until + 1e-9
        out = bytes(self._came[:limit])
        del self._came[:limit]
        self.received += len(out)
        return out

    def _board(self, what: str, data: bytes) -> None:
        was = self.board.computing
        said = self.board.finish() if what == "computed" else self.board.receive(data)
        if self.board.computing and (not was or what == "computed"):
            self._at(self.now + self.computing, "computed")
        if said:
            self._travel("back", self.back(said, self.chance), self.now)

    def when(self, time: float, event) -> None:
        """Call ``event`` at a time, between two bytes."""
        self._order += 1
        heapq.heappush(self._events, (time, self._order, event, b""))

    def close(self) -> None:
        self.closed = True

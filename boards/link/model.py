"""A board in Python: what `boards.link.host_link.HostLink` answers, byte for byte, for tests of hosts."""

from collections import deque
from collections.abc import Callable

from boards.link.protocol import REPLY, Answer, Chunk, Counters, Flags, Frame, Kind, Progress, Splitter, check_of
from boards.link.shape import LinkShape

__all__ = ["BoardModel"]

ROOM = 2  # Frames that are kept while one has to wait.


class BoardModel:
    """A board that ``computes`` the results of an image, bytes to bytes.

    `receive` takes what a host sends and returns what the board says to that. An image is computed at once, or, where
    ``instant`` is False, when `finish` is called. Nothing is said twice by itself, and time plays no part: replies that
    the board would leave out, because newer ones overtook them while it was sending, are all there.
    """

    def __init__(self, shape: LinkShape, computes: Callable[[bytes], bytes], *, instant: bool = True) -> None:
        self.shape, self.computes, self.instant = shape, computes, instant
        self.ready = True
        self.power_up()

    def power_up(self) -> None:
        """Forget everything."""
        self._splitter = Splitter()
        self._waiting: deque[Frame] = deque()
        self.frames = self.unused = self.overruns = self.images = 0
        self._reset()

    def _reset(self) -> None:
        self.number, self.image, self.answer = 0, bytearray(), b""
        self.taking = self.computing = self.done = self.overrun = False

    def receive(self, received: bytes) -> bytes:
        """What the board says to these bytes."""
        said = b""
        for frame in self._splitter(received):
            said += self._arrived(frame)
        return said

    def finish(self) -> bytes:
        """The image that is being computed is done. Returns what the board says."""
        if not self.computing:
            return b""
        image = bytes(self.image)
        results = self.computes(image)
        self.answer = Answer(results, check_of(self.shape.check_identity, image, results)).pack()
        self.computing, self.done = False, True
        self.images += 1
        return self._answered() + self._work()

    def _arrived(self, frame: Frame) -> bytes:
        if frame.kind == Kind.RESET:
            self._reset()
            self._waiting.clear()
        if len(self._waiting) == ROOM:
            self.overruns += 1
            self.overrun = True
            return b""
        self._waiting.append(frame)
        return self._work()

    def _work(self) -> bytes:
        said = b""
        while self._waiting:
            chunk = Chunk.unpack(self._waiting[0].payload) if self._waiting[0].kind == Kind.IMAGE else None
            if chunk is not None and self._begins(chunk) and self.computing:
                break
            said += self._serve(self._waiting.popleft(), chunk)
            self.frames += 1
            if self.instant and self.computing:
                said += self.finish()
        return said

    def _serve(self, frame: Frame, chunk: Chunk | None) -> bytes:
        match frame.kind:
            case Kind.IDENTIFY:
                return self._reply(frame, self.shape.described(self._flags).pack())
            case Kind.COUNTERS:
                return self._reply(frame, self.counters.pack())
            case Kind.RESET:
                return self._reply(frame, b"")
            case Kind.IMAGE if chunk is not None:
                asked = chunk.number == self.number and self.done and not chunk.data
                self._take(chunk)
                said = self._reply(frame, Progress(self.number, len(self.image), self._flags).pack())
                self.overrun = False
                return said + (self._answered() if asked else b"")
        self.unused += 1
        return b""

    def _take(self, chunk: Chunk) -> None:
        """Takes the data of the chunk if it is what comes next."""
        begins = self._begins(chunk)
        same = self._known and chunk.number == self.number
        if begins or (self.ready and chunk.data and same and self.taking and chunk.offset == len(self.image)):
            if begins:
                self.number, self.taking, self.done = chunk.number, True, False
                self.image.clear()
            self.image += chunk.data[: self.shape.image_bytes - len(self.image)]
            if len(self.image) == self.shape.image_bytes:
                self.taking, self.computing = False, True
        elif chunk.data:
            self.unused += 1

    def _begins(self, chunk: Chunk) -> bool:
        next_one = not self._known or (chunk.number == (self.number + 1) % 256 and not self.taking)
        return bool(self.ready and chunk.data and next_one and chunk.offset == 0)

    @property
    def _known(self) -> bool:
        return self.taking or self.computing or self.done

    @property
    def _flags(self) -> Flags:
        return (Flags.OVERRUN if self.overrun else Flags(0)) | (Flags(0) if self.ready else Flags.LOADING)

    @property
    def counters(self) -> Counters:
        """What COUNTERS tells."""
        return Counters(self.frames, self._splitter.damaged, self.unused, self.overruns, self.images, 0)

    def _reply(self, frame: Frame, payload: bytes) -> bytes:
        return Frame(frame.kind | REPLY, frame.sequence, payload).encode()

    def _answered(self) -> bytes:
        return Frame(Kind.ANSWER, self.number, self.answer).encode()

"""Images to a board and their answers back, whatever the line does to the frames."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from boards.host.line import TRIES, Line
from boards.host.pace import Pace
from boards.link.protocol import DELIMITER, REPLY, Answer, Chunk, Flags, Frame, Kind, Progress, check_of
from sw.errors import SubbitError

__all__ = ["Transfer"]

SUSPICIOUS = 3  #: Wrong answers to one image after which the board may be another one.
BITS = 20  #: Of a byte on the line, with what is beside it in frames.


@dataclass
class Job:
    """An image on its way: it is the board's image ``number``, and its first ``sent`` bytes were sent."""

    index: int
    image: bytes
    number: int = 0
    sent: int = 0
    wrong: int = 0


@dataclass(frozen=True)
class Sent:
    """A frame that was sent: after it the board should have ``end`` bytes of the image. Of those ``size`` are in the
    frame, none in a question."""

    job: Job
    end: int
    size: int
    time: float


class Transfer:
    """Sends images and gives their answers, each checked against the very bytes that were sent.

    The board takes images in the order of their numbers and chunks in the order of their offsets. All chunks are sent
    without waiting, also those of images to come, as far as `Pace` allows. Every reply tells where the board is. If
    that is behind what its request sent, frames were lost, and sending is taken up again there. Silence is ended by a
    question. An answer that does not fit its image is dropped, and the image sent anew; ``suspect`` is called when that
    happened to one image several times.
    """

    def __init__(
        self, line: Line, pace: Pace, identity: bytes, result_bytes: int, suspect: Callable[[], object]
    ) -> None:
        self.line, self.pace, self.identity, self.result_bytes = line, pace, identity, result_bytes
        self.suspect = suspect
        self.rejected = self.resumed = self.chunk_bytes = 0
        self._number = 0
        self._begin()

    def _begin(self) -> None:
        self._waiting: deque[Job] = deque()
        self._flying: list[Job] = []
        self._frames: dict[int, Sent] = {}
        self._loading = False
        self._at: tuple[int, int] | None = None
        self._until = self._moved = self._asked = self._last = self.line.clock()

    def reset(self) -> None:
        """Bring the board to the state after power-up, and begin anew with the images that it has not answered."""
        self.line.ask(Kind.RESET)
        self._waiting.extendleft(reversed(self._flying))
        self._flying.clear()
        self._frames.clear()

    def run(self, images: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
        """Place and results of every image, in the order in which the answers come.

        Raises SubbitError where the board does not answer any more.
        """
        self._begin()
        jobs = (Job(index, image) for index, image in enumerate(images))
        while self._send(jobs):
            if self.line.clock() - self._last > self._longest():
                raise self.line.no_answer(loading=self._loading)
            frame = self.line.receive(self._until)
            if frame is None:
                self._silence()
            elif frame.kind == Kind.IMAGE | REPLY:
                self._progress(frame)
            elif frame.kind == Kind.ANSWER:
                answer = self._answer(frame)
                if answer is not None:
                    yield answer
                    self._last = self.line.clock()

    def _longest(self) -> float:
        """Seconds in which one image at least must be answered, whatever the board says meanwhile: so often as there
        are tries, the time that may pass in silence and the time that the images on their way take."""
        sent = sum(len(job.image) for job in self._flying)
        return TRIES * (self.line.limit + BITS * sent / self.line.baud)

    def _send(self, jobs: Iterator[Job]) -> bool:
        """Send as much as may be on its way. Returns whether there is anything to wait for."""
        encoded, now = b"", self.line.clock()
        on_its_way = sum(sent.size for sent in self._frames.values())
        while on_its_way < self.pace.window and len(self._frames) < self.pace.frames:
            if self._loading and self._flying:
                break
            job = self._flying[-1] if self._flying else None
            if job is None or job.sent == len(job.image):
                job = self._next(jobs) if len(self._flying) < self.pace.images else None
            if job is None:
                break
            data = job.image[job.sent : job.sent + self.pace.chunk]
            encoded += self._encode(Chunk(job.number, job.sent, data), job, job.sent + len(data))
            job.sent += len(data)
            on_its_way += len(data)
        if encoded:
            self.line.write(encoded)
            self._until = now + self.line.wait.seconds
        return bool(self._flying)

    def _next(self, jobs: Iterator[Job]) -> Job | None:
        job = self._waiting.popleft() if self._waiting else next(jobs, None)
        if job is not None:
            self._number = (self._number + 1) % 256
            job.number, job.sent = self._number, 0
            self._flying.append(job)
        return job

    def _encode(self, chunk: Chunk, job: Job, end: int) -> bytes:
        sequence, encoded = self.line.encode(Kind.IMAGE, chunk.pack())
        self._frames.pop(sequence, None)
        self._frames[sequence] = Sent(job, end, len(chunk.data), self.line.clock())
        self.chunk_bytes += len(chunk.data)
        return encoded

    def _silence(self) -> None:
        """Ask how far the board is, and for the oldest answer that is missing."""
        if self.line.clock() - self._moved > self.line.limit:
            raise self.line.no_answer(loading=self._loading)
        self.line.wait.silence()
        self._asked, self._loading = self.line.clock(), False
        oldest, newest = self._flying[0], self._flying[-1]
        # The zero ends a frame whose own was damaged.
        self.line.write(DELIMITER + self._encode(Chunk(oldest.number, 0), newest, newest.sent))
        self._until = self.line.clock() + self.line.wait.seconds

    def _progress(self, frame: Frame) -> None:
        """Compare where the board is with where it should be."""
        sent, progress = self._frames.get(frame.sequence), Progress.unpack(frame.payload)
        if sent is None or progress is None:
            return
        now = self.line.clock()
        if sent.time >= self._asked:
            self.line.wait.took(now - sent.time)
        self._until = now + self.line.wait.seconds
        self._loading = bool(progress.flags & Flags.LOADING)
        if (progress.number, progress.taken) != self._at:
            self._at, self._moved = (progress.number, progress.taken), now
        for sequence in list(self._frames):
            passed = self._frames.pop(sequence)
            self.pace.through(passed.size)
            if sequence == frame.sequence:
                break
        overrun = bool(progress.flags & Flags.OVERRUN)
        if overrun:
            self.pace.overrun()
        behind = self._behind(sent, progress)
        if behind is not None:
            self._resume(*behind, lost=not (overrun or self._loading))

    def _behind(self, sent: Sent, progress: Progress) -> tuple[Job, int] | None:
        """The image and the offset at which to go on, where the board has not all that was sent."""
        place = next((at for at, job in enumerate(self._flying) if job.number == progress.number), None)
        if place is None:
            first = self._flying[0]
            before = progress.number == (first.number - 1) % 256 and progress.taken == len(first.image)
            if progress.taken and not before:
                self.reset()
                return None
            return first, 0
        if place:
            # The answers before were sent before this reply, and did not come.
            self._drop(place)
            self._until = self.line.clock()
        job = self._flying[0]
        if progress.taken < len(job.image):
            complete = sent.job is job and progress.taken >= sent.end
            return None if complete or sent.job not in self._flying else (job, progress.taken)
        return None if sent.job is job or sent.job not in self._flying else (self._flying[1], 0)

    def _drop(self, count: int) -> None:
        """Send the first ``count`` images anew."""
        self._waiting.extendleft(reversed(self._flying[:count]))
        self._land(count)

    def _land(self, count: int) -> None:
        """The first ``count`` images are no longer on their way."""
        del self._flying[:count]
        self._frames = {sequence: sent for sequence, sent in self._frames.items() if sent.job in self._flying}

    def _resume(self, job: Job, offset: int, *, lost: bool) -> None:
        """Go on with ``job`` at ``offset``; what was sent beyond it is for nothing."""
        if lost:
            self.pace.lost()
        self.resumed += 1
        place = self._flying.index(job) + 1
        self._waiting.extendleft(reversed(self._flying[place:]))
        del self._flying[place:]
        self._frames.clear()
        job.sent, self._number = offset, job.number

    def _answer(self, frame: Frame) -> tuple[int, bytes] | None:
        """Place and results, where the answer is one to an image on its way and right."""
        place = next((at for at, job in enumerate(self._flying) if job.number == frame.sequence), None)
        answer = Answer.unpack(frame.payload)
        if place is None or answer is None:
            return None
        job = self._flying[place]
        self._drop(place)
        self._land(1)
        right = len(answer.results) == self.result_bytes
        if right and answer.check == check_of(self.identity, job.image, answer.results):
            self.pace.answered()
            self._moved = self._last = self.line.clock()
            self._until = self._moved + self.line.wait.seconds
            return job.index, answer.results
        self.rejected += 1
        job.wrong += 1
        if job.wrong % SUSPICIOUS == 0:
            self.suspect()
        if job.wrong == TRIES:
            raise SubbitError(
                f"{self.line.name} gave {TRIES} wrong answers to one image: "
                "flash it again, and have it checked if that does not help"
            )
        self._waiting.appendleft(job)
        return None

"""A host at a line on which anything may speak, a board that hears anything: neither hangs, grows or is misled."""

import random
import tracemalloc
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from boards.host import Client
from boards.link.protocol import REPLY, Answer, Chunk, Counters, Frame, Identity, Kind, Progress, Splitter, check_of
from sw.errors import SubbitError
from tests.boards.host.channel import description, model_of, shape_of
from tests.boards.link.parts import IDENTITY, computes

BOARD = description()
PATIENCE, BYTE, LEAST = 3.0, 1e-4, 5e-3  # Seconds: of a silence, of a byte on the line, of a look at it.
usual = settings(max_examples=60, deadline=None, derandomize=True)


@dataclass
class Speaker:
    """A line whose other end is ``speaks``: what it was sent goes in, what it says comes out, in a time of its own."""

    speaks: object
    now: float = 0.0
    reads: int = 0
    heard: bytearray = field(default_factory=bytearray)

    def clock(self) -> float:
        return self.now

    def write(self, data: bytes) -> None:
        self.heard += data

    def read(self, limit: int, timeout: float) -> bytes:
        self.reads += 1
        said = self.speaks(bytes(self.heard))[:limit]  # type: ignore[operator]
        self.heard.clear()
        self.now += max(LEAST, len(said) * BYTE) if said else max(timeout, LEAST)
        return said

    def close(self) -> None:
        pass


def ends(speaks, images=1):
    """The error that a host makes of what it hears, within its patience."""
    line = Speaker(speaks)
    with pytest.raises(SubbitError) as caught, Client(line, BOARD, patience=PATIENCE, clock=line.clock) as client:
        client.classify(np.zeros((images, 6, 8, 1), np.uint8))
    assert str(caught.value).isprintable()
    return line, str(caught.value)


def frames(heard):
    return list(Splitter()(heard))


@settings(usual, max_examples=20)
@given(said=st.one_of(st.binary(min_size=1, max_size=400), st.just(b"x" * 4096), st.just(b"\0" * 4096)))
def test_noise_without_end_is_given_up(said):
    line, sentence = ends(lambda heard: said)
    assert line.now < 2 * PATIENCE
    assert "cannot be read" in sentence or "gave no answer" in sentence


def test_a_stream_without_an_end_of_a_frame_takes_no_memory():
    split = Splitter()
    tracemalloc.start()
    for _ in range(2000):
        assert not list(split(b"\x01" * 4096))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000  # of 8 MB


def board(**lies):
    """A board that answers as it should, but for the replies that ``lies`` makes, by the kind of the request."""
    model = model_of(BOARD)

    def speaks(heard):
        said = b""
        for frame in frames(heard):
            lie = lies.get(Kind(frame.kind).name.lower()) if frame.kind in list(Kind) else None
            said += model.receive(frame.encode()) if lie is None else lie(frame)
        return said

    return speaks


def reply(frame, payload):
    return Frame(frame.kind | REPLY, frame.sequence, payload).encode()


@pytest.mark.parametrize("size", [0, 1, 20, 249])
def test_replies_of_a_wrong_length_are_given_up(size):
    line, sentence = ends(board(identify=lambda frame: reply(frame, bytes(size))))
    assert sentence == (
        "the board gave 12 replies of a wrong length: is it a board that this subbit built a design for?"
    )
    line = Speaker(board(counters=lambda frame: reply(frame, bytes(size))))
    client = Client(line, BOARD, patience=PATIENCE, clock=line.clock)
    with pytest.raises(SubbitError, match="12 replies of a wrong length"):
        client.counters()


def test_an_identity_that_is_another_each_time_is_refused():
    numbers = iter(range(1 << 60))

    def lie(frame):
        return reply(frame, Identity(1, next(numbers).to_bytes(8, "big"), 48, 8, 12_000_000, 0).pack())

    line, sentence = ends(board(identify=lie))
    assert "holds another network" in sentence
    assert line.now < PATIENCE


def test_a_clock_that_stands_still_is_refused():
    told = shape_of(BOARD).described()
    stopped = Identity(told.version, told.network, told.image_bytes, told.result_bytes, 0, told.flags)
    _, sentence = ends(board(identify=lambda frame: reply(frame, stopped.pack())))
    assert "its clock stands still" in sentence


@settings(usual, max_examples=4)
@given(seed=st.integers(0, 1 << 30), size=st.sampled_from([1, 47, 48, 65_535]))
@example(seed=0, size=3)
def test_progress_without_an_answer_ends(seed, size):
    chance = random.Random(seed)

    def lie(frame):
        number = Chunk.unpack(frame.payload).number if chance.random() < 0.8 else chance.randrange(256)
        return reply(frame, Progress(number, chance.randrange(size), chance.choice([0, 0, 1, 2])).pack())

    line, _ = ends(board(image=lie), images=3)
    assert line.now < 13 * PATIENCE


@usual
@given(seed=st.integers(0, 1 << 30), images=st.integers(1, 6))
def test_no_answer_that_a_board_makes_up_is_believed(seed, images):
    """Frames of every kind, all whole, with answers to other images, of other networks, of other lengths."""
    chance, compute = random.Random(seed), computes(shape_of(BOARD))
    model = model_of(BOARD)
    pictures = np.random.default_rng(seed).integers(0, 256, (images, 6, 8, 1), dtype=np.uint8)
    sent = BOARD.encode(pictures)

    def made_up():
        image, results = chance.choice([*sent, bytes(48)]), chance.randbytes(chance.choice([8, 8, 8, 0, 7, 9]))
        check = chance.choice([0, check_of(bytes(8), image, results), check_of(IDENTITY, bytes(47), results)])
        kind = chance.choice([Kind.ANSWER, Kind.ANSWER, Kind.IMAGE | REPLY, Kind.RESET | REPLY, 99])
        payload = Answer(results, check).pack() if kind == Kind.ANSWER else chance.randbytes(chance.randrange(9))
        return Frame(kind, chance.randrange(8), payload).encode()

    def speaks(heard):
        said = model.receive(heard)
        return said + b"".join(made_up() for _ in range(chance.choice([0, 0, 0, 1, 3])))

    line = Speaker(speaks)
    try:
        answers = Client(line, BOARD, patience=30.0, clock=line.clock).classify(pictures)
    except SubbitError:
        return
    for place, image in enumerate(sent):
        scores, winner = BOARD.decode(compute(image))
        assert answers.classes[place] == winner
        np.testing.assert_array_equal(answers.scores[place], scores)


@usual
@given(noise=st.lists(st.one_of(st.binary(max_size=700), st.binary(max_size=40).map(lambda b: b + b"\0")), max_size=8))
@example(noise=[b"\x01" * 5000, b"\0"])
def test_a_board_answers_after_any_noise(noise):
    model = model_of(BOARD)
    for piece in noise:
        model.receive(piece)
    model.receive(b"\0" + Frame(Kind.RESET, 1).encode())
    image = bytes(range(48))
    said = frames(model.receive(Frame(Kind.IMAGE, 2, Chunk(9, 0, image).pack()).encode()))
    results = computes(shape_of(BOARD))(image)
    assert Frame(Kind.ANSWER, 9, Answer(results, check_of(IDENTITY, image, results)).pack()) in said
    assert len(model.image) <= 48


@pytest.mark.parametrize("kind", [Identity, Counters, Progress, Chunk, Answer])
@usual
@given(payload=st.binary(max_size=300))
def test_payloads_are_taken_apart_or_refused(kind, payload):
    found = kind.unpack(payload)
    assert found is None or found.pack() == payload

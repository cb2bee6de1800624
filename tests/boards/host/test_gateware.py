# amaranth: UnusedElaboratable=no
"""The host against the gateware itself, on good lines and bad ones, with fast accelerators, slow and stuck ones."""

import random
from collections import deque

import numpy as np
import pytest
from amaranth.sim import Simulator

from boards.host import BoardDescription, Client
from boards.link.protocol import Chunk, Counters, Flags, Frame, Kind, Progress, Splitter
from tests.boards.host.channel import Harm
from tests.boards.link.parts import IDENTITY, Board, computes, small

SHAPE = small()
BOARD = BoardDescription("test", IDENTITY, 1_000_000, 4, 6, 1, 8, 1, 8, 24, 16, 3, "scores", 2)
GOOD = Harm()
IDLE = 1500  # Cycles after which a silent board is silent until something comes.


class Gateware:
    """A transport to a simulated board. While nothing goes on, time passes without it."""

    def __init__(self, board, harm=GOOD, seed=0):
        self.board, self.harm, self.chance = board, harm, random.Random(seed)
        self.now, self.simulated, self.busy = 0.0, 0.0, 0
        self.sent, self.came = deque(), bytearray()
        self.simulator = Simulator(board)
        self.simulator.add_clock(1e-6)
        self.simulator.add_testbench(self.bench, background=True)

    async def bench(self, ctx):
        ctx.set(self.board.o.ready, 1)
        while True:
            ctx.set(self.board.i.valid, int(bool(self.sent)))
            if self.sent:
                ctx.set(self.board.i.payload.as_value(), self.sent[0])
                if ctx.get(self.board.i.ready):
                    self.sent.popleft()
                    self.busy = IDLE
            if ctx.get(self.board.o.valid):
                self.came += self.harm(bytes([ctx.get(self.board.o.payload.as_value())]), self.chance)
                self.busy = IDLE
            self.busy -= 1
            await ctx.tick()

    def clock(self):
        return self.now

    def write(self, data):
        self.sent.extend(self.harm(data, self.chance))
        self.busy = IDLE

    def cycles(self, count):
        self.now += count * 1e-6
        self.simulated += count * 1e-6
        self.simulator.run_until(self.simulated)

    def read(self, limit, timeout):
        until = self.now + timeout
        while not self.came and self.now < until and self.busy > 0:
            self.cycles(50)
        if not self.came:
            self.now = max(self.now, until) + 1e-9
        data = bytes(self.came[:limit])
        del self.came[:limit]
        return data

    def close(self):
        pass


def said(line, *requests, wait=4000):
    """Frames that come within so many cycles of requests that are sent at once."""
    line.write(b"".join(request.encode() for request in requests))
    line.cycles(wait + 45 * len(line.sent))
    return list(Splitter()(line.read(10_000, 0)))


def classified(line, count, **options):
    images = np.random.default_rng(count).integers(0, 256, (count, 4, 6, 1), dtype=np.uint8)
    client = Client(line, BOARD, clock=line.clock, **options)
    answers, compute = client.classify(images), computes(SHAPE)
    expected = [BOARD.decode(compute(image)) for image in BOARD.encode(images)]
    assert answers.classes.tolist() == [winner for _, winner in expected]
    np.testing.assert_array_equal(answers.scores, [scores for scores, _ in expected])
    return client


@pytest.mark.parametrize(
    ("pace", "latency"),
    [(1, 0), pytest.param(1, 900, marks=pytest.mark.slow), pytest.param(60, 10, marks=pytest.mark.slow)],
)
def test_images_are_classified(pace, latency):
    client = classified(Gateware(Board(SHAPE, pace, latency)), 8)
    counters = client.counters()
    assert (counters.images, counters.damaged) == (8, 0)
    assert (latency + 1) * 8 // 256 <= counters.busy <= (latency + 30) * 8 // 256
    assert client.statistics.resumed <= counters.overruns <= (pace > 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("pace", "latency"), [(1, 0), (60, 3000), (400, 10)])
def test_images_are_classified_on_a_bad_line(pace, latency, seed):
    harm = Harm(change=0.006, lose=0.002, double=0.002)
    client = classified(Gateware(Board(SHAPE, pace, latency), harm, seed), 20, patience=1000)
    assert client.statistics.damaged


def test_images_are_classified_with_one_byte_in_a_hundred_damaged():
    classified(Gateware(Board(SHAPE), Harm(change=0.01)), 4, patience=1000)


def image(sequence, number, offset=0, data=b""):
    return Frame(Kind.IMAGE, sequence, Chunk(number, offset, data).pack())


def test_a_reset_frees_an_accelerator_that_is_stuck():
    line = Gateware(Board(SHAPE, pace=1 << 20))
    # One beat is taken and never another; both places for frames are full.
    assert said(line, image(1, 5, 0, bytes(4)), image(2, 5, 4, bytes(4)), image(3, 5, 8, bytes(4))) == []
    assert said(line, Frame(Kind.IDENTIFY, 4)) == []
    # It takes effect at once, and is told when there is room for it.
    frames = said(line, Frame(Kind.RESET, 5), Frame(Kind.RESET, 6), image(7, 9))
    assert frames == [Frame(0x84, 6), Frame(0x82, 7, Progress(0, 0, 0).pack())]


def test_frames_that_find_no_room_are_told():
    line = Gateware(Board(SHAPE, pace=1500))
    frames = said(line, *(image(at, 1, at, bytes(1)) for at in range(9)), wait=8_000)
    told = [Progress.unpack(frame.payload) for frame in frames]
    assert any(progress.flags & Flags.OVERRUN for progress in told)
    (again,) = said(line, image(99, 1))
    assert Progress.unpack(again.payload) == Progress(1, told[-1].taken, 0)
    counters = Counters.unpack(said(line, Frame(Kind.COUNTERS, 8))[0].payload)
    assert counters.overruns == 9 - told[-1].taken - counters.unused > 2


def test_what_comes_at_another_baud_is_passed_over():
    chance = random.Random(1)
    board = Board(SHAPE)
    line = Gateware(board)
    assert said(line, image(1, 3, 0, bytes(7)))[-1].sequence == 1
    for _ in range(6):
        # A byte at half the baud looks like two, and like three at a third.
        line.write(bytes(chance.choices((0, 0x33, 0xCC, 0xF0, 0x0F, 0xFF, 0x80), k=30)))
        line.cycles(1500)
    line.read(10_000, 0)
    line.write(b"\0")
    assert said(line, image(2, 3)) == [Frame(0x82, 2, Progress(3, 7, 0).pack())]


def test_a_new_image_waits_until_the_answer_before_is_on_its_way():
    line = Gateware(Board(SHAPE, latency=2000))
    frames = said(line, image(1, 7, 0, bytes(24)), image(2, 8, 0, bytes(range(24))), wait=12_000)
    assert [frame.kind for frame in frames] == [0x82, 0x85, 0x82, 0x85]
    assert [frame.sequence for frame in frames] == [1, 7, 2, 8]
    # Asked for, the newer answer comes again and the older one does not.
    assert [frame.kind for frame in said(line, image(3, 7))] == [0x82]
    assert said(line, image(4, 8))[1:] == frames[3:]

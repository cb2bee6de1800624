# amaranth: UnusedElaboratable=no
"""The gateware against the model in Python: reply for reply, on good frames and on bad ones."""

import random
from dataclasses import replace

import pytest
from amaranth.sim import Simulator

from boards.link.model import BoardModel
from boards.link.protocol import CHUNK_LIMIT, REPLY, Answer, Chunk, Counters, Frame, Kind, Progress, Splitter, check_of
from sim.component import check
from tests.boards.link.parts import Board, computes, small
from tests.simulators import slow_in

SHAPES = {
    "bytes, 16-bit scores": small(),
    "wide beats, a class": small(input_bits=24, input_beats=5, result_bits=8, result_beats=1),
    "odd results": small(input_bits=16, input_beats=3, result_bits=19, result_beats=2),
    "one beat": small(input_bits=32, input_beats=1, result_bits=8, result_beats=2),
    "12 cycles a bit": small(input_beats=3, cycles_per_bit=12),
    "many chunks": small(input_beats=300, result_beats=12),
}


def script(shape, seed, length):
    """Requests that make sense, that do not, and that are damaged. The zero that a damaged one lacks stands before the
    next."""
    chance, sent, sequence = random.Random(seed), [], 0
    number, image = chance.randrange(256), chance.randbytes(shape.image_bytes)
    offset = 0
    for _ in range(length):
        sequence = (sequence + chance.randrange(1, 9)) % 256
        choice = chance.random()
        if choice < 0.60:
            data = image[offset : offset + chance.choice((1, 2, 7, shape.image_bytes, CHUNK_LIMIT))][:CHUNK_LIMIT]
            frame = Frame(Kind.IMAGE, sequence, Chunk(number, offset, data).pack())
            if chance.random() < 0.8:
                offset += len(data)
        elif choice < 0.68:
            frame = Frame(Kind.IMAGE, sequence, Chunk(number, chance.randrange(4)).pack())
        elif choice < 0.76:
            wrong = Chunk((number + chance.choice((0, 1, 2, 255))) % 256, chance.choice((0, 0, 1, 300)), b"wrong")
            frame = Frame(Kind.IMAGE, sequence, wrong.pack())
        elif choice < 0.82:
            frame = Frame(
                chance.choice((Kind.IDENTIFY, Kind.COUNTERS)), sequence, chance.randbytes(chance.randrange(3))
            )
        elif choice < 0.86:
            frame = Frame(Kind.RESET, sequence)
            offset = 0
        else:
            frame = Frame(chance.choice((0, 5, 8, Kind.IMAGE, Kind.IDENTIFY | REPLY)), sequence, chance.randbytes(2))
        encoded = frame.encode()
        if chance.random() < 0.15:
            encoded = damaged(encoded, chance)
        sent.append(bytes(1) + encoded)
        if offset >= shape.image_bytes:
            number, offset, image = (number + 1) % 256, 0, chance.randbytes(shape.image_bytes)
    # One at a time, also where one became two: a newer reply may take the place of one that still waits.
    return [piece + b"\0" for piece in b"".join(sent).split(b"\0") if piece]


def damaged(encoded, chance):
    at = chance.randrange(len(encoded))
    return chance.choice(
        (
            encoded[:at] + bytes([chance.randrange(256)]) + encoded[at + 1 :],
            encoded[:at],
            encoded[:at] + encoded[at + 1 :],
            encoded[:at] + encoded[at : at + 1] + encoded[at:],
            encoded + encoded,
            chance.randbytes(chance.randrange(1, 600)),
        )
    )


def replies(data):
    """Frames, with the time left out that the model does not know."""
    frames = []
    for frame in Splitter()(bytes(data)):
        counters = Counters.unpack(frame.payload) if frame.kind == Kind.COUNTERS | REPLY else None
        payload = replace(counters, busy=0).pack() if counters else frame.payload
        frames.append(replace(frame, payload=payload))
    return frames


def said(board, requests):
    """What the gateware says, each request being sent when all has been said to those before."""
    shape, out = board.shape, bytearray()

    async def bench(ctx):
        ctx.set(board.o.ready, 1)
        for request in requests:
            at, silent = 0, 0
            # Every byte may go through the check, and before the first reply comes a whole byte.
            while at < len(request) or silent < 30 * shape.cycles_per_bit + 14 * min(
                300, len(request) + shape.result_bytes
            ):
                ctx.set(board.i.valid, int(at < len(request)))
                ctx.set(board.i.payload.as_value(), request[min(at, len(request) - 1)])
                taken, valid = ctx.get(board.i.ready), ctx.get(board.o.valid)
                if valid:
                    out.append(ctx.get(board.o.payload.as_value()))
                at, silent = at + taken, 0 if valid or at < len(request) else silent + 1
                await ctx.tick()

    simulator = Simulator(board)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return bytes(out)


def compare(shape, requests):
    expected = BoardModel(shape, computes(shape)).receive(b"".join(requests))
    assert replies(said(Board(shape), requests)) == replies(expected)


@pytest.mark.parametrize("name", ["bytes, 16-bit scores", "wide beats, a class"])
def test_the_gateware_says_what_the_model_says(name):
    compare(SHAPES[name], script(SHAPES[name], name, 10))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", SHAPES)
def test_the_gateware_says_what_the_model_says_at_length(name, seed):
    compare(SHAPES[name], script(SHAPES[name], f"{name} {seed}", 40))


@pytest.mark.parametrize("simulator", slow_in("verilator"))
def test_the_verilog_says_what_the_model_says(simulator, tmp_path):
    shape = small()
    sent = [piece for piece in script(shape, "verilog", 6) if b"\3" not in piece[1:3]]
    # Zeros, which are no frames, while the longest reply is sent.
    sent = b"".join(piece + bytes(45) for piece in sent)
    expected = BoardModel(shape, computes(shape)).receive(sent)
    (result,) = check(Board(shape), sent, expected, simulators=[simulator], build_dir=tmp_path)
    assert result.tests == 4


def test_what_a_board_must_not_take():
    shape = SHAPES["wide beats, a class"]
    first, second = bytes(range(15)), bytes(range(20, 35))

    def chunk(number, offset, data=b""):
        return Frame(Kind.IMAGE, number + offset & 0xFF, Chunk(number, offset, data).pack()).encode()

    requests = [
        chunk(7, 256, first),  # the low byte of the offset is right
        chunk(7, 0, first[:4]),
        chunk(8, 0, second),  # another image while one is taking
        Frame(Kind.RESET, 1).encode(),  # in the middle of a beat
        chunk(200, 0, first[:8]),
        chunk(200, 264, first[8:]),
        chunk(200, 8, first[8:] + b"more than there is of it"),
        chunk(200, 0, first),
        chunk(200, 15, b"more"),
        chunk(202, 0, second),  # not the next number
        chunk(199, 0, second),
        chunk(200, 0),
        chunk(202, 0),
        chunk(201, 0, second),
        chunk(201, 0),
    ]
    model = BoardModel(shape, computes(shape))
    expected = model.receive(b"".join(requests))
    assert model.images == 2
    assert replies(said(Board(shape), requests)) == replies(expected)


def soak(seed, count, **pace):
    """Requests as fast as the line carries them, or almost: replies overtake each other, but every answer is right."""
    shape = small(input_beats=10, result_beats=12)
    chance, compute, sent = random.Random(seed), computes(shape), bytearray()
    images = {number: random.Random(number).randbytes(shape.image_bytes) for number in range(256)}
    number = chance.randrange(256)
    for sequence in range(count):
        image, choice = images[number], chance.random()
        if choice < 0.45:
            frames = [Frame(Kind.IMAGE, 1, Chunk(number, 0, image).pack())]
            number = (number + 1) % 256
        elif choice < 0.6:
            frames = [Frame(Kind.IMAGE, at, Chunk(number, at, image[at : at + 2]).pack()) for at in range(0, 10, 2)]
            number = (number + 1) % 256
        elif choice < 0.9:
            frames = [Frame(Kind.IMAGE, sequence % 256, Chunk((number - chance.randrange(3)) % 256, 0).pack())]
        else:
            frames = [Frame(chance.choice((Kind.RESET, Kind.COUNTERS, Kind.IDENTIFY)), sequence % 256)]
        for frame in frames:
            sent += frame.encode() + bytes(chance.choice((0, 0, 0, 1, 2, 12, 30)))
    # In the end the board is alive.
    sent += bytes(120) + Frame(Kind.RESET, 9).encode() + bytes(60)
    sent += (
        Frame(Kind.IMAGE, 9, Chunk(77, 0, images[77]).pack()).encode() + bytes(60) + Frame(Kind.COUNTERS, 9).encode()
    )
    split = Splitter()
    frames = list(split(said(Board(shape, **pace), [bytes(sent)])))
    assert split.damaged == 0
    # Chunks have even sizes: what is told stands between two of them.
    told = [Progress.unpack(frame.payload) for frame in frames if frame.kind == Kind.IMAGE | REPLY]
    assert all(progress.taken % 2 == 0 for progress in told)
    answers = [frame for frame in frames if frame.kind == Kind.ANSWER]
    for frame in answers:
        image = images[frame.sequence]
        assert frame.payload == Answer(compute(image), check_of(shape.identity, image, compute(image))).pack()
    # Where a frame found no room, the images after it are refused until the next RESET.
    assert len(answers) > count / 20
    assert [frame.kind for frame in frames[-4:]] == [0x84, 0x82, Kind.ANSWER, 0x83]
    counters, total = Counters.unpack(frames[-1].payload), len(list(Splitter()(sent)))
    # The last frame counts where its reply had to wait; a RESET drops frames that wait.
    assert total - 12 <= counters.frames + counters.overruns <= total
    assert len({frame.sequence for frame in answers}) - 1 <= counters.images <= total
    assert counters.damaged == 0


def test_whatever_comes_at_once_every_answer_is_right():
    soak(1, 30, pace=1, latency=100)


def test_a_reset_while_a_reply_is_being_composed():
    identify, reset = Frame(Kind.IDENTIFY, 1).encode(), Frame(Kind.RESET, 2).encode()
    # The second reply is composed when the first has been sent, about when the reset comes.
    sent = b"".join(2 * identify + bytes(pause) + reset + bytes(60) for pause in range(9, 18))
    split = Splitter()
    kinds = [frame.kind for frame in split(said(Board(small()), [sent]))]
    assert split.damaged == 0
    assert (kinds.count(0x84), kinds[-1]) == (9, 0x84)
    assert 9 < kinds.count(0x81) < 18


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("pace", "latency"), [(1, 0), (1, 300), (40, 0), (150, 100)])
def test_whatever_comes_at_once_every_answer_is_right_at_length(pace, latency, seed):
    soak(seed, 120, pace=pace, latency=latency)

"""The protocol in Python: its limits, what it refuses, and the example in docs/link.md."""

import random
import re
from pathlib import Path

import pytest

from boards.link.feed import check_algorithm
from boards.link.model import BoardModel
from boards.link.protocol import CHUNK_LIMIT, CONTENT_LIMIT, Answer, Chunk, Frame, Kind, Splitter, check_of
from boards.link.receiver import CRC16
from boards.link.shape import LinkShape, fastest_baud
from sw.errors import SubbitError

PAGE = Path(__file__).parents[3] / "docs" / "link.md"
NETWORK = bytes.fromhex("0123456789abcdef")


def test_the_example_in_the_docs_is_what_a_board_says():
    lines = re.findall(r"^([<>]) ((?:[0-9a-f]{2} )*00)(?: |$)", PAGE.read_text(), re.MULTILINE)
    board = BoardModel(LinkShape(8, 6, 8, 1, NETWORK, 12_000_000, 1_000_000), lambda image: b"\x03")
    heard = b""
    assert len(lines) == 12
    for way, digits in lines:
        frame = bytes.fromhex(digits)
        if way == ">":
            assert not heard
            heard = board.receive(frame)
        else:
            assert heard.startswith(frame)
            heard = heard[len(frame) :]
    assert not heard
    image = bytes.fromhex("001080ff0700")
    assert check_of(NETWORK, image, b"\x03") == 0x9D5AF81A
    assert Frame(Kind.IMAGE, 3, Chunk(0, 0, image[:4]).pack()).encode().hex(" ") in PAGE.read_text()


@pytest.mark.parametrize("size", [0, 1, 60, CONTENT_LIMIT - 4])
def test_frames_come_back_whole(size):
    chance = random.Random(size)
    for _ in range(50):
        frame = Frame(chance.randrange(256), chance.randrange(256), bytes(chance.choices((0, 1, 255), k=size)))
        encoded = frame.encode()
        assert encoded.index(b"\0") == len(encoded) - 1
        assert max(encoded) < 255 or 255 in frame.payload + encoded[-4:-1] + bytes([frame.kind, frame.sequence])
        assert Frame.decode(encoded[:-1]) == frame


def test_a_payload_that_is_too_long():
    with pytest.raises(ValueError, match="^payload must be at most 249 bytes, not 250$"):
        Frame(1, 1, bytes(250)).encode()
    Frame(Kind.IMAGE, 1, Chunk(1, 2, bytes(CHUNK_LIMIT)).pack()).encode()


def test_no_single_damaged_byte_passes():
    encoded = Frame(Kind.IMAGE, 7, Chunk(3, 256, b"\0\1\0abc").pack()).encode()[:-1]
    for at in range(len(encoded)):
        for byte in range(1, 256):
            if byte != encoded[at]:
                assert Frame.decode(encoded[:at] + bytes([byte]) + encoded[at + 1 :]) is None
        assert Frame.decode(encoded[:at]) is None


def test_frames_are_found_in_any_pieces():
    frames = [Frame(kind, 9, bytes(kind)) for kind in range(20)]
    stream = b"\0\0garbage\0" + b"\0".join(frame.encode() for frame in frames)
    for size in (1, 2, 7, 1000):
        split = Splitter()
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert [frame for piece in pieces for frame in split(piece)] == frames
        assert split.damaged == 1


def test_payloads_that_are_too_short():
    assert Chunk.unpack(b"\1\2") is None
    assert Answer.unpack(b"\1\2\3") is None


def test_gateware_and_host_mean_the_same_checks():
    data = random.Random(1).randbytes(50)
    bits = [byte >> at & 1 for byte in data for at in range(8)]
    assert check_algorithm(NETWORK)(data_width=1).compute(bits) == check_of(NETWORK, data[:40], data[40:])
    content = Frame(data[0], data[1], data[2:]).encode()
    assert CRC16.compute(data).to_bytes(2, "big") == content[-3:-1]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"input_beats": 65_536}, "an image of 65536 bytes is too large for the host link's 65535"),
        (
            {"result_beats": 108},
            "216 bytes of scores are too many for the host link's 215: "
            'send the class alone (output "class" in the plan)',
        ),
        (
            {"clock_hz": 10_300_000, "baud": 4_000_000},
            "a clock of 10300000 Hz does not divide to 4000000 baud within 2%: choose another baud, such as 115200",
        ),
        (
            {"clock_hz": 12_000_000, "baud": 2_700_000},
            "a clock of 12000000 Hz does not divide to 2700000 baud within 2%: choose another baud, such as 1000000",
        ),
    ],
)
def test_links_that_cannot_be_built(fields, sentence):
    usual = {"input_bits": 8, "input_beats": 64, "result_bits": 16, "result_beats": 11, "identity": NETWORK}
    with pytest.raises(SubbitError) as caught:
        LinkShape(**usual | {"clock_hz": 12_000_000, "baud": 1_000_000} | fields)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("input_bits", 12, "input_bits must be a multiple of 8, not 12"),
        ("input_bits", 0, "input_bits must be positive, not 0"),
        ("result_beats", 0, "result_beats must be positive, not 0"),
        ("identity", b"short", "identity must be 8 bytes, not b'short'"),
    ],
)
def test_links_that_make_no_sense(field, value, sentence):
    usual = {"input_bits": 8, "input_beats": 64, "result_bits": 16, "result_beats": 11, "identity": NETWORK}
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        LinkShape(**usual | {"clock_hz": 12_000_000, "baud": 1_000_000} | {field: value})


@pytest.mark.parametrize(
    ("clock", "baud", "cycles"),
    [(12e6, 1_000_000, 12), (16e6, 1_000_000, 16), (25e6, 1_000_000, 25), (3e6, 115_200, 26)],
)
def test_the_fastest_baud(clock, baud, cycles):
    assert fastest_baud(clock) == baud
    assert LinkShape(8, 1, 8, 1, NETWORK, int(clock), baud).cycles_per_bit == cycles

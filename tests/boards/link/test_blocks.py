# amaranth: UnusedElaboratable=no
"""Every block of the link that has a stream in and out, in Amaranth's simulator and as Verilog in both others."""

import random
from binascii import crc_hqx

import pytest
from cobs import cobs

from boards.link.cobs import CobsDecoder, CobsEncoder
from boards.link.feed import Feed
from boards.link.results import Collector
from boards.link.sender import Checked
from sim import available
from sim.component import check
from tests.boards.link.parts import IDENTITY, Serial, Wrapped
from tests.hw.streams import GAPS_AND_STALLS, drain

CHANCE = random.Random(4)
MARK = 1 << 8  # The bit above a byte: broken, end, last, result.

#: Zeros at every place, none, and the longest run that there is.
CONTENTS = [
    b"\0",
    b"\0\0\0",
    b"a",
    b"\1\0\2\0",
    b"\0abc\0\0d",
    bytes(range(1, 254)),
    bytes(253),
    *(bytes(CHANCE.choice((0, 0, 1, 7, 255)) for _ in range(CHANCE.randrange(1, 60))) for _ in range(12)),
]


def serial(sends, receives):
    words = [0, 0xFF, 0x55, 0xAA, *CHANCE.randbytes(24)]
    return Wrapped(Serial(sends, receives)), words, words


def decoder():
    words, expected = [], []
    for content in CONTENTS:
        words += [*cobs.encode(content), 0, *bytes(CHANCE.randrange(3))]
        expected += [*content, MARK | 1]
    for broken, rest in (
        ([5, 1, 2, 0], [1, 2]),
        ([2, 1, MARK | 1, 0], [1, 0]),
        ([1, MARK, 0], [0]),
        ([0xFF, 3, 0], [3]),
    ):
        words += broken
        expected += [*rest, MARK]
    words += [2, 9, 0]  # what comes next is whole again
    return Wrapped(CobsDecoder(), depth=4096), words, [*expected, 9, MARK | 1]


def encoder():
    words, expected = [], []
    for content in CONTENTS:
        words += [*content, MARK]
        memory, encoded = bytearray(256), cobs.encode(content) + b"\0"
        # The order of the writes is the encoder's own: compare each code where its run ends.
        place = 0
        for at, byte in enumerate(content, 1):
            expected.append(byte | at << 8 if byte else encoded[place] | place << 8)
            place = place if byte else at
        expected += [encoded[place] | place << 8, len(encoded) - 1 << 8]
        for write in expected[-len(encoded) :]:
            memory[write >> 8] = write & 0xFF
        assert memory.startswith(encoded)
    return Wrapped(CobsEncoder(), depth=4096), words, expected


def checked():
    words, expected = [], []
    for content in CONTENTS:
        words += [*content[:-1], content[-1] | MARK]
        expected += [*content, *crc_hqx(content, 0xFFFF).to_bytes(2, "big"), MARK]
    # What the end of a frame has for data means nothing.
    return Checked(), words, expected


def feed(bits):
    data = CHANCE.randbytes(bits // 8 * 7)
    words = [byte for at, byte in enumerate(data)]
    words[3:3] = [MARK | 0x5A]  # goes into the check alone
    beats = [int.from_bytes(data[at : at + bits // 8], "little") for at in range(0, len(data), bits // 8)]
    return Wrapped(Feed(bits, IDENTITY), start=0), words, beats


def collector(bits):
    values = [CHANCE.getrandbits(bits) for _ in range(9)]
    size = -(-bits // 8)
    results = b"".join(value.to_bytes(size, "little") for value in values)
    return Wrapped(Collector(bits, 9), enable=1, start=0), values, [b | at << 8 for at, b in enumerate(results)]


CASES = {
    "serial line": lambda: serial(4, 4),
    "serial line, 10 cycles a bit": lambda: serial(10, 10),
    "decoder": decoder,
    "encoder": encoder,
    "checked": checked,
    "feed": lambda: feed(8),
    "feed of wide beats": lambda: feed(40),
    "collector": lambda: collector(16),
    "collector of odd results": lambda: collector(19),
    "collector of classes": lambda: collector(8),
}


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS)
@pytest.mark.parametrize("name", CASES)
def test_what_comes_out(name, gaps, stalls):
    component, words, expected = CASES[name]()
    assert drain(component, words, len(expected), gaps, stalls).words == expected


@pytest.mark.slow
@pytest.mark.parametrize("simulator", available())
@pytest.mark.parametrize("name", CASES)
def test_the_verilog_of_every_block(name, simulator, tmp_path):
    component, words, expected = CASES[name]()
    (result,) = check(component, words, expected, simulators=[simulator], build_dir=tmp_path)
    assert result.tests == 4


@pytest.mark.parametrize("receives", [32, 34])
def test_a_line_that_is_off_by_three_percent(receives):
    component, words, _ = serial(33, receives)
    assert drain(component, words, len(words)).words == words

"""Noise on the pin of a whole board, in a simulator: what follows is answered as if nothing had been."""

import random

import numpy as np
import pytest

from boards.board import board
from boards.design import write_design
from boards.host.client import Client
from boards.host.description import BoardDescription
from boards.host.transport import SerialTransport
from boards.link.protocol import Chunk, Frame, Kind
from hw.plan.plan import Folding, Plan
from sim import available
from subbit import library
from tests.simulators import needs_icarus

FOLDING = {"conv1": Folding(2, 3), "conv2": Folding(2, 4), "dense1": Folding(3, 4)}


def noise(chance, image_bytes, length):
    """Bytes by chance, frames that make no sense, parts of images, and what never ends, some ``length`` bytes."""
    said = b""
    while len(said) < length:
        match chance.randrange(7):
            case 0:
                said += chance.randbytes(chance.randrange(1, 40))
            case 1:  # A frame without an end, longer than any.
                said += bytes(chance.randrange(1, 256) for _ in range(chance.choice([3, 60, 300])))
            case 2:
                said += bytes(chance.randrange(1, 9))
            case 3:
                said += Frame(chance.randrange(256), chance.randrange(256), chance.randbytes(9)).encode() + b"\0"
            case 4:  # The beginning of an image, and a place in it where there is none.
                chunk = Chunk(chance.randrange(256), chance.choice([0, 1, image_bytes]), chance.randbytes(7))
                said += Frame(Kind.IMAGE, chance.randrange(256), chunk.pack()).encode() + b"\0"
            case 5:  # One bit of a request.
                whole = bytearray(Frame(Kind.IDENTIFY, chance.randrange(256)).encode())
                whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
                said += whole
            case 6:  # Whole images and requests, faster than they can be answered.
                image = chance.randbytes(image_bytes)
                chunks = [Chunk(each, 0, image).pack() for each in range(3)]
                said += b"".join(Frame(Kind.IMAGE, each, chunk).encode() for each, chunk in enumerate(chunks))
                said += b"".join(Frame(Kind.COUNTERS, each).encode() for each in range(8))
    return said


def listen(folder, network, simulator, images, rounds, length):
    """Noise, then images that must be answered right, so many times; nothing is reset in between."""
    description = BoardDescription.load(folder)
    with library.virtual_board(folder, simulator) as port:
        for number in range(rounds):
            chance, line = random.Random(number), SerialTransport(port, description.baud)
            said = noise(chance, description.image_bytes, length)
            for at in range(0, len(said), 64):
                line.write(said[at : at + 64])
                line.read(4096, 0.0)
            with Client(line, description, patience=60, name=port) as client:
                answers = client.classify(images)
            np.testing.assert_array_equal(answers.scores, network.score(images))


@pytest.fixture
def folder(small_network, tmp_path):
    """A design of the small network for iCEBreaker."""
    return write_design(small_network, Plan(FOLDING), board("icebreaker"), tmp_path / "board").folder


@needs_icarus
def test_a_board_answers_after_noise_on_its_pin(folder, small_network, make_images):
    listen(folder, small_network, "icarus", make_images(small_network, 2), rounds=2, length=250)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("simulator", available())
def test_a_board_answers_after_much_noise_on_its_pin(folder, small_network, make_images, simulator):
    length = 20_000 if simulator == "verilator" else 2_000
    listen(folder, small_network, simulator, make_images(small_network, 3), rounds=6, length=length)

# amaranth: UnusedElaboratable=no
"""Words come out of flash memory as they went in, and nothing starts with words that were wrong."""

import binascii
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from boards.flash_image import check_of, flash_image, weights_image
from boards.loader import FlashLoader
from sw.errors import SubbitError
from tests.boards.flash_memory import FlashMemory

ADDRESS = 0x012344
REST = 20
READING = 128


def load(
    words: list[int],
    memory: FlashMemory,
    *,
    patience: int = 4000,
    stalls: int = 1,
    loaded: bool = False,
    fills: bool = True,
) -> tuple[list[int], dict[str, Any]]:
    """What a loader hands on, at most a word in ``stalls`` cycles, and its state and the cycles until it is ready.

    ``loaded``: what takes the words has them already. ``fills``: it has them when all were handed on.
    """
    loader = FlashLoader(len(words), ADDRESS, REST)
    got: list[int] = []
    end: dict[str, Any] = {}

    async def take(ctx: Any) -> None:
        cycle = 0
        while True:
            ctx.set(loader.o.ready, cycle % stalls == 0 and len(got) < len(words) and not loaded)
            ctx.set(loader.loaded, loaded or (fills and len(got) == len(words)))
            _, _, valid, ready, payload = await ctx.tick().sample(loader.o.valid, loader.o.ready, loader.o.payload)
            cycle += 1
            if valid and ready:
                got.append(payload)

    async def wait(ctx: Any) -> None:
        cycles = 0
        while cycles < patience and not ctx.get(loader.ready):
            await ctx.tick()
            cycles += 1
        end.update(ready=ctx.get(loader.ready), failed=ctx.get(loader.failed), cycles=cycles)

    simulator = Simulator(loader)
    simulator.add_clock(1e-6)
    simulator.add_testbench(memory.connect(loader.selected, loader.sck, loader.mosi, loader.miso), background=True)
    simulator.add_testbench(take, background=True)
    simulator.add_testbench(wait)
    simulator.run()
    assert memory.problems == []
    return got, end


def stored(words: list[int]) -> dict[int, int]:
    return {ADDRESS + at: byte for at, byte in enumerate(weights_image(words))}


@pytest.fixture
def words(rng) -> list[int]:
    return rng.integers(0, 1 << 16, 7).tolist()


@pytest.mark.parametrize("stalls", [1, 100])
def test_words_are_handed_on_in_order(words, stalls):
    memory = FlashMemory(stored(words), REST)
    got, end = load(words, memory, stalls=stalls)
    assert got == words
    assert (end["ready"], end["failed"], memory.readings) == (1, 0, 2)


def test_a_reading_takes_as_long_as_it_says(words):
    both = load(words, FlashMemory(stored(words), REST))[1]["cycles"]
    once = load(words, FlashMemory(stored(words), REST), loaded=True)[1]["cycles"]
    assert both - once == 32 * len(words) + READING + REST + 2


def test_one_word(rng):
    assert load([0x8001], FlashMemory(stored([0x8001]), REST))[0] == [0x8001]


def test_words_that_are_there_already_are_only_checked(words):
    memory = FlashMemory(stored(words), REST)
    got, end = load(words, memory, loaded=True)
    assert (got, end["ready"], memory.readings) == ([], 1, 1)


def test_a_disturbed_reading_is_done_again_before_anything_is_handed_on(words):
    memory = FlashMemory(stored(words), REST, lambda reading, at: 4 if reading <= 2 and at == ADDRESS + 11 else 0)
    got, end = load(words, memory)
    assert got == words
    assert (end["ready"], end["failed"], memory.readings) == (1, 0, 4)


@pytest.mark.parametrize("place", [0, 13, 14, 17])
@pytest.mark.parametrize("bit", [0, 7])
def test_any_wrong_bit_keeps_the_design_from_starting(place, bit, words):
    contents = stored(words)
    contents[ADDRESS + place] ^= 1 << bit
    got, end = load(words, FlashMemory(contents, REST), patience=1500)
    assert (got, end["ready"], end["failed"]) == ([], 0, 1)


def test_what_was_wrong_when_it_was_handed_on_stays_so(words):
    memory = FlashMemory(stored(words), REST, lambda reading, at: reading == 2 and at == ADDRESS + 9)
    got, end = load(words, memory, patience=2000)
    assert len(got) == len(words)
    assert (end["ready"], end["failed"], memory.readings) == (0, 1, 2)


def test_words_that_leave_something_unfilled_do_not_start_it(words):
    got, end = load(words, FlashMemory(stored(words), REST), fills=False)
    assert (got, end["ready"]) == (words, 0)


def test_an_empty_memory_is_not_taken_for_weights():
    got, end = load([0xFFFF] * 4, FlashMemory({}, REST), patience=1500)
    assert (got, end["ready"], end["failed"]) == ([], 0, 1)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match=r"^words must be positive, not 0$"):
        FlashLoader(0, 0, 1)
    with pytest.raises(ValueError, match=r"^rest must be positive, not 0$"):
        FlashLoader(1, 0, 0)
    with pytest.raises(ValueError, match=r"^address must be of 24 bits, not 16777216$"):
        FlashLoader(1, 1 << 24, 1)


def test_the_check_is_the_catalogued_one():
    assert check_of(b"123456789") == 0xFC891918
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in b"subbit")
    assert check_of(b"subbit") == int(f"{binascii.crc32(mirrored):032b}"[::-1], 2)


def test_images(words):
    image = weights_image(words)
    assert np.frombuffer(image[:-4], "<u2").tolist() == words
    assert int.from_bytes(image[-4:], "big") == check_of(image[:-4])
    whole = flash_image(b"bits", image, 8)
    assert whole == b"bits\xff\xff\xff\xff" + image
    assert flash_image(b"bitsbits", image, 8) == b"bitsbits" + image
    sentence = (
        r"^The bitstream has 9 bytes and the weights stand at 8: choose a board whose weights stand further up\.$"
    )
    with pytest.raises(SubbitError, match=sentence):
        flash_image(b"bitsbits!", image, 8)

"""Boards are found by any common spelling, and every one has what a build needs."""

import pytest

from boards.board import BOARDS, board
from boards.pins import oscillator
from sw.errors import SubbitError


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("icebreaker", "icebreaker"),
        ("iCEBreaker", "icebreaker"),
        ("iCE40-HX8K-B-EVN", "hx8k-evn"),
        ("TinyFPGA_BX", "tinyfpga-bx"),
        ("ulx3s 85f", "ulx3s-85f"),
        ("TangNano9K", "tang-nano-9k"),
        ("Arty A7-35T", "arty-a7-35t"),
    ],
)
def test_a_board_has_many_spellings(spelling, name):
    assert board(spelling).name == name


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("icebraker", "icebreaker or icesugar or icepi-zero"),
        ("ulx3s", "ulx3s-85f or ulx3s-25f"),
        ("tangnano", "tang-nano-9k"),
        ("arty", "arty-a7-35t"),
        ("upduino", "upduino3"),
    ],
)
def test_near_matches_are_offered(name, offered):
    with pytest.raises(SubbitError, match=f"^{name} is no board known here: did you mean {offered}\\?$"):
        board(name)


@pytest.mark.parametrize("name", ["zynq", ""])
def test_a_name_like_no_other_is_answered_with_all_boards(name):
    known = ", ".join(board.name for board in BOARDS)
    with pytest.raises(SubbitError, match=f"^{name} is no board known here: take one of {known}\\.$"):
        board(name)


def test_no_name_means_two_boards():
    assert len({known.name for known in BOARDS}) == len({known.title for known in BOARDS}) == len(BOARDS)
    for known in BOARDS:
        assert board(known.name) is board(known.title) is known


@pytest.mark.parametrize("known", BOARDS, ids=lambda known: known.name)
def test_a_board_is_complete(known):
    assert known.oscillator_hz == oscillator(known)
    assert known.family == known.device.family
    assert set(known.leds) <= {"ready", "active", "fault"}
    assert known.place
    assert known.flash
    assert known.uart


PLACE = {
    "ice40-up5k": "--up5k",
    "ice40-hx8k": "--hx8k",
    "ice40-lp8k": "--lp8k",
    "ecp5-25f": "--25k",
    "ecp5-85f": "--85k",
}


@pytest.mark.parametrize("known", [b for b in BOARDS if b.device_name in PLACE], ids=lambda known: known.name)
def test_the_placer_is_told_the_same_device(known):
    assert known.place[0] == PLACE[known.device_name]

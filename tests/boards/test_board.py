"""Boards are found by any common spelling, and every one has what a build needs."""

from pathlib import Path

import pytest

from boards.board import BOARDS, Board, board
from boards.pins import oscillator, pins
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


def row(known: Board) -> str:
    """The board's row in the table of docs/boards.md."""
    numbers = {pin.port: pin.number for pin in pins(known)}
    lights = ", ".join(f"{light} {numbers[f'led_{light}']}" for light in known.leds) or "none"
    line = f"rx {numbers['rx']}, tx {numbers['tx']}: {known.uart}"
    oscillator = f"{known.oscillator_hz / 1e6:g} MHz"
    cells = (known.title, f"`{known.name}`", known.device_name, oscillator, line, lights, f"`{' '.join(known.flash)}`")
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("known", BOARDS, ids=lambda known: known.name)
def test_the_documentation_has_every_board(known):
    lines = (Path(__file__).parents[2] / "docs" / "boards.md").read_text().splitlines()
    assert row(known) in lines
    assert not known.note or f"- **{known.title}**: {known.note}" in lines

import json
import os
import select
import time
from pathlib import Path

import pytest

from sim import available
from sim.simulators import SimulationFailure
from sim.virtual_board import VirtualBoard
from sw.errors import SubbitError

ECHO = Path(__file__).with_name("echo.sv")


@pytest.fixture
def folder(tmp_path):
    board = {"format": 1, "top": "echo", "sources": ["echo.sv"], "cycles_per_bit": 8, "interval": 10}
    (tmp_path / "board.json").write_text(json.dumps(board))
    (tmp_path / "echo.sv").write_bytes(ECHO.read_bytes())
    return tmp_path


def exchanged(port, content, seconds=20.0):
    """What comes back for ``content``, as a program with the port open sees it."""
    file = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(file, content)
        found, end = b"", time.monotonic() + seconds
        while len(found) < len(content) and time.monotonic() < end:
            if select.select([file], [], [], 0.1)[0]:
                found += os.read(file, 4096)
        return found
    finally:
        os.close(file)


@pytest.mark.parametrize("simulator", available())
def test_bytes_pass_both_ways(folder, simulator):
    content = bytes(range(256)) * 2
    with VirtualBoard(folder, simulator) as board:
        assert exchanged(board.port, content) == content
        assert exchanged(board.port, b"again") == b"again"


def test_a_computer_whose_rate_is_a_little_off_is_understood(folder):
    with VirtualBoard(folder, rate_error=0.01) as board:
        assert exchanged(board.port, bytes(100)) == bytes(100)


def test_undefined_bits_end_the_run(folder):
    if "icarus" not in available():
        pytest.skip("Icarus is not installed")
    text = (folder / "echo.sv").read_text().replace("rx ^ BROKEN", "rx ? 1'b1 : 1'bx")
    (folder / "echo.sv").write_text(text)
    with (
        pytest.raises(SimulationFailure, match="the board's line was neither 0 nor 1"),
        VirtualBoard(folder, "icarus") as board,
    ):
        exchanged(board.port, b"\0", seconds=5.0)


def test_the_terminal_goes_away_with_the_board(folder):
    with VirtualBoard(folder) as board:
        assert Path(board.port).exists()
    assert not Path(board.port).exists()


def test_a_top_that_cannot_be_built_is_told(folder):
    (folder / "echo.sv").write_text("module echo(input clk); nonsense endmodule\n")
    with pytest.raises(SimulationFailure, match="could not build"), VirtualBoard(folder):
        pass


def test_a_folder_without_a_board(tmp_path):
    with pytest.raises(SubbitError, match=r"holds no board's design: write one with `subbit build`."):
        VirtualBoard(tmp_path)
    (tmp_path / "board.json").write_text("{")
    with pytest.raises(SubbitError, match=r"is damaged: write the folder anew"):
        VirtualBoard(tmp_path)
    (tmp_path / "board.json").write_text('{"format": 2}')
    with pytest.raises(SubbitError, match=r"another version of subbit"):
        VirtualBoard(tmp_path)

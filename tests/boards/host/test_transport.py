"""Serial ports that are missing, in use or forbidden, and a pseudo-terminal that works."""

import os
import pty
import select
import threading
import tty

import numpy as np
import pytest

from boards.host import Client, SerialTransport
from boards.host.transport import _refusal
from sw.errors import SubbitError
from tests.boards.host.channel import description, model_of

BOARD = description()


@pytest.fixture
def terminal():
    """Ends of a pseudo-terminal: a descriptor, and the name of the port."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    yield ours, os.ttyname(theirs)
    for end in (ours, theirs):
        os.close(end)


def test_a_board_at_a_pseudo_terminal(terminal):
    ours, name = terminal
    model = model_of(BOARD)
    over = threading.Event()

    def serve():
        while not over.is_set():
            if select.select([ours], [], [], 0.05)[0]:
                os.write(ours, model.receive(os.read(ours, 1000)))

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    images = np.random.default_rng(1).integers(0, 256, (30, 6, 8, 1), dtype=np.uint8)
    with Client.open(name, BOARD) as client:
        answers = client.classify(images)
        assert [BOARD.decode(model.computes(image))[1] for image in BOARD.encode(images)] == answers.classes.tolist()
    over.set()
    server.join(5)


def test_a_port_in_use(terminal):
    _, name = terminal
    first = SerialTransport(name, 115_200)
    with pytest.raises(SubbitError, match=f"^{name} is in use by another program: close that one first$"):
        SerialTransport(name, 115_200)
    first.close()
    SerialTransport(name, 115_200).close()


def test_nothing_comes(terminal):
    port = SerialTransport(terminal[1], 115_200)
    assert port.read(10, 0.01) == b""
    os.write(terminal[0], b"abc")
    assert b"".join(port.read(2, 0.1) for _ in range(3)) == b"abc"
    port.close()


def test_no_such_port():
    with pytest.raises(
        SubbitError, match="^there is no port /dev/ttyNONE7: (no serial port is connected$|connected are )"
    ):
        SerialTransport("/dev/ttyNONE7", 115_200)


def test_a_port_that_is_none(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(SubbitError, match=f"^{file} cannot be opened .*: name the serial port of the board$"):
        SerialTransport(str(file), 115_200)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            PermissionError(13, "Permission denied"),
            "no permission to open P: join the group that owns it (dialout or uucp), or close what uses it",
        ),
        (OSError(16, "Device or resource busy"), "P is in use by another program: close that one first"),
        (ValueError("rate"), "P cannot be set to 7 baud: build the board for another one, such as 115200"),
    ],
)
def test_why_a_port_cannot_be_opened(error, sentence):
    assert _refusal("P", 7, error) == sentence


def test_a_port_that_goes_away(terminal):
    ours, theirs = pty.openpty()
    port = SerialTransport(os.ttyname(theirs), 115_200)
    os.close(ours)
    os.close(theirs)
    with pytest.raises(SubbitError, match=r" went away \(.*\): plug the board in again$"):
        for _ in range(3):
            port.write(b"x")
            port.read(1, 0.1)
    port.close()

"""Ways for bytes to a board and back: a serial port, or anything else with three methods."""

import errno
import time
from difflib import get_close_matches
from typing import Any, Protocol

from sw.errors import SubbitError

__all__ = ["SerialTransport", "Transport"]

WAIT = 0.005  # Seconds of one look at the port; a byte that comes ends it.


class Transport(Protocol):
    """What `boards.host.client.Client` needs. Bytes may be lost, changed or doubled; they keep their order."""

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        ...

    def read(self, limit: int, timeout: float) -> bytes:
        """What has come, up to ``limit`` bytes; if nothing has, what comes within ``timeout`` seconds; else nothing."""
        ...

    def close(self) -> None:
        """Let go of the line."""
        ...


class SerialTransport:
    """A serial port, or a pseudo-terminal, at ``baud``; nobody else may open it meanwhile.

    Raises SubbitError where the port is missing, in use or not permitted, and later where it is unplugged.
    """

    def __init__(self, port: str, baud: int) -> None:
        try:
            import serial
        except ImportError:
            raise SubbitError(
                "talking to a board needs pyserial, which is not installed: run pip install 'subbit[link]'"
            ) from None
        self.port, self._failures = port, (serial.SerialException, OSError)
        try:
            self._serial = serial.Serial(port, baud, timeout=WAIT, write_timeout=10, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            raise SubbitError(_refusal(port, baud, error)) from error
        self._serial.reset_input_buffer()

    def write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except self._failures as error:
            raise self._gone(error) from error

    def read(self, limit: int, timeout: float) -> bytes:
        until = time.monotonic() + timeout
        try:
            while True:
                received = self._serial.read(min(limit, max(1, self._serial.in_waiting)))
                if received or time.monotonic() >= until:
                    return received
        except self._failures as error:
            raise self._gone(error) from error

    def close(self) -> None:
        self._serial.close()

    def _gone(self, error: Exception) -> SubbitError:
        return SubbitError(f"{self.port} went away ({error}): plug the board in again")


def _refusal(port: str, baud: int, error: Exception) -> str:
    """Why a port could not be opened, and what to do."""
    code = getattr(error, "errno", None)
    if code in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or isinstance(error, FileNotFoundError):
        return f"there is no port {port}: {_ports(port)}"
    if code in (errno.EACCES, errno.EPERM) or "PermissionError" in str(error):
        return f"no permission to open {port}: join the group that owns it (dialout or uucp), or close what uses it"
    if code in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        return f"{port} is in use by another program: close that one first"
    if isinstance(error, ValueError):
        return f"{port} cannot be set to {baud} baud: build the board for another one, such as 115200"
    return f"{port} cannot be opened ({error}): name the serial port of the board"


def _ports(wanted: str) -> str:
    from serial.tools import list_ports

    found: list[Any] = sorted(list_ports.comports(), key=lambda port: port.device)
    if not found:
        return "no serial port is connected"
    names = {port.device: port.description or "" for port in found}
    close = get_close_matches(wanted, list(names), cutoff=0.8) or list(names)
    return "connected are " + ", ".join(f"{name} ({names[name]})" if names[name] else name for name in close)

"""Runs the tools as child processes: every line into a log and to whoever follows, time and memory measured."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Runner", "Toolrun"]

# A child leads a process group of its own, so that what it starts itself is stopped with it.
GROUP: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
SECONDS_TO_END = 5.0
SECONDS_BETWEEN_LOOKS = 0.2
MAXRSS_OF_A_MIB = 2**20 if sys.platform == "darwin" else 2**10


@dataclass(frozen=True)
class Toolrun:
    """What became of one run of a tool: its exit status (negative: the signal that ended it) and its last lines.

    ``seconds``: wall time. ``peak_mib``: the most resident memory of it, or of any child of its own, in MiB; None where
    the system does not tell. ``stopped``: it was ended by us, ``overdue``: because its time was up.
    """

    tool: str
    status: int
    seconds: float
    peak_mib: float | None
    last: tuple[str, ...] = ()
    stopped: bool = False
    overdue: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: what it cost."""
        return {name: value for name, value in asdict(self).items() if name in ("tool", "seconds", "peak_mib")}

    @property
    def complaint(self) -> str:
        """The line that says why it failed: its first error, else its last words."""
        errors = [line for line in self.last if "ERROR" in line]
        said = (errors or [line for line in self.last if line.strip()][-1:] or ["it said nothing"])[0].strip()
        return f"ended by signal {-self.status}" if self.status < 0 and not errors else said.removeprefix("ERROR: ")


class Runner:
    """Children that can be run from several threads, and all be stopped at once.

    As a context manager it stops whatever still runs when the block is left, for whatever reason; SIGTERM is one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: dict[int, str] = {}
        self._stopped: set[int] = set()
        self._closed = False
        self._before: Any = None

    def __enter__(self) -> "Runner":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, _terminated)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def run(
        self,
        tool: str,
        command: Sequence[str],
        folder: Path,
        log: Path,
        follow: Callable[[str], None] = lambda line: None,
        limit: Callable[[], float] = lambda: float("inf"),
    ) -> Toolrun:
        """Run ``command`` in ``folder``; what it says goes into the file ``log`` and, line by line, to ``follow``.

        It is ended after ``limit`` seconds, which is asked again and again.
        """
        start = time.perf_counter()
        with self._lock:
            if self._closed:
                return Toolrun(tool, -signal.SIGTERM, 0.0, None, stopped=True)
            child = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                **GROUP,
            )
            self._children[child.pid] = tool
        last: deque[str] = deque(maxlen=60)
        assert child.stdout is not None
        ended, overdue = threading.Event(), threading.Event()
        watch = threading.Thread(target=self._watch, args=(child.pid, limit, ended, overdue), daemon=True)
        watch.start()
        try:
            with child.stdout, log.open("w") as written:
                for line in child.stdout:
                    written.write(line)
                    last.append(line.rstrip())
                    follow(line.rstrip())
        except BaseException:
            self.stop(child.pid)
            raise
        finally:
            peak = self._reap(child)
            ended.set()
            watch.join()
        seconds = time.perf_counter() - start
        stopped = child.pid in self._stopped
        return Toolrun(tool, child.returncode, round(seconds, 2), peak, tuple(last), stopped, overdue.is_set())

    def stop(self, *only: int) -> None:
        """End the children that run, or those of these process numbers; what they start themselves ends with them."""
        with self._lock:
            for pid in only or tuple(self._children):
                if pid in self._children:
                    self._stopped.add(pid)
                    _signal(pid, signal.SIGTERM)

    def close(self) -> None:
        """End every child and start no other."""
        with self._lock:
            self._closed = True
        self.stop()
        ends = time.monotonic() + SECONDS_TO_END
        while self._children and time.monotonic() < ends:
            time.sleep(0.01)
        with self._lock:
            for pid in self._children:
                _signal(pid, signal.SIGKILL)

    def _watch(self, pid: int, limit: Callable[[], float], ended: threading.Event, overdue: threading.Event) -> None:
        """End a child whose time is up; one that does not go, for good."""
        start = time.monotonic()
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            if time.monotonic() - start > limit():
                overdue.set()
                self.stop(pid)
                if not ended.wait(SECONDS_TO_END):
                    with self._lock:
                        if pid in self._children:
                            _signal(pid, signal.SIGKILL)
                return

    def _reap(self, child: subprocess.Popen[str]) -> float | None:
        """Wait for the end of a child; returns its peak resident memory in MiB."""
        if not hasattr(os, "wait4"):
            child.wait()
            peak = None
        else:
            # Waited for without being reaped, so that its number cannot be another process's when `stop` uses it.
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            peak = -1.0
        with self._lock:
            del self._children[child.pid]
            if peak is not None:
                _, status, usage = os.wait4(child.pid, 0)
                child.returncode = os.waitstatus_to_exitcode(status)
                peak = round(usage.ru_maxrss / MAXRSS_OF_A_MIB, 1)
        return peak


def _terminated(number: int, frame: object) -> None:
    """Leave as an exception does, so that the children are ended."""
    raise SystemExit(128 + number)


def _signal(pid: int, number: int) -> None:
    try:
        if GROUP:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        pass

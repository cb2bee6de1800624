"""The tests' end of the judge's process, which is started when it is needed and again when a reader has killed it."""

import os
import pickle
import select
import subprocess
import sys
import time
from types import TracebackType

from tests.fuzz.cases import Case, Verdict

__all__ = ["Judge"]

#: Seconds after which a process that says nothing is ended: the alarm cannot interrupt a library's own code.
PATIENCE = 60.0


class Judge:
    """Gives the verdict on a case; see `tests.fuzz.child`."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._warm: set[str] = set()

    def __enter__(self) -> "Judge":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def __call__(self, case: Case) -> Verdict:
        if case.reader not in self._warm:
            from tests.fuzz.readers import READERS

            self._warm.add(case.reader)
            for calm in (True, False):
                first = self.ask(Case(case.reader, READERS[case.reader].seed(), calm))
                assert first.sentence is None, f"{case.reader} refuses its own seed: {first.sentence}"
                assert not first.fault, f"{case.reader} fails on its own seed: {first.fault}\n{first.trace}"
        return self.ask(case)

    def ask(self, case: Case) -> Verdict:
        """The verdict on a case whose reader may not have been warmed up."""
        child = self._running()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            pickle.dump(case, child.stdin)
            child.stdin.flush()
            if not select.select([child.stdout], [], [], PATIENCE)[0]:
                self._end()
                return Verdict(fault=f"hung for {PATIENCE} seconds")
            return pickle.load(child.stdout)
        except (EOFError, BrokenPipeError):
            status = child.wait(10)
            self._end()
            return Verdict(fault=f"ended the process with status {status}")

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._child is None:
            # One arena and one thread: memory is to be what the reader asks for.
            quiet = {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            paths = os.pathsep.join(path for path in sys.path if path)
            self._child = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **quiet, "PYTHONPATH": paths},
            )
        return self._child

    def _end(self) -> None:
        child, self._child, self._warm = self._child, None, set()
        if child is not None:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.close()
            try:
                child.wait(2)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            child.stdout.close()
            time.sleep(0)

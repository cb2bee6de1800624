"""The judge's own process: reads hostile files within limits of time, memory and place, and says what became of it.

It is a process of its own because an audit hook cannot be taken away again, because a limit on the address space would
be one for the tests too, and because a reader that kills its process must not end them. Requests and verdicts pass as
pickles over the pipe that started it.
"""

import contextlib
import io
import os
import pickle
import resource
import shutil
import signal
import sys
import sysconfig
import tempfile
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from sw.errors import SubbitError
from tests.fuzz.cases import Bounds, Case, Verdict

LONGEST_SENTENCE = 1500
WAITING = 5
PAGE = resource.getpagesize()
# What importing a module opens, and what the system's libraries ask for by themselves.
HARMLESS = tuple(
    str(Path(place).resolve())
    for place in (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, Path(__file__).parents[2], "/proc",
                  "/sys", "/dev/null", "/dev/urandom", "/usr/lib", "/usr/share", "/lib")
)  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Events of the audit hook whose first arguments are names of files, and how many.
NAMED = {
    "open": 1, "os.listdir": 1, "os.scandir": 1, "os.mkdir": 1, "os.remove": 1, "os.rmdir": 1, "os.rename": 2,
    "os.link": 2, "os.symlink": 2, "os.truncate": 1, "os.chmod": 1, "shutil.rmtree": 1, "shutil.copyfile": 2,
    "shutil.move": 2, "shutil.copytree": 2, "os.utime": 1,
}  # fmt: skip
# Those whose second argument may be an open folder, in which the name then is: as in a tree that is removed.
BESIDE = {"os.remove", "os.rmdir"}
READING = {"open", "os.listdir", "os.scandir"}
PROGRAMS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile"}
LINES = {"socket.connect", "socket.bind", "socket.getaddrinfo", "urllib.Request"}


class TimeOver(BaseException):
    """Raised by the alarm; no reader catches it by mistake."""


class Watch:
    """Hears of every file that is opened and every program that is started; tells of those that must not be."""

    def __init__(self) -> None:
        self.allowed: tuple[str, ...] = ()
        self.programs: frozenset[str] = frozenset()
        self.seen: list[str] | None = None
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.seen is None:
            return
        if event in NAMED:
            reads = event in READING and not (event == "open" and (arguments[2] or 0) & WRITING)
            beside = event in BESIDE and arguments[1] not in (-1, None)
            for name in () if beside else arguments[: NAMED[event]]:
                if isinstance(name, (str, bytes)):
                    self.check(event, os.fsdecode(name), reads)
        elif event in PROGRAMS and os.path.basename(str(arguments[0])) not in self.programs:
            self.seen.append(f"{event} {arguments[0]}")
        elif event in LINES:
            self.seen.append(f"{event} {arguments[-1]}")

    def check(self, event: str, name: str, reads: bool) -> None:
        path = os.path.abspath(name) if "\0" not in name else name
        places = (*self.allowed, *HARMLESS) if reads else (*self.allowed, "/dev/null")
        if path.endswith(".__path_hook__"):  # An import that asks where editable packages are.
            return
        if reads and os.path.basename(name) == name and not os.path.exists(path):  # In an open folder, or nowhere.
            return
        if not any(path == place or path.startswith(place + os.sep) for place in places):
            assert self.seen is not None
            self.seen.append(f"{event} {path}")


def virtual() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * PAGE if sys.platform == "linux" else 0


@contextlib.contextmanager
def limits(bounds: Bounds, size: int) -> Any:
    """So much more memory, and so many seconds, and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = bounds.memory(size)
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (virtual() + most, hard))
    # Of its own time so many, that a busy machine makes no difference; of waiting some more.
    signal.setitimer(signal.ITIMER_PROF, bounds.seconds)
    signal.setitimer(signal.ITIMER_REAL, WAITING * bounds.seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def over(number: int, frame: FrameType | None) -> None:
    raise TimeOver


def unfit(sentence: str) -> str:
    """What is wrong with the sentence of an error, empty where nothing is."""
    if not sentence.strip():
        return "says nothing"
    if len(sentence) > LONGEST_SENTENCE:
        return f"has {len(sentence)} characters"
    if not sentence.isprintable():
        return "has characters that cannot be printed"
    if "Traceback" in sentence or " object at 0x" in sentence:
        return "is not for a user"
    return ""


def out_of_memory(error: BaseException | None) -> bool:
    """Whether a want of memory is what an error was made of."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def planted(name: str) -> Any:
    """A reader that is wrong on purpose, for the test of this judge."""
    from tests.fuzz.test_readers import PLANTED

    return PLANTED[name]


class Judge:
    """Puts the files of a case into a folder, reads them, and looks at what that did."""

    def __init__(self) -> None:
        # Imported here: most readers need a part of the project alone, and each is warmed up by its seed.
        from tests.fuzz.readers import READERS

        self.readers = READERS
        self.watch = Watch()
        for number in (signal.SIGALRM, signal.SIGPROF):
            signal.signal(number, over)

    def __call__(self, case: Case) -> Verdict:
        place = Path(tempfile.mkdtemp(prefix="subbit-fuzz-")).resolve()
        try:
            for name in ("named", "elsewhere", "tmp"):
                (place / name).mkdir()
            for name in ("secret", "elsewhere/secret", "elsewhere/top.sv"):
                (place / name).write_text("{}")
            case.write(place / "named")
            before = listing(place)
            os.chdir(place / "elsewhere")
            tempfile.tempdir = str(place / "tmp")
            verdict = self.read(case, place)
            os.chdir("/")
            tempfile.tempdir = None
            if verdict.fault:
                return verdict
            if strange := {name for name in listing(place) - before if not name.startswith(("named/", "tmp/"))}:
                return Verdict(fault=f"wrote {', '.join(sorted(strange))}")
            return verdict
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def read(self, case: Case, place: Path) -> Verdict:
        reader = self.readers.get(case.reader) or planted(case.reader)
        self.watch.allowed = (str(place / "named"), str(place / "tmp"), *map(str, reader.places))
        self.watch.programs = frozenset(reader.programs)
        said = io.StringIO()
        refusal: Exception | None = None
        seen: list[str] = []
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                if case.calm:
                    reader.read(place / "named")
                    return Verdict()
                try:
                    self.watch.seen = []
                    with limits(reader.bounds, case.size):
                        reader.read(place / "named")
                finally:
                    seen, self.watch.seen = self.watch.seen or [], None
        except SubbitError as error:
            refusal = error
        except TimeOver:
            return Verdict(fault=f"took more than {reader.bounds.seconds} seconds")
        except BaseException as error:
            told = "".join(traceback.format_exception(error)[-8:])[-3000:]
            return Verdict(fault=f"{type(error).__name__}: {str(error)[:300]}", trace=told)
        if refusal is not None:
            if out_of_memory(refusal):
                told = "".join(traceback.format_exception(refusal)[-12:])[-3000:]
                return Verdict(fault="asked for more memory than it may have", trace=told)
            if problem := unfit(str(refusal)):
                return Verdict(fault=f"the sentence {problem}: {str(refusal)[:300]!r}")
        if seen:
            return Verdict(fault=f"reached outside: {'; '.join(seen)[:500]}")
        return Verdict(sentence=None if refusal is None else str(refusal))


def listing(place: Path) -> set[str]:
    """Everything below a folder but what is in the two places where a reader may write."""
    return {
        path.relative_to(place).as_posix()
        for path in place.rglob("*")
        if not path.relative_to(place).as_posix().startswith(("named/", "tmp/"))
    }


def main() -> None:
    # What libraries print must not come between the verdicts.
    requests, verdicts = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(null, number)
    judge = Judge()
    while True:
        try:
            case = pickle.load(requests)
        except EOFError:
            return
        pickle.dump(judge(case), verdicts)
        verdicts.flush()


if __name__ == "__main__":
    main()

"""The folder that a build works in, and a record of what is done there: a build goes on where it was cut off."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from boards.host.description import DESCRIPTION
from sw.documents import FileName, Record, checked, read_json
from sw.errors import SubbitError
from sw.files import atomic_folder, atomic_write, check_folder, made_folder

__all__ = ["Workplace"]

RECORD = "steps.json"


class _Step(Record):
    """What is on record of a step; its files are in the folder, whatever the record says."""

    key: str
    files: list[FileName]
    found: dict[str, Any]


def _steps(document: Any) -> dict[str, dict[str, Any]]:
    """The record of all steps. Raises ValueError where it is none: all has to be done again then."""
    if not isinstance(document, dict):
        raise ValueError("the record must be an object")
    return {name: checked(_Step, step).model_dump() for name, step in document.items()}


class Workplace:
    """``FOLDER.building``, where the steps of a build leave their files until `finish` moves them to ``FOLDER``.

    A step is done when its key is on record and its files are there. The key is a hash of all that the step reads, so
    that a changed input is a step that is not done. An earlier, finished ``FOLDER`` is where a new build begins.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder.with_name(folder.name + ".building")
        self._steps: dict[str, dict[str, Any]] = {}
        self._kept: dict[str, None] = {}

    @contextmanager
    def opened(self) -> Iterator["Workplace"]:
        """Make the folder and hold it against another build; it goes again where no step came to its end because of a
        user's mistake or an interruption. Raises SubbitError where it is another's."""
        check_folder(self.folder, DESCRIPTION)
        check_folder(self.path, RECORD)
        if not self.path.exists() and (self.folder / RECORD).is_file():
            with atomic_folder(self.path, RECORD) as work:
                shutil.copytree(self.folder, work, dirs_exist_ok=True)
        made_folder(self.path)
        with _held(self.path):
            try:
                self._steps = _steps(read_json(self.path / RECORD))
            except (OSError, ValueError):
                self._steps = {}
            self._write()
            try:
                yield self
            except (SubbitError, KeyboardInterrupt):
                if not self._steps:
                    shutil.rmtree(self.path)
                raise

    def key(self, files: Iterable[str], *words: object) -> str:
        """A hash of the contents of ``files`` and of ``words``."""
        digest = hashlib.sha256(repr(words).encode())
        for name in files:
            digest.update(name.encode() + b"\0" + hashlib.sha256((self.path / name).read_bytes()).digest())
        return digest.hexdigest()[:32]

    def done(self, step: str, key: str) -> dict[str, Any] | None:
        """What is on record of a step with that key, None where it has still to be done."""
        entry = self._steps.get(step)
        if entry is None or entry["key"] != key or not all((self.path / name).is_file() for name in entry["files"]):
            return None
        self.keep(*entry["files"])
        return entry["found"]

    def record(self, step: str, key: str, found: dict[str, Any], files: Sequence[str] = ()) -> None:
        """Put a finished step on record: what was found, and the files that it left."""
        self._steps[step] = {"key": key, "files": list(files), "found": found}
        self.keep(*files)
        self._write()

    def forget(self, step: str) -> None:
        """Strike a step off, before its files are written anew."""
        if self._steps.pop(step, None) is not None:
            self._write()

    def keep(self, *files: str) -> None:
        """Files that the finished folder is to hold."""
        self._kept.update(dict.fromkeys(files))

    def sizes(self) -> dict[str, int]:
        """Bytes of the files that the finished folder is to hold."""
        return {name: (self.path / name).stat().st_size for name in self._kept}

    def take(self, source: Path) -> list[str]:
        """Begin with the design in the folder ``source``: move all of it here; returns the files' names."""
        names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())
        for name in names:
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(source / name, self.path / name)
        shutil.rmtree(source)
        self._kept = dict.fromkeys(names)
        return names

    def finish(self) -> None:
        """Move what is kept to the finished folder, in one step, and remove the rest."""
        self.keep(RECORD)
        with atomic_folder(self.folder, DESCRIPTION) as final:
            for name in self._kept:
                (final / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.path / name, final / name)
        shutil.rmtree(self.path)

    def _write(self) -> None:
        with atomic_write(self.path / RECORD) as temporary:
            temporary.write_text(json.dumps(self._steps, indent=1) + "\n")


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a folder against another process; the system lets go of it when this one ends, however it does."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (path / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SubbitError(f"another build works in {path}: wait for it, or name another folder.") from None
        yield

"""Files and folders that are whole or absent: written under a temporary name beside their place, then renamed."""

import gzip
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sw.errors import SubbitError

__all__ = [
    "atomic_folder",
    "atomic_write",
    "check_folder",
    "check_writable",
    "made_folder",
    "most_unpacked",
    "read_gzip",
    "read_text",
]

#: What a compressed file may come to, whatever its own size, and how many times its own size beyond that.
FREE_BYTES, BYTES_A_BYTE = 32 << 20, 20
PIECE = 1 << 20


def most_unpacked(path: Path) -> int:
    """Bytes that the compressed file at ``path`` may come to. Files of images are far below; bombs are far above."""
    return FREE_BYTES + BYTES_A_BYTE * path.stat().st_size


def read_gzip(path: Path) -> bytearray:
    """What is in a gzip file. Raises OSError, EOFError, zlib.error or ValueError where it is damaged or a bomb."""
    most, found = most_unpacked(path), bytearray()
    with gzip.open(path) as file:
        while piece := file.read(PIECE):
            found += piece
            if len(found) > most:
                raise ValueError("it is far larger than its file")
    return found


def read_text(path: Path, advice: str) -> str:
    """The text of a file. Raises SubbitError, which ends with ``advice``, where it is missing or is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SubbitError(f"{path} cannot be read ({error.strerror}): {advice}.") from error
    except UnicodeDecodeError as error:
        raise SubbitError(f"{path} is no text: {advice}.") from error


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary name to write to; it becomes ``path`` when the block ends and is removed when the block raises.

    Raises SubbitError where ``path`` is a folder, or its own folder is missing or not writable.
    """
    target = Path(path)
    if target.is_dir():
        raise SubbitError(f"{target} is a folder: name a file to write.")
    temporary = _beside(target)
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise SubbitError(f"{target} cannot be written ({error.strerror}): name a place that can be.") from error
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def made_folder(path: str | os.PathLike[str]) -> Path:
    """The folder at ``path``, made where it is not there. Raises SubbitError where it cannot be."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SubbitError(f"{folder} cannot be made ({error.strerror}): name a place that can be.") from error
    return folder


@contextmanager
def atomic_folder(path: str | os.PathLike[str], mark: str) -> Iterator[Path]:
    """A temporary folder to fill; it becomes ``path`` when the block ends and is removed when the block raises.

    ``mark`` names a file that every such folder holds. A folder that stands at ``path`` already is replaced where it
    holds that file or is empty; anything else there belongs to someone else and raises SubbitError.
    """
    target = check_folder(path, mark)
    temporary = _beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
    except OSError as error:
        raise SubbitError(f"{target} cannot be made ({error.strerror}): name a place that can be.") from error
    try:
        yield temporary
        _swap(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_folder(path: str | os.PathLike[str], mark: str) -> Path:
    """The path, where `atomic_folder` could be used: nothing stands there, or an empty folder, or one with ``mark``.

    Raises SubbitError otherwise; for before a long computation.
    """
    target = Path(path)
    if target.exists() and not (target.is_dir() and ((target / mark).is_file() or not any(target.iterdir()))):
        raise SubbitError(
            f"{target} is there already and holds no {mark}: name a new folder, or an earlier one to replace."
        )
    return target


def _beside(target: Path) -> Path:
    return target.absolute().parent / f".{target.name}.{secrets.token_hex(4)}.part"


def _swap(new: Path, target: Path) -> None:
    """Put the folder ``new`` in the place of ``target``; an old one there goes only when the new one stands."""
    old = _beside(target)
    if target.exists():
        os.rename(target, old)
    try:
        os.rename(new, target)
    except OSError:
        if old.exists():
            os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise SubbitError where ``path`` could not be written with `atomic_write`; for before a long computation."""
    with suppress(_Unused), atomic_write(path):
        raise _Unused


class _Unused(Exception):
    """Leaves `atomic_write` without a file."""

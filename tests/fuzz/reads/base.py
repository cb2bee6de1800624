"""What a reader is, and the files of a whole seed."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.cases import Bounds

__all__ = ["Files", "Reader", "small", "written"]

Files = dict[str, bytes]
USUAL = Bounds()


@dataclass(frozen=True)
class Reader:
    """``read`` is given a folder with the files that ``seed`` makes, some of them damaged.

    ``places`` are further files that it may open, ``programs`` what it may start.
    """

    seed: Callable[[], Files]
    read: Callable[[Path], object]
    bounds: Bounds = USUAL
    places: tuple[Path, ...] = ()
    programs: tuple[str, ...] = ()


def files_of(folder: Path, *only: str) -> Files:
    """The files below a folder, or those of these names, by their names there."""
    paths = [folder / name for name in only] or sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def written(write: Callable[[Path], object]) -> Files:
    """The files that ``write`` leaves in a folder."""
    with tempfile.TemporaryDirectory(prefix="subbit-seed-") as scratch:
        write(Path(scratch))
        return files_of(Path(scratch))


def small() -> Any:
    """The network of the seeds."""
    from tests.conftest import make_small_network

    return make_small_network(np.random.default_rng(20240521))

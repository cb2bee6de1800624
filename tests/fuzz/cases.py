"""What passes between the tests and the judge: the files of a case, the limits of a reader, and a verdict."""

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["FOLDER", "Bounds", "Case", "Verdict"]

#: Stands in the place of a file's bytes where a folder of that name is to be.
FOLDER = None
MIB = 1 << 20


@dataclass(frozen=True)
class Bounds:
    """What a reader may take: ``seconds``, and ``base`` MiB of memory and ``factor`` times the bytes of its files."""

    seconds: float = 5.0
    base: int = 64
    factor: int = 20

    def memory(self, size: int) -> int:
        """Bytes of memory for files of ``size`` bytes."""
        return self.base * MIB + self.factor * size


@dataclass(frozen=True)
class Case:
    """``files`` by their names below the folder that ``reader`` is given. ``calm``: without limits, to warm up."""

    reader: str
    files: dict[str, bytes | None] = field(default_factory=dict)
    calm: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(len(data) for data in self.files.values() if data is not None)

    def write(self, folder: Path) -> None:
        """Make the files."""
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if data is None:
                path.mkdir(exist_ok=True)
            else:
                path.write_bytes(data)


@dataclass(frozen=True)
class Verdict:
    """``fault``: what went wrong, empty where nothing did. ``sentence``: why the files were refused, None if not."""

    sentence: str | None = None
    fault: str = ""
    trace: str = ""

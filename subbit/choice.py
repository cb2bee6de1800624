"""What a training found of the input's slices, read back from its slices.json and checked."""

from pathlib import Path
from typing import Any

from sw import kept_slices
from sw.errors import SubbitError

__all__ = ["read_choice"]


def read_choice(path: Path) -> dict[str, Any]:
    """The choice of slices in a slices.json. Raises SubbitError where it is none, or damaged."""
    try:
        return kept_slices.read_choice(path)
    except (OSError, ValueError) as error:
        raise SubbitError(f"{path} is no slices.json of a training: name one from a folder of checkpoints") from error

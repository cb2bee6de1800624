"""What slices.json says: the measurement that a training of the slices method leaves behind."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from sw.documents import Section, checked, read_json

__all__ = ["read_choice", "read_kept"]

Share = Annotated[float, Field(ge=0, le=1)]
Slices = Annotated[list[Annotated[int, Field(ge=0, le=7)]], Field(max_length=8)]


class _Sensitivity(Section):
    sets: Annotated[list[Slices], Field(min_length=1, max_length=64)]
    mean: Annotated[list[Share], Field(max_length=64)]
    spread: Annotated[list[Share], Field(max_length=64)]


class _Choice(Section):
    accuracy: Share
    kept: Annotated[Slices, Field(min_length=1)]
    dropped: Slices
    single: _Sensitivity
    cumulative: _Sensitivity


class _Chosen(Section):
    choice: _Choice


class _Measured(_Choice):
    joint: Share


class _Kept(Section):
    method: str
    slices: Slices
    choice: _Measured
    config: dict[str, Any]


def read_choice(path: Path) -> dict[str, Any]:
    """What a slices.json tells of the choice of slices. Raises OSError or ValueError where it tells none."""
    document = read_json(path)
    _check_lengths(checked(_Chosen, document).choice)
    return document["choice"]


def read_kept(path: Path) -> dict[str, Any]:
    """The whole document in a slices.json. Raises OSError where it cannot be read, ValueError where it is none."""
    document = read_json(path)
    found = checked(_Kept, document)
    _check_lengths(found.choice)
    if not set(found.choice.kept) <= set(found.slices):
        raise ValueError("choice.kept: not among the slices")
    return document


def _check_lengths(choice: _Choice) -> None:
    for part in (choice.single, choice.cumulative):
        if not len(part.sets) == len(part.mean) == len(part.spread):
            raise ValueError("choice: not as many means as sets")

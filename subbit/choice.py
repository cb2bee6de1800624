"""What a training found of the input's slices, read back from its slices.json and checked."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sw.errors import SubbitError

__all__ = ["read_choice"]

Share = Annotated[float, Field(ge=0, le=1)]
Places = list[Annotated[int, Field(ge=0)]]


class Sensitivity(BaseModel):
    """Accuracy with sets of slices random."""

    model_config = ConfigDict(extra="ignore")

    sets: Annotated[list[Places], Field(min_length=1)]
    mean: list[Share]
    spread: list[Share]


class Choice(BaseModel):
    """`sw.compact.slices.Choice` as it stands in the file."""

    model_config = ConfigDict(extra="allow")

    accuracy: Share
    kept: Places
    dropped: Places
    single: Sensitivity
    cumulative: Sensitivity


class Kept(BaseModel):
    """The file."""

    choice: Choice


def read_choice(path: Path) -> dict[str, Any]:
    """The choice of slices in a slices.json. Raises SubbitError where it is none, or damaged."""
    try:
        choice = Kept.model_validate_json(path.read_text()).choice
        for part in (choice.single, choice.cumulative):
            if not len(part.sets) == len(part.mean) == len(part.spread):
                raise ValueError("its lists differ in length")
    except (OSError, ValueError, ValidationError) as error:
        raise SubbitError(f"{path} is no slices.json of a training: name one from a folder of checkpoints") from error
    return choice.model_dump()

"""JSON that came from anywhere: read within bounds, checked against a typed record, its file names kept in place."""

import json
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

__all__ = ["Count", "FileName", "Identifier", "Record", "Section", "checked", "parse_json", "problem_of", "read_json"]


class Record(BaseModel):
    """A strict record: no unknown fields, no conversions."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Section(BaseModel):
    """A strict record of some fields among others that are passed over."""

    model_config = ConfigDict(extra="ignore", strict=True)


def parse_json(text: str | bytes) -> Any:
    """The value of JSON text. Raises ValueError where it is none, or is nested too deeply to be read."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: Path) -> Any:
    """The value in a JSON file. Raises OSError where it cannot be read, ValueError where it is none."""
    return parse_json(path.read_bytes())


_S = TypeVar("_S", bound=BaseModel)


def checked(kind: type[_S], document: Any) -> _S:
    """``document`` as a record of ``kind``. Raises ValueError, with where and why, where it is none."""
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise ValueError(problem_of(error)) from error


def problem_of(error: ValidationError) -> str:
    """What a record is refused for, and where: the first of the reasons."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the file"
    return f"{where}: {first['msg'].splitlines()[0]}"


def _plain(name: str) -> str:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    parts = (*posix.parts, *windows.parts)
    if not posix.parts or posix.is_absolute() or windows.anchor or ".." in parts or not name.isprintable():
        raise ValueError("must be the name of a file in the folder")
    return name


Count = Annotated[int, Field(ge=1, le=1 << 40)]
"""A number of things that there are."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*\z", max_length=200)]
"""A name of a module or a signal."""

FileName = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
"""The name of a file that stands in the folder of the document, or below it."""

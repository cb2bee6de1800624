"""What a build's report.json tells, checked."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sw.errors import SubbitError

__all__ = ["Built", "read_built"]

NAME = "report.json"
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class Record(BaseModel):
    """A part of the file; what else it may have is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Used(Record):
    """Cells of one kind: how many, of how many."""

    used: Count
    available: Count


class Clock(Record):
    """A clock, in MHz."""

    name: str
    achieved_mhz: Number
    wanted_mhz: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    met: bool


class Segment(Record):
    """A stretch of the slowest path inside one stage."""

    stage: str
    cells: Count
    logic_ns: Number
    wires_ns: Number


class Timing(Record):
    """The clocks, the tightest first, and the slowest path."""

    met: bool
    clocks: tuple[Clock, ...]
    path: tuple[Segment, ...]


class Cells(Record):
    """Cells of a synthesised netlist, and the tables that were expected, where they were."""

    luts: Count
    ffs: Count
    carries: Count
    brams: Count
    estimated_luts: Number | None = None


class Program(Record):
    """A tool that ran."""

    version: str


class Built(Record):
    """A finished build: what was used of what there is, area by stage, timing, and which tools made it."""

    format: Literal[1]
    board: str
    device: str
    met: bool
    clock_hz: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    timing: Timing
    interval: Annotated[int, Field(gt=0)]
    frames_per_second: Number
    images_per_second_on_link: Number
    used: dict[str, Used]
    synthesised: Cells
    stages: dict[str, Cells]
    seed: int
    programs: dict[str, Program]
    bitstream: str


def read_built(folder: Path) -> Built | None:
    """The report of the build in ``folder``, None where it has no bitstream. Raises SubbitError where it is damaged."""
    path = folder / NAME
    try:
        return Built.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        found = error.errors()[0] if isinstance(error, ValidationError) else None
        where = ".".join(map(str, found["loc"])) if found else ""
        reason = f"{where}: {found['msg']}" if found and where else found["msg"] if found else str(error)
        raise SubbitError(f"{path} is no report of a build ({reason}): build the design again.") from error

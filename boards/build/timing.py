"""What nextpnr found of the clocks, and its slowest path told in the names of the stages that it runs through."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from boards.build.hold import Hold, read_hold

__all__ = ["Clock", "Segment", "Timing", "part_of", "read_timing", "stage_of"]

#: What Yosys and nextpnr add to a name of the design's own: the cells that they made of it.
ADDED = re.compile(
    r"_?\$.*|_(?:SB_|TRELLIS_|PFUMX|L6MUX|LUT\d|CCU2C|ALU_|DFF|MUX2|RAM16|DP16KD|PDPW|SDP|pROM|IBUF|OBUF).*|_LC(?=$)"
)
#: Blocks of a memory, and signals that had no name.
NUMBERED = re.compile(r"_?\d+_?")
OUTSIDE = "the board's top"


@dataclass(frozen=True)
class Clock:
    """A clock of the routed design, in MHz: the highest at which it works in the worst case, and what was wanted."""

    name: str
    achieved_mhz: float
    wanted_mhz: float

    @property
    def met(self) -> bool:
        """Whether it works at the wanted clock."""
        return self.achieved_mhz >= self.wanted_mhz


@dataclass(frozen=True)
class Segment:
    """A stretch of the slowest path inside one stage: delays in nanoseconds, in ``cells`` and in the wires after them.

    ``parts``: the signals of the design that it passes, in order.
    """

    stage: str
    parts: tuple[str, ...]
    cells: int
    logic_ns: float
    wires_ns: float


@dataclass(frozen=True)
class Timing:
    """The clocks of a routed design, the tightest first, the slowest path of that one, and what is told of ``hold``
    times."""

    clocks: tuple[Clock, ...]
    path: tuple[Segment, ...] = ()
    hold: Hold = field(default_factory=Hold)

    @property
    def met(self) -> bool:
        """Whether there is a clock, every one works as fast as it was wanted, and no path is too short."""
        return bool(self.clocks) and all(clock.met for clock in self.clocks) and self.hold.met

    @property
    def margin(self) -> float:
        """Achieved over wanted, of the tightest clock; of several seeds, the one with the most is the best."""
        return min((clock.achieved_mhz / clock.wanted_mhz for clock in self.clocks), default=float("inf"))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        clocks = [asdict(clock) | {"met": clock.met} for clock in self.clocks]
        hold = asdict(self.hold) | {"met": self.hold.met}
        return {"met": self.met, "clocks": clocks, "hold": hold, "path": [asdict(segment) for segment in self.path]}

    def path_text(self) -> str:
        """The slowest path in one line."""
        return " -> ".join(
            f"{each.stage} ({''.join(f'{part}, ' for part in each.parts)}{each.logic_ns:.1f} ns in {each.cells} "
            f"cell{'' if each.cells == 1 else 's'}, {each.wires_ns:.1f} ns in wires)"
            for each in self.path
        )


def read_timing(report: Mapping[str, Any], stages: Collection[str] = (), log: str = "") -> Timing:
    """The timing in nextpnr's ``--report`` and its ``log``; ``stages`` are the names of the pipeline's stages."""
    clocks = [Clock(name, each["achieved"], each["constraint"]) for name, each in report.get("fmax", {}).items()]
    clocks.sort(key=lambda clock: clock.achieved_mhz / clock.wanted_mhz)
    paths = [each for each in report.get("critical_paths", ()) if clocks and _inside(each, clocks[0].name)]
    slowest = max(paths, key=lambda each: sum(step["delay"] for step in each["path"]), default=None)
    return Timing(tuple(clocks), () if slowest is None else segments(slowest["path"], stages), read_hold(log))


def segments(path: Sequence[Mapping[str, Any]], stages: Collection[str]) -> tuple[Segment, ...]:
    """The steps of a path, those inside one stage put together."""
    found: list[Segment] = []
    for step in path:
        name, delay, wire = step["from"]["cell"], step["delay"], step["type"] == "routing"
        stage, part = stage_of(name, stages), part_of(name, stages)
        # What nextpnr itself put in belongs to what comes before it.
        if not found or (found[-1].stage != stage and not name.startswith("$")):
            found.append(Segment(stage, (), 0, 0.0, 0.0))
        last = found[-1]
        found[-1] = Segment(
            last.stage,
            last.parts if part in ("", *last.parts) else (*last.parts, part),
            last.cells + (not wire),
            last.logic_ns + (0.0 if wire else delay),
            last.wires_ns + (delay if wire else 0.0),
        )
    return tuple(found)


def stage_of(name: str, stages: Collection[str]) -> str:
    """The stage that a cell of the netlist belongs to, by its hierarchical name; else its outermost instance."""
    steps = name.split(".")
    for step in steps[:-1]:
        if step in stages:
            return step
    return ADDED.sub("", steps[0]) or OUTSIDE if len(steps) > 1 else OUTSIDE


def part_of(name: str, stages: Collection[str]) -> str:
    """The signal or instance inside its stage that a cell was made of; empty where it has no name of the design's."""
    steps = name.split(".")
    inside = next((index + 1 for index, step in enumerate(steps[:-1]) if step in stages), min(1, len(steps) - 1))
    words = [ADDED.sub("", step) for step in steps[inside:]]
    return ".".join(word for word in words if word and not NUMBERED.fullmatch(word))


def _inside(path: Mapping[str, Any], clock: str) -> bool:
    return path["from"].endswith(f" {clock}") and path["to"].endswith(f" {clock}")

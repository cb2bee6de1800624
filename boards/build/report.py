"""What a build came to: one page to read, and the same as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boards.board import Board
from boards.build.build import Implementation
from boards.build.workplace import Workplace
from boards.host.description import DESCRIPTION
from hw.synthesis import Area
from sw.network import Network

__all__ = ["BuildReport"]

BITS_A_BYTE_SENT = 10  # a start bit, eight bits and a stop bit


@dataclass(frozen=True)
class BuildReport:
    """A finished build: of which network for which board, and what came out.

    ``description``: board.json. ``estimates``: tables that the planner expected, by stage. ``files``: bytes of each
    file of the folder.
    """

    folder: Path
    board: Board
    network: Network
    description: Mapping[str, Any]
    estimates: Mapping[str, float]
    made: Implementation
    files: Mapping[str, int]

    @classmethod
    def of(
        cls, place: Workplace, network: Network, board: Board, estimates: Mapping[str, float], made: Implementation
    ) -> "BuildReport":
        """The report of what stands in a workplace."""
        description = json.loads((place.path / DESCRIPTION).read_text())
        return cls(place.folder, board, network, description, estimates, made, place.sizes())

    @property
    def met(self) -> bool:
        """Whether the design works at the wanted clock."""
        return self.made.timing.met

    @property
    def frames_per_second(self) -> float:
        """Of the accelerator, at the wanted clock."""
        return self.description["clock_hz"] / self.description["interval"]

    @property
    def images_per_second_on_link(self) -> float:
        """The most that the serial line carries, its framing not counted."""
        sent = self.description["input"]["beats"] * self.description["input"]["bits"] // 8
        answered = self.description["result"]["beats"] * self.description["result"]["bits"] // 8
        return self.description["baud"] / BITS_A_BYTE_SENT / max(sent, answered)

    @property
    def areas(self) -> dict[str, Area]:
        """Cells by stage, in the order of the pipeline, then what is outside it."""
        found = self.made.areas.stages
        inside = [name for name in self.estimates if name in found]
        return {name: found[name] for name in (*inside, *sorted(set(found) - set(inside)))}

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        made, total = self.made, self.made.areas.total
        return {
            "format": 1,
            "folder": str(self.folder),
            "board": self.board.name,
            "device": self.board.device.name,
            "network": self.network.name,
            "identity": self.description["identity"],
            "met": self.met,
            "clock_hz": self.description["clock_hz"],
            "timing": made.timing.as_dict(),
            "interval": self.description["interval"],
            "frames_per_second": self.frames_per_second,
            "baud": self.description["baud"],
            "images_per_second_on_link": self.images_per_second_on_link,
            "used": {kind: {"used": used, "available": room} for kind, (used, room) in made.used.items()},
            "synthesised": _area(total),
            "stages": {
                name: _area(area) | {"estimated_luts": self.estimates.get(name)} for name, area in self.areas.items()
            },
            "seed": made.seed,
            "attempts": [attempt.as_dict() for attempt in made.attempts],
            "programs": dict(made.programs),
            "runs": list(made.runs),
            "bitstream": made.bitstream,
            "files": dict(self.files),
        }

    def text(self) -> str:
        """One page, lines of up to 120 characters but for the slowest path."""
        made, wanted = self.made, self.description["clock_hz"] / 1e6
        image = self.network.input
        parts = [
            f"{self.network.name} on {self.board.title} ({self.board.device.name})",
            "",
            f"network       {image.height} x {image.width} x {image.channels} pixels of {image.bits} bits, "
            f"{self.network.classes} classes, identity {self.description['identity']}",
            f"clock         {wanted:g} MHz wanted, {self._reached()}",
            f"frames        {self.frames_per_second:,.1f} a second inside the accelerator: one every "
            f"{self.description['interval']:,} cycles",
            f"link          {self.description['baud']:,} baud: at most {self.images_per_second_on_link:,.1f} images a "
            f"second; {self.board.uart}",
            f"bitstream     {made.bitstream}, {self.files.get(made.bitstream, 0):,} bytes; put on the board by: "
            f"subbit flash {self.folder}",
            "",
            "used          " + "\n              ".join(self._used()),
            "",
            *_table(("stage", "LUTs", "estimated", "flip-flops", "carries", "block RAMs"), self._stages()),
            "",
            f"hold times    {made.timing.hold.text()}",
            f"slowest path  {made.timing.path_text() or 'not told by this placer'}",
            "",
            *_table(("tool", "seconds", "peak MiB", "clock MHz"), self._runs()),
            "",
            "programs      " + ", ".join(f"{name} {self._version(each)}" for name, each in made.programs.items()),
            "files         " + "\n              ".join(f"{name}  {size:,}" for name, size in self.files.items()),
        ]
        return "\n".join(parts) + "\n"

    def write(self, folder: Path) -> tuple[str, str]:
        """Write report.json and report.txt into ``folder``; returns their names."""
        (folder / "report.json").write_text(json.dumps(self.as_dict(), indent=2) + "\n")
        (folder / "report.txt").write_text(self.text())
        return "report.json", "report.txt"

    def _reached(self) -> str:
        clocks = self.made.timing.clocks
        if not clocks:
            return "not told by this placer"
        verdict = "met" if all(clock.met for clock in clocks) else "missed"
        return f"{clocks[0].achieved_mhz:.2f} MHz reached: {verdict} (seed {self.made.seed})"

    def _used(self) -> list[str]:
        return [
            f"{used:>7,} of {room:>7,} {kind} ({100 * used / room:.0f} %)"
            for kind, (used, room) in self.made.used.items()
            if used and room
        ]

    def _stages(self) -> list[tuple[object, ...]]:
        rows = []
        for name, area in (*self.areas.items(), ("in all", self.made.areas.total)):
            estimate = sum(self.estimates.values()) if name == "in all" else self.estimates.get(name)
            expected = "" if estimate is None else round(estimate)
            rows.append((name, area.luts, expected, area.ffs, area.carries, area.brams))
        return rows

    def _runs(self) -> list[tuple[object, ...]]:
        reached = {attempt.seed: attempt for attempt in self.made.attempts}
        rows = []
        for run in self.made.runs:
            _, _, seed = run["tool"].partition(", seed ")
            clocks = reached[int(seed)].timing.clocks if seed else ()
            clock = f"{clocks[0].achieved_mhz:.2f}" if clocks else "not routed" if seed else ""
            rows.append((run["tool"], f"{run['seconds']:.1f}", _memory(run["peak_mib"]), clock))
        return rows

    def _version(self, program: Mapping[str, Any]) -> str:
        source = f" ({program['from']})" if "from" in program else ""
        remark = f" ({program['remark']})" if program.get("remark") else ""
        version = program["version"] if program["version"] != "unknown" else "of unknown version"
        return f"{version}{source}{remark}"


def _memory(mebibytes: float | None) -> str:
    return "" if mebibytes is None else f"{mebibytes:.0f}"


def _area(area: Area) -> dict[str, int]:
    return {name: getattr(area, name) for name in ("luts", "ffs", "carries", "brams", "lutrams")}


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a table: the first column set left, the others right."""
    cells = [
        tuple(head),
        *(tuple(f"{value:,}" if isinstance(value, int) else str(value) for value in row) for row in rows),
    ]
    widths = [max(len(row[index]) for row in cells) for index in range(len(head))]
    return [
        "  ".join(
            text.ljust(width) if index == 0 else text.rjust(width)
            for index, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]

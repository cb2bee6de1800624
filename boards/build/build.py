"""From the files of a design to a routed netlist and a bitstream, each step once for each content of its inputs."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boards.board import Board
from boards.build.area import Areas, areas
from boards.build.ecp5 import ECP5
from boards.build.failure import BuildFailure, DoesNotFit
from boards.build.flow import Flow
from boards.build.gowin import GOWIN
from boards.build.ice40 import ICE40
from boards.build.progress import PlaceAndRoute, Synthesis, Tell
from boards.build.routing import NETLIST, REPORT, Routing
from boards.build.seeds import Attempt
from boards.build.timing import Timing, read_timing
from boards.build.tools import Runner, Toolrun
from boards.build.workplace import Workplace
from boards.flash_image import write_flash_image
from boards.host.description import DESCRIPTION
from hw.netlist_file import read_netlist
from hw.programs import find_program
from hw.tighten import tighten
from hw.yosys import yosys_command, yosys_version
from sw.documents import read_json
from sw.errors import SubbitError

__all__ = ["FLOWS", "Builder", "Implementation", "Measured"]

FLOWS: Mapping[str, Flow] = {flow.family: flow for flow in (ICE40, ECP5, GOWIN)}
SCRIPT = "synthesis.ys"
VERILOG = "synth.v"
#: What Yosys has mapped, and what `hw.tighten` makes of it.
MAPPED, TIGHT, REWRITE = "mapped.json", "tight.json", "tightening.ys"
WRITTEN = [f"write_json {NETLIST}", f"write_verilog -noattr {VERILOG}"]
GIBIBYTES = 16.0
#: The step of a synthesis that takes fewer cells, and the part of a device above which it is tried: in fuller ones the
#: placer finds no room for cells that share a clock enable or a reset.
DENSER, CROWDED = "denser synthesis", 0.96


@dataclass(frozen=True)
class Implementation:
    """A design that is placed and routed, whether or not as fast as was wanted.

    ``areas``: cells of the synthesised netlist, by stage. ``used``: by what nextpnr's kinds of cells are called, how
    many of how many. ``attempts``: of every seed that was tried. ``runs``: what each tool cost. ``programs``: which
    they were. ``bitstream``: the file that the board gets.
    """

    areas: Areas
    used: Mapping[str, tuple[int, int]]
    timing: Timing
    seed: int
    attempts: tuple[Attempt, ...]
    runs: tuple[Mapping[str, Any], ...]
    programs: Mapping[str, Mapping[str, Any]]
    bitstream: str


@dataclass(frozen=True)
class Measured:
    """A synthesised design: its cells by stage, and how many logic cells of the device nextpnr packs it into."""

    areas: Areas
    packed: int


class Builder:
    """Takes the design in a workplace through the tools of its board's family; `measure` comes first.

    ``stages``: names of the pipeline's stages, by which areas and paths are told. ``tell`` gets a line for each step.
    Raises SubbitError where a tool is missing.
    """

    def __init__(self, place: Workplace, board: Board, stages: Collection[str], runner: Runner, tell: Tell) -> None:
        self.place, self.board, self.stages, self.runner, self.tell = place, board, stages, runner, tell
        self.flow = flow = FLOWS[board.family]
        self.description = json.loads((place.path / DESCRIPTION).read_text())
        constraints, megahertz = self.description["constraints"], self.description["clock_hz"] / 1e6
        self.routing = Routing(place, flow, board.place, constraints, megahertz, tell)
        self.packer = find_program(flow.packer)
        self.runs: list[dict[str, Any]] = []

    def measure(self) -> Measured:
        """Synthesise, and pack into the device's cells.

        Raises BuildFailure where a tool fails, DoesNotFit where the device is too small.
        """
        denser = self.flow.denser
        if denser and self.place.done(DENSER, self._synthesis(denser)[1]) is not None:
            found, used = self._packed(denser)
        else:
            found, used = self._packed(self.flow.synthesis)
            cells, room = used[next(iter(self.flow.kinds))]
            if denser and cells > CROWDED * room:
                self.tell(f"synthesis: {cells:,} of {room:,} cells are hard to place: once more, for fewer")
                found, used = self._packed(denser)
        over = {self.flow.kinds.get(kind, kind): counts for kind, counts in used.items() if counts[0] > counts[1]}
        packed = used[next(iter(self.flow.kinds))][0]
        if over:
            raise DoesNotFit(over, found, packed)
        return Measured(found, packed)

    def implement(self, measured: Measured, seeds: int, jobs: int, seed_seconds: float | None = None) -> Implementation:
        """Place and route with up to ``seeds`` seeds, ``jobs`` at a time, until the clock is met; pack the best.

        A seed is given up after ``seed_seconds``, or where that is None as soon as it takes far longer than others.
        Raises BuildFailure where a tool fails, or no seed can be routed.
        """
        for program in (self.routing.program, self.packer):
            if program.remark:
                self.tell(f"{program.name}: {program.remark}, so the one from pip is used")
        chosen = self.routing.run(self.runner, seeds, jobs, seed_seconds)
        attempts = tuple(sorted(self.routing.attempts, key=lambda each: each.seed))
        costs = [
            {"tool": f"{self.flow.placer}, seed {each.seed}", "seconds": each.seconds, "peak_mib": each.peak_mib}
            for each in attempts
        ]
        runs = (*self.runs, *costs, self.pack())
        bitstream = write_flash_image(self.place.path, self.description, self.flow.bitstream)
        self.place.keep(bitstream)
        used, timing = reported(self.place.path, self.flow, self.stages)
        programs = {program.name: program.as_dict() for program in (self.routing.program, self.packer)}
        return Implementation(
            areas=measured.areas,
            used=used,
            timing=timing,
            seed=chosen.seed,
            attempts=attempts,
            runs=runs,
            programs={"yosys": {"version": yosys_version()}} | programs,
            bitstream=bitstream,
        )

    def _packed(self, synthesis: str) -> tuple[Areas, dict[str, tuple[int, int]]]:
        """Synthesise by a command and pack: what Yosys counts, and used and available cells."""
        self.runs = self.synthesise(synthesis)
        found = areas(self.place.path / NETLIST, self.stages, self.description["top"])
        return found, self.fit(found)

    def synthesise(self, synthesis: str) -> list[dict[str, Any]]:
        """Yosys, from the sources to synth.json for nextpnr and synth.v for simulators; returns what it cost.

        Where the description asks for it, `hw.tighten` goes over the netlist between."""
        tightened = bool(self.description.get("tightened"))
        script, key = self._synthesis(synthesis)
        (self.place.path / SCRIPT).write_text("\n".join(script) + "\n")
        command = yosys_command(SCRIPT, GIBIBYTES, quiet=False)
        follow = Synthesis(lambda text: self.tell(f"synthesis: {text}"))
        name, other = ("synthesis", DENSER) if synthesis == self.flow.synthesis else (DENSER, "synthesis")
        self.place.forget(other)  # It wrote the same files.
        files = (MAPPED,) if tightened else (NETLIST, VERILOG)
        runs = [self._step(name, "yosys", key, command, files, follow)]
        return [*runs, self._tightened(synthesis == self.flow.denser)] if tightened else runs

    def _synthesis(self, synthesis: str) -> tuple[list[str], str]:
        """The script of a synthesis, and the key of its step."""
        sources = self.description["sources"]
        written = [f"write_json {MAPPED}"] if self.description.get("tightened") else WRITTEN
        script = [
            *(f"read_verilog -sv {source}" for source in sources),
            synthesis,
            # Scopes are no cells, and lines of the source in every net would be half of the file.
            "delete t:$scopeinfo",
            "setattr -unset src",
            "setattr -mod -unset src",
            *written,
        ]
        return script, self.place.key(sources, script, yosys_version())

    def _tightened(self, dense: bool) -> dict[str, Any]:
        """The mapped netlist tightened, and written as Yosys writes it."""
        document = read_netlist(self.place.path / MAPPED)
        tighten(document, self.flow.family, self.description["top"], dense=dense)
        (self.place.path / TIGHT).write_text(json.dumps(document))
        script = [f"read_json {TIGHT}", *WRITTEN]
        (self.place.path / REWRITE).write_text("\n".join(script) + "\n")
        key, command = self.place.key((TIGHT,), script, yosys_version()), yosys_command(REWRITE, GIBIBYTES, quiet=False)
        return self._step("tightening", "yosys", key, command, (NETLIST, VERILOG))

    def fit(self, found: Areas) -> dict[str, tuple[int, int]]:
        """nextpnr's packing alone: used and available cells, by nextpnr's kinds; ``found`` is what Yosys counted."""
        routing, tool = self.routing, f"{self.flow.placer}-pack"
        key = routing.key()
        if (earlier := _counts(self.place.done("fitting", key))) is not None:
            return earlier
        self.tell("fitting: packing alone")
        follow = PlaceAndRoute(lambda text: None)
        run = self.runner.run(tool, routing.packing(), self.place.path, self.place.path / f"{tool}.log", follow)
        if not follow.used:
            check_fits(found, self.board)
            raise self._failure("fitting", run)
        self.place.record("fitting", key, dict(follow.used), (f"{tool}.log",))
        return follow.used

    def pack(self) -> dict[str, Any]:
        """The routed design to the bitstream; returns what it cost."""
        flow = self.flow
        arguments = flow.pack(self.board.pack)
        key = self.place.key((flow.design or "routed.json",), arguments, self.packer.version)
        return self._step("packing", flow.packer, key, [self.packer.path, *arguments], (flow.bitstream,))

    def _step(
        self,
        name: str,
        tool: str,
        key: str,
        command: list[str],
        files: tuple[str, ...],
        follow: Callable[[str], None] = lambda line: None,
    ) -> dict[str, Any]:
        if (earlier := self.place.done(name, key)) is not None:
            self.tell(f"{name}: done before")
            return earlier
        self.tell(f"{name}: {tool}")
        self.place.forget(name)
        run = self.runner.run(tool, command, self.place.path, self.place.path / f"{tool}.log", follow)
        if run.status or not all((self.place.path / file).is_file() for file in files):
            raise self._failure(name, run)
        self.place.record(name, key, run.as_dict(), (*files, f"{tool}.log"))
        return run.as_dict()

    def _failure(self, step: str, run: Toolrun) -> BuildFailure:
        log = self.place.path / f"{run.tool}.log"
        return BuildFailure(f"{step} failed: {run.complaint} (all that {run.tool} said is in {log})")


def _counts(found: dict[str, Any] | None) -> dict[str, tuple[int, int]] | None:
    """Used and available cells as they were put on record, None where they are not."""
    pairs = list((found or {}).values())
    if not pairs or not all(isinstance(pair, list | tuple) and list(map(type, pair)) == [int, int] for pair in pairs):
        return None
    return {kind: (used, room) for kind, (used, room) in (found or {}).items()}


def check_fits(found: Areas, board: Board) -> None:
    """Raise DoesNotFit where no packing could bring the cells of a synthesised design onto the device."""
    total, device = found.total, board.device
    counts = {
        "look-up tables": (total.luts, device.luts),
        "flip-flops": (total.ffs, device.ffs),
        "block RAMs": (total.brams, device.block_rams),
    }
    if any(used > room for used, room in counts.values()):
        raise DoesNotFit(counts, found)


def reported(folder: Path, flow: Flow, stages: Collection[str]) -> tuple[dict[str, tuple[int, int]], Timing]:
    """What the placer's own report in ``folder`` tells: used and available cells, and the timing.

    Raises SubbitError where it is damaged: it may be of an earlier run.
    """
    path = folder / REPORT
    try:
        report = read_json(path)
        log = (folder / f"{flow.placer}.log").read_text(errors="replace")
        return utilisation(report, flow), read_timing(report, stages, log)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise SubbitError(f"{path} is damaged: remove {folder} and build again.") from error


def utilisation(report: Mapping[str, Any], flow: Flow) -> dict[str, tuple[int, int]]:
    """Used and available cells in nextpnr's report, of the kinds that are told of."""
    told = report["utilization"]
    return {title: (told[kind]["used"], told[kind]["available"]) for kind, title in flow.kinds.items() if kind in told}

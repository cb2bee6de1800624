"""From the files of a design to a routed netlist and a bitstream, each step once for each content of its inputs."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from boards.board import Board
from boards.build.area import Areas, areas
from boards.build.ecp5 import ECP5
from boards.build.failure import BuildFailure, DoesNotFit
from boards.build.flow import Flow
from boards.build.gowin import GOWIN
from boards.build.ice40 import ICE40
from boards.build.progress import Synthesis, Tell
from boards.build.routing import NETLIST, REPORT, Routing
from boards.build.seeds import Attempt
from boards.build.timing import Timing, read_timing
from boards.build.tools import Runner, Toolrun
from boards.build.workplace import Workplace
from hw.programs import find_program
from hw.yosys import yosys_command, yosys_version

__all__ = ["FLOWS", "Implementation", "implement"]

FLOWS: Mapping[str, Flow] = {flow.family: flow for flow in (ICE40, ECP5, GOWIN)}
SCRIPT = "synthesis.ys"
VERILOG = "synth.v"
GIBIBYTES = 16.0


@dataclass(frozen=True)
class Implementation:
    """A design that is placed and routed, whether or not as fast as was wanted.

    ``areas``: cells of the synthesised netlist, by stage. ``used``: by what nextpnr's kinds of cells are called, how
    many of how many. ``attempts``: of every seed that was tried. ``runs``: what each tool cost. ``programs``: which
    they were.
    """

    areas: Areas
    used: Mapping[str, tuple[int, int]]
    timing: Timing
    seed: int
    attempts: tuple[Attempt, ...]
    runs: tuple[Mapping[str, Any], ...]
    programs: Mapping[str, Mapping[str, Any]]
    bitstream: str


def implement(
    place: Workplace, board: Board, stages: Collection[str], seeds: int, jobs: int, tell: Tell
) -> Implementation:
    """Synthesise the design in ``place``, place and route it with up to ``seeds`` seeds, ``jobs`` at a time, and pack.

    ``stages``: names of the pipeline's stages, by which areas and paths are told. ``tell`` gets a line for each step.
    Raises SubbitError where a tool is missing, BuildFailure where one fails, DoesNotFit where the device is too small.
    """
    flow = FLOWS[board.family]
    description = json.loads((place.path / "board.json").read_text())
    routing = Routing(place, flow, board.place, description["constraints"], description["clock_hz"] / 1e6, tell)
    packer = find_program(flow.packer)
    for program in (routing.program, packer):
        if program.remark:
            tell(f"{program.name}: {program.remark}, so the one from pip is used")
    with Runner() as runner:
        steps = Steps(place, runner, tell)
        runs = [steps.synthesise(flow, description["sources"])]
        measured = check_fits(areas(place.path / NETLIST, stages, description["top"]), board)
        chosen = routing.run(runner, seeds, jobs)
        if chosen is None:
            over = {flow.kinds.get(kind, kind): counts for kind, counts in routing.over.items()}
            raise DoesNotFit(over, measured, routing.used.get(next(iter(flow.kinds)), (None, 0))[0])
        for attempt in sorted(routing.attempts, key=lambda each: each.seed):
            cost = {"seconds": attempt.seconds, "peak_mib": attempt.peak_mib}
            runs.append({"tool": f"{flow.placer}, seed {attempt.seed}", **cost})
        runs.append(steps.pack(flow, packer.path, (*board.pack,), packer.version))
    report = json.loads((place.path / REPORT).read_text())
    return Implementation(
        areas=measured,
        used=utilisation(report, flow),
        timing=read_timing(report, stages),
        seed=chosen.seed,
        attempts=tuple(sorted(routing.attempts, key=lambda each: each.seed)),
        runs=tuple(runs),
        programs={"yosys": {"version": yosys_version()}}
        | {program.name: program.as_dict() for program in (routing.program, packer)},
        bitstream=flow.bitstream,
    )


class Steps:
    """The steps that one tool does alone."""

    def __init__(self, place: Workplace, runner: Runner, tell: Tell) -> None:
        self.place, self.runner, self.tell = place, runner, tell

    def synthesise(self, flow: Flow, sources: Collection[str]) -> dict[str, Any]:
        """Yosys, from the sources to synth.json for nextpnr and synth.v for simulators; returns what it cost."""
        script = [
            *(f"read_verilog -sv {source}" for source in sources),
            flow.synthesis,
            # Scopes are no cells, and lines of the source in every net would be half of the file.
            "delete t:$scopeinfo",
            "setattr -unset src",
            "setattr -mod -unset src",
            f"write_json {NETLIST}",
            f"write_verilog -noattr {VERILOG}",
        ]
        (self.place.path / SCRIPT).write_text("\n".join(script) + "\n")
        command = yosys_command(SCRIPT, GIBIBYTES, quiet=False)
        key = self.place.key(sources, script, yosys_version())
        follow = Synthesis(lambda text: self.tell(f"synthesis: {text}"))
        return self._step("synthesis", "yosys", key, command, (NETLIST, VERILOG), follow)

    def pack(self, flow: Flow, path: str, board: tuple[str, ...], version: str) -> dict[str, Any]:
        """The routed design to the bitstream; returns what it cost."""
        arguments = flow.pack(board)
        key = self.place.key((flow.design or "routed.json",), arguments, version)
        return self._step("packing", flow.packer, key, [path, *arguments], (flow.bitstream,))

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
            raise BuildFailure(f"{name} failed: {run.complaint} (all that {tool} said: {self._log(run)})")
        self.place.record(name, key, run.as_dict(), (*files, f"{tool}.log"))
        return run.as_dict()

    def _log(self, run: Toolrun) -> str:
        return str(self.place.path / f"{run.tool}.log")


def check_fits(found: Areas, board: Board) -> Areas:
    """The cells of a synthesised design. Raises DoesNotFit where no packing could bring them onto the device."""
    total, device = found.total, board.device
    counts = {
        "look-up tables": (total.luts, device.luts),
        "flip-flops": (total.ffs, device.ffs),
        "block RAMs": (total.brams, device.block_rams),
    }
    if any(used > room for used, room in counts.values()):
        raise DoesNotFit(counts, found)
    return found


def utilisation(report: Mapping[str, Any], flow: Flow) -> dict[str, tuple[int, int]]:
    """Used and available cells in nextpnr's report, of the kinds that are told of."""
    told = report["utilization"]
    return {title: (told[kind]["used"], told[kind]["available"]) for kind, title in flow.kinds.items() if kind in told}

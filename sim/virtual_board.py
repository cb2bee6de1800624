"""A board that is not there: its real top in a simulator, its UART as a serial port of this machine."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated

from pydantic import Field

from hw.board_record import StoredWeights
from sim import simulators as engines
from sw.documents import Count, FileName, Identifier, Section, checked, read_json
from sw.errors import SubbitError

__all__ = ["BLOCK", "CASE", "PORT", "STOP", "VirtualBoard"]

#: Environment variable that names the folder of the run; files there with the terminal's name, and that end the run.
CASE, PORT, STOP = "SUBBIT_BOARD_CASE", "port", "stop"
#: Most bytes that pass at a time.
BLOCK = 64
BENCHES = [Path(__file__).with_name(name) for name in ("board_bench.sv", "ring_clock.sv")]
FLASH_MODEL = Path(__file__).parent / "models" / "spi_flash.v"
FLASH_BYTES = 1 << 20
PUBLIC = ("tick", "turn", "feed", "feed_count", "room", "level", "drain", "drain_count", "undefined")
SETTLE_FRAMES, LOADING_CYCLES = 8, 100


class _Description(Section):
    """board.json, as far as a simulation reads it."""

    top: Identifier
    sources: Annotated[list[FileName], Field(min_length=1)]
    cycles_per_bit: Annotated[int, Field(ge=1, le=1 << 20)]
    interval: Count
    weights: StoredWeights | None = None


class VirtualBoard:
    """The board of a folder that ``boards.design.write_design`` or a build made, from ``with`` to its end.

    ``port`` is the serial port to open. ``sources`` and ``defines`` put a netlist with its cells' models in the place
    of the folder's Verilog. ``rate_error`` is how much faster this machine's end of the UART is than the board's.
    ``waves`` names a waveform file; ``build_dir`` keeps the built models, by default inside the folder.

    Raises SubbitError where the folder is no board's or a simulator is missing, SimulationFailure where it did not
    start, or had failed at the end.
    """

    def __init__(
        self,
        folder: Path | str,
        simulator: str = "verilator",
        *,
        sources: Sequence[Path | str] | None = None,
        defines: Mapping[str, object] | None = None,
        rate_error: float = 0.0,
        waves: Path | str | None = None,
        build_dir: Path | str | None = None,
    ) -> None:
        engines.require(simulator)
        self.folder = Path(folder)
        self.board = description(self.folder)
        self.simulator = simulator
        self.port = ""
        self.weights = self.board.weights
        cycles = 10 * self.board.cycles_per_bit * BLOCK // 4
        self._case = {
            "simulator": simulator,
            "sources": [str(Path(source).resolve()) for source in sources or self._own_sources()],
            "defines": dict(defines or {}) | ({"FLASH": FLASH_BYTES} if self.weights else {}),
            "top": self.board.top,
            "bit_16ths": round(16 * self.board.cycles_per_bit / (1 + rate_error)),
            "burst": 0 if waves else cycles,
            "cycles": cycles,
            "settle": SETTLE_FRAMES * self.board.interval + 100 * cycles + self._loading_cycles(),
            "waves": None if waves is None else str(Path(waves).resolve()),
            "build_dir": str(Path(build_dir or self.folder / "simulation").resolve()),
            "owner": os.getpid(),
        }

    def _loading_cycles(self) -> int:
        """Cycles that the design may spend on its weights before it answers, nothing moving on the line."""
        return LOADING_CYCLES * self.weights.words if self.weights else 0

    def _own_sources(self) -> list[Path]:
        return [self.folder / name for name in self.board.sources]

    def write_case(self, run: Path) -> None:
        """Leave in the folder of the run what the bench reads."""
        (run / "case.json").write_text(json.dumps(self._case))
        if self.weights:
            contents = self.folder / self.weights.file
            if not contents.is_file():
                raise SubbitError(f"{contents} is missing: write the folder anew with `subbit build`.")
            (run / "flash.mem").write_text(f"@{self.weights.address:x}\n{contents.read_bytes().hex(chr(10))}\n")

    def __enter__(self) -> "VirtualBoard":
        self._scratch = tempfile.TemporaryDirectory(prefix="subbit-board-")
        run = Path(self._scratch.name)
        try:
            self.write_case(run)
        except BaseException:
            self._scratch.cleanup()
            raise
        command = [sys.executable, "-m", "sim.virtual_board", str(run)]
        self._errors = (run / "errors").open("w+")
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=self._errors, env=environment(), start_new_session=True
        )
        try:
            while not (run / PORT).exists():
                if self._process.poll() is not None:
                    raise engines.SimulationFailure(self._message())
                time.sleep(0.02)
        except BaseException:
            self._end()
            raise
        self.port = (run / PORT).read_text()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        (Path(self._scratch.name) / STOP).touch()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        status, message = self._process.poll(), self._message()
        self._end()
        if error is None and status:
            raise engines.SimulationFailure(message)

    def _message(self) -> str:
        self._errors.flush()
        said = Path(self._errors.name).read_text(errors="replace").strip().splitlines()
        return said[-1] if said else f"{self.simulator} ended without a message"

    def _end(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._errors.close()
        self._scratch.cleanup()


def description(folder: Path) -> _Description:
    """What board.json says of a design. Raises SubbitError where there is none that can be read."""
    path = folder / "board.json"
    try:
        found = read_json(path)
    except OSError:
        raise SubbitError(f"{folder} holds no board's design: write one with `subbit build`.") from None
    except ValueError:
        raise SubbitError(f"{path} is damaged: write the folder anew with `subbit build`.") from None
    if not isinstance(found, dict) or found.get("format") != 1:
        raise SubbitError(f"{path} is of another version of subbit: write the folder anew with `subbit build`.")
    try:
        return checked(_Description, found)
    except ValueError as error:
        raise SubbitError(f"{path} is damaged ({error}): write the folder anew with `subbit build`.") from error


def environment() -> dict[str, str]:
    """Environment in which the child finds the packages that are found here."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def main(folder: str) -> int:
    """Run the bench until it is told to stop; the last line on stderr says what went wrong."""
    run = Path(folder)
    case = json.loads((run / "case.json").read_text())
    try:
        engines.run(
            "sim.board_bench",
            sources=[*BENCHES, *([FLASH_MODEL] if "FLASH" in case["defines"] else []), *case["sources"]],
            top="board_bench",
            simulator=case["simulator"],
            build_dir=case["build_dir"],
            run_dir=run,
            parameters={"BIT_16THS": case["bit_16ths"], "BURST": case["burst"], "BLOCK": BLOCK},
            defines=case["defines"] | {"DUT": case["top"]},
            environment_variables={CASE: folder},
            build_arguments=["--converge-limit", str(4 * max(case["burst"], 1000))]
            if case["simulator"] == "verilator"
            else [],
            public={"board_bench": PUBLIC},
            waves=case["waves"],
        )
    except (engines.SimulationFailure, SubbitError) as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""Verilog to simulate a built design from, at any stage between the RTL and the bitstream."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from hw.board_record import StoredWeights
from sim.netlist.bitstream import with_contents
from sim.netlist.cells import adapt
from sim.netlist.fuses import recovered_gowin
from sim.netlist.icebox import recovered_ice40
from sim.netlist.models import library, needed
from sim.netlist.netlist import Netlist
from sim.netlist.verilog import verilog
from sw.documents import FileName, Section, checked, read_json
from sw.errors import SubbitError
from sw.files import atomic_write, read_text

__all__ = ["STAGES", "Stage", "files_of", "netlist_sources", "write_netlist"]

Stage = Literal["rtl", "synthesised", "routed", "bitstream"]
STAGES: tuple[Stage, ...] = ("rtl", "synthesised", "routed", "bitstream")
_NETLISTS: Mapping[str, str] = {"synthesised": "synth.json", "routed": "routed.json"}


class _Description(Section):
    """board.json, as far as it is read here; some of the folders have none."""

    family: str | None = None
    weights: StoredWeights | None = None
    sources: list[FileName] = Field(default_factory=lambda: ["top.sv"])


def netlist_sources(
    folder: Path | str,
    stage: Stage,
    family: str | None = None,
    *,
    top: str = "top",
    read_back: bool = False,
    work: Path | str | None = None,
) -> tuple[list[Path], dict[str, str]]:
    """Verilog files and macros that simulate the design built in ``folder`` as it is at ``stage``.

    "rtl" is what was synthesised, "synthesised" Yosys' netlist (synth.json), "routed" that of nextpnr (routed.json),
    and "bitstream" what is in the bitstream: of iCE40 by icestorm (top.bin), of Gowin by the database of apycula
    (top.fs). With ``read_back`` the block RAMs of the routed netlist have the contents that the bitstream gives them
    (iCE40 and ECP5). The module is called ``top`` and has the ports of the RTL. ``family`` is taken from board.json
    where it is left out. The files are written into ``work``, by default the folder ``simulation`` inside ``folder``.

    Raises SubbitError where a file is missing, or a cell or a feature has no model.
    """
    folder = Path(folder)
    if stage not in STAGES:
        raise ValueError(f"stage must be one of {', '.join(STAGES)}, not {stage!r}")
    board = _board(folder)
    family = family or board.family
    if family is None:
        raise SubbitError(f"{folder} has no board.json that names the FPGA's family: build the design again.")
    work = folder / "simulation" if work is None else Path(work)
    work.mkdir(parents=True, exist_ok=True)
    if stage == "rtl":
        sources = _sources(folder, board)
        text = "\n".join(read_text(source, "build the design again with 'subbit build'") for source in sources)
        used = sorted(kind for kind in library(family) if re.search(rf"\b{kind}\b", text))
        models = work / "rtl_cells.v"
        _write(models, needed(family, used))
        return [*sources, models], {}
    if stage == "bitstream":
        if family == "gowin":
            return write_netlist(recovered_gowin(folder, top), family, work, stage), {}
        if family != "ice40":
            raise SubbitError(f"Bitstreams are not read back for {family}: simulate the routed netlist.")
        text, kinds = recovered_ice40(folder, top)
        files = work / "bitstream.v", work / "bitstream_cells.v"
        _write(files[0], text)
        _write(files[1], needed(family, kinds))
        return list(files), {}
    path = folder / _NETLISTS[stage]
    if read_back:
        if stage != "routed":
            raise ValueError(f"read_back must be False at stage {stage!r}")
        path = with_contents(folder, family, work / "read_back.json")
    netlist = Netlist.read(path)
    netlist.top = top
    return write_netlist(netlist, family, work, stage), {}


def files_of(folder: Path | str, stage: Stage) -> list[Path]:
    """The files of a build that make the design what it is at ``stage``, those that it loads included."""
    folder = Path(folder)
    board = _board(folder)
    loaded = [folder / board.weights.file] if board.weights else []
    if stage == "rtl":
        return [*_sources(folder, board), *loaded]
    read = ("top.fs", "top.cst") if board.family == "gowin" else ("top.bin", "top.pcf")
    own = read if stage == "bitstream" else (_NETLISTS[stage],)
    return [*(folder / name for name in own), *loaded]


def write_netlist(netlist: Netlist, family: str, work: Path, name: str) -> list[Path]:
    """Write the Verilog of ``netlist`` and of its cells as NAME.v and NAME_cells.v in ``work``. Raises SubbitError."""
    adapted = adapt(netlist, family)
    files = work / f"{name}.v", work / f"{name}_cells.v"
    _write(files[0], verilog(adapted))
    _write(files[1], needed(family, adapted.kinds()))
    return list(files)


def _sources(folder: Path, board: _Description) -> list[Path]:
    return [folder / name for name in board.sources]


def _board(folder: Path) -> _Description:
    path = folder / "board.json"
    try:
        return checked(_Description, read_json(path))
    except OSError:
        return _Description()
    except ValueError as error:
        raise SubbitError(f"{path} is damaged ({error}): build the design again with 'subbit build'.") from None


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as part:
        part.write_text(text)

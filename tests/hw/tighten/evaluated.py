"""Mapped netlists of combinational cells evaluated on many windows at once, from the families' own equations."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

__all__ = ["evaluated"]


def table(entries: int, inputs: list[np.ndarray]) -> np.ndarray:
    index = sum(bit.astype(int) << place for place, bit in enumerate(inputs))
    return (entries >> index & 1).astype(bool)


def carry_cell(read, parameters: Mapping[str, str], half: str, carry: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum and carry of half a CCU2C."""
    a, b, c, d = (read(pin + half) for pin in "ABCD")
    entries, adds = int(parameters["INIT" + half], 2), parameters["INJECT1_" + half] == "NO"
    goes_on = table(entries, [a, b, c, d])
    return goes_on ^ (carry & adds), np.where(goes_on, carry, table(entries & 15, [a, b]) & adds)


def outputs_of(cell: Mapping[str, Any], read) -> dict[str, np.ndarray]:
    kind, parameters = cell["type"], cell["parameters"]
    if kind == "SB_LUT4":
        return {"O": table(int(parameters["LUT_INIT"], 2), [read(pin) for pin in ("I0", "I1", "I2", "I3")])}
    if kind == "SB_CARRY":
        x, y, carry = read("I0"), read("I1"), read("CI")
        return {"CO": x & y | carry & (x | y)}
    if kind == "LUT4":
        return {"Z": table(int(parameters["INIT"], 2), [read(pin) for pin in "ABCD"])}
    if kind == "PFUMX":
        return {"Z": np.where(read("C0"), read("ALUT"), read("BLUT"))}
    if kind == "L6MUX21":
        return {"Z": np.where(read("SD"), read("D1"), read("D0"))}
    assert kind == "CCU2C"
    first, between = carry_cell(read, parameters, "0", read("CIN"))
    second, out = carry_cell(read, parameters, "1", between)
    return {"S0": first, "S1": second, "COUT": out}


def evaluated(module: Mapping[str, Any], bits: np.ndarray) -> np.ndarray:
    """Bits of port y (windows, outputs) for those of port x (windows, inputs)."""
    zeros = np.zeros(len(bits), bool)
    known: dict[Any, np.ndarray] = {"0": zeros, "x": zeros, "1": ~zeros}
    known |= zip(module["ports"]["x"]["bits"], bits.T.astype(bool), strict=True)
    drivers = {
        bit: cell
        for cell in module["cells"].values()
        for port, nets in cell["connections"].items()
        if cell["port_directions"][port] == "output"
        for bit in nets
    }

    def settle(net: Any) -> None:
        waiting = [net]
        while waiting:
            cell = drivers[waiting[-1]]
            inputs = [
                bit
                for port, nets in cell["connections"].items()
                for bit in nets
                if cell["port_directions"][port] == "input"
            ]
            missing = [bit for bit in inputs if bit not in known]
            if missing:
                waiting.append(missing[0])
                continue
            for port, value in outputs_of(cell, partial(value_of, cell)).items():
                known.update(dict.fromkeys(cell["connections"].get(port, []), value))
            waiting.pop()
            while waiting and waiting[-1] in known:
                waiting.pop()

    def value_of(cell: Mapping[str, Any], port: str) -> np.ndarray:
        nets = cell["connections"].get(port, [])
        return known[nets[0]] if nets else zeros

    for net in module["ports"]["y"]["bits"]:
        if net not in known:
            settle(net)
    return np.stack([known[net] for net in module["ports"]["y"]["bits"]], axis=1)

"""Mapped netlists of combinational cells evaluated from the families' own equations: on windows, or as logic."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

__all__ = ["evaluated", "outputs"]


def chosen(which, ones, zeros):
    """``ones`` where ``which`` holds, else ``zeros``."""
    return which & ones | ~which & zeros


def table(entries: int, inputs: Sequence[Any], zero):
    """The bit of ``entries`` that the inputs number, the first lowest."""
    if not inputs:
        return ~zero if entries & 1 else zero
    half = 1 << (len(inputs) - 1)
    return chosen(inputs[-1], table(entries >> half, inputs[:-1], zero), table(entries, inputs[:-1], zero))


def carry_cell(read, parameters: Mapping[str, str], half: str, carry, zero) -> tuple[Any, Any]:
    """Sum and carry of half a CCU2C."""
    a, b, c, d = (read(pin + half) for pin in "ABCD")
    entries = int(parameters["INIT" + half], 2)
    adds = ~zero if parameters["INJECT1_" + half] == "NO" else zero
    goes_on = table(entries, [a, b, c, d], zero)
    return goes_on ^ (carry & adds), chosen(goes_on, carry, table(entries & 15, [a, b], zero) & adds)


def outputs_of(cell: Mapping[str, Any], read, zero) -> dict[str, Any]:
    kind, parameters = cell["type"], cell["parameters"]
    if kind == "SB_LUT4":
        return {"O": table(int(parameters["LUT_INIT"], 2), [read(pin) for pin in ("I0", "I1", "I2", "I3")], zero)}
    if kind == "SB_CARRY":
        x, y, carry = read("I0"), read("I1"), read("CI")
        return {"CO": x & y | carry & (x | y)}
    if kind == "LUT4":
        return {"Z": table(int(parameters["INIT"], 2), [read(pin) for pin in "ABCD"], zero)}
    if kind == "PFUMX":
        return {"Z": chosen(read("C0"), read("ALUT"), read("BLUT"))}
    if kind == "L6MUX21":
        return {"Z": chosen(read("SD"), read("D1"), read("D0"))}
    assert kind == "CCU2C"
    first, between = carry_cell(read, parameters, "0", read("CIN"), zero)
    second, out = carry_cell(read, parameters, "1", between, zero)
    return {"S0": first, "S1": second, "COUT": out}


def outputs(module: Mapping[str, Any], inputs: Sequence[Any], zero, kept: Callable[[Any], Any]) -> list[Any]:
    """Bits of port y for those of port x: whatever has the operators of bits, such as ``zero``.

    ``kept`` is called with what a cell puts out, and gives what stands for it from there on.
    """
    known: dict[Any, Any] = {"0": zero, "x": zero, "1": ~zero}
    known |= zip(module["ports"]["x"]["bits"], inputs, strict=True)
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
            read = [
                bit
                for port, nets in cell["connections"].items()
                for bit in nets
                if cell["port_directions"][port] == "input"
            ]
            missing = [bit for bit in read if bit not in known]
            if missing:
                waiting.append(missing[0])
                continue
            for port, value in outputs_of(cell, partial(value_of, cell), zero).items():
                if port in cell["connections"]:
                    known.update(dict.fromkeys(cell["connections"][port], kept(value)))
            waiting.pop()
            while waiting and waiting[-1] in known:
                waiting.pop()

    def value_of(cell: Mapping[str, Any], port: str):
        nets = cell["connections"].get(port, [])
        return known[nets[0]] if nets else zero

    for net in module["ports"]["y"]["bits"]:
        if net not in known:
            settle(net)
    return [known[net] for net in module["ports"]["y"]["bits"]]


def evaluated(module: Mapping[str, Any], bits: np.ndarray) -> np.ndarray:
    """Bits of port y (windows, outputs) for those of port x (windows, inputs)."""
    windows = list(bits.T.astype(bool))
    return np.stack(outputs(module, windows, np.zeros(len(bits), bool), lambda value: value), axis=1)

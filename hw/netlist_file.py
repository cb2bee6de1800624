"""Netlists in JSON as Yosys and nextpnr write them: read, and held to the form that all who use them rely on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sw.documents import read_json

__all__ = ["check_module", "read_netlist"]

DIRECTIONS = frozenset({"input", "output", "inout"})
CONSTANTS = frozenset({"0", "1", "x", "z"})


def read_netlist(path: Path) -> dict[str, Any]:
    """The document in a netlist, each of its "modules" as `check_module` has it.

    Raises OSError where the file cannot be read, ValueError where it holds no netlist.
    """
    document = read_json(path)
    modules = _mapping(_mapping(document, "the file").get("modules"), "modules")
    for name, module in modules.items():
        check_module(name, module)
    return document


def check_module(name: str, module: Any) -> None:
    """Raise ValueError unless ``module`` has attributes, ports and cells, and each of these what belongs to it."""
    _texts(_mapping(module, name).get("attributes", {}), name)
    module.setdefault("attributes", {})
    for part in ("ports", "cells"):
        _mapping(module.get(part), f"{part} of {name}")
    for port, each in module["ports"].items():
        _bits(_mapping(each, port).get("bits"), port)
        offset = each.get("offset", 0)
        if each.get("direction") not in DIRECTIONS or not isinstance(offset, int) or abs(offset) >= 1 << 31:
            raise ValueError(f"{port} must be a port with a direction")
    for cell, each in module["cells"].items():
        if not isinstance(_mapping(each, cell).get("type"), str):
            raise ValueError(f"{cell} must have a type")
        for part in ("parameters", "attributes", "port_directions"):
            _texts(each.setdefault(part, {}), cell)
        for port, bits in _mapping(each.get("connections"), f"connections of {cell}").items():
            _bits(bits, port)


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be an object")
    return value


def _texts(value: Any, what: str) -> None:
    if not all(isinstance(text, str | int) for text in _mapping(value, what).values()):
        raise ValueError(f"{what} must have texts and numbers as parameters and attributes")


def _bits(value: Any, what: str) -> None:
    if not isinstance(value, list) or not all(
        bit in CONSTANTS if isinstance(bit, str) else isinstance(bit, int) and bit >= 0 for bit in value
    ):
        raise ValueError(f"{what} must be connected to a list of nets")

"""Mapped netlists made smaller where Yosys leaves tables beside carry cells that could hold them."""

from collections.abc import Callable, Mapping
from typing import Any

from hw.tighten import ecp5, ice40
from hw.tighten.mapped import Mapped

__all__ = ["TIGHTENED", "tighten"]

#: What is done to a netlist, by family; those of others are left as they are.
TIGHTENED: Mapping[str, Callable[[Mapped, bool], None]] = {"ice40": ice40.tighten, "ecp5": ecp5.tighten}


def tighten(document: dict[str, Any], family: str, top: str = "top", *, dense: bool = True) -> None:
    """Take tables into carry cells in module ``top`` of a netlist that Yosys has mapped to a family and flattened.

    ``document`` is what `hw.netlist_file.read_netlist` returns; it is changed in place, and computes what it did. On
    iCE40 inverters are taken into the tables before them; with ``dense`` a table that reads sums goes step by step into
    their cells, which have an input left, and what it tells then passes through as many of them, which takes longer.
    On ECP5 a table goes into the halves of CCU2C that read it, which have two inputs left.
    """
    if family in TIGHTENED:
        TIGHTENED[family](Mapped(document["modules"][top]), dense)

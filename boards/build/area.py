"""Cells of a synthesised netlist by stage, read from Yosys' JSON a line at a time: the file may be hundreds of MB."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from boards.build.timing import stage_of
from hw.synthesis import Area
from sw.errors import SubbitError

__all__ = ["Areas", "areas", "cells"]

# Yosys writes one thing a line, indented by its depth: modules by 4, their parts by 6, cells by 8, their types by 10.
SECTION = re.compile(r' {6}"(\w+)": \{')
MODULE = re.compile(r' {4}"((?:[^"\\]|\\.)*)": \{')
CELL = re.compile(r' {8}"((?:[^"\\]|\\.)*)": \{')
TYPE = re.compile(r' {10}"type": "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Areas:
    """What a netlist is made of: in all, and by stage."""

    total: Area
    stages: dict[str, Area]


def areas(netlist: Path, stages: Collection[str], top: str = "top") -> Areas:
    """The cells of module ``top``, by the stages in their names.

    Yosys names a table after a signal beside it: one between two stages may be counted in either. Raises SubbitError
    where the file is no text: it may be of an earlier run.
    """
    found: dict[str, Counter[str]] = {}
    try:
        for name, kind in cells(netlist, top):
            found.setdefault(stage_of(name, stages), Counter())[kind] += 1
    except (OSError, ValueError) as error:
        raise SubbitError(f"{netlist} is damaged: remove {netlist.parent} and build again.") from error
    total: Counter[str] = sum(found.values(), Counter())
    return Areas(Area.count(total), {stage: Area.count(kinds) for stage, kinds in found.items()})


def cells(netlist: Path, top: str = "top") -> Iterator[tuple[str, str]]:
    """Name and type of every cell of module ``top`` in a netlist that Yosys wrote as JSON."""
    module = section = name = ""
    with netlist.open() as file:
        for line in file:
            if found := MODULE.match(line):
                module, section = found[1], ""
            elif found := SECTION.match(line):
                section = found[1]
            elif module == top and section == "cells":
                if found := CELL.match(line):
                    name = found[1]
                elif found := TYPE.match(line):
                    yield name, found[1]

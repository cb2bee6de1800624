"""Where the bits of a table lie in the block RAMs that Yosys made of it.

``memory_libmap`` cuts a table into blocks of as many rows as a block RAM has words of ``unit`` bits. The columns of all
blocks, block after block, are laid side by side and cut into units, one for each block RAM. Columns that are constant
have been taken out before, but for those of a memory that is written. ``unit`` is found by comparing: every bit of the
table must be where it would be, and only one way may agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from boards.weights.tables import Table

__all__ = ["FAMILIES", "Misplaced", "Placement", "RamFamily", "placement"]


class Misplaced(Exception):
    """A table is not in block RAM in a way that could be told; the message says why, after the table's name."""


@dataclass(frozen=True)
class RamFamily:
    """A family's block RAM of ``bits`` bits, the ``units`` it comes in, and the end that nextpnr gives its name.

    Addresses count bits of the units in order. Units under ``byte`` bits leave the last bit of every ``byte`` out.
    """

    units: tuple[int, ...]
    bits: int
    byte: int
    suffix: str

    def addresses(self, unit: int, words: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Address of bit ``offsets`` of each word ``words`` of ``unit`` bits."""
        place = words * unit + offsets
        return (
            place
            if unit >= self.byte or self.byte == 1
            else place // (self.byte - 1) * self.byte + place % (self.byte - 1)
        )

    def depth(self, unit: int) -> int:
        """Words of ``unit`` bits in a block RAM."""
        usable = self.bits if unit >= self.byte or self.byte == 1 else self.bits // self.byte * (self.byte - 1)
        return usable // unit


FAMILIES: Mapping[str, RamFamily] = {
    "ice40": RamFamily((2, 4, 8, 16), 4096, 1, "_RAM"),
    "ecp5": RamFamily((1, 2, 4, 9, 18, 36), 18432, 9, ""),
}


@dataclass(frozen=True)
class Placement:
    """A table's ``columns`` (those that are no constants) in the block RAMs ``cells``: bit ``c`` of row ``r`` is at
    ``address[r, c]`` of cell ``cell[r, c]``."""

    cells: tuple[str, ...]
    columns: np.ndarray
    cell: np.ndarray
    address: np.ndarray

    def bits(self, contents: Mapping[str, np.ndarray]) -> np.ndarray:
        """The bits (rows, columns) that block RAMs with these ``contents`` hold."""
        return np.stack([contents[name] for name in self.cells])[self.cell, self.address]

    def put(self, bits: np.ndarray, contents: Mapping[str, np.ndarray]) -> None:
        """Write the whole table's ``bits`` (rows, width) into ``contents``."""
        for number, name in enumerate(self.cells):
            chosen = self.cell == number
            contents[name][self.address[chosen]] = bits[:, self.columns][chosen]


def placement(table: Table, contents: Mapping[str, np.ndarray], family: RamFamily) -> list[Placement]:
    """Where ``table`` lies among block RAMs with these ``contents``, uint8 (bits,); a copy for each of its readers.

    Raises Misplaced where it is not in block RAM, or in a way that is not known or not the only one.
    """
    # What is written is constant nowhere.
    constant = (table.bits == table.bits[:1]).all(axis=0) & (not table.written)
    columns = np.flatnonzero(~constant)
    copies: dict[int, dict[int, str]] = {}
    for name in contents:
        head, _, tail = name.removesuffix(family.suffix).rpartition(".")
        head, _, copy = head.rpartition(".")
        if head == table.name and copy.isdigit() and tail.isdigit():
            copies.setdefault(int(copy), {})[int(tail)] = name
    if not copies:
        raise Misplaced("is in logic")
    return [_of_copy(table, columns, cells, contents, family) for _, cells in sorted(copies.items())]


def _of_copy(
    table: Table,
    columns: np.ndarray,
    cells: Mapping[int, str],
    contents: Mapping[str, np.ndarray],
    family: RamFamily,
) -> Placement:
    names = tuple(name for _, name in sorted(cells.items()))
    if sorted(cells) != list(range(len(cells))):
        raise Misplaced("has lost some of its block RAMs")
    found = [
        each for each in _candidates(table.bits.shape[0], columns, names, family) if _agrees(each, table, contents)
    ]
    if not found:
        raise Misplaced("lies in its block RAMs in a way that is not known")
    if any(not _same(found[0], other) for other in found[1:]):
        raise Misplaced("could lie in its block RAMs in several ways")
    return found[0]


def _candidates(rows: int, columns: np.ndarray, names: Sequence[str], family: RamFamily) -> list[Placement]:
    found = []
    row, column = np.arange(rows)[:, None], np.arange(len(columns))[None, :]
    for unit in family.units:
        depth = family.depth(unit)
        across = row // depth * len(columns) + column
        cell = across // unit
        if cell.max(initial=-1) == len(names) - 1:
            address = family.addresses(unit, row % depth, across % unit)
            found.append(Placement(tuple(names), columns, cell, address))
    return found


def _agrees(place: Placement, table: Table, contents: Mapping[str, np.ndarray]) -> bool:
    return bool((place.bits(contents) == table.bits[:, place.columns]).all())


def _same(one: Placement, other: Placement) -> bool:
    return bool((one.cell == other.cell).all() and (one.address == other.address).all())

"""A Gowin chip as apycula describes it, and the fuses that a bitstream sets in it."""

import importlib.util
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sw.errors import SubbitError

__all__ = ["Chip", "Coordinates", "Fuses"]

#: Row and column of a tile, from 0; or of a fuse inside its tile.
Coordinates = tuple[int, int]
Fuses = frozenset[Coordinates]


class Chip:
    """The chip ``name`` of apycula (such as "GW1N-9C") with the fuses ``bits``, uint8 (rows, columns).

    Rows beyond those that the chip has are what its block RAMs hold at power-up.
    ``database`` is apycula's. Raises SubbitError where apycula is missing or does not know the chip, ValueError where
    it has other fuses.
    """

    def __init__(self, name: str, bits: np.ndarray) -> None:
        self.name, self.database = name, _database(name)
        from apycula import attrids, chipdb

        self._attributes, self._tables = attrids, chipdb
        self._names = {
            "CLS": ("SLICE", attrids.cls_attrids, attrids.cls_attrvals),
            "BSRAM": ("BSRAM", attrids.bsram_attrids, attrids.bsram_attrvals),
        }
        height, width = self.database.height, self.database.width
        if len(bits) < height or bits.shape[1:] != (width,):
            raise ValueError(f"bits must be at least {height} rows of {width}, not {bits.shape}")
        self.contents = bits[height:]
        # The first row and column of each tile.
        down = np.cumsum([0, *(self.database[row, 0].height for row in range(self.database.rows))])
        across = np.cumsum([0, *(self.database[0, column].width for column in range(self.database.cols))])
        self._first = down, across
        found: dict[Coordinates, set[Coordinates]] = {
            (row, column): set() for row in range(len(down) - 1) for column in range(len(across) - 1)
        }
        rows, columns = np.nonzero(bits[:height])
        tiles = np.searchsorted(down, rows, "right") - 1, np.searchsorted(across, columns, "right") - 1
        inside = rows - down[tiles[0]], columns - across[tiles[1]]
        for row, column, line, place in zip(*(each.tolist() for each in (*tiles, *inside)), strict=True):
            found[row, column].add((line, place))
        self._fuses = {place: frozenset(fuses) for place, fuses in found.items()}

    @classmethod
    def read(cls, name: str, path: Path) -> "Chip":
        """The chip with the fuses of the bitstream ``path``. Raises SubbitError where it is damaged or another's."""
        _database(name)
        from apycula import bslib

        try:
            return cls(name, np.asarray(bslib.read_bitstream(path)[0], np.uint8))
        except (AssertionError, ValueError, LookupError, UnboundLocalError) as error:
            raise SubbitError(f"{path} is damaged, or no bitstream of {name}: build the design again.") from error

    def first(self, place: Coordinates) -> Coordinates:
        """Row and column of a tile's first fuse among all of the chip."""
        return int(self._first[0][place[0]]), int(self._first[1][place[1]])

    @property
    def places(self) -> Iterable[Coordinates]:
        """Every tile."""
        return self._fuses.keys()

    def tile(self, place: Coordinates) -> Any:
        """What apycula knows of the tile at ``place``."""
        return self.database[place]

    def fuses(self, place: Coordinates) -> Fuses:
        """Those that are set in the tile at ``place``."""
        return self._fuses[place]

    def wire(self, place: Coordinates, name: str) -> str:
        """The name that is the same for a wire seen from any tile that it passes, but for those of one node."""
        return self._tables.wire2global(place[0] + 1, place[1] + 1, self.database, name)

    def setting(self, kind: int, table: str, attributes: Mapping[str, str]) -> Fuses:
        """Fuses that tiles of ``kind`` have set in ``table`` ("CLS0", "BSRAM_DP") where they have these attributes."""
        codes: set[int] = set()
        logic, names, values = self._names["CLS" if table.startswith("CLS") else "BSRAM"]
        for attribute, value in attributes.items():
            self._tables.add_attr_val(self.database, logic, codes, names[attribute], values[value])
        return frozenset(self._tables.get_shortval_fuses(self.database, kind, codes, table))

    def pad_attributes(self, place: Coordinates, side: str) -> Mapping[str, int]:
        """What is set of the pad ``side`` ("A" or "B") of a tile, by apycula's names and numbers."""
        from apycula.gowin_unpack import parse_attrvals

        table = self.database.longval.get(self.tile(place).ttyp, {}).get(f"IOB{side}", {})
        return self._read(parse_attrvals, place, "IOB", table, self._attributes.iob_attrids)

    def pll(self, place: Coordinates) -> dict[str, str]:
        """The dividers of the PLL whose first tile is at ``place``, as parameters of rPLL.

        Raises SubbitError where its reference is not the wire CLKIN.
        """
        from apycula.gowin_unpack import parse_attrvals

        found: dict[str, int] = {}
        for over in (-3, -2, -1, 1, 2, 3):
            beside = place[0], place[1] + over
            if beside in self._fuses and "RPLLB" in self.tile(beside).bels:
                table = self.database.shortval.get(self.tile(beside).ttyp, {}).get("PLL", {})
                found |= self._read(parse_attrvals, beside, "PLL", table, self._attributes.pll_attrids)
        if found.get("INSEL") != self._attributes.pll_attrvals["CLKIN1"]:
            raise SubbitError("The bitstream has a PLL whose reference comes straight from a pin, which has no model.")
        dividers = {"IDIV_SEL": found["IDIV"] - 1, "FBDIV_SEL": found["FDIV"] - 1, "ODIV_SEL": found["ODIV"]}
        return {name: f"{value:032b}" for name, value in dividers.items()}

    def _read(self, parse: Any, place: Coordinates, kind: str, table: Any, names: Any) -> Mapping[str, int]:
        fuses, tile = self.fuses(place), self.tile(place)
        rows = [[int((row, column) in fuses) for column in range(tile.width)] for row in range(tile.height)]
        return parse(rows, self.database.rev_logicinfo(kind), table, names, kind)

    def pads(self, part: str) -> Mapping[str, tuple[Coordinates, str]]:
        """For each pin of the package of ``part`` its tile and side. Raises SubbitError where the part is unknown."""
        if part not in self.database.packages:
            raise SubbitError(f"apycula knows no part {part} of {self.name}: build the design again.")
        package, variant, _ = self.database.packages[part]
        edge = [place for place in self.places if any(name.startswith("IOB") for name in self.tile(place).bels)]
        places = {self._tables.rc2tbrl_0(self.database, *place): place for place in edge}
        pins = self.database.pinout[variant][package]
        return {pin: (places[name[:-1]], name[-1]) for pin, (name, _) in pins.items() if name[:-1] in places}


@cache
def _database(name: str) -> Any:
    """apycula's database of a chip. Raises SubbitError where apycula is missing, or has none."""
    if importlib.util.find_spec("apycula") is None:
        raise SubbitError("apycula was not found, whose database tells what Gowin's fuses do: pip install apycula.")
    from apycula import chipdb

    tables = Path(chipdb.__file__).parent / f"{name}.msgpack.xz"
    if not tables.is_file():
        raise SubbitError(f"apycula knows no chip {name or 'without a name'}: build the design again.")
    return chipdb.load_chipdb(str(tables))

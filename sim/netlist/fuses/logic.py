"""What the slices of a Gowin tile are set to: every setting that the packer writes is tried until one fits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

from sim.netlist.fuses.chip import Chip, Coordinates, Fuses
from sw.errors import SubbitError

__all__ = ["Slice", "Slices"]

_AFTER = ("RESET", "SET")
_RESETS = ((False, False), (True, False), (True, True))
#: How a flip-flop's kind ends, by what a reset makes of it, whether it has one, and whether that waits for no clock.
_KINDS = {
    ("RESET", False, False): "",
    ("RESET", True, False): "R",
    ("RESET", True, True): "C",
    ("SET", True, False): "S",
    ("SET", True, True): "P",
}
NONE = ("", "")


@dataclass(frozen=True)
class Slice:
    """Two tables and two flip-flops. ``mode``: "ALU" where the tables are arithmetic cells, else "". ``registers``: the
    kinds of the flip-flops, empty where they are none that there is a model for."""

    mode: str = ""
    registers: tuple[str, str] = NONE


class Slices:
    """The settings of every slice of ``chip``."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self._settings = cache(self._read_settings)

    def at(self, place: Coordinates, number: int) -> Slice:
        """Slice ``number`` of the tile at ``place``. Raises SubbitError where it is set as the packer sets none."""
        own, settings = self._settings(self.chip.tile(place).ttyp, number)
        used = own & self.chip.fuses(place)
        found = settings.get(used)
        if found is None:
            row, column = place
            raise SubbitError(f"The bitstream sets slice {number} of the tile R{row + 1}C{column + 1} as no known one.")
        return found

    def _read_settings(self, kind: int, number: int) -> tuple[Fuses, Mapping[Fuses, Slice | None]]:
        table = self.chip.database.shortval.get(kind, {}).get(f"CLS{number}", {})
        found: dict[Fuses, Slice | None] = {frozenset(): Slice()}
        for attributes, made in _settings(number) if table else ():
            fuses = self.chip.setting(kind, f"CLS{number}", attributes)
            earlier = found.get(fuses, made)
            if earlier is not None and made.registers == NONE:
                found.setdefault(fuses, made)
            elif earlier is not None:
                # A flip-flop without reset is there whether or not it was asked for. Else it may be either of two.
                found[fuses] = made if earlier in (made, Slice(made.mode)) else None
        return frozenset().union(*table.values()), found


def _settings(number: int) -> Iterator[tuple[dict[str, str], Slice]]:
    """What apycula's packer asks of slice ``number``, and what it is then (gowin_pack, place_dff, set_slice_fuses)."""
    first = {"ALU_CIN_MUX": "ALU_5A_CIN_COUT"} if number == 0 else {}
    usual = {"REG0_REGSET": "RESET", "REG1_REGSET": "RESET"}
    for mode in ("", "ALU"):
        modes = first | ({"MODE": mode} if mode else {})
        yield modes | usual | {"LSRONMUX": "0", "CLKMUX_1": "1"}, Slice(mode)
        for attributes, kinds in _registers():
            yield modes | attributes, Slice(mode, kinds)
    memory = first | {"MODE": "SSRAM", "REG0_REGSET": "UNKNOWN", "REG1_REGSET": "UNKNOWN"}
    if number == 2:
        memory |= {"LSRONMUX": "LSRMUX", "LSR_MUX_LSR": "INV", "CLKMUX_1": "UNKNOWN", "CLKMUX_CLK": "SIG"}
    yield memory, Slice()


def _registers() -> Iterator[tuple[dict[str, str], tuple[str, str]]]:
    """What is asked of a slice for two flip-flops, and their kinds: they share all but what a reset makes of them."""
    for (zero, one), (reset, at_once), edge in product(product(_AFTER, _AFTER), _RESETS, ("SIG", "INV")):
        if (zero, reset, at_once) in _KINDS and (one, reset, at_once) in _KINDS:
            attributes = {"REGMODE": "FF", "CEMUX_1": "UNKNOWN", "CEMUX_CE": "SIG", "CLKMUX_CLK": edge}
            attributes |= {"REG0_REGSET": zero, "REG1_REGSET": one}
            attributes |= ({"LSRONMUX": "LSRMUX"} if reset else {}) | ({"SRMODE": "ASYNC"} if at_once else {})
            begin = "DFFN" if edge == "INV" else "DFF"
            ends = [_KINDS[value, reset, at_once] for value in (zero, one)]
            yield attributes, (f"{begin}{ends[0]}E", f"{begin}{ends[1]}E")

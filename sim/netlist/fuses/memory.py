"""Block RAM of a Gowin chip as a bitstream sets it: one memory with two ports, whatever a design calls it."""

from collections.abc import Mapping

import numpy as np

from sim.netlist.fuses.chip import Chip, Coordinates
from sw.errors import SubbitError

__all__ = ["PORTS", "parameters"]

#: Ports of the model BSRAM_PLACED, and how many bits they have.
PORTS = {
    f"{name}{side}": width
    for side in "AB"
    for name, width in {"CLK": 1, "CE": 1, "WRE": 1, "RESET": 1, "BLKSEL": 3, "AD": 14, "DI": 18, "DO": 18}.items()
}
_TILES = 3
_BITS, _WORD, _ROWS = 18432, 18, 256
#: The attributes of all kinds of block RAM are made by the same fuses; these are the names that a DP's have.
_TABLE = "BSRAM_DP"
_WIDTHS = {"1": 1, "2": 2, "4": 4, "9": 9, "16": 18}
_WIDE = 36
_MODES = {"WT": 1, "RBW": 2}
_INVERTERS = {"CE": "CEMUX_CE", "CLK": "CLKMUX_CLK", "WE": "WEMUX_WE", "RST": "REGSET_RST"}
#: Where in a column of fuses each quarter of 16 rows lies.
_QUARTERS = np.array([0x00, 0x80, 0x40, 0xC0])


class _Block:
    """The fuses of the block RAM whose first tile is at ``place``, those of its other tiles included."""

    def __init__(self, chip: Chip, place: Coordinates) -> None:
        self.chip, self.name = chip, f"the block RAM of the tile R{place[0] + 1}C{place[1] + 1}"
        self.tiles = [(place[0], place[1] + at) for at in range(_TILES)]
        self.used = {(at, fuse) for at, tile in enumerate(self.tiles) for fuse in chip.fuses(tile)}

    def fuses(self, attribute: str, value: str) -> set[tuple[int, Coordinates]]:
        """Those that make the attribute have the value."""
        kinds = [self.chip.tile(tile).ttyp for tile in self.tiles]
        settings = [self.chip.setting(kind, _TABLE, {attribute: value}) for kind in kinds]
        return {(at, fuse) for at, found in enumerate(settings) for fuse in found}

    def has(self, attribute: str, value: str) -> bool:
        """Whether the attribute has the value."""
        own = self.fuses(attribute, value)
        return bool(own) and own <= self.used

    def port(self, side: str) -> Mapping[str, int]:
        """Parameters of one port. Raises SubbitError where its width is none that is known."""
        steps = {width: self.fuses(f"DP{side}_DATA_WIDTH", text) for text, width in _WIDTHS.items()}
        set_for_width = set().union(*steps.values()) & self.used
        widths = [width for width, step in steps.items() if step == set_for_width]
        if len(widths) != 1:
            raise SubbitError(f"The bitstream sets the width of {self.name} as none is known.")
        return {
            f"WIDTH_{side}": _WIDE if self.has(f"DBLW{side}", "X36") else widths[0],
            f"WRITE_MODE_{side}": sum(number for mode, number in _MODES.items() if self.has(f"DP{side}_MODE", mode)),
            f"BLK_SEL_{side}": sum((not self.has(f"CS{side}_{bit}", "SET")) << bit for bit in range(3)),
            **{f"{port}_INVERTED_{side}": int(self.has(f"{name}{side}", "INV")) for port, name in _INVERTERS.items()},
        }


def parameters(chip: Chip, place: Coordinates) -> dict[str, str]:
    """Parameters of BSRAM_PLACED for the block RAM whose first tile is at ``place``.

    Raises SubbitError where it is set as no design here has it: output registers, and wide read-only memory.
    """
    block = _Block(chip, place)
    if not block.has("MODE", "ENABLE"):
        raise SubbitError(f"The bitstream uses {block.name}, which it does not switch on.")
    if block.has("DPA_REGMODE", "OUTREG") or block.has("DPB_REGMODE", "OUTREG"):
        raise SubbitError(f"The bitstream uses the output register of {block.name}, which has no simulation model.")
    found = {**block.port("A"), **block.port("B")}
    if _WIDE in (found["WIDTH_A"], found["WIDTH_B"]) and found["CE_INVERTED_A"]:
        raise SubbitError(f"The bitstream uses {block.name} as wide read-only memory, which has no simulation model.")
    reset = "ASYNC" if block.has("OUTREG_ASYNC", "RESET") else "SYNC"
    return {key: f"{value:032b}" for key, value in found.items()} | {
        "RESET_MODE": reset,
        "INIT": _contents(chip, place),
    }


def _contents(chip: Chip, place: Coordinates) -> str:
    """The 18,432 digits that the block RAM holds at power-up, bit 0 last (gowin_pack, store_bsram_init_val)."""
    if not len(chip.contents):
        return "0" * _BITS
    at = np.arange(_BITS)
    # Bits 8 and 17 of a word have the address of the bit before.
    bit = at % _WORD
    address = at // _WORD * (_WORD - 2) + np.minimum(bit, 16) - (bit > 7)
    columns = {line: number for line, (number, _) in chip.database.rev_logicinfo("BSRAM_INIT").items()}
    across = np.array([columns[line] - 1 for line in bit * 4 + (address >> 12)])
    down = _QUARTERS[address >> 4 & 3] + (address >> 6 & 0x3F)
    first = _ROWS * sorted(chip.database.simplio_rows).index(place[0])
    bits = chip.contents[first + _ROWS - 1 - down, chip.first(place)[1] + across]
    return "".join(map(str, bits[::-1]))

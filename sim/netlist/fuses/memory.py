"""Block RAM of a Gowin chip as a bitstream sets it: one memory with two ports, whatever it was called in the design."""

from collections.abc import Mapping

import numpy as np

from sim.netlist.fuses.chip import Chip, Coordinates, Fuses
from sw.errors import SubbitError

__all__ = ["PORTS", "TILES", "parameters"]

TILES = 3
BITS, BITS_OF_A_ROW = 18432, 256
#: Ports of the model BSRAM_PLACED, and how many bits they have.
PORTS = {
    f"{name}{side}": width
    for side in "AB"
    for name, width in {"CLK": 1, "CE": 1, "WRE": 1, "RESET": 1, "BLKSEL": 3, "AD": 14, "DI": 18, "DO": 18}.items()
}
_TABLE = "BSRAM_DP"
_WIDTHS = {"1": 1, "2": 2, "4": 4, "9": 9, "16": 18}
_INVERTERS = ("CEMUX_CE", "CLKMUX_CLK", "WEMUX_WE", "REGSET_RST")
_QUADRANTS = np.array([0x00, 0x80, 0x40, 0xC0])


def parameters(chip: Chip, place: Coordinates) -> dict[str, str]:
    """Parameters of BSRAM_PLACED for the block RAM whose first tile is at ``place``.

    Raises SubbitError where it is set as no design here has it: output registers, and wide read-only memory.
    """
    tiles = [(place[0], place[1] + at) for at in range(TILES)]

    def fuses(**attributes: str) -> set[tuple[int, Coordinates]]:
        kinds = [chip.tile(tile).ttyp for tile in tiles]
        return {(at, fuse) for at, kind in enumerate(kinds) for fuse in chip.setting(kind, _TABLE, attributes)}

    used = {(at, fuse) for at, tile in enumerate(tiles) for fuse in chip.fuses(tile)}

    def has(**attributes: str) -> bool:
        own = fuses(**attributes)
        return bool(own) and own <= used

    name = f"the block RAM of the tile R{place[0] + 1}C{place[1] + 1}"
    if not has(MODE="ENABLE"):
        raise SubbitError(f"The bitstream uses {name}, which it does not switch on.")
    if has(DPA_REGMODE="OUTREG") or has(DPB_REGMODE="OUTREG"):
        raise SubbitError(f"The bitstream uses the output register of {name}, which has no simulation model.")
    found: dict[str, int] = {}
    for side in "AB":
        steps = {text: fuses(**{f"DP{side}_DATA_WIDTH": text}) for text in _WIDTHS}
        own = set().union(*steps.values()) & used
        text = next((text for text, step in steps.items() if step == own), None)
        if text is None:
            raise SubbitError(f"The bitstream sets the width of {name} as none is known.")
        wide = has(**{f"DBLW{side}": "X36"})
        found[f"WIDTH_{side}"] = 36 if wide else _WIDTHS[text]
        modes = {"WT": 1, "RBW": 2}
        found[f"WRITE_MODE_{side}"] = sum(
            number for mode, number in modes.items() if has(**{f"DP{side}_MODE": mode})
        )
        found[f"BLK_SEL_{side}"] = sum((not has(**{f"CS{side}_{bit}": "SET"})) << bit for bit in range(3))
        for inverter in _INVERTERS:
            found[f"{inverter.split('_')[1]}_INVERTED_{side}"] = has(**{f"{inverter}{side}": "INV"})
    if 36 in (found["WIDTH_A"], found["WIDTH_B"]) and found["CE_INVERTED_A"]:
        raise SubbitError(f"The bitstream uses {name} as wide read-only memory, which has no simulation model.")
    reset = "ASYNC" if has(OUTREG_ASYNC="RESET") else "SYNC"
    written = {key: f"{int(value):032b}" for key, value in found.items()}
    return written | {"RESET_MODE": reset, "INIT": contents(chip, place)}


def contents(chip: Chip, place: Coordinates) -> str:
    """The 18,432 digits that the block RAM holds at power-up, bit 0 last (gowin_pack, store_bsram_init_val)."""
    database = chip.database
    if not len(chip.contents):
        return "0" * BITS
    row, column = place
    at = np.arange(BITS)
    bit, address = at % 18, at // 18 * 16 + np.minimum(at % 18, 16) - (at % 18 > 7)
    columns = {line: number for line, (number, _) in database.rev_logicinfo("BSRAM_INIT").items()}
    across = np.array([columns[line] - 1 for line in bit * 4 + (address >> 12)])
    down = _QUADRANTS[address >> 4 & 3] + (address >> 6 & 0x3F)
    first = BITS_OF_A_ROW * sorted(database.simplio_rows).index(row)
    left = sum(database[0, before].width for before in range(column))
    bits = np.asarray(chip.contents)[first + BITS_OF_A_ROW - 1 - down, left + across]
    return "".join(map(str, bits[::-1]))

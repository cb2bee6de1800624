"""Contents of block RAMs in the files of a build: netlists, and the packers' text."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hw.netlist_file import read_netlist
from sw.errors import SubbitError

__all__ = ["FORMATS", "Format", "RamNetlist"]

# Bit i of a row of sixteen is stored at the place of i's digits in reverse.
_REVERSED = np.array([int(f"{place:04b}"[::-1], 2) for place in range(16)])


# Bits of a block RAM, by the width of its parameters.
BITS = {256: 4096, 320: 18_432}


@dataclass(frozen=True)
class Format:
    """How a family's files write a block RAM: netlist parameters, and blocks of the packer's text (``design``), which
    ``unpacker`` makes of the ``bitstream``.

    The ``count`` parameters of ``width`` bits are named ``begin`` with a number of ``digits`` hexadecimal digits.
    ``header`` matches a block's first line, its group being what `RamNetlist.places` says. ``unpack`` makes an array of
    bits of the integers in the parameters, ``pack`` the integers; ``lines`` are those of a block, ``read`` takes them
    back.
    """

    design: str
    bitstream: str
    unpacker: tuple[str, ...]
    begin: str
    digits: int
    count: int
    width: int
    header: re.Pattern[str]
    place: Callable[[Mapping[str, Any]], str]
    unpack: Callable[[list[int]], np.ndarray]
    pack: Callable[[np.ndarray], list[int]]
    lines: Callable[[np.ndarray], list[str]]
    read: Callable[[list[str]], np.ndarray]
    kinds: tuple[str, ...]

    def blocks(self, lines: list[str]) -> Iterator[tuple[str, int, np.ndarray]]:
        """Every block RAM in the packer's text: what it is called, the line after its header, and its bits."""
        count = self.count if self.width == 256 else 256
        for at, line in enumerate(lines, 1):
            if (found := self.header.fullmatch(line.strip())) is not None:
                try:
                    bits = self.read(lines[at : at + count])
                except (ValueError, OverflowError):
                    bits = np.zeros(0, np.uint8)
                if len(bits) != BITS[self.width]:
                    raise SubbitError(f"{self.design} is damaged in line {at}: build the design again.")
                yield found[1], at, bits


def _ice40_unpack(values: list[int]) -> np.ndarray:
    rows = np.stack([_unpacked(value, 256) for value in values]).reshape(256, 16)
    return rows[:, _REVERSED].reshape(-1)


def _ice40_pack(bits: np.ndarray) -> list[int]:
    rows = bits.reshape(256, 16)[:, _REVERSED]
    return [_packed(slice_) for slice_ in rows.reshape(16, 256)]


def _ecp5_unpack(values: list[int]) -> np.ndarray:
    rows = np.stack([_unpacked(value, 320) for value in values]).reshape(1024, 20)
    return rows[:, :18].reshape(-1)


def _ecp5_pack(bits: np.ndarray) -> list[int]:
    rows = np.zeros((1024, 20), np.uint8)
    rows[:, :18] = bits.reshape(1024, 18)
    return [_packed(slice_) for slice_ in rows.reshape(64, 320)]


def _ice40_lines(bits: np.ndarray) -> list[str]:
    return [f"{value:064x}" for value in _ice40_pack(bits)]


def _ice40_read(lines: list[str]) -> np.ndarray:
    return _ice40_unpack([int(line, 16) for line in lines])


def _ecp5_lines(bits: np.ndarray) -> list[str]:
    words = [f"{_packed(word):03x}" for word in bits.reshape(2048, 9)]
    return [" ".join(words[start : start + 8]) for start in range(0, 2048, 8)]


def _ecp5_read(lines: list[str]) -> np.ndarray:
    return np.concatenate([_unpacked(int(word, 16), 9) for line in lines for word in line.split()])


def _ice40_place(cell: Mapping[str, Any]) -> str:
    found = re.fullmatch(r"X(\d+)/Y(\d+)/ram", cell["attributes"]["NEXTPNR_BEL"])
    if found is None:
        raise ValueError("a block RAM must have been placed")
    return f"{found[1]} {found[2]}"


def _ecp5_place(cell: Mapping[str, Any]) -> str:
    return str(int(cell["attributes"]["WID"], 2))


FORMATS: Mapping[str, Format] = {
    "ice40": Format(
        design="top.asc",
        bitstream="top.bin",
        unpacker=("iceunpack", "{bitstream}", "{design}"),
        begin="INIT_",
        digits=1,
        count=16,
        width=256,
        header=re.compile(r"\.ram_data (\d+ \d+)"),
        place=_ice40_place,
        unpack=_ice40_unpack,
        pack=_ice40_pack,
        lines=_ice40_lines,
        read=_ice40_read,
        kinds=("ICESTORM_RAM", "SB_RAM40_4K"),
    ),
    "ecp5": Format(
        design="top.config",
        bitstream="top.bit",
        unpacker=("ecpunpack", "--input", "{bitstream}", "--textcfg", "{design}"),
        begin="INITVAL_",
        digits=2,
        count=64,
        width=320,
        header=re.compile(r"\.bram_init (\d+)"),
        place=_ecp5_place,
        unpack=_ecp5_unpack,
        pack=_ecp5_pack,
        lines=_ecp5_lines,
        read=_ecp5_read,
        kinds=("DP16KD",),
    ),
}


class RamNetlist:
    """A netlist in JSON, whose block RAMs can be read and written. Raises SubbitError where ``path`` is none."""

    def __init__(self, path: Path, form: Format) -> None:
        self.form, self.path = form, path
        try:
            self.whole = read_netlist(path)
        except (OSError, ValueError):
            raise SubbitError(f"{path} is missing or damaged: build the design again with 'subbit build'.") from None
        cells = {name: cell for module in self.whole["modules"].values() for name, cell in module["cells"].items()}
        self.cells = {name: cell for name, cell in cells.items() if cell["type"].startswith(form.kinds)}

    def contents(self) -> dict[str, np.ndarray]:
        """Bits of each block RAM, uint8, by cell; unknown ones are 0."""
        found = {}
        for name, cell in self.cells.items():
            values = [str(cell["parameters"].get(key, "0")).replace("x", "0") for key in self._keys()]
            if not all(len(value) <= self.form.width and not value.strip("01") and value for value in values):
                raise SubbitError(f"{self.path} is damaged in {name}: build the design again with 'subbit build'.")
            found[name] = self.form.unpack([int(value, 2) for value in values])
        return found

    def write(self, contents: Mapping[str, np.ndarray], path: Path) -> None:
        """Put ``contents`` into the cells that have these names, and write the netlist to ``path``."""
        for name, bits in contents.items():
            if name in self.cells:
                values = self.form.pack(bits)
                texts = [f"{value:0{self.form.width}b}" for value in values]
                self.cells[name]["parameters"] |= dict(zip(self._keys(), texts, strict=True))
        path.write_text(json.dumps(self.whole))

    def places(self) -> dict[str, str]:
        """What the packer's text calls each block RAM."""
        try:
            return {name: self.form.place(cell) for name, cell in self.cells.items()}
        except (KeyError, ValueError, TypeError):
            raise SubbitError(
                f"{self.path} does not tell where its block RAMs are: build the design again with 'subbit build'."
            ) from None

    def _keys(self) -> list[str]:
        return [f"{self.form.begin}{number:0{self.form.digits}X}" for number in range(self.form.count)]


def _unpacked(value: int, width: int) -> np.ndarray:
    packed = np.frombuffer(value.to_bytes(-(-width // 8), "little"), np.uint8)
    return np.unpackbits(packed, bitorder="little")[:width]


def _packed(bits: np.ndarray) -> int:
    return int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")

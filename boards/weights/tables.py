"""The tables of a design's Verilog: what each memory holds at power-up, and the text without it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["Table", "Verilog", "blank", "in_block_ram"]

_MODULE = re.compile(r"^module (\w+)\(.*?^endmodule\b", re.MULTILINE | re.DOTALL)
_MEMORY = re.compile(r"^  reg (?:\[(\d+):0\] )?(\w+) \[(\d+):0\];$", re.MULTILINE)
_ROW = re.compile(r"^( +)(\w+)\[(\d+)\] = \d+'([hbd][0-9a-fx]+);$", re.MULTILINE)
_INSTANCE = re.compile(r"^  (\w+) (\w+) \($", re.MULTILINE)

MOST_BITS = 1 << 24
MOST_INSTANCES, MOST_DEPTH = 10_000, 20
"""Far more than a design here has; a damaged text may say that a module is in itself."""


@dataclass(frozen=True)
class Table:
    """A memory with contents: ``path`` of its instance from the top down, ``bits`` uint8 (rows, width), bit 0 first;
    whether it is ``written`` while the design runs.

    Unknown digits count as 0.
    """

    path: tuple[str, ...]
    bits: np.ndarray
    written: bool = False

    @property
    def name(self) -> str:
        """The memory's name after flattening, such as "accelerator.conv1.weights"."""
        return ".".join(self.path)


class Verilog:
    """The text of `hw.verilog.emit`, by modules. Raises ValueError where it is none, as when it is damaged."""

    def __init__(self, text: str, top: str) -> None:
        self.top = top
        self.modules: Mapping[str, str] = {match[1]: match[0] for match in _MODULE.finditer(text)}
        if top not in self.modules:
            raise ValueError(f"text must hold a module {top}")
        self._paths = self._instances()

    def skeleton(self) -> dict[str, str]:
        """Each module's text without the contents of its memories."""
        return {name: _ROW.sub(r"\1\2[\3]", text) for name, text in self.modules.items()}

    def tables(self) -> dict[str, Table]:
        """Every memory that has contents, by its flattened name. Raises ValueError where one has no bits there."""
        return {table.name: table for table in self._tables(self.top, ())}

    def instances(self) -> dict[str, tuple[str, ...]]:
        """For each module the path of its first instance."""
        return self._paths

    def _instances(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        waiting: list[tuple[str, tuple[str, ...]]] = [(self.top, ())]
        for name, path in waiting:
            found.setdefault(name, path)
            waiting += [(kind, (*path, part)) for kind, part in self._parts(name)]
            if len(waiting) > MOST_INSTANCES or len(path) > MOST_DEPTH:
                raise ValueError(f"modules below {name} must be in one another at most {MOST_DEPTH} deep")
        return found

    def _parts(self, name: str) -> list[tuple[str, str]]:
        found = _INSTANCE.findall(self.modules[name])
        return [(kind, part) for kind, part in found if kind in self.modules]

    def _tables(self, name: str, path: tuple[str, ...]) -> Iterator[Table]:
        text = self.modules[name]
        rows: dict[str, dict[int, str]] = {}
        for _, memory, row, value in _ROW.findall(text):
            rows.setdefault(memory, {})[int(row)] = value
        for high, memory, last in _MEMORY.findall(text):
            if memory in rows:
                width = int(high or 0) + 1
                depth = int(last) + 1
                if depth * width > MOST_BITS or max(rows[memory]) >= depth:
                    raise ValueError(f"{memory} must have at most {MOST_BITS} bits, and rows below {depth}")
                bits = np.zeros((depth, width), np.uint8)
                for row, value in rows[memory].items():
                    bits[row] = _bits(value, width)
                yield Table((*path, memory), bits, _is_written(text, memory))
        for kind, part in self._parts(name):
            yield from self._tables(kind, (*path, part))


def in_block_ram(text: str) -> str:
    """``text`` with every table that is never written asked to be block RAM, whatever was asked for."""
    return _by_module(text, _marked)


def blank(text: str, seed: int = 1) -> str:
    """``text`` with random contents in every table that is never written, no column of which is constant.

    A design built from it can take the contents of any network that has the same logic: nothing of them is in logic.
    """
    rng = np.random.default_rng(seed)
    return _by_module(text, lambda module: _blanked(module, rng))


def _by_module(text: str, change: Callable[[str], str]) -> str:
    return _MODULE.sub(lambda found: change(found[0]), text)


def _read_only(module: str) -> set[str]:
    """Memories with contents and more than one row that nothing is written to."""
    named = {name for _, name, last in _MEMORY.findall(module) if int(last)}
    with_rows = {name for _, name, _, _ in _ROW.findall(module)}
    return {name for name in named & with_rows if not _is_written(module, name)}


def _is_written(module: str, name: str) -> bool:
    return re.search(rf"^ +{name}\[[^\]]*\](\[[^\]]*\])? <=", module, re.MULTILINE) is not None


def _marked(module: str) -> str:
    for name in _read_only(module):
        attributes = r"((?:  \(\*[^\n]*\*\)\n)*)"
        found = re.search(rf"^{attributes}(  reg [^\n]*\b{name} \[\d+:0\];)$", module, re.MULTILINE)
        assert found is not None
        kept = [line for line in found[1].splitlines() if "rom_style" not in line and "ram_style" not in line]
        lines = [*kept, '  (* ram_style = "block" *)', '  (* rom_style = "block" *)', found[2]]
        module = module[: found.start()] + "\n".join(lines) + module[found.end() :]
    return module


def _blanked(module: str, rng: np.random.Generator) -> str:
    widths = {name: int(high or 0) + 1 for high, name, _ in _MEMORY.findall(module)}
    rows: dict[str, list[int]] = {name: [] for name in _read_only(module)}
    for _, name, row, _ in _ROW.findall(module):
        if name in rows:
            rows[name].append(int(row))
    filled = {
        name: dict(zip(places, _random(len(places), widths[name], rng), strict=True)) for name, places in rows.items()
    }

    def line(found: re.Match[str]) -> str:
        name, row = found[2], int(found[3])
        return f"{found[1]}{name}[{row}] = {widths[name]}'h{filled[name][row]:x};" if name in filled else found[0]

    return _ROW.sub(line, module)


def _random(rows: int, width: int, rng: np.random.Generator) -> list[int]:
    """``rows`` numbers of ``width`` bits, every bit of which is 0 in one and 1 in another."""
    bits = rng.integers(0, 2, (rows, width), dtype=np.uint8)
    bits[1] = np.where((bits == bits[0]).all(axis=0), 1 - bits[0], bits[1])
    return [int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little") for row in bits]


def _bits(value: str, width: int) -> np.ndarray:
    number = int(value[1:].replace("x", "0"), {"h": 16, "d": 10, "b": 2}[value[0]])
    if number >> width:
        raise ValueError(f"a row must have {width} bits, not {number.bit_length()}")
    packed = np.frombuffer(number.to_bytes(-(-width // 8), "little"), np.uint8)
    return np.unpackbits(packed, bitorder="little")[:width]

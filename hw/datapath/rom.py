"""Read-only tables: weights and thresholds, as memories or, with one row, as constants."""

from dataclasses import dataclass
from typing import Literal

from amaranth import Const, Module, Value
from amaranth.lib import memory

from sw.network.mem import mem_text

__all__ = ["Rom", "RomStyle"]

RomStyle = Literal["auto", "block", "logic"]


@dataclass(frozen=True)
class Rom:
    """``rows`` of ``width`` bits, read with one cycle of latency.

    ``style``: "block" asks the tools for block RAM, "logic" for look-up tables, "auto" lets them choose.
    """

    name: str
    rows: tuple[int, ...]
    width: int
    style: RomStyle = "auto"

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError(f"rows must not be empty, not {self.rows!r}")
        if self.width < 1:
            raise ValueError(f"width must be positive, not {self.width!r}")
        for row in self.rows:
            if row < 0 or row >> self.width:
                raise ValueError(f"rows must fit {self.width} bits, not {row!r}")
        if self.style not in ("auto", "block", "logic"):
            raise ValueError(f"style must be auto, block or logic, not {self.style!r}")

    @property
    def depth(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @property
    def is_constant(self) -> bool:
        """Whether one row is all there is, so that no memory is made."""
        return self.depth == 1

    def read(self, m: Module, address: Value, enable: Value) -> Value:
        """Add the memory to ``m``. The row at ``address`` stands from the cycle after ``enable`` until the next one."""
        if self.is_constant:
            return Const(self.rows[0], self.width)
        attributes = {} if self.style == "auto" else {"rom_style": self.style, "ram_style": self.style}
        cells = memory.Memory(shape=self.width, depth=self.depth, init=list(self.rows), attrs=attributes)
        m.submodules[self.name] = cells
        port = cells.read_port()
        m.d.comb += [port.addr.eq(address), port.en.eq(enable)]
        return port.data

    def mem(self) -> str:
        """The table as text for $readmemh: one row a line, hexadecimal, highest bit first."""
        return mem_text(self.rows, self.width)

"""Writes the tables that come up empty, from a stream of their words."""

from collections.abc import Sequence

from amaranth import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.datapath.rom import LOAD_BITS, Rom

__all__ = ["Loader", "load_words"]


def load_words(roms: Sequence[Rom]) -> list[int]:
    """What fills ``roms``, of which all are loaded: table after table, as `hw.datapath.rom.Rom.load_words`."""
    return [word for rom in roms for word in rom.load_words]


class Loader(wiring.Component):
    """Takes the words of ``roms`` at ``i``, one a cycle, and writes them where they belong; then ``loaded`` is 1.

    Its state survives a reset, as the memories do: they are loaded once after power-up.
    """

    i: stream.Interface
    loaded: Signal

    def __init__(self, roms: Sequence[Rom]) -> None:
        if not roms or not all(rom.is_loaded for rom in roms):
            raise ValueError(f"roms must be tables that are loaded, not {[rom.name for rom in roms]!r}")
        self.roms = tuple(roms)
        super().__init__({"i": In(stream.Signature(LOAD_BITS)), "loaded": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        most = max(rom.columns for rom in self.roms)
        table = Signal(range(len(self.roms) + 1), reset_less=True)
        row = Signal(range(max(rom.load_depth for rom in self.roms)), reset_less=True)
        column = Signal(range(most), reset_less=True)
        last_column, last_row = Signal(), Signal()
        m.d.comb += [self.loaded.eq(table == len(self.roms)), self.i.ready.eq(~self.loaded)]
        with m.Switch(table):
            for number, rom in enumerate(self.roms):
                with m.Case(number):
                    m.d.comb += [last_column.eq(column == rom.columns - 1), last_row.eq(row == rom.load_depth - 1)]
        take = self.i.valid & self.i.ready
        with m.If(take):
            m.d.sync += column.eq(Mux(last_column, 0, column + 1))
        with m.If(take & last_column):
            m.d.sync += row.eq(Mux(last_row, 0, row + 1))
        with m.If(take & last_column & last_row):
            m.d.sync += table.eq(table + 1)
        for number, rom in enumerate(self.roms):
            port = rom.load
            m.d.comb += [port.row.eq(row), port.data.eq(self.i.payload)]
            with m.If(take & (table == number)):
                m.d.comb += port.write.eq((Const(1, 1) << column)[: rom.columns])
        return m

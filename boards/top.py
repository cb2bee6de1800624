"""The top module of a board: clock, reset, host link, accelerator, loader and lights, joined."""

from typing import Any

from amaranth import ClockDomain, Const, Module, ResetInserter, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from boards.board import Board
from boards.link.host_link import HostLink
from boards.link.uart import pin
from boards.loader import FlashLoader
from boards.pins import pins
from boards.pll import Dividers, Pll
from hw.accelerator import Accelerator
from hw.loader import load_words

__all__ = ["PowerOn", "Top", "Visible"]

#: iCE40 block RAMs read as zero for some 3 us after configuration; no errata sheet says so, and Amaranth waits 15 us.
POWER_ON_SECONDS = 15e-6
#: Flash memories need 3 to 30 us after they were woken.
FLASH_SECONDS = 50e-6
#: What a light shows it shows at least so long.
VISIBLE_SECONDS = 0.04


class PowerOn(wiring.Component):
    """Tells when a design may run: ``running`` is 0 until ``good``, which is in no clock's step, has been 1 for
    ``cycles`` cycles or up to twice as many. Lives in the domain ``power``, with the design's clock and no reset."""

    good: Signal
    running: Signal

    def __init__(self, cycles: int) -> None:
        if cycles < 1:
            raise ValueError(f"cycles must be positive, not {cycles!r}")
        self.cycles = cycles
        super().__init__({"good": In(1), "running": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        good = Signal()
        count = Signal((self.cycles - 1).bit_length() + 1)
        m.submodules.good = FFSynchronizer(self.good, good, o_domain="power")
        with m.If(~good):
            m.d.power += count.eq(0)
        with m.Elif(~count[-1]):
            m.d.power += count.eq(count + 1)
        m.d.power += self.running.eq(count[-1])
        return m


class Visible(wiring.Component):
    """Stretches ``lanes`` signals so that an eye sees them: a lane of ``o`` is 1 from the cycle after its lane of ``i``
    was 1, and for ``cycles`` cycles or up to four times as many."""

    i: Signal
    o: Signal

    def __init__(self, lanes: int, cycles: int) -> None:
        for name, value in (("lanes", lanes), ("cycles", cycles)):
            if value < 1:
                raise ValueError(f"{name} must be positive, not {value!r}")
        self.lanes, self.cycles = lanes, cycles
        super().__init__({"i": In(lanes), "o": Out(lanes)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # One count for all lanes: each remembers whether it was 1 in this round and in the one before.
        count = Signal((self.cycles - 1).bit_length())
        recent, earlier = Signal(self.lanes), Signal(self.lanes)
        m.d.sync += [count.eq(count + 1), recent.eq(recent | self.i)]
        with m.If(count.all()):
            m.d.sync += [earlier.eq(recent), recent.eq(self.i)]
        m.d.comb += self.o.eq(recent | earlier)
        return m


class Top(wiring.Component):
    """A board's design. Ports: ``clk``, the oscillator's pin; ``rx`` and ``tx``, the UART; ``led_ready``,
    ``led_active`` and ``led_fault`` as far as the board has them; ``flash_cs``, ``flash_sck``, ``flash_mosi`` and
    ``flash_miso`` where the accelerator has to be loaded. All are of the board's polarity.

    ``dividers`` set the PLL; None takes the oscillator itself. ``clock_hz`` is the core's clock. ``link`` is reset with
    the accelerator, which ``link.clear`` resets besides.
    """

    clk: Signal
    rx: Signal
    tx: Signal
    flash_miso: Signal

    def __init__(
        self, board: Board, dividers: Dividers | None, clock_hz: float, link: HostLink, accelerator: Accelerator
    ) -> None:
        self.board, self.dividers, self.clock_hz = board, dividers, clock_hz
        self.link, self.accelerator = link, accelerator
        found = pins(board, loads=bool(accelerator.loaded_roms))
        self.outputs = [end for end in found if end.port.startswith(("led_", "flash_")) and end.port != "flash_miso"]
        ports = {"clk": In(1), "rx": pin(In), "tx": pin(Out)} | {end.port: Out(1) for end in self.outputs}
        super().__init__(ports | ({"flash_miso": In(1)} if accelerator.loaded_roms else {}))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self.clock(m)
        link = m.submodules.link = self.link
        accelerator = self.accelerator
        m.submodules.accelerator = ResetInserter(link.clear)(accelerator)
        m.d.comb += [
            link.rx.eq(self.rx),
            self.tx.eq(link.tx),
            accelerator.s_axis_tdata.eq(link.images.payload),
            accelerator.s_axis_tvalid.eq(link.images.valid),
            link.images.ready.eq(accelerator.s_axis_tready),
            link.results.payload.value.eq(accelerator.m_axis_tdata),
            link.results.payload.last.eq(accelerator.m_axis_tlast),
            link.results.valid.eq(accelerator.m_axis_tvalid),
            accelerator.m_axis_tready.eq(link.results.ready),
        ]
        ready, failed = self.load(m)
        m.d.comb += link.ready.eq(ready)
        if self.board.leds:
            self.light(m, ready, failed)
        return m

    def drive(self, m: Module, **values: Value) -> None:
        """Give the board's outputs their values, each of the board's polarity."""
        for end in self.outputs:
            if end.port in values:
                m.d.comb += getattr(self, end.port).eq(values[end.port] ^ end.inverted)

    def load(self, m: Module) -> tuple[Value, Value]:
        """Whether the accelerator has what must be loaded into it, and whether loading failed."""
        accelerator, memory = self.accelerator, self.board.memory
        if not accelerator.loaded_roms:
            return Const(1), Const(0)
        assert memory is not None
        words = len(load_words(accelerator.loaded_roms))
        m.submodules.loader = loader = FlashLoader(words, memory.address, round(FLASH_SECONDS * self.clock_hz) + 1)
        m.d.comb += [
            accelerator.load_tdata.eq(loader.o.payload),
            accelerator.load_tvalid.eq(loader.o.valid),
            loader.o.ready.eq(accelerator.load_tready),
            loader.loaded.eq(accelerator.loaded),
            loader.miso.eq(self.flash_miso),
        ]
        self.drive(m, flash_cs=loader.selected, flash_sck=loader.sck, flash_mosi=loader.mosi)
        return loader.ready, loader.failed

    def clock(self, m: Module) -> None:
        """The domain ``sync``: its clock from the pin or the PLL, its reset from when that is good."""
        sync: Any = ClockDomain("sync")
        power: Any = ClockDomain("power", reset_less=True)
        m.domains += [sync, power]
        m.submodules.power_on = power_on = PowerOn(round(POWER_ON_SECONDS * self.clock_hz) + 1)
        m.d.comb += sync.rst.eq(~power_on.running)
        if self.dividers is None:
            sync.clk = power.clk = self.clk
            m.d.comb += power_on.good.eq(1)
        else:
            m.submodules.pll = pll = Pll(self.board, self.dividers)
            sync.clk = power.clk = Signal(name="core_clk")
            m.d.comb += [pll.i.eq(self.clk), sync.clk.eq(pll.o), power_on.good.eq(pll.locked)]

    def light(self, m: Module, ready: Value, failed: Value) -> None:
        """The lights, stretched where what they show is short."""
        m.submodules.visible = visible = Visible(2, round(VISIBLE_SECONDS * self.clock_hz))
        m.d.comb += [visible.i[0].eq(self.link.active), visible.i[1].eq(self.link.fault)]
        self.drive(
            m,
            led_ready=~ResetSignal("sync") & ready,
            led_active=visible.o[0],
            led_fault=visible.o[1] | failed,
        )

"""Loads a design's words from the board's SPI flash memory after power-up, and starts it when they were right."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["FlashLoader", "SpiReader"]

WORD_BITS = 16
COMMAND_BITS = 32
WAKE, READ = 0xAB, 0x03
POLYNOMIAL, RESIDUE = 0x04C11DB7, 0xC704DD7B


class SpiReader(wiring.Component):
    """Reads words from an SPI flash memory, in mode 0 at half the clock.

    ``start`` selects the memory and sends ``command``, highest bit first. Words of two bytes then come at ``o``, the
    first byte in the low bits, one in 32 cycles, until ``stop``; where one is not taken the memory waits. ``right``:
    the last two words since ``start`` were the CRC-32/BZIP2 of all before.
    """

    command: Signal
    start: Signal
    stop: Signal
    o: stream.Interface
    right: Signal
    selected: Signal
    sck: Signal
    mosi: Signal
    miso: Signal

    def __init__(self) -> None:
        ports = {"command": In(COMMAND_BITS), "start": In(1), "stop": In(1), "o": Out(stream.Signature(WORD_BITS))}
        pins = {"selected": Out(1), "sck": Out(1), "mosi": Out(1), "miso": In(1)}
        super().__init__({**ports, "right": Out(1), **pins})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shift, bit, commanding = Signal(COMMAND_BITS), Signal(range(WORD_BITS)), Signal(range(3))
        check = Signal(32)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.stop):
            m.d.sync += [self.selected.eq(0), self.sck.eq(0)]
        with m.Elif(self.start):
            m.d.sync += [self.selected.eq(1), self.sck.eq(0), shift.eq(self.command), bit.eq(0)]
            m.d.sync += [commanding.eq(COMMAND_BITS // WORD_BITS), check.eq(~0)]
        with m.Elif(self.selected & (self.o.ready | ~self.o.valid)):
            m.d.sync += self.sck.eq(~self.sck)
            with m.If(self.sck):
                # The memory's next bit starts on its way only when this edge of sck arrives there.
                m.d.sync += [shift.eq(Cat(self.miso, shift)), bit.eq(bit + 1)]
                with m.If(commanding == 0):
                    m.d.sync += check.eq((check << 1) ^ Mux(check[-1] ^ self.miso, POLYNOMIAL, 0))
                with m.If(bit.all()):
                    m.d.sync += [self.o.valid.eq(commanding == 0), commanding.eq(Mux(commanding, commanding - 1, 0))]
        m.d.comb += [
            self.mosi.eq(shift[-1]),
            self.o.payload.eq(Cat(shift[8:16], shift[:8])),
            self.right.eq(check == RESIDUE),
        ]
        return m


class FlashLoader(wiring.Component):
    """Wakes a flash memory, and hands on at ``o`` the ``words`` words that it holds at ``address`` when they are right.

    They are read twice, the check behind them too: without handing them on until that was right, and then into ``o``;
    where ``loaded`` is 1 already, once is enough. ``ready``: all is loaded and was right. ``failed``: it was wrong, and
    is read again; what was wrong when it was handed on stays so. Before it is woken, and before each reading, the
    memory is left alone for ``rest`` cycles.

    A reading takes 32 ``words`` + 128 cycles. ``selected``, ``sck``, ``mosi`` and ``miso`` go to the memory.
    """

    o: stream.Interface
    loaded: Signal
    ready: Signal
    failed: Signal
    selected: Signal
    sck: Signal
    mosi: Signal
    miso: Signal

    def __init__(self, words: int, address: int, rest: int) -> None:
        for name, value in (("words", words), ("rest", rest)):
            if value < 1:
                raise ValueError(f"{name} must be positive, not {value!r}")
        if not 0 <= address < 1 << 24:
            raise ValueError(f"address must be of 24 bits, not {address!r}")
        self.words, self.address, self.rest = words, address, rest
        states = {"loaded": In(1), "ready": Out(1), "failed": Out(1)}
        pins = {"selected": Out(1), "sck": Out(1), "mosi": Out(1), "miso": In(1)}
        super().__init__({"o": Out(stream.Signature(WORD_BITS)), **states, **pins})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.spi = spi = SpiReader()
        for pin in ("selected", "sck", "mosi"):
            m.d.comb += getattr(self, pin).eq(getattr(spi, pin))
        m.d.comb += [spi.miso.eq(self.miso), self.o.payload.eq(spi.o.payload), spi.o.ready.eq(1)]
        handing, rested, last = Signal(), Signal(range(self.rest)), Signal()
        m.d.comb += last.eq(rested == self.rest - 1)
        with m.FSM() as states:
            with m.State("start"):
                m.d.comb += [spi.command.eq(Const(WAKE << 24)), spi.start.eq(last)]
                with m.If(last):
                    m.next = "wake"
            with m.State("wake"):
                m.d.comb += spi.stop.eq(spi.o.valid)
                with m.If(spi.o.valid):
                    m.next = "rest"
            with m.State("rest"):
                m.d.comb += [spi.command.eq(Const(READ << 24 | self.address)), spi.start.eq(last)]
                with m.If(last):
                    m.next = "words"
            self.read(m, spi, handing)
            self.judge(m, spi, handing)
        with m.If(states.ongoing("start") | states.ongoing("rest")):
            m.d.sync += rested.eq(Mux(last, 0, rested + 1))
        return m

    def read(self, m: Module, spi: SpiReader, handing: Signal) -> None:
        """The states in which words, and then their check, come."""
        left, checked = Signal(range(self.words), init=self.words - 1), Signal()
        with m.State("words"):
            m.d.comb += [self.o.valid.eq(spi.o.valid & handing), spi.o.ready.eq(self.o.ready | ~handing)]
            with m.If(spi.o.valid & spi.o.ready):
                m.d.sync += left.eq(left - 1)
                with m.If(left == 0):
                    m.d.sync += left.eq(self.words - 1)
                    m.next = "check"
        with m.State("check"), m.If(spi.o.valid):
            m.d.sync += checked.eq(~checked)
            with m.If(checked):
                m.d.comb += spi.stop.eq(1)
                m.next = "verdict"

    def judge(self, m: Module, spi: SpiReader, handing: Signal) -> None:
        """The states after a reading."""
        with m.State("verdict"):
            m.d.sync += [self.failed.eq(~spi.right), handing.eq(spi.right)]
            with m.If(~spi.right & handing):
                m.next = "failed"
            with m.Elif(~spi.right):
                m.next = "start"
            with m.Elif(handing | self.loaded):
                m.next = "done"
            with m.Else():
                m.next = "rest"
        with m.State("done"):
            m.d.comb += self.ready.eq(self.loaded)
        with m.State("failed"):
            pass

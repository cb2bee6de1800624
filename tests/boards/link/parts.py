"""A stand-in for an accelerator, and `HostLink` with it behind a serial line, as one component with bytes in and out."""

from amaranth import Module, ResetInserter, Signal
from amaranth.hdl import unsigned
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from boards.link.host_link import HostLink
from boards.link.shape import LinkShape
from boards.link.uart import UartReceiver, UartSender
from hw.stream.words import lanes_layout, word_stream

BYTES = word_stream(lanes_layout(1, 8))
IDENTITY = bytes.fromhex("0123456789abcdef")


def small(input_bits=8, input_beats=24, result_bits=16, result_beats=3, cycles_per_bit=4, identity=IDENTITY):
    """A link whose clock is as many hertz as make the wished cycles a bit."""
    return LinkShape(input_bits, input_beats, result_bits, result_beats, identity, cycles_per_bit * 100_000, 100_000)


def computes(shape):
    """What `StandIn` computes, bytes to bytes."""

    def compute(image: bytes) -> bytes:
        size, total = shape.input_bits // 8, 0
        for at in range(0, len(image), size):
            total = (total * 5 + int.from_bytes(image[at : at + size], "little")) % (1 << shape.result_bits)
        values = [(total * 3 + at) % (1 << shape.result_bits) for at in range(shape.result_beats)]
        return b"".join(value.to_bytes(-(-shape.result_bits // 8), "little") for value in values)

    return compute


class StandIn(wiring.Component):
    """Takes ``input_beats`` beats, one in ``pace`` cycles, and sends results that depend on all of them and on their order,
    ``latency`` cycles later. With ``early`` beats still to come it sends them before, and takes the rest only after that."""

    def __init__(self, shape: LinkShape, pace: int = 1, latency: int = 0) -> None:
        self.shape, self.pace, self.latency = shape, pace, latency
        layout = data.StructLayout({"value": unsigned(shape.result_bits), "last": unsigned(1)})
        super().__init__({"i": In(stream.Signature(shape.input_bits)), "o": Out(stream.Signature(layout))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total, taken, given = Signal(self.shape.result_bits), Signal(17), Signal(9)
        wait = Signal(range(max(self.pace, self.latency) + 1))
        whole = taken == self.shape.input_beats
        m.d.comb += [
            self.i.ready.eq(~whole & (wait == 0)),
            self.o.valid.eq(whole & (wait == 0)),
            self.o.payload.value.eq(total * 3 + given),
            self.o.payload.last.eq(given == self.shape.result_beats - 1),
        ]
        with m.If(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [total.eq(total * 5 + self.i.payload), taken.eq(taken + 1), wait.eq(self.pace - 1)]
            with m.If(taken == self.shape.input_beats - 1):
                m.d.sync += wait.eq(self.latency)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += given.eq(given + 1)
            with m.If(self.o.payload.last):
                m.d.sync += [given.eq(0), taken.eq(0), total.eq(0)]
        return m


class Board(wiring.Component):
    """`HostLink` and `StandIn`. Bytes ``i`` go over a serial line of the same speed, as do the bytes ``o`` that come back."""

    def __init__(self, shape: LinkShape, pace: int = 1, latency: int = 0, depth: int = 512) -> None:
        self.shape, self.pace, self.latency, self.depth = shape, pace, latency, depth
        super().__init__({"i": In(BYTES), "o": Out(BYTES)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        cycles = self.shape.cycles_per_bit
        m.submodules.there, m.submodules.back = there, back = UartSender(cycles), UartReceiver(cycles)
        m.submodules.link = link = HostLink(self.shape)
        stand_in = StandIn(self.shape, self.pace, self.latency)
        m.submodules.stand_in = ResetInserter(link.clear)(stand_in)
        m.submodules.store = store = fifo.SyncFIFOBuffered(width=8, depth=self.depth)
        wiring.connect(m, link.images, stand_in.i)
        wiring.connect(m, stand_in.o, link.results)
        m.d.comb += [
            there.i.payload.eq(self.i.payload[0]),
            there.i.valid.eq(self.i.valid),
            self.i.ready.eq(there.i.ready),
            self.o.payload[0].eq(store.r_data),
            self.o.valid.eq(store.r_rdy),
            store.r_en.eq(self.o.ready),
            link.ready.eq(1),
            link.rx.eq(there.tx),
            back.rx.eq(link.tx),
            store.w_en.eq(back.o.valid),
            store.w_data.eq(back.o.payload.data),
        ]
        return m

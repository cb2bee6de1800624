"""A stand-in for an accelerator, `HostLink` with it behind a serial line, and what else the tests of blocks need."""

from amaranth import Const, Module, ResetInserter, Signal, Value
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
    """Takes ``input_beats`` beats, one in ``pace`` cycles, and sends results that depend on all of them and on their
    order, ``latency`` cycles later."""

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


class Wrapped(wiring.Component):
    """A component with streams ``i`` and ``o`` that need not wait, behind a store that can. ``ties`` are constants for
    its other inputs."""

    def __init__(self, inner, depth: int = 1024, **ties: int) -> None:
        self.inner, self.depth, self.ties = inner, depth, ties
        shapes = (word_layout(inner.i), word_layout(inner.o))
        super().__init__({"i": In(stream.Signature(shapes[0])), "o": Out(stream.Signature(shapes[1]))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.inner = inner = self.inner
        m.submodules.store = store = fifo.SyncFIFOBuffered(width=len(Value.cast(inner.o.payload)), depth=self.depth)
        m.d.comb += [
            Value.cast(inner.i.payload).eq(self.i.payload.as_value()),
            inner.i.valid.eq(self.i.valid),
            self.i.ready.eq(inner.i.ready),
            store.w_data.eq(Value.cast(inner.o.payload)),
            store.w_en.eq(inner.o.valid),
            self.o.payload.as_value().eq(store.r_data),
            self.o.valid.eq(store.r_rdy),
            store.r_en.eq(self.o.ready),
        ]
        if not isinstance(inner.o.ready, Const):
            m.d.comb += inner.o.ready.eq(store.w_rdy)
        for name, value in self.ties.items():
            m.d.comb += getattr(inner, name).eq(value)
        return m


def word_layout(port):
    """The layout of a payload, one lane where it is plain bits."""
    payload = port.payload
    return payload.shape() if isinstance(payload, data.View) else lanes_layout(1, len(payload))


class Serial(wiring.Component):
    """Bytes over a serial line: sender and receiver, which may differ in their cycles a bit."""

    def __init__(self, sends: int, receives: int) -> None:
        self.sender, self.receiver = UartSender(sends), UartReceiver(receives)
        super().__init__(
            {"i": In(BYTES), "o": Out(stream.Signature(self.receiver.o.payload.shape(), always_ready=True))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sender, m.submodules.receiver = self.sender, self.receiver
        m.d.comb += [
            self.receiver.rx.eq(self.sender.tx),
            self.sender.i.payload.eq(self.i.payload[0]),
            self.sender.i.valid.eq(self.i.valid),
            self.i.ready.eq(self.sender.i.ready),
        ]
        wiring.connect(m, self.receiver.o, wiring.flipped(self.o))
        return m


class Board(wiring.Component):
    """`HostLink` and `StandIn`. Bytes ``i`` go over a serial line of its speed, and so do the bytes ``o`` back."""

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

"""What a board says: contents of replies, byte by byte."""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.hdl import ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from boards.link.cobs import CONTENT
from boards.link.feed import CHECKED
from boards.link.protocol import REPLY, Answer, Counters, Flags, Kind
from boards.link.requests import REQUEST
from boards.link.shape import LinkShape

__all__ = ["Replies"]

ANSWER = Kind.ANSWER & ~REPLY


class Replies(wiring.Component):
    """Composes a reply for every request, the newest where several came meanwhile, and the answer of an image.

    When ``finished`` says that an image is computed and all its results are kept, they go through ``check`` and
    ``computed`` pulses; then the answer is ``held`` until it has been composed, and again at every ``again``.
    ``idle``: ``o`` would be taken, and ``at`` and ``data`` read the kept results. ``composing`` from
    the first cycle on; it does not begin while ``feeding``. ``counters`` are the bytes of that payload.
    """

    requests: stream.Interface
    o: stream.Interface
    check: stream.Interface
    at: Signal
    data: Signal
    idle: Signal
    number: Signal
    taken: Signal
    flags: Signal
    counters: Signal
    crc: Signal
    finished: Signal
    feeding: Signal
    again: Signal
    computed: Signal
    held: Signal
    composing: Signal
    told: Signal

    def __init__(self, shape: LinkShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "requests": In(stream.Signature(REQUEST)),
                "o": Out(stream.Signature(CONTENT)),
                "check": Out(stream.Signature(CHECKED)),
                "at": Out(8),
                "data": In(8),
                "idle": In(1),
                "number": In(8),
                "taken": In(range(shape.image_bytes + 1)),
                "flags": In(Flags),
                "counters": In(8 * Counters.layout.size),
                "crc": In(32),
                "finished": In(1),
                "feeding": In(1),
                "again": In(1),
                "computed": Out(1),
                "held": Out(1),
                "composing": Out(1),
                "told": Out(1),
            }
        )

    @property
    def payloads(self) -> dict[int, list[ValueLike]]:
        """The bytes of every kind's payload."""
        return {
            Kind.IDENTIFY: [*self.shape.described().pack()[:-1], self.flags],
            Kind.IMAGE: [self.number, *split(self.taken, 2), self.flags],
            Kind.COUNTERS: split(self.counters, Counters.layout.size),
            Kind.RESET: [],
            ANSWER: [self.data] * self.shape.result_bytes + split(self.crc, Answer.TRAILER.size),
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        waiting, request, kind, checking = Signal(), Signal(REQUEST), Signal(3), Signal()
        given = self.o.valid & self.o.ready & self.o.payload.last
        begin = ~self.finished & ~self.feeding & (waiting | self.held)
        m.d.comb += self.told.eq(given & (kind == Kind.IMAGE))
        with m.If(given):
            with m.If(kind == ANSWER):
                m.d.sync += self.held.eq(0)
            with m.Else():
                m.d.sync += waiting.eq(0)
        byte, last = self.content(m, kind)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.composing.eq(self.idle & begin), self.requests.ready.eq(~self.composing)]
                m.d.sync += [self.at.eq(0), checking.eq(self.finished), kind.eq(Mux(waiting, request.kind, ANSWER))]
                with m.If(self.requests.valid & self.requests.ready):
                    m.d.sync += [request.eq(self.requests.payload), waiting.eq(1)]
                with m.If(self.composing):
                    m.next = "KIND"
                with m.Elif(self.finished & self.idle):
                    m.next = "FETCH"
            self.compose(m, kind, request.sequence, checking, byte, last)
        with m.If(self.again | self.computed):
            m.d.sync += self.held.eq(1)
        return m

    def compose(self, m: Module, kind: Signal, sequence: Value, checking: Signal, byte: Signal, last: Signal) -> None:
        """The states in which content is given, or results are checked."""
        step = (self.o.valid & self.o.ready) | (self.check.valid & self.check.ready)
        with m.State("KIND"):
            m.d.comb += [self.composing.eq(1), self.o.valid.eq(1)]
            m.d.comb += self.o.payload.data.eq(Cat(kind, Const(REPLY >> 3, 5)))
            with m.If(step):
                m.next = "SEQUENCE"
        with m.State("SEQUENCE"):
            m.d.comb += [self.composing.eq(1), self.o.valid.eq(1), self.o.payload.last.eq(kind == Kind.RESET)]
            m.d.comb += self.o.payload.data.eq(Mux(kind == ANSWER, self.number, sequence))
            with m.If(step):
                m.next = "FETCH"
                with m.If(self.o.payload.last):
                    m.next = "IDLE"
        with m.State("FETCH"):
            m.d.comb += self.composing.eq(~checking)
            m.next = "GIVE"
        with m.State("GIVE"):
            m.d.comb += [self.composing.eq(~checking), self.o.valid.eq(~checking), self.check.valid.eq(checking)]
            m.d.comb += [self.o.payload.data.eq(byte), self.o.payload.last.eq(last)]
            with m.If(step):
                m.d.sync += self.at.eq(self.at + 1)
                m.next = "FETCH"
                with m.If(checking & (self.at == self.shape.result_bytes - 1)):
                    m.d.comb += self.computed.eq(1)
                with m.If(self.computed | (self.o.valid & last)):
                    m.next = "IDLE"

    def content(self, m: Module, kind: Signal) -> tuple[Signal, Signal]:
        """The byte ``at`` of a payload, and whether it is the last."""
        byte, last = Signal(8), Signal()
        m.d.comb += [byte.eq(self.data), self.check.payload.data.eq(self.data), self.check.payload.result.eq(1)]
        with m.Switch(kind):
            for number, payload in self.payloads.items():
                with m.Case(number):
                    m.d.comb += last.eq(self.at == len(payload) - 1)
                    with m.Switch(self.at):
                        for place, value in enumerate(payload):
                            if value is not self.data:
                                with m.Case(place):
                                    m.d.comb += byte.eq(value)
        return byte, last


def split(value: Value, count: int) -> list[ValueLike]:
    """The low bytes of ``value``, lowest first."""
    return [value[8 * place : 8 * place + 8] for place in range(count)]

"""What a board says: contents of replies, byte by byte."""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from boards.link.cobs import CONTENT, WRITE
from boards.link.feed import CHECKED
from boards.link.protocol import REPLY, RESULT_LIMIT, Counters, Flags, Identity, Kind
from boards.link.requests import REQUEST
from boards.link.shape import LinkShape
from boards.link.tally import EVENTS

__all__ = ["Replies"]

ANSWER = Kind.ANSWER & ~REPLY

# Where payloads stand in the sender's memory: results from 0 on, the rest in the last addresses. A Progress, and flags,
# are not read from there.
LAST = 0xFF
COUNTERS = LAST + 1 - Counters.layout.size
IDENTITY = COUNTERS - Identity.layout.size
assert (COUNTERS % 4, IDENTITY) == (0, RESULT_LIMIT)


class Replies(wiring.Component):
    """Composes a reply for every request, the newest where several came meanwhile, and the answer of an image.

    When ``finished`` says that an image is computed and all its results are kept, they go through ``check``, and
    ``computed`` pulses; then the answer is ``held`` until it has been composed, and again at every ``again``. A reply
    is composed into ``o`` when that is ``idle``: ``composing`` from the first cycle on, which is never one of
    ``feeding``; ``told`` with the last byte of a Progress. ``at``, ``data``, ``busy`` and ``write`` are those of the
    `Sender`'s memory, where ``events`` are counted.
    """

    requests: stream.Interface
    o: stream.Interface
    check: stream.Interface
    write: stream.Interface
    events: stream.Interface
    at: Signal
    data: Signal
    busy: Signal
    idle: Signal
    number: Signal
    taken: Signal
    flags: Signal
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
                "write": Out(stream.Signature(WRITE)),
                "events": In(stream.Signature(range(len(EVENTS)))),
                "at": Out(8),
                "data": In(8),
                "busy": In(1),
                "idle": In(1),
                "number": In(8),
                "taken": In(range(shape.image_bytes + 1)),
                "flags": In(Flags),
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
    def contents(self) -> bytes:
        """What stands in the memory at first."""
        return bytes(IDENTITY) + self.shape.described().pack() + bytes(Counters.layout.size)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        waiting, request, kind = Signal(), Signal(REQUEST), Signal(3)
        checking, counting, behind = Signal(), Signal(), Signal()
        given = self.o.valid & self.o.ready & self.o.payload.last
        begin = ~self.finished & ~self.feeding & (waiting | self.held)
        m.d.comb += self.told.eq(given & (kind == Kind.IMAGE))
        with m.If(given & (kind == ANSWER)):
            m.d.sync += self.held.eq(0)
        with m.Elif(given):
            m.d.sync += waiting.eq(0)
        byte, last = self.content(m, kind, behind)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.composing.eq(self.idle & begin), self.requests.ready.eq(~self.composing)]
                m.d.sync += [kind.eq(Mux(waiting, request.kind, ANSWER)), checking.eq(self.finished), self.at.eq(0)]
                m.d.sync += [counting.eq(~self.finished), behind.eq(0)]
                with m.If(self.requests.valid & self.requests.ready):
                    m.d.sync += [request.eq(self.requests.payload), waiting.eq(1)]
                with m.If(self.composing):
                    m.d.sync += counting.eq(0)
                    m.next = "KIND"
                with m.Elif(self.finished & self.idle):
                    m.next = "FETCH"
                with m.Elif(~self.finished & self.events.valid):
                    m.d.comb += self.events.ready.eq(1)
                    m.d.sync += self.at.eq(COUNTERS + (self.events.payload << 2))
                    m.next = "FETCH"
            self.compose(m, kind, request.sequence)
            self.step(m, checking, counting, behind, byte, last)
        with m.If(self.again | self.computed):
            m.d.sync += self.held.eq(1)
        return m

    def compose(self, m: Module, kind: Signal, sequence: Value) -> None:
        """The states that give the first two bytes of content."""
        with m.State("KIND"):
            m.d.comb += [self.composing.eq(1), self.o.valid.eq(1)]
            m.d.comb += self.o.payload.data.eq(Cat(kind, Const(REPLY >> 3, 5)))
            with m.If(self.o.ready):
                m.next = "SEQUENCE"
        with m.State("SEQUENCE"):
            m.d.comb += [self.composing.eq(1), self.o.valid.eq(1), self.o.payload.last.eq(kind == Kind.RESET)]
            m.d.comb += self.o.payload.data.eq(Mux(kind == ANSWER, self.number, sequence))
            with m.Switch(kind):
                for reply, place in ((Kind.IDENTIFY, IDENTITY), (Kind.IMAGE, LAST - 3), (Kind.COUNTERS, COUNTERS)):
                    with m.Case(reply):
                        m.d.sync += self.at.eq(place)
            with m.If(self.o.ready):
                m.next = "FETCH"
                with m.If(self.o.payload.last):
                    m.next = "IDLE"

    def step(self, m: Module, checking: Signal, counting: Signal, behind: Signal, byte: Signal, last: Signal) -> None:
        """The states that read a byte and give it as content, to the check, or back with one added."""
        final = self.at == self.shape.result_bytes - 1
        finishes = Mux(checking, final, Mux(counting, self.data != 0xFF, last))
        m.d.comb += [
            self.check.payload.data.eq(self.data),
            self.check.payload.result.eq(1),
            self.write.payload.data.eq(self.data + 1),
            self.write.payload.at.eq(self.at),
        ]
        with m.State("FETCH"):
            m.d.comb += self.composing.eq(~checking & ~counting)
            with m.If(~self.busy):
                m.next = "GIVE"
        with m.State("GIVE"):
            m.d.comb += self.composing.eq(~checking & ~counting)
            m.d.comb += [self.o.valid.eq(self.composing), self.check.valid.eq(checking), self.write.valid.eq(counting)]
            m.d.comb += [self.o.payload.data.eq(byte), self.o.payload.last.eq(last)]
            with m.If(Mux(checking, self.check.ready, Mux(counting, self.write.ready, self.o.ready))):
                m.d.sync += [self.at.eq(self.at + 1), behind.eq(behind | final)]
                m.d.comb += self.computed.eq(checking & finishes)
                m.next = "FETCH"
                with m.If(finishes):
                    m.next = "IDLE"
            with m.Elif(counting):
                m.next = "FETCH"  # what was read stands for a cycle only

    def content(self, m: Module, kind: Signal, behind: Signal) -> tuple[Signal, Signal]:
        """The byte of a payload at ``at``, and whether it is the last."""
        byte, last = Signal(8), Signal()
        low, place = self.at[:2], self.shape.result_bytes % 4
        progress, crc = Signal(32), Signal(32)
        m.d.comb += [
            byte.eq(self.data),
            last.eq(self.at == LAST),
            progress.eq(Cat(self.number, self.taken)),
            progress[24:].eq(self.flags),
            crc.eq(self.crc.rotate_left(8 * place)),
        ]
        with m.Switch(kind):
            with m.Case(Kind.IMAGE):
                m.d.comb += byte.eq(progress.word_select(low, 8))
            with m.Case(Kind.IDENTIFY), m.If(self.at == COUNTERS - 1):
                m.d.comb += [byte.eq(self.flags), last.eq(1)]
            with m.Case(ANSWER), m.If(behind):
                m.d.comb += [byte.eq(crc.word_select(low, 8)), last.eq(low == (place + 3) % 4)]
        return byte, last

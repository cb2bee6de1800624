"""What a board does with a frame that came undamaged."""

from amaranth import Module, Mux, Signal, Value
from amaranth.hdl import unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from boards.link.feed import CHECKED
from boards.link.protocol import Chunk, Kind
from boards.link.shape import LinkShape

__all__ = ["REQUEST", "Requests"]

#: What was asked for, and the sequence to answer with.
REQUEST = data.StructLayout({"kind": unsigned(3), "sequence": unsigned(8)})

CRC = 2
DATA = 2 + Chunk.HEADER.size  # Where a chunk's data begins.


class Requests(wiring.Component):
    """Takes the frames of a `FrameStore`, hands image bytes on, and asks for replies.

    Of the image ``number`` the first ``taken`` bytes are there. It is ``taking`` until it is whole, then ``computing``
    until ``computed``. A chunk at offset 0 of the image with the next number begins that one, unless one is
    taking; where there has been none yet, of any image. It waits while one is computing, and for ``held`` to fall, and
    every chunk for ``composing``, since a reply that is being composed tells number and taken. Pulses: ``start`` of an
    image, ``again`` where the answer is asked for, ``unused`` for a frame that asks for nothing to be done.
    Nothing is taken without ``ready``.
    """

    frames: stream.Interface
    at: Signal
    data: Signal
    o: stream.Interface
    replies: stream.Interface
    number: Signal
    taken: Signal
    taking: Signal
    computing: Signal
    feeding: Signal
    ready: Signal
    computed: Signal
    held: Signal
    composing: Signal
    start: Signal
    again: Signal
    unused: Signal

    def __init__(self, shape: LinkShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "frames": In(stream.Signature(8)),
                "at": Out(8),
                "data": In(8),
                "o": Out(stream.Signature(CHECKED)),
                "replies": Out(stream.Signature(REQUEST)),
                "number": Out(8),
                "taken": Out(range(shape.image_bytes + 1)),
                "taking": Out(1),
                "computing": Out(1),
                "feeding": Out(1),
                "ready": In(1),
                "computed": In(1),
                "held": In(1),
                "composing": In(1),
                "start": Out(1),
                "again": Out(1),
                "unused": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        done, named, follows, known, same, some, fits, poll = (
            Signal(name=name) for name in ("done", "named", "follows", "known", "same", "some", "fits", "poll")
        )
        m.d.comb += [
            self.o.payload.data.eq(self.data),
            some.eq(self.taking | self.computing | done),
            same.eq(some & named),
            poll.eq(self.frames.payload == DATA + CRC),
        ]
        with m.If(self.computed):
            m.d.sync += [self.computing.eq(0), done.eq(1)]
        with m.FSM():
            with m.State("HEADER"):
                with m.If(self.frames.valid | (self.at != 0)):
                    m.d.sync += self.at.eq(self.at + 1)
                with m.If(self.at == DATA):
                    m.d.sync += self.at.eq(DATA)
                    m.next = "DECIDE"
                asked = self.header(m, same, known, named, follows, fits)
            with m.State("DECIDE"):
                image = known & (self.replies.payload.kind == Kind.IMAGE)
                free = Mux(same, self.taking, ~some | (follows & ~self.taking))
                takes = image & ~poll & fits & free & self.ready
                with m.If(takes & ~self.composing & (same | ~(self.computing | self.held))):
                    m.d.comb += self.start.eq(~same)
                    m.next = "FEED"
                with m.If(~takes):
                    m.d.comb += self.unused.eq(~known | (image & ~poll))
                    m.next = "REPLY"
            self.feed(m)
            with m.State("REPLY"):
                m.d.comb += [self.replies.valid.eq(known), self.frames.ready.eq(~known | self.replies.ready)]
                with m.If(self.frames.ready):
                    m.d.comb += self.again.eq(known & (self.replies.payload.kind == Kind.IMAGE) & poll & same & done)
                    m.d.sync += self.at.eq(0)
                    m.next = "HEADER"
        with m.If(self.start):
            m.d.sync += [self.number.eq(asked), self.taken.eq(0), self.taking.eq(1), done.eq(0)]
        return m

    def header(self, m: Module, same: Value, known: Signal, named: Signal, follows: Signal, fits: Signal) -> Signal:
        """Take in the byte before ``at``: kind, sequence, number, offset. Returns the number."""
        asked, expected = Signal(8), Signal(16)
        m.d.comb += expected.eq(Mux(same, self.taken, 0))
        request, size = self.replies.payload, self.frames.payload
        with m.Switch(self.at[:3]):
            with m.Case(1):
                is_image = self.data == Kind.IMAGE
                m.d.sync += [
                    request.kind.eq(self.data),
                    known.eq((self.data != 0) & (self.data <= Kind.RESET) & (~is_image | (size >= DATA + CRC))),
                ]
            with m.Case(2):
                m.d.sync += request.sequence.eq(self.data)
            with m.Case(3):
                m.d.sync += [
                    asked.eq(self.data),
                    named.eq(self.data == self.number),
                    follows.eq(self.data == (self.number + 1)[:8]),
                ]
            with m.Case(4):
                m.d.sync += fits.eq(self.data == expected[:8])
            with m.Case(5):
                m.d.sync += fits.eq(fits & (self.data == expected[8:]))
        return asked

    def feed(self, m: Module) -> None:
        """The states that hand the chunk's data on, as many as the image still wants."""
        ends = self.at == (self.frames.payload - CRC - 1)[:8]
        whole = self.taken == self.shape.image_bytes - 1
        with m.State("FEED"):
            m.d.comb += [self.feeding.eq(1), self.o.valid.eq(1)]
            with m.If(self.o.ready):
                m.d.sync += [self.at.eq(self.at + 1), self.taken.eq(self.taken + 1)]
                m.next = "FETCH"
                with m.If(whole):
                    m.d.sync += [self.taking.eq(0), self.computing.eq(1)]
                with m.If(whole | ends):
                    m.next = "REPLY"
        with m.State("FETCH"):
            m.d.comb += self.feeding.eq(1)
            m.next = "FEED"

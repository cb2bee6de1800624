"""The board's end of the link: bytes on a serial line to images for the accelerator, and results to answers."""

from amaranth import Cat, Module, Mux, ResetInserter, Signal
from amaranth.hdl import unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from boards.link.feed import Feed
from boards.link.protocol import Flags
from boards.link.receiver import Receiver
from boards.link.replies import Replies
from boards.link.requests import Requests
from boards.link.results import Collector
from boards.link.sender import Sender
from boards.link.shape import LinkShape
from boards.link.tally import Tally
from boards.link.uart import pin

__all__ = ["HostLink"]


class HostLink(wiring.Component):
    """The protocol of `boards.link.protocol`, between a serial line and an accelerator.

    ``rx`` need not be synchronised. ``images`` are the beats for the accelerator, ``results`` its own, whose ``last``
    is not needed since their number is known. ``clear`` is 1 in the cycle of a RESET, and must reset the accelerator,
    which may be in the middle of an image. ``active``: an image is being taken or computed. ``fault`` is 1 for a cycle
    when a damaged frame came. ``ready`` is 1 when the weights are loaded; before, no image is taken.

    Of an image the link holds nothing but the frame that it hands on, so that an accelerator that is slow to take beats
    is waited for, and one more frame may come meanwhile. One image is in the accelerator at a time.
    """

    rx: Signal
    tx: Signal
    images: stream.Interface
    results: stream.Interface
    clear: Signal
    active: Signal
    fault: Signal
    ready: Signal

    def __init__(self, shape: LinkShape) -> None:
        self.shape = shape
        results = data.StructLayout({"value": unsigned(shape.result_bits), "last": unsigned(1)})
        super().__init__(
            {
                "rx": pin(In),
                "tx": pin(Out),
                "images": Out(stream.Signature(shape.input_bits)),
                "results": In(stream.Signature(results)),
                "clear": Out(1),
                "active": Out(1),
                "fault": Out(1),
                "ready": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        requests, replies, feed = Requests(shape), Replies(shape), Feed(shape.input_bits, shape.check_identity)
        collector, tally = Collector(shape.result_bits, shape.result_beats), Tally()
        m.submodules.receiver = receiver = Receiver(shape.cycles_per_bit)
        m.submodules.sender = sender = Sender(shape.cycles_per_bit, replies.contents)
        for part in (requests, replies, feed, collector, tally):
            m.submodules[type(part).__name__.lower()] = ResetInserter(receiver.reset)(part)

        for source, sink in (
            (receiver.frames, requests.frames),
            (requests.replies, replies.requests),
            (replies.o, sender.i),
            (wiring.flipped(self.results), collector.i),
            (tally.o, replies.events),
            (feed.o, wiring.flipped(self.images)),
        ):
            wiring.connect(m, source, sink)
        # An image is handed on before its results are checked.
        join(m, replies.check, requests.o, feed.i)
        join(m, replies.write, collector.o, sender.write)
        self.connect_line(m, receiver, requests, replies, sender)
        self.connect_state(m, requests, replies, collector)
        m.d.comb += [
            tally.events.eq(
                Cat(
                    requests.frames.valid & requests.frames.ready,
                    receiver.damaged,
                    requests.unused,
                    receiver.overrun,
                    replies.computed,
                )
            ),
            tally.running.eq(requests.computing & ~collector.full),
            feed.start.eq(requests.start),
            replies.crc.eq(feed.check),
        ]
        return m

    def connect_line(self, m: Module, receiver: Receiver, requests: Requests, replies: Replies, sender: Sender) -> None:
        """Pins, and the memories of receiver and sender."""
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.tx.eq(sender.tx),
            self.fault.eq(receiver.damaged),
            self.clear.eq(receiver.reset),
            sender.drop.eq(receiver.reset),
            receiver.at.eq(requests.at),
            requests.data.eq(receiver.data),
            sender.at.eq(replies.at),
            replies.data.eq(sender.data),
            replies.busy.eq(sender.busy),
            replies.idle.eq(sender.idle),
        ]
        overrun = Signal()
        with m.If(receiver.overrun):
            m.d.sync += overrun.eq(1)
        with m.Elif(replies.told | receiver.reset):
            m.d.sync += overrun.eq(0)
        m.d.comb += replies.flags.eq(Mux(overrun, Flags.OVERRUN, 0) | Mux(self.ready, 0, Flags.LOADING))

    def connect_state(self, m: Module, requests: Requests, replies: Replies, collector: Collector) -> None:
        """What requests and replies know of each other."""
        m.d.comb += [
            self.active.eq(requests.taking | requests.computing),
            collector.enable.eq(self.active),
            collector.start.eq(requests.start),
            requests.ready.eq(self.ready),
            requests.computed.eq(replies.computed),
            requests.held.eq(replies.held),
            requests.composing.eq(replies.composing),
            replies.number.eq(requests.number),
            replies.taken.eq(requests.taken),
            replies.feeding.eq(requests.feeding),
            replies.again.eq(requests.again),
            replies.finished.eq(requests.computing & collector.full),
        ]


def join(m: Module, first: stream.Interface, second: stream.Interface, o: stream.Interface) -> None:
    """Lead two streams into one; ``first`` goes first."""
    m.d.comb += [
        o.valid.eq(first.valid | second.valid),
        o.payload.eq(Mux(first.valid, first.payload, second.payload)),
        first.ready.eq(o.ready),
        second.ready.eq(o.ready & ~first.valid),
    ]

"""What a stream stage owes its neighbours, as claims for any input and any back-pressure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from amaranth import Cat, Module, Mux, Signal, Value

from hw.stream.words import StreamComponent
from tests.formal.harness import Harness

__all__ = ["FrameCheck", "Frames", "Word"]


@dataclass(frozen=True)
class Word:
    """A word that goes out: its bits, low first, where None may be anything, once ``needs`` words have come in.

    ``when``: nothing is claimed of the bits where it is 0.
    """

    bits: Sequence[Value | int | None]
    needs: int
    when: Value | int = 1


@dataclass(frozen=True)
class Frames:
    """A stage as a function of frames: from ``words_in`` words that come in, ``out`` tells those that go out.

    At most ``held`` frames are in the stage. It stands still for ``patience`` cycles at most where it could go on.
    """

    words_in: int
    out: Callable[[list[Value]], list[Word]]
    held: int = 2
    patience: int = 4


class FrameCheck(Harness):
    """A stage beside a scoreboard that keeps the frames which came in and tells every word that must go out.

    Nothing is assumed of the source, not even that it holds a word until it is taken, nor of the sink. ``constants``
    are those that the specification speaks of, driven from ``bind``.
    """

    independent = (("stage.o__valid", "stage.o__payload"), "o_ready")

    def __init__(
        self,
        stage: StreamComponent,
        frames: Frames,
        constants: dict[str, int] | None = None,
        bind: Callable[[Module, dict[str, Value]], None] | None = None,
    ) -> None:
        self.stage, self.frames, self.bind = stage, frames, bind
        self.i_bits = len(Value.cast(stage.i.payload))
        super().__init__({"i_valid": 1, "i_payload": self.i_bits, "o_ready": 1}, constants)

    def watched(self) -> dict[str, Value]:
        i, o = self.stage.i, self.stage.o
        return {"i_ready": i.ready, "o_valid": o.valid, "o_payload": Value.cast(o.payload)}

    def claim(self, m: Module, free: dict[str, Value]) -> None:
        m.submodules.stage = stage = self.stage
        if self.bind is not None:
            self.bind(m, free)
        valid, payload, ready = stage.o.valid, Value.cast(stage.o.payload), free["o_ready"]
        taken, sent = Signal(), Signal()
        m.d.comb += [
            stage.i.valid.eq(free["i_valid"] & self.running),
            Value.cast(stage.i.payload).eq(free["i_payload"]),
            stage.o.ready.eq(ready),
            taken.eq(stage.i.valid & stage.i.ready),
            sent.eq(valid & ready),
        ]
        waiting, before = Signal(), Signal.like(payload)
        m.d.sync += [waiting.eq(valid & ~ready), before.eq(payload)]
        self.hold(m, "a word that waits is held", ~waiting | (valid & (payload == before)))

        held, words_in = self.frames.held, self.frames.words_in
        came, ends_in, frame_in = counter(m, "came", taken, words_in, held)
        frame_out = Signal(range(held))
        store = [[Signal(self.i_bits, name=f"store_{f}_{at}") for at in range(words_in)] for f in range(held)]
        for f, frame in enumerate(store):
            for at, word in enumerate(frame):
                with m.If(taken & (frame_in == f) & (came == at)):
                    m.d.sync += word.eq(free["i_payload"])
        oldest = [Signal(self.i_bits, name=f"oldest_{at}") for at in range(words_in)]
        with m.Switch(frame_out):
            for f, frame in enumerate(store):
                with m.Case(f):
                    m.d.comb += [word.eq(stored) for word, stored in zip(oldest, frame, strict=True)]
        out = self.frames.out(oldest)
        went, ends_out, turn = counter(m, "went", sent, len(out), held)
        m.d.comb += frame_out.eq(turn)

        # Complete frames in, less complete frames out: a frame can go out before its last words came in.
        ahead = Signal(range(-1, held + 1))
        m.d.sync += ahead.eq(ahead + (taken & ends_in) - (sent & ends_out))
        due, right = Signal(), Signal()
        for at, word in enumerate(out):
            assert len(word.bits) == len(payload)
            bits = [(bit, got) for bit, got in zip(word.bits, payload, strict=True) if bit is not None]
            with m.If(went == at):
                m.d.comb += [
                    due.eq((ahead > 0) | ((ahead == 0) & (came >= word.needs)) | (word.needs == 0)),
                    right.eq((word.when == 0) | (Cat(bit for bit, _ in bits) == Cat(got for _, got in bits))),
                ]
        self.hold(m, "no word goes out before its input", ~valid | due)
        self.hold(m, "every word is the next one and right", ~valid | right)
        full = (ahead == held) & ~(sent & ends_out)
        self.hold(m, "no word is lost", ~(taken & full))
        for name, stuck in (
            ("a word that is due comes", due & ~valid),
            ("an input that is wanted is taken", ~due & free["i_valid"] & ~stage.i.ready),
        ):
            still = Signal(range(self.frames.patience + 1), name="still")
            m.d.sync += still.eq(Mux(stuck, still + 1, 0))
            self.hold(m, name, ~(stuck & (still == self.frames.patience)))


def counter(m: Module, name: str, step: Value, words: int, frames: int) -> tuple[Signal, Value, Signal]:
    """The place in a frame of ``words``, whether it is the last, and the number of the frame, modulo ``frames``."""
    place, frame = Signal(range(words), name=name), Signal(range(frames), name=f"{name}_frame")
    last = place == words - 1
    with m.If(step):
        m.d.sync += place.eq(Mux(last, 0, place + 1))
        with m.If(last):
            m.d.sync += frame.eq(Mux(frame == frames - 1, 0, frame + 1))
    return place, last, frame

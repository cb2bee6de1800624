"""Windows read word by word from a circular memory."""

from amaranth import Module, Mux, Signal, Value

from hw.layer.border import missing_positions, registered_outside
from hw.layer.window_store import StoredWindow, Walk, WindowStore
from hw.stream.counter import Loop, nest

__all__ = ["SerialWindow"]


class SerialWindow(StoredWindow):
    """A memory of ``depth`` words that an address generator reads in the windows' order, each window ``folds`` times.

    Words are released a window's step at a time, so the memory is buffer and line store in one, and no window is stored
    twice. Latency 2 cycles from the last tap's arrival. Throughput: a word a cycle, in and out; a frame takes
    max(in_words, windows * folds * words_per_window) cycles, with no gap between windows, rows or frames. ``depth`` as
    in `hw.layer.window_store.WindowStore`.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        store = WindowStore(m, shape, self.depth, self.i)
        walk = Walk(shape)
        fold, ox, oy = (
            Loop("fold", shape.folds),
            Loop("ox", shape.out_width),
            Loop("oy", shape.out_height),
        )
        offset = Signal(range(WindowStore.span(shape)))
        en, go = Signal(), Signal()
        done = go & fold.done
        outside = self._outside(m, walk, (ox, oy), done)
        (read,) = store.ports
        # With padding it is known late in a cycle whether a word is taken: what is read is not held up by that.
        reads = en if shape.pad else go
        m.d.comb += [
            en.eq(~self.o.valid | self.o.ready),
            go.eq(en & (outside | (offset < store.lead))),
            read.addr.eq((store.origin + offset)[: len(store.origin)]),
            read.en.eq(reads),
        ]
        with m.If(en):
            m.d.sync += self.o.valid.eq(go)
        nest(m, go, [*walk.loops, fold, ox, oy])
        with m.If(go):
            m.d.sync += offset.eq(walk.following(offset))
        store.advance(m, done, (ox, oy))
        self._send(m, reads, read.data, outside, (oy.value, ox.value))
        return m

    def _outside(self, m: Module, walk: Walk, places: tuple[Loop, Loop], done: Value) -> Value:
        """Whether the tap now addressed lies in the padding; the loops over ``places`` turn at ``done``."""
        outside = Signal()
        if not self.shape.pad:
            return outside
        flags = registered_outside(m, self.shape, places, done)
        for tap, beyond in zip((walk.ky, walk.kx), flags, strict=True):
            for number, flag in enumerate(beyond):
                with m.If((tap.value == number) & flag):
                    m.d.comb += outside.eq(1)
        return outside

    def _send(self, m: Module, en: Value, word: Value, outside: Value, place: tuple[Value, Value]) -> None:
        """The output word from the memory's register, with what must be known of the padding registered beside it."""
        shape, x = self.shape, self.o.payload.x.as_value()
        if not shape.pad:
            m.d.comb += x.eq(word)
            return
        was_outside = Signal()
        with m.If(en):
            m.d.sync += was_outside.eq(outside)
        m.d.comb += x.eq(Mux(was_outside, shape.border_of(shape.lanes), word))
        if shape.skips:
            missing = Signal.like(self.o.payload.missing)
            with m.If(en):
                m.d.sync += missing.eq(missing_positions(m, shape, *place))
            m.d.comb += [self.o.payload.skip.eq(was_outside.replicate(shape.lanes)), self.o.payload.missing.eq(missing)]

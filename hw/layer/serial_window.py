"""Windows read word by word from a circular memory."""

from amaranth import Module, Mux, Signal, Value

from hw.layer.border import missing_positions
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
        loops = [*walk.loops, fold, ox, oy]
        offset = Signal(range(WindowStore.span(shape)))
        outside = self._outside(m, {loop.name: loop for loop in loops})
        en, go = Signal(), Signal()
        (read,) = store.ports
        m.d.comb += [
            en.eq(~self.o.valid | self.o.ready),
            go.eq(en & (outside | (offset < store.lead))),
            read.addr.eq((store.origin + offset)[: len(store.origin)]),
            read.en.eq(go),
        ]
        with m.If(en):
            m.d.sync += self.o.valid.eq(go)
        nest(m, go, loops)
        with m.If(go):
            m.d.sync += offset.eq(walk.following(offset))
        store.advance(m, go & fold.done, (ox, oy))
        self._send(m, go, read.data, outside, (oy.value, ox.value))
        return m

    def _outside(self, m: Module, loops: dict[str, Loop]) -> Value:
        """Whether the tap now addressed lies in the padding."""
        shape = self.shape
        outside = Signal()
        if not shape.pad:
            return outside
        for axis, size in (("y", shape.height), ("x", shape.width)):
            origin, tap = loops[f"o{axis}"], loops[f"k{axis}"]
            place = Signal(range(size + 2 * shape.pad), name=f"place_{tap.name}")
            m.d.comb += place.eq(origin.value * shape.stride + tap.value)
            with m.If((place < shape.pad) | (place >= size + shape.pad)):
                m.d.comb += outside.eq(1)
        return outside

    def _send(self, m: Module, go: Value, word: Value, outside: Value, place: tuple[Value, Value]) -> None:
        """The output word from the memory's register, with what must be known of the padding registered beside it."""
        shape, x = self.shape, self.o.payload.x.as_value()
        if not shape.pad:
            m.d.comb += x.eq(word)
            return
        was_outside = Signal()
        with m.If(go):
            m.d.sync += was_outside.eq(outside)
        m.d.comb += x.eq(Mux(was_outside, shape.border_of(shape.lanes), word))
        if shape.skips:
            missing = Signal.like(self.o.payload.missing)
            with m.If(go):
                m.d.sync += missing.eq(missing_positions(m, shape, *place))
            m.d.comb += [self.o.payload.skip.eq(was_outside.replicate(shape.lanes)), self.o.payload.missing.eq(missing)]

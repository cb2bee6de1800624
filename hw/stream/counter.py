"""Nested loop counters: the verbs of every address generator."""

from collections.abc import Sequence

from amaranth import Const, Module, Signal, Value

__all__ = ["Loop", "nest"]


class Loop:
    """A counter from 0 to count - 1. ``first``: it stands at 0. ``last``: at count - 1. ``done``: so does every loop
    inside it."""

    def __init__(self, name: str, count: int) -> None:
        if count < 1:
            raise ValueError(f"count must be positive, not {count!r}")
        self.name, self.count = name, count
        self.value = Signal(range(count), name=name)
        self.first: Value = self.value == 0 if count > 1 else Const(1)
        self.last: Value = self.value == count - 1 if count > 1 else Const(1)
        self.done = Signal(name=f"{name}_done")


def nest(m: Module, step: Value, loops: Sequence[Loop]) -> Signal:
    """Advance ``loops``, innermost first, by one at every cycle of ``step``. Returns the outermost's ``done``."""
    inner: Value = Const(1)
    for loop in loops:
        m.d.comb += loop.done.eq(inner & loop.last)
        if loop.count > 1:
            with m.If(step & inner):
                with m.If(loop.last):
                    m.d.sync += loop.value.eq(0)
                with m.Else():
                    m.d.sync += loop.value.eq(loop.value + 1)
        inner = loop.done
    return loops[-1].done

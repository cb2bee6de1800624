"""Register stages: the verbs of every pipeline with ``valid`` and ``ready``."""

from amaranth import Const, Module, Signal, Value
from amaranth.lib import stream

__all__ = ["keep", "stage", "stages"]


def stage(m: Module, name: str, incoming: Value) -> tuple[Signal, Signal]:
    """The valid bit of a register stage, and whether it can load, which the caller drives."""
    valid, free = Signal(name=name), Signal(name=f"{name}_free")
    with m.If(free):
        m.d.sync += valid.eq(incoming)
    return valid, free


def keep(m: Module, enable: Value, value: Value, name: str) -> Value:
    """``value`` registered at ``enable``; constants stay constants."""
    if isinstance(value, Const) or not len(value):
        return value
    register = Signal(value.shape(), name=name)
    with m.If(enable):
        m.d.sync += register.eq(value)
    return register


def stages(m: Module, i: stream.Interface, o: stream.Interface, count: int) -> list[Signal]:
    """``count`` registers one after another from ``i`` to ``o``, the last one at the output.

    What loads each of them: a register loads when it is empty or the next one takes what it holds.
    """
    enables = []
    free = ~o.valid | o.ready
    valids = [Signal(name=f"valid_{at}") for at in range(count - 1)] + [o.valid]
    for at in reversed(range(count)):
        incoming = valids[at - 1] if at else i.valid
        enable = Signal(name=f"enable_{at}")
        m.d.comb += enable.eq(incoming & free)
        with m.If(free):
            m.d.sync += valids[at].eq(incoming)
        enables.insert(0, enable)
        if at:
            free = ~valids[at - 1] | free
    m.d.comb += i.ready.eq(free)
    return enables

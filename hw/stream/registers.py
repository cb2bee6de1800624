"""Register stages: the verbs of every pipeline with ``valid`` and ``ready``."""

from amaranth import Const, Module, Signal, Value

__all__ = ["keep", "stage"]


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

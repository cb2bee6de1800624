"""What flows inside, words of equal lanes with lane 0 in the low bits, and the components that it flows through."""

from amaranth import Module
from amaranth.hdl import ShapeCastable, unsigned
from amaranth.lib import data, stream, wiring

__all__ = ["StreamComponent", "lanes_layout", "word_stream"]


def lanes_layout(lanes: int, bits: int) -> data.ArrayLayout:
    """A word of ``lanes`` unsigned elements of ``bits`` bits, in row, column, channel order from the low bits up."""
    for name, value in (("lanes", lanes), ("bits", bits)):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a positive integer, not {value!r}")
    return data.ArrayLayout(unsigned(bits), lanes)


def word_stream(layout: ShapeCastable) -> stream.Signature:
    """Signature of a stream of ``layout``."""
    return stream.Signature(layout)


class StreamComponent(wiring.Component):
    """A component that takes words at ``i`` and sends words at ``o``."""

    i: stream.Interface
    o: stream.Interface

    def elaborate(self, platform: object) -> Module:
        raise NotImplementedError

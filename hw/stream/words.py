"""What flows inside, words of equal lanes with lane 0 in the low bits, and the components that it flows through."""

from typing import Any

from amaranth import Module
from amaranth.hdl import ShapeCastable, unsigned
from amaranth.lib import data, stream, wiring

__all__ = ["StreamComponent", "lanes_layout", "skip_fields", "taps_layout", "word_stream"]


def lanes_layout(lanes: int, bits: int) -> data.ArrayLayout:
    """A word of ``lanes`` unsigned elements of ``bits`` bits, in row, column, channel order from the low bits up."""
    for name, value in (("lanes", lanes), ("bits", bits)):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a positive integer, not {value!r}")
    return data.ArrayLayout(unsigned(bits), lanes)


def taps_layout(lanes: int, bits: int, positions: int = 0) -> data.StructLayout:
    """A word of taps ``x``; where taps are skipped, in kernels of so many ``positions``, also `skip_fields`."""
    return data.StructLayout({"x": lanes_layout(lanes, bits)} | skip_fields(lanes, positions))


def skip_fields(taps: int, positions: int) -> dict[str, Any]:
    """``skip``, a bit a tap, and ``missing``, the skipped kernel positions of the whole window; none without
    ``positions``."""
    return {"skip": unsigned(taps), "missing": unsigned(positions.bit_length())} if positions else {}


def word_stream(layout: ShapeCastable) -> stream.Signature:
    """Signature of a stream of ``layout``."""
    return stream.Signature(layout)


class StreamComponent(wiring.Component):
    """A component that takes words at ``i`` and sends words at ``o``."""

    i: stream.Interface
    o: stream.Interface

    def elaborate(self, platform: object) -> Module:
        raise NotImplementedError

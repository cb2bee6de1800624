"""Bytes of an image to the accelerator, and the check of what went there."""

import zlib

from amaranth import Cat, Module, Signal
from amaranth.hdl import unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.crc import Algorithm
from amaranth.lib.wiring import In, Out

from boards.link.receiver import resettable

__all__ = ["CHECKED", "Feed", "check_algorithm"]

#: A byte of an image, or with ``result`` one that goes into the check alone.
CHECKED = data.StructLayout({"data": unsigned(8), "result": unsigned(1)})


def check_algorithm(network: bytes) -> Algorithm:
    """CRC-32 as in `boards.link.protocol.check_of`, begun with ``network``."""
    begun = zlib.crc32(network) ^ 0xFFFFFFFF
    return Algorithm(
        crc_width=32,
        polynomial=0x04C11DB7,
        initial_crc=int(f"{begun:032b}"[::-1], 2),
        reflect_input=True,
        reflect_output=True,
        xor_output=0xFFFFFFFF,
    )


class Feed(wiring.Component):
    """Makes beats of ``input_bits`` of the image bytes in ``i``, and ``check``, the CRC-32 of all bytes in ``i``.

    ``start`` begins an image, which is whole beats. A byte takes 9 cycles, a bit of the check each and one to take the
    next byte, and more where a beat has to wait. The byte waits at ``i`` until it is through.
    """

    i: stream.Interface
    o: stream.Interface
    start: Signal
    check: Signal

    def __init__(self, input_bits: int, network: bytes) -> None:
        self.input_bits, self.network = input_bits, network
        super().__init__(
            {
                "i": In(stream.Signature(CHECKED)),
                "o": Out(stream.Signature(input_bits)),
                "start": In(1),
                "check": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # A bit at a time: a third of the area of a byte at a time.
        crc = resettable(m, check_algorithm(self.network)(data_width=1), self.start)
        bits, bit = Signal(range(9)), Signal()
        beat, place = Signal(self.input_bits), Signal(range(max(2, self.input_bits // 8)))
        is_image = ~self.i.payload.result
        m.d.comb += [
            bit.eq(self.i.payload.data.bit_select(bits[:3], 1)),
            crc.data.eq(bit),
            self.check.eq(crc.crc),
            self.o.payload.eq(beat),
        ]
        with m.If(self.i.valid & ~bits[3]):
            m.d.comb += crc.valid.eq(1)
            m.d.sync += bits.eq(bits + 1)
            with m.If(is_image):
                m.d.sync += beat.eq(Cat(beat[1:], bit))
        with m.Elif(bits[3]):
            m.d.comb += self.o.valid.eq(is_image & (place == self.input_bits // 8 - 1))
            m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
            with m.If(self.i.ready):
                m.d.sync += bits.eq(0)
                with m.If(is_image):
                    m.d.sync += place.eq(place + 1)
                with m.If(self.o.valid):
                    m.d.sync += place.eq(0)
        return m

"""An SPI flash memory for Amaranth's simulator."""

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["FlashMemory"]


class FlashMemory:
    """Answers the commands 0xab, which wakes it, and 0x03, which reads ``contents`` from an address on.

    Asleep, or with less than ``rest`` cycles between two commands, it answers nothing. ``disturb`` is asked with the
    number of the reading and the address and gives what is added to a byte by exclusive or.
    """

    def __init__(
        self, contents: Mapping[int, int], rest: int, disturb: Callable[[int, int], int] = lambda reading, address: 0
    ) -> None:
        self.contents, self.rest, self.disturb = contents, rest, disturb
        self.awake = False
        self.readings = 0
        self.ended = -rest
        self.problems: list[str] = []

    def connect(self, select: Any, sck: Any, mosi: Any, miso: Any, level: int = 1) -> Callable[[Any], Any]:
        """A background testbench that plays the memory at these pins, addressed while ``select`` is ``level``."""

        async def run(ctx: Any) -> None:
            now, was_selected, was_high = 0, False, 0
            bits: list[int] = []
            while True:
                await ctx.tick()
                now += 1
                selected, high = ctx.get(select) == level, ctx.get(sck)
                if selected and not was_selected:
                    bits = []
                    if now - self.ended < self.rest:
                        self.problems.append(f"selected {now - self.ended} cycles after the last command")
                    if high:
                        self.problems.append("selected with the clock high")
                if was_selected and not selected:
                    self.ended = now
                    if self.number(bits[:8]) == 0xAB and len(bits) >= 8:
                        self.awake = True
                if selected and high and not was_high:
                    bits.append(ctx.get(mosi))
                    if len(bits) == 32 and self.number(bits[:8]) == 0x03:
                        self.readings += 1
                if selected and was_high and not high:
                    ctx.set(miso, self.output(bits))
                was_selected, was_high = selected, high

        return run

    def output(self, bits: list[int]) -> int:
        """The bit after ``bits`` came in."""
        place = len(bits) - 32
        if not self.awake or place < 0 or self.number(bits[:8]) != 0x03:
            return 1
        address = self.number(bits[8:32]) + place // 8
        byte = self.contents.get(address, 0xFF) ^ self.disturb(self.readings, address)
        return byte >> 7 - place % 8 & 1

    @staticmethod
    def number(bits: list[int]) -> int:
        """``bits``, the highest first."""
        return int("0" + "".join(map(str, bits)), 2)

"""FPGAs as data: what each holds, and how it is called."""

import re
from dataclasses import dataclass

from hw.plan.memory import MEMORIES
from sw.errors import SubbitError

__all__ = ["DEVICES", "Device", "device"]


@dataclass(frozen=True)
class Device:
    """What an FPGA holds.

    ``luts``: LUT sites with ``lut_inputs`` inputs; ``ffs``: flip-flops (on iCE40 they share their cell with a table).
    ``block_rams``: blocks of ``block_bits`` bits; ``single_port_rams``: of 256 kbit, which come up empty.
    ``clock_mhz``: the oscillator of the boards that it is usually found on, a clock that needs no PLL.
    ``aliases``: other names. ``source``: where the numbers come from.
    """

    name: str
    family: str
    luts: int
    ffs: int
    block_rams: int
    clock_mhz: float
    source: str
    aliases: tuple[str, ...] = ()
    single_port_rams: int = 0

    @property
    def lut_inputs(self) -> int:
        """Inputs of a look-up table."""
        return 6 if self.family == "xc7" else 4

    @property
    def block_bits(self) -> int:
        """Bits of a block RAM."""
        return MEMORIES[self.family].block.bits

    @property
    def has_lut_ram(self) -> bool:
        """Whether tables can be memories."""
        return MEMORIES[self.family].lut is not None


ICE40_ULTRAPLUS = "Lattice FPGA-DS-02008, iCE40 UltraPlus family data sheet"
ICE40_HX = "Lattice FPGA-DS-02029, iCE40 LP/HX family data sheet"
ECP5 = "Lattice FPGA-DS-02012, ECP5 and ECP5-5G family data sheet"
ECP5_12F = f"{ECP5}; Project Trellis finds the die of a 25F in it"
GW1NR = "Gowin DS117, GW1NR series data sheet"
GW2A = "Gowin DS102, GW2A series data sheet"
ARTIX = "AMD DS180, 7 series overview; block RAMs counted in halves of 18 kbit"

DEVICES: tuple[Device, ...] = (
    Device("ice40-up5k", "ice40", 5280, 5280, 30, 12.0, ICE40_ULTRAPLUS, ("up5k", "ice40up5k-sg48"), 4),
    Device("ice40-hx1k", "ice40", 1280, 1280, 16, 12.0, ICE40_HX, ("hx1k",)),
    Device("ice40-hx8k", "ice40", 7680, 7680, 32, 12.0, ICE40_HX, ("hx8k", "ice40hx8k-ct256")),
    Device("ice40-lp8k", "ice40", 7680, 7680, 32, 16.0, ICE40_HX, ("lp8k", "ice40lp8k-cm81")),
    Device("ecp5-12f", "ecp5", 12_000, 12_000, 32, 25.0, ECP5_12F, ("lfe5u-12f", "12f")),
    Device("ecp5-25f", "ecp5", 24_288, 24_288, 56, 25.0, ECP5, ("lfe5u-25f", "25f")),
    Device("ecp5-45f", "ecp5", 43_848, 43_848, 108, 25.0, ECP5, ("lfe5u-45f", "45f")),
    Device("ecp5-85f", "ecp5", 83_640, 83_640, 208, 25.0, ECP5, ("lfe5u-85f", "85f")),
    Device("gw1nr-9", "gowin", 8640, 6480, 26, 27.0, GW1NR, ("gw1nr-lv9", "gw1nr-9c")),
    Device("gw2a-18", "gowin", 20_736, 15_552, 46, 27.0, GW2A, ("gw2a-lv18", "gw2a-18c")),
    Device("artix7-35t", "xc7", 20_800, 41_600, 100, 100.0, ARTIX, ("xc7a35t", "a7-35t")),
)


def device(name: str) -> Device:
    """The device of that name; case and punctuation do not matter. Raises SubbitError where there is none."""
    wanted = _key(name)
    for known in DEVICES:
        if wanted in map(_key, (known.name, *known.aliases)):
            return known
    raise SubbitError(f"{name} is no device known here: take one of {', '.join(known.name for known in DEVICES)}.")


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())

"""iCE40: nextpnr-ice40 and icepack."""

from boards.build.flow import Flow
from hw.synthesis import FAMILIES

__all__ = ["ICE40"]

ICE40 = Flow(
    family="ice40",
    synthesis=FAMILIES["ice40"],
    # ABC sees the registers too, and which of them are the same; few registers have an enable of their own, since cells
    # that differ in it cannot share a tile.
    denser=f"{FAMILIES['ice40']} -dff -dffe_min_ce_use 9",
    placer="nextpnr-ice40",
    constrained=("--pcf", "{constraints}"),
    placed=("--asc", "top.asc"),
    design="top.asc",
    packer="icepack",
    packing=("{board}", "top.asc", "top.bin"),
    bitstream="top.bin",
    kinds={
        "ICESTORM_LC": "logic cells",
        "ICESTORM_RAM": "block RAMs of 4 kbit",
        "ICESTORM_SPRAM": "RAMs of 256 kbit",
        "ICESTORM_DSP": "multipliers",
        "ICESTORM_PLL": "PLLs",
        "SB_IO": "pins",
    },
)
"""The flow of the iCE40 LP, HX and UltraPlus families."""

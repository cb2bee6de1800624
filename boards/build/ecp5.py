"""ECP5: nextpnr-ecp5 and ecppack."""

from boards.build.flow import Flow
from hw.synthesis import FAMILIES

__all__ = ["ECP5"]

ECP5 = Flow(
    family="ecp5",
    synthesis=FAMILIES["ecp5"],
    placer="nextpnr-ecp5",
    constrained=("--lpf", "{constraints}"),
    placed=("--textcfg", "top.config"),
    design="top.config",
    packer="ecppack",
    packing=("{board}", "--input", "top.config", "--bit", "top.bit"),
    bitstream="top.bit",
    kinds={
        "TRELLIS_COMB": "look-up tables",
        "TRELLIS_FF": "flip-flops",
        "TRELLIS_RAMW": "blocks of LUT RAM",
        "DP16KD": "block RAMs of 18 kbit",
        "MULT18X18D": "multipliers",
        "EHXPLLL": "PLLs",
        "TRELLIS_IO": "pins",
    },
)
"""The flow of the ECP5 family."""

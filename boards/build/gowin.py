"""Gowin: nextpnr-himbaechel and apycula's gowin_pack, which reads the routed netlist itself."""

from boards.build.flow import Flow

__all__ = ["GOWIN"]

GOWIN = Flow(
    family="gowin",
    synthesis="synth_gowin -top top",
    placer="nextpnr-himbaechel",
    constrained=("--vopt", "cst={constraints}"),
    packer="gowin_pack",
    packing=("{board}", "-o", "top.fs", "routed.json"),
    bitstream="top.fs",
    kinds={
        "LUT4": "look-up tables",
        "ALU": "carry cells",
        "DFF": "flip-flops",
        "RAM16SDP4": "blocks of LUT RAM",
        "BSRAM": "block RAMs of 18 kbit",
        "rPLL": "PLLs",
        "IOB": "pins",
    },
)
"""The flow of the GW1N and GW2A families."""

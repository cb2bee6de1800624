"""Small designs for netlists of every kind of cell, and what is run on them."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hw.programs import find_program
from sim import component
from sim.netlist.netlist import Netlist

__all__ = ["PLACERS", "check_memories", "expected_reads", "memories", "pack_gowin", "place_and_route", "stimulus"]

#: nextpnr's arguments for a device of each family that has many pins.
PLACERS = {
    "ice40": ("nextpnr-ice40", "--up5k --package sg48 --pcf-allow-unconstrained --asc top.asc"),
    "ecp5": ("nextpnr-ecp5", "--25k --lpf-allow-unconstrained --textcfg top.config"),
    "gowin": ("nextpnr-himbaechel", "--device GW1NR-LV9QN88PC6/I5 --vopt family=GW1N-9C --vopt cst=top.cst"),
}
PINS_OF_QN88 = (*range(25, 43), *range(48, 52), *range(53, 58), *range(68, 78), *range(79, 87))
ADDRESS, DATA = 14, 9


def memories(shapes: Sequence[tuple[int, int, str]], seed: int = 1) -> str:
    """Verilog of a stream of accesses to one memory of each shape (depth, width, style), all at once.

    A beat of ``i`` is data (9 bits), address (14 bits) and a bit that says write; ``o`` has the data of a write, or the
    sum modulo 2 of all that was read.
    """
    lines, sums = [], []
    for number, (depth, width, style) in enumerate(shapes):
        attribute = f'(* ram_style = "{style}" *) ' if style else ""
        lines += [
            f"  {attribute}reg [{width - 1}:0] cells{number} [{depth - 1}:0];",
            f"  reg [{width - 1}:0] read{number};",
            f"  wire [{width - 1}:0] data{number} = {{{', '.join(map(_source, reversed(range(width))))}}};",
            f"  wire [{(depth - 1).bit_length() - 1}:0] at{number} = address;",
        ]
        rows = contents(number, depth, width, seed) if style != "huge" else []
        values = [sum(int(bit) << place for place, bit in enumerate(row)) for row in rows]
        lines += [
            "  initial begin",
            *(f"    cells{number}[{at}] = {width}'h{v:x};" for at, v in enumerate(values)),
            "  end",
        ]
        lines.append(
            f"  always @(posedge clk) if (take) if (write) cells{number}[at{number}] <= data{number}; "
            f"else read{number} <= cells{number}[at{number}];"
        )
        sums += [f"read{number}[{min(low + DATA, width) - 1}:{low}]" for low in range(0, width, DATA)]
    return "\n".join(
        [
            "module top(input clk, rst, i__valid, o__ready, input [23:0] i__payload, output i__ready,",
            "    output reg o__valid, output [8:0] o__payload);",
            "  wire [8:0] data = i__payload[8:0];",
            "  wire [13:0] address = i__payload[22:9];",
            "  wire write = i__payload[23];",
            "  assign i__ready = ~o__valid | o__ready;",
            "  wire take = i__valid & i__ready;",
            "  reg wrote;",
            "  reg [8:0] kept;",
            *lines,
            "  always @(posedge clk) begin",
            "    if (i__ready) o__valid <= i__valid;",
            "    if (take) begin wrote <= write; kept <= data; end",
            "    if (rst) o__valid <= 0;",
            "  end",
            f"  assign o__payload = wrote ? kept : {' ^ '.join(sums)};",
            "endmodule",
            "",
        ]
    )


def contents(number: int, depth: int, width: int, seed: int) -> np.ndarray:
    """What memory ``number`` holds at first: bits (depth, width)."""
    return np.random.default_rng([seed, number]).integers(0, 2, (depth, width), dtype=np.uint8)


def stimulus(shapes: Sequence[tuple[int, int, str]], count: int, seed: int = 2) -> list[int]:
    """Random accesses. Even addresses are only read, odd ones written before they are read.

    So the answers are the same when the accesses come again without a new start, as the bench does it.
    """
    rng = np.random.default_rng(seed)
    odd = rng.integers(0, 1 << ADDRESS - 1, 12) * 2 + 1
    even = odd if any(style == "huge" for _, _, style in shapes) else rng.integers(0, 1 << ADDRESS - 1, 100) * 2
    at = np.concatenate([odd, rng.choice(np.concatenate([np.repeat(odd, 8), even]), count)])
    writes = np.where(np.arange(len(at)) < len(odd), 1, (at & 1) * rng.integers(0, 2, len(at)))
    data = rng.integers(0, 1 << DATA, len(at))
    return [int(w) << 23 | int(a) << 9 | int(d) for w, a, d in zip(writes, at, data, strict=True)]


def expected_reads(shapes: Sequence[tuple[int, int, str]], beats: Sequence[int], seed: int = 1) -> list[int]:
    """What comes out of `memories` for ``beats``."""
    stored = [contents(number, depth, width, seed) for number, (depth, width, _) in enumerate(shapes)]
    out = []
    for beat in beats:
        data, address, write = beat & 511, beat >> 9 & (1 << ADDRESS) - 1, beat >> 23
        total = 0
        for (depth, width, _), cells in zip(shapes, stored, strict=True):
            row = cells[address % depth]
            if write:
                row[:] = [(data >> place * 5 % DATA ^ address >> place % 4) & 1 for place in range(width)]
            for place, bit in enumerate(row):
                total ^= int(bit) << place % DATA
        out.append(data if write else total)
    return out


def _source(place: int) -> str:
    return f"data[{place * 5 % DATA}] ^ address[{place % 4}]"


def check_memories(
    sources: Sequence[Path], shapes: Sequence[tuple[int, int, str]], simulator: str, folder: Path
) -> None:
    """Run 300 accesses through the netlist of `memories` and compare. Raises SimulationFailure."""
    beats = stimulus(shapes, 300)
    joined = folder / "joined.v"
    joined.write_text("\n".join(source.read_text() for source in sources))
    component.check(
        joined,
        beats,
        expected_reads(shapes, beats),
        name="top",
        simulators=[simulator],
        build_dir=folder / "simulation",
    )


def place_and_route(folder: Path, family: str, arguments: str = "") -> None:
    """nextpnr from synth.json in ``folder`` to routed.json, and to the packer's text where there is one, of Gowin to
    top.fs."""
    name, usual = PLACERS[family]
    if family == "gowin":
        ports = Netlist.read(folder / "synth.json").ports.items()
        names = [name if port.single else f"{name}[{at}]" for name, port in ports for at in range(len(port.bits))]
        lines = [f'IO_LOC "{bit}" {pin};\n' for bit, pin in zip(names, PINS_OF_QN88, strict=False)]
        (folder / "top.cst").write_text("".join(lines))
    command = [find_program(name).path, *(arguments or usual).split(), "--json", "synth.json", "--write", "routed.json"]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    if family == "gowin":
        pack_gowin(folder)


def pack_gowin(folder: Path) -> None:
    """gowin_pack from routed.json in ``folder`` to top.fs."""
    options = ["-d", "GW1N-9C", "--sspi_as_gpio", "--mspi_as_gpio", "-o", "top.fs", "routed.json"]
    subprocess.run([find_program("gowin_pack").path, *options], cwd=folder, capture_output=True, check=True)

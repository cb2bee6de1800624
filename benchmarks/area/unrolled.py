"""Area of unrolled layers with thresholds: this package's, plain circuits, da4ml's and alkaid's, by the same Yosys.

    python -m benchmarks unrolled [--sizes 64x64 ...] [--networks FILE ...] [--official FOLDER] [--families ice40 ...]
                                  [--methods subbit ...] [--limit SECONDS] [--quick] [--tighten no] [--again]
                                  [--ones SHARE] [--layers NAME ...]

A size is taps x outputs of random signs, numpy's default_rng(0), each output against half of the taps; with `--ones`
of 0 and 1, of which that share are one, each output against half of its ones. From the .safetensors networks come all
hidden layers with thresholds whose weights are -1 and +1, or 0 and another level, or two levels of which only the signs
are used; `--official` is a folder with BNN-PYNQ's mnist-lfcW1A1-decoded.npz and cifar10-cnvW1A1-decoded.npz.
`--layers` takes those of the layers alone, by their names in the network, and `--rows` only the first outputs of a
layer. What Yosys has mapped, whosever it is, is tightened (`hw.tighten`) as `subbit build` does it for a device that is
nearly full, or otherwise (``quick``), or is left as it is (``no``).
da4ml and alkaid: ``pip install --target FOLDER --no-deps da4ml alkaid quantizers numba llvmlite``, and FOLDER on
PYTHONPATH. Rows stand in benchmarks/results/unrolled.json; those that stand there already are measured again only with
--again, and what passes the limit is a row that says so.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.lib import wiring

from benchmarks.area.rivals import RIVALS
from benchmarks.compact.official import bits_of
from benchmarks.report import DOCS, kept_rows, markdown, publish, versions
from docs.tools.marks import fill
from hw.synthesis import FAMILIES, nextpnr_version, packed_ice40, synthesise
from hw.unrolled.component import Combinational
from hw.unrolled.optimise import Unrolling, optimise
from hw.unrolled.two_level import two_level
from hw.yosys import yosys_version
from sw.errors import SubbitError
from sw.network import Linear, Threshold, load

__all__ = ["NAME", "layers", "random_layer", "random_ones", "table", "unrolling"]

NAME = "unrolled"

# ECP5 without multiplexers of tables, which cost some of these designs many tables.
SCRIPTS = {
    "ice40": ["synth_ice40 -top top"],
    "ecp5": ["synth_ecp5 -top top -nowidelut"],
    "xc7": [FAMILIES["xc7"]],
}
# The steps of those commands with abc in place of abc9, whose time grows fast with the size.
QUICK = {
    "ice40": [
        "synth_ice40 -top top -run begin:map_luts",
        "abc -dress -lut 4",
        "ice40_wrapcarry -unwrap",
        "techmap -map +/ice40/ff_map.v",
        "clean",
        "opt_lut -tech ice40",
        "synth_ice40 -top top -run map_cells:edif",
    ],
    "ecp5": [
        f"{SCRIPTS['ecp5'][0]} -run begin:map_luts",
        "abc -dress -lut 4",
        "clean",
        f"{SCRIPTS['ecp5'][0]} -run map_cells:edif",
    ],
    "xc7": [
        f"{FAMILIES['xc7']} -run begin:map_luts",
        "opt_expr -mux_undef -noclkinv",
        "abc -dress -luts 2:2,3,6:5",
        "clean",
        "techmap -map +/xilinx/lut_map.v -map +/xilinx/cells_map.v -D LUT_WIDTH=6",
        "xilinx_dffopt",
        "opt_lut_ins -tech xilinx",
        f"{FAMILIES['xc7']} -run finalize:edif",
    ],
}
# For `synthesise`, and what is put behind the name of the mapper.
TIGHTENED = {"dense": (True, ""), "quick": (False, ", no slower"), "no": (None, ", not tightened")}
METHODS = ("subbit", *RIVALS)


def random_layer(taps: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (outputs, taps) of random signs, and thresholds of half of the taps."""
    return np.random.default_rng(0).integers(0, 2, (outputs, taps)), np.full(outputs, taps // 2)


def random_ones(taps: int, outputs: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights (outputs, taps) of 0 and 1, at least one of an output, and thresholds of half of an output's ones."""
    rng = np.random.default_rng(0)
    weights = (rng.random((outputs, taps)) < share).astype(np.int64)
    weights[np.arange(outputs), rng.integers(0, taps, outputs)] = 1
    return weights, (weights.sum(axis=1) + 1) // 2


def unrolling(weights: np.ndarray, thresholds: np.ndarray, family: str, low: int = -1) -> Unrolling:
    """The circuit of a layer with thresholds on agreements, or with a ``low`` of 0 on ones."""
    ends = {"thresholds": thresholds[:, None], "invert": np.zeros(len(weights), dtype=bool)}
    if low == 0:
        return two_level(weights, family, low=0, high=1, corrections=np.zeros((len(weights), 1), np.int64), **ends)
    return optimise(weights, family, **ends)


def layers(options: argparse.Namespace) -> Iterator[tuple[str, np.ndarray, np.ndarray, int]]:
    """Names, weights (outputs, taps), thresholds on agreements or ones (outputs,), and what bits 0 stand for."""
    for size in options.sizes:
        taps, outputs = (int(number) for number in size.split("x"))
        if options.ones:
            yield f"random {size}, {options.ones:.0%} ones", *random_ones(taps, outputs, options.ones), 0
        else:
            yield f"random {size}", *random_layer(taps, outputs), -1
    for file in options.networks:
        network = load(file)
        for layer in network.layers:
            after = [other for other in network.layers if isinstance(other, Threshold) and layer.name in other.reads]
            if not isinstance(layer, Linear) or not after or layer.reads == ("input",):
                continue
            if options.layers and layer.name not in options.layers:
                continue
            bits = layer.weights.decode().reshape(layer.outputs, -1)
            table, (low, high) = after[0].thresholds[:, 0], layer.weights.values
            if low == 0:
                # A row's sum is high times twice the ones that it meets, less its taps.
                ones = bits.sum(axis=1, dtype=np.int64)
                limits = np.clip(-((-table - high * ones) // (2 * high)), 0, ones + 1)
                yield f"{file.stem} {layer.name}", bits.astype(int)[ones > 0], limits[ones > 0], 0
                continue
            limits = -((-table - layer.taps) // 2)
            # The levels of two-level weights only move the thresholds, by a multiple of the sum of the window.
            limits = limits if layer.plain else np.full(layer.outputs, layer.taps // 2)
            yield f"{file.stem} {layer.name}", bits.astype(int), np.clip(limits, 0, layer.taps + 1), -1
    if options.official:
        for name, file, numbers in (("lfc", "mnist-lfcW1A1", (0, 1, 2)), ("cnv", "cifar10-cnvW1A1", (1, 2, 3))):
            stored = np.load(options.official / f"{file}-decoded.npz")
            for number in numbers:
                bits = bits_of(stored, number).astype(int)
                yield f"{name} layer {number}", bits, stored[f"L{number}_thr"][: len(bits), 0].astype(int) + 1, -1


def solve(
    method: str, family: str, weights: np.ndarray, thresholds: np.ndarray, low: int
) -> tuple[wiring.Component | str, dict[str, Any]]:
    """A method's circuit of a layer, and what is known of it before Yosys has it.

    ``solve_s`` is wall time, ``solve_cpu_s`` that of the processor. The others' circuits are those of every family.
    """
    start, busy = time.perf_counter(), time.process_time()
    found: dict[str, Any] = {}
    design: wiring.Component | str
    if method == "subbit":
        solved = unrolling(weights, thresholds, family, low)
        found = {
            "depth": solved.depth,
            "estimate": solved.cells,
            "clusters": f"{len(solved.clusters)} of {max(solved.clusters, default=0)}",
            "edges": solved.edges,
        }
        design = Combinational(solved)
    else:
        design = RIVALS[method](weights, thresholds, low)
    found["solve_s"] = round(time.perf_counter() - start, 2)
    found["solve_cpu_s"] = round(time.process_time() - busy, 2)
    return design, found


def measure(
    design: wiring.Component | str, family: str, limit: float, script: list[str], tightened: bool | None = True
) -> dict[str, Any]:
    """Cells and seconds of a circuit; past the limit, what stopped it."""
    with tempfile.TemporaryDirectory() as folder:
        netlist = Path(folder) / "netlist.json"
        try:
            area = synthesise(design, family, seconds=limit, netlist=netlist, script=script, tightened=tightened)
        except SubbitError as error:
            return {"stopped": str(error)}
        cells = area.luts
        if family == "ice40":
            cells = packed_ice40(netlist, seconds=limit) or cells
        elif family == "ecp5":
            cells += area.carries
    return {"cells": cells, "luts": area.luts, "carries": area.carries, "yosys_s": round(area.seconds, 1)}


def table(rows: list[dict[str, Any]]) -> str:
    """The cells in Markdown, a line a layer, family and mapper. A star marks netlists as Yosys maps them."""
    found: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for row in rows:
        mapper, _, left = row["mapper"].partition(", ")
        if left and (left != "not tightened" or row["method"] == "subbit"):
            continue
        line = found.setdefault((row["layer"], row["family"], mapper), {})
        if not left or row["method"] not in line:
            line[row["method"]] = row | {"star": "*" * bool(left)}
    lines = []
    for (layer, family, mapper), line in sorted(found.items(), key=lambda item: natural(item[0])):
        cells = [
            "" if row is None else f"{row['cells']:,}{row['star']}" if "cells" in row else "over the limit"
            for row in map(line.get, METHODS)
        ]
        others = [row["cells"] for method, row in line.items() if method != "subbit" and "cells" in row]
        ours = line.get("subbit", {})
        below = f"{100 * (1 - ours['cells'] / min(others)):.0f} %" if others and "cells" in ours else ""
        lines.append([layer, f"{family}, {mapper}", cells[0], str(ours.get("depth", "")), *cells[1:], below])
    head = ["layer (taps x outputs)", "family, mapper", "this package", "depth", *RIVALS, "below the best"]
    return markdown(head, lines)


def natural(key: tuple[str, str, str]) -> list[object]:
    """For sorting: random layers first, numbers by size."""
    layer, *rest = key
    parts = re.split(r"(\d+)", layer)
    return [not layer.startswith("random"), [int(part) if part.isdecimal() else part for part in parts], rest]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", default=["64x64", "256x64", "576x64"], help="taps x outputs")
    parser.add_argument("--ones", type=float, help="share of ones, of random layers of 0 and 1")
    parser.add_argument("--networks", nargs="*", type=Path, default=[], help=".safetensors networks")
    parser.add_argument("--official", type=Path, help="folder of BNN-PYNQ's weights")
    parser.add_argument("--layers", nargs="+", help="names of layers in networks (all)")
    parser.add_argument("--rows", type=int, help="outputs taken of each layer, the first ones")
    parser.add_argument("--families", nargs="+", choices=list(SCRIPTS), default=list(SCRIPTS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--limit", type=float, default=900, help="seconds for Yosys, and for the packer")
    parser.add_argument("--quick", action="store_true", help="abc in place of abc9")
    parser.add_argument("--tighten", choices=list(TIGHTENED), default="dense", help="how, see hw.tighten")
    parser.add_argument("--again", action="store_true", help="measure rows that stand in the results too")
    options = parser.parse_args()
    rows = kept_rows(NAME)
    tools = versions("numpy", "da4ml", "alkaid") | {"yosys": yosys_version(), "nextpnr-ice40": nextpnr_version() or ""}
    for name, weights, thresholds, low in layers(options):
        kept = weights[: options.rows]
        label = f"{name}, {kept.shape[1]}x{len(kept)}" if len(kept) < len(weights) else name
        circuits: dict[str, tuple[wiring.Component | str, dict[str, Any]]] = {}
        for family in options.families:
            for method in options.methods:
                mapper = ("abc" if options.quick else "default") + TIGHTENED[options.tighten][1]
                key = {"layer": label, "family": family, "method": method, "mapper": mapper}
                old = [row for row in rows if key.items() <= row.items()]
                if old and not options.again:
                    continue
                try:
                    if method == "subbit" or method not in circuits:
                        circuits[method] = solve(method, family, kept, thresholds[: len(kept)], low)
                except ImportError as error:
                    print(f"{method} is left out: {error}")
                    continue
                design, found = circuits[method]
                script = (QUICK if options.quick else SCRIPTS)[family]
                row = key | found | measure(design, family, options.limit, script, TIGHTENED[options.tighten][0])
                rows = [row for row in rows if row not in old] + [row]
                publish(NAME, "Unrolled layers", rows, tools)
                fill(DOCS / "unrolled.md", NAME, table(rows))


if __name__ == "__main__":
    main()

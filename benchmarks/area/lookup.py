"""A layer by XNOR and by codeword lookup, at the same frames a second: area, ROM bits and cycles on every family.

``python -m benchmarks lookup`` writes benchmarks/results/lookup.json and its table, and goes on where it was cut off.
The XNOR folding beside a lookup is that of the least estimated area which is as fast. Then, by formula, the cycles of
ResNet-18's binary 3x3 layers with one 9-tap product a cycle, beside one 9-tap product and four accumulators (Wang et
al., Sub-bit Neural Networks, ICCV 2021).
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.progress import track

from benchmarks.networks import codebook_layer
from benchmarks.report import DOCS, markdown, publish
from docs.tools.marks import fill
from hw.accelerator import Joined, component_of
from hw.plan.cost import stage_area
from hw.plan.datapath import datapath
from hw.plan.plan import Folding
from hw.plan.search import bram_price
from hw.plan.space import Candidate, Space
from hw.synthesis import FAMILIES, synthesise
from hw.yosys import yosys_version
from sw.network import Network
from sw.network.words import Words

__all__ = ["NAME", "main", "table"]

NAME = "lookup"
NAMES = {"ice40": "iCE40", "ecp5": "ECP5", "gowin": "Gowin", "xc7": "7-series"}

#: Image side, 0 for a dense layer; inputs, outputs, words at a time.
LAYERS = [(8, 64, 64, 1), (8, 128, 128, 1), (0, 1152, 64, 1)]
CODEWORDS = [32, 16]
#: ResNet-18's binary 3x3 layers on ImageNet: output side, inputs, outputs, how many.
RESNET18 = [
    (56, 64, 64, 4),
    (28, 64, 128, 1),
    (28, 128, 128, 3),
    (14, 128, 256, 1),
    (14, 256, 256, 3),
    (7, 256, 512, 1),
    (7, 512, 512, 3),
]
ACCUMULATORS = 4


def estimate(way: Candidate, family: str) -> float:
    """Price of window generator and unit by the cost model, with the smallest buffer."""
    return sum(stage_area(stage, family).price(bram_price(None)) for stage in way.stages())


def weight_bits(way: Candidate) -> int:
    """Bits of the weights' tables."""
    return sum(rom.depth * rom.width for rom in way.unit.roms if rom.name != "thresholds")


def weights_shape(side: int, inputs: int, outputs: int) -> tuple[int, ...]:
    """Shape of the weights of a layer of ``LAYERS``."""
    return (outputs, 3, 3, inputs) if side else (outputs, inputs)


def ways(net: Network, words: int, n: int, family: str) -> Iterator[tuple[str, Candidate]]:
    """The lookup with accumulators that keep up with the ``n`` codewords, and the cheapest XNOR of that speed."""
    space = Space(net, family=family)
    layer = space.layers[0]
    taps = Words(layer.weights.shape).taps

    def way(folding: Folding) -> Candidate:
        return space.candidate(layer, folding)

    look = way(Folding(max(1, layer.outputs // n), words * taps, datapath="lookup"))
    # A fiftieth more cycles pass for the same speed: few products of PE and SIMD are exactly as fast.
    others = [way(folding) for folding in datapath("xnor").foldings(layer, net) if folding.pe * folding.simd < 1024]
    quick = [other for other in others if 0.5 * look.cycles <= other.cycles <= 1.02 * look.cycles]
    yield "xnor", min(quick, key=lambda other: estimate(other, family))
    yield "lookup", look


def area_rows(families: list[str], kept: Path) -> list[dict]:
    """Every layer in both ways on every family; what is in ``kept`` is taken from there."""
    known: dict[str, dict[str, int]] = json.loads(kept.read_text()) if kept.exists() else {}
    rows = []
    cases = [(layer, n, family) for layer in LAYERS for n in CODEWORDS for family in families]
    for (side, inputs, outputs, words), n, family in track(cases, description="Yosys"):
        net = codebook_layer(side or 1, weights_shape(side, inputs, outputs), n)
        for name, way in ways(net, words, n, family):
            key = f"{side} {inputs} {outputs} {n} {family} {name} {way.folding.pe} {way.folding.simd}"
            if key not in known:
                area = synthesise(Joined(*map(component_of, way.stages())), family)
                known[key] = {
                    "LUTs": area.luts,
                    "LUT RAM": area.lutrams,
                    "FFs": area.ffs,
                    "block RAMs": area.brams,
                }
                kept.parent.mkdir(exist_ok=True)
                kept.write_text(json.dumps(known))
            rows.append(
                {
                    "layer": f"3x3x{inputs} to {outputs}" if side else f"dense {inputs} to {outputs}",
                    "n": n,
                    "family": family,
                    "datapath": name,
                    "PE": way.folding.pe,
                    "SIMD": way.folding.simd,
                    "cycles": way.cycles,
                    **known[key],
                    "ROM bits": weight_bits(way),
                }
            )
    return rows


def cycle_rows() -> list[dict]:
    """ResNet-18's binary 3x3 layers in the published model."""
    rows, totals = [], []
    for n in (64, 32, 16):
        sums = np.zeros(4, np.int64)
        for side, inputs, outputs, count in RESNET18:
            net = codebook_layer(1, weights_shape(1, inputs, outputs), n)
            space = Space(net)
            plain, look = (
                space.candidate(space.layers[0], folding)
                for folding in (Folding(1, 9), Folding(ACCUMULATORS, 9, datapath="lookup"))
            )
            cycles = [count * side * side * way.unit.rhythm.work for way in (plain, look)]
            bits = [count * weight_bits(way) for way in (plain, look)]
            sums += [*cycles, *bits]
            rows.append(row(n, f"{side}x{side}, {inputs} to {outputs}, {count} times", [*cycles, *bits]))
        totals.append(row(n, "in all", sums.tolist()))
    return rows + totals


def row(n: int, layers: str, figures: list[int]) -> dict:
    """One line of the cycle table."""
    plain, look, bits, fewer = figures
    return {
        "n": n,
        "layers": layers,
        "XNOR cycles": plain,
        "lookup cycles": look,
        "fewer cycles": round(plain / look, 3),
        "weight bits": bits,
        "lookup ROM bits": fewer,
        "fewer bits": round(bits / fewer, 3),
    }


def table(rows: list[dict]) -> str:
    """XNOR / lookup of each layer in Markdown, LUTs with LUT RAM."""
    lines = []
    for plain, look in zip(rows[::2], rows[1::2], strict=True):
        assert (plain["datapath"], look["datapath"]) == ("xnor", "lookup")
        luts = [each["LUTs"] + each["LUT RAM"] for each in (plain, look)]
        pairs = [(plain[what], look[what]) for what in ("FFs", "block RAMs", "ROM bits")]
        told = [f"{a:,} / {b:,}" for a, b in [(plain["cycles"], look["cycles"]), luts, *pairs]]
        lines.append([plain["layer"], str(plain["n"]), NAMES[plain["family"]], *told])
    return markdown(["layer", "n", "family", "cycles a frame", "LUTs", "FFs", "block RAMs", "ROM bits"], lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--cycles-only", action="store_true", help="leave out the synthesis")
    parser.add_argument("--kept", type=Path, default=Path("build/lookup-areas.json"), help="areas measured so far")
    options = parser.parse_args()
    tools = {"yosys": yosys_version()}
    publish("lookup_cycles", "ResNet-18 by lookup", cycle_rows(), tools, "python -m benchmarks lookup")
    if not options.cycles_only:
        rows = area_rows(options.families, options.kept)
        publish(NAME, "XNOR and lookup at the same speed", rows, tools)
        fill(DOCS / "results.md", NAME, table(rows))


if __name__ == "__main__":
    main()

"""Area of an XNOR-popcount with run-time weights: a plain sum, and the compressor tree of this package, side by side.

``python -m benchmarks.area.popcount`` prints the table and writes benchmarks/results/popcount.json.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from amaranth import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from rich.console import Console
from rich.table import Table

from hw.datapath.popcount import agreements
from hw.synthesis import FAMILIES, nextpnr_version, packed_ice40, synthesise
from hw.yosys import yosys_version

__all__ = ["Popcount", "measure", "plain_sum"]

RESULTS = Path(__file__).parents[1] / "results" / "popcount.json"
Count = Callable[[Module, Value, Value], Value]


def plain_sum(m: Module, a: Value, w: Value) -> Value:
    """Agreements by a loop of additions, as in ``for (i = 0; i < n; i++) count = count + (a[i] ~^ w[i])``."""
    total: Value = Const(0, 1)
    for x, y in zip(a, w, strict=True):
        agree, following = Signal(), Signal(len(a).bit_length())
        m.d.comb += [agree.eq(x == y), following.eq(total + agree)]
        total = following
    return total


class Popcount(wiring.Component):
    """``o`` counts the positions where ``a`` and ``w`` agree."""

    def __init__(self, n: int, count: Count) -> None:
        self.count = count
        super().__init__({"a": In(n), "w": In(n), "o": Out(n.bit_length())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.o.eq(self.count(m, self.a, self.w))
        return m


def measure(n: int, family: str, count: Count) -> dict[str, int | None]:
    """LUTs and carries after Yosys, and on iCE40 logic cells after nextpnr's packing."""
    with tempfile.TemporaryDirectory() as folder:
        netlist = Path(folder) / "netlist.json"
        area = synthesise(Popcount(n, count), family, netlist=netlist)
        packed = packed_ice40(netlist) if family == "ice40" else None
    return {"luts": area.luts, "carries": area.carries, "packed": packed}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[9, 16, 32, 64, 144, 576], help="numbers of bits")
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows = []
    table = Table(
        "bits", "family", "sum LUT", "carry", "packed", "tree LUT", "carry", "packed", "LUT ratio", "packed ratio"
    )
    for n in options.sizes:
        for family in options.families:
            plain, tree = measure(n, family, plain_sum), measure(n, family, agreements)
            ratio = {key: round(tree[key] / plain[key], 3) for key in ("luts", "packed") if tree[key] and plain[key]}
            rows.append({"bits": n, "family": family, "sum": plain, "tree": tree, "ratio": ratio})
            cells = [*plain.values(), *tree.values(), ratio.get("luts"), ratio.get("packed")]
            table.add_row(str(n), family, *("" if cell is None else str(cell) for cell in cells))
    versions = {"yosys": yosys_version(), "nextpnr-ice40": nextpnr_version()}
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(json.dumps({"tools": versions, "rows": rows}, indent=1) + "\n")
    console = Console()
    console.print(table)
    console.print(f"Yosys {versions['yosys']}, nextpnr-ice40 {versions['nextpnr-ice40']}; written to {options.output}")


if __name__ == "__main__":
    main()

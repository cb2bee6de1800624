"""Binary operations a cycle a LUT of whole networks on 7-series: what FINN's designs are known by.

    python -m benchmarks density [--designs NAME ...]

Every tap of every output counts two operations, an XNOR and an addition (Umuroglu et al., FINN, section 3); a compact
network counts as many as the plain one that it stands for. LUTs, memory in LUTs included, are those of Yosys for the
whole accelerator; cycles a frame are by formula. Rows that are there already are kept.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rich.progress import track

from benchmarks.area.datapaths import codebook, compacted, few
from benchmarks.networks import CNV_FOLDING, SFC_FOLDING, cnv, lfc, plan_for, sfc
from benchmarks.report import DOCS, kept_rows, markdown, publish, versions
from docs.tools.marks import fill
from hw.accelerator import Accelerator
from hw.plan.pipeline import pipeline
from hw.plan.plan import Plan
from hw.plan.search import bram_price, least_area_plan
from hw.plan.space import Space
from hw.synthesis import synthesise
from hw.yosys import yosys_version
from sw.errors import SubbitError
from sw.network import Convolution, Linear, Network

__all__ = ["DESIGNS", "NAME", "main", "operations", "table"]

NAME = "density"
FAMILY = "xc7"


@dataclass(frozen=True)
class Design:
    """A network, and its folding or the cycles a frame that the planner is asked for."""

    network: Callable[[], Network]
    folding: list[tuple[int, int]] | None = None
    cycles: int = 0

    def plan(self, network: Network) -> Plan:
        """The plan. Raises SubbitError where none is fast enough."""
        if self.folding is not None:
            return best_styled(network, plan_for(network, self.folding))
        plan = least_area_plan(network, Plan(), self.cycles, FAMILY)
        if plan is None:
            raise SubbitError(f"no plan of {network.name} takes {self.cycles} cycles a frame: allow more")
        return plan


def best_styled(network: Network, plan: Plan) -> Plan:
    """``plan`` with the weights of every layer where they are cheapest by estimate."""
    space, interval = Space(network, family=FAMILY), pipeline(network, plan).interval
    folding = {}
    for layer in space.layers:
        candidate = space.candidate(layer, plan.folding[layer.name])
        folding[layer.name] = space.best_style(candidate, interval, bram_price(None), singles=False)[0].folding
    return replace(plan, folding=folding)


DESIGNS = {
    "SFC, by hand": Design(sfc, SFC_FOLDING),
    "SFC": Design(sfc, cycles=98),
    "LFC": Design(lfc, cycles=512),
    "LFC, faster": Design(lfc, cycles=256),
    "CNV, published folding": Design(cnv, CNV_FOLDING),
    "SFC, faster": Design(sfc, cycles=16),
    "CNV, faster": Design(cnv, cycles=1_850),
    "CNV, codebook 32": Design(lambda: compacted(cnv(), codebook(32)), cycles=1_850),
    "CNV, two-level 5 %": Design(lambda: compacted(cnv(), few(0.05)), cycles=1_850),
    "CNV, two-level 1 %": Design(lambda: compacted(cnv(), few(0.01)), cycles=1_850),
}


def operations(network: Network) -> int:
    """Binary operations a frame of the plain network, two a tap."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, Linear):
            shape = network.shapes[layer.name]
            pixels = shape.height * shape.width if isinstance(layer, Convolution) else 1
            total += 2 * pixels * layer.outputs * layer.taps
    return total


def measure(name: str) -> dict[str, Any]:
    """One row."""
    design = DESIGNS[name]
    network = design.network()
    plan = design.plan(network)
    made = pipeline(network, plan)
    area = synthesise(Accelerator(network, plan), FAMILY, seconds=3000, gibibytes=16)
    luts, cycles = area.luts + area.lutrams, made.interval
    return {
        "design": name,
        "operations": operations(network),
        "cycles": cycles,
        "slowest": made.slowest,
        "LUTs": luts,
        "FFs": area.ffs,
        "block RAMs": area.brams,
        "operations a cycle a LUT": round(operations(network) / cycles / luts, 3),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown, in the order of the designs."""
    order = list(DESIGNS)
    head = ["design", "operations a frame", "cycles", "LUTs", "block RAMs", "operations a cycle a LUT"]
    lines = [
        [
            row["design"],
            *(f"{row[key]:,}" for key in ("operations", "cycles", "LUTs", "block RAMs")),
            f"{row['operations a cycle a LUT']:.3f}",
        ]
        for row in sorted(rows, key=lambda row: order.index(row["design"]))
    ]
    return markdown(head, lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--designs", nargs="+", choices=list(DESIGNS), default=list(DESIGNS))
    parser.add_argument("--again", action="store_true", help="measure rows anew that are there already")
    given = parser.parse_args()
    rows = [row for row in kept_rows(NAME) if not (given.again and row["design"] in given.designs)]
    for name in track(given.designs, description="Yosys"):
        if all(row["design"] != name for row in rows):
            rows.append(measure(name))
            title = "Binary operations a cycle a LUT, 7-series by Yosys"
            publish(NAME, title, rows, {"yosys": yosys_version(), **versions("amaranth")})
            fill(DOCS / "results.md", NAME, table(rows))


if __name__ == "__main__":
    main()

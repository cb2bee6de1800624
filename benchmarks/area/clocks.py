"""How fast each datapath runs once it is placed and routed, beside XNOR of the same folding.

    python -m benchmarks clocks [--devices hx8k up5k 25k] [--cases xnor-2x9 ...] [--seeds 5] [--again]

A 3x3 convolution of random weights, its window generator, unit and thresholds, between registers: what goes in comes
by a shift register of one pin, what goes out is joined to one pin. "Alone" is the unrolled layer of random signs of
`python -m benchmarks unrolled`, without registers inside. nextpnr places it with seeds from 1; the median counts, of
those that end in three minutes. Rows stand in benchmarks/results/clocks.json; what stands there is not placed again
without --again.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from amaranth import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from rich.progress import track

from benchmarks.area.unrolled import random_layer, unrolling
from benchmarks.networks import (
    codebook_weights,
    few_weights,
    one_layer,
    random_weights,
    reused_weights,
    two_level_weights,
)
from benchmarks.report import DOCS, kept_rows, markdown, publish, versions
from docs.tools.marks import fill
from hw.accelerator import Joined, component_of
from hw.layer.unrolled import UnrolledShape
from hw.plan.plan import Folding
from hw.plan.space import Space
from hw.programs import find_program
from hw.stream.words import StreamComponent
from hw.synthesis import synthesise
from hw.unrolled.component import Combinational
from hw.yosys import yosys_version
from sw.errors import SubbitError
from sw.network import BitPlanes, Encoding, Input, Layer, Thermometer

__all__ = ["NAME", "main", "table"]

NAME = "clocks"
ROUTER = ["--router", "router2"]  # The usual one goes round for ever with some seeds of these designs.
#: By device: family, placer, its options, and the clock that it is asked for, in MHz.
DEVICES: dict[str, tuple[str, str, list[str], float]] = {
    "hx8k": ("ice40", "nextpnr-ice40", ["--hx8k", "--package", "ct256", "--pcf-allow-unconstrained", *ROUTER], 150),
    "up5k": ("ice40", "nextpnr-ice40", ["--up5k", "--package", "sg48", "--pcf-allow-unconstrained", *ROUTER], 50),
    "25k": ("ecp5", "nextpnr-ecp5", ["--25k", "--package", "CABGA381", "--lpf-allow-unconstrained"], 200),
}
#: Seconds for a seed, which takes about ten on a quiet machine.
PATIENCE = 180
SHORT, WHOLE = (32, 3, 3, 32), (16, 3, 3, 8)
Make = Callable[[np.random.Generator, tuple[int, ...]], Encoding]


def plain(rng: np.random.Generator, shape: tuple[int, ...]) -> Encoding:
    """Weights of -1 and +1 with equal chances."""
    return random_weights(rng, *shape)


def few(rng: np.random.Generator, shape: tuple[int, ...]) -> Encoding:
    """Two-level weights of which one in twenty is one."""
    return few_weights(rng, shape, 1 / 20)


def codewords(rng: np.random.Generator, shape: tuple[int, ...]) -> Encoding:
    """Weights of sixteen codewords."""
    return codebook_weights(rng, shape, 16)


def reused(rng: np.random.Generator, shape: tuple[int, ...]) -> Encoding:
    """Outputs each made from the one before."""
    return reused_weights(rng, shape, np.zeros(shape[0], bool))


@dataclass(frozen=True)
class Case:
    """A datapath: the weights' ``shape`` and how they are made, the ``folding`` (None: an unrolled layer without
    registers inside), the case that it is compared with, bit ``planes`` of a pixel, how its netlist is tightened
    (`hw.tighten`; None: not at all), and the ``levels`` between an unrolled layer's registers, where not the usual."""

    shape: tuple[int, ...]
    make: Make
    folding: Folding | None
    beside: str
    planes: int = 1
    tightened: bool | None = None
    levels: int | None = None


CASES = {
    "xnor-2x9": Case(SHORT, plain, Folding(2, 9), "xnor-2x9"),
    "lookup-2x9": Case(SHORT, codewords, Folding(2, 9, datapath="lookup"), "xnor-2x9"),
    "two-level-2x9": Case(SHORT, two_level_weights, Folding(2, 9), "xnor-2x9"),
    "bit-serial-2x9": Case(SHORT, plain, Folding(2, 9, datapath="bit-serial"), "xnor-2x9", 2),
    "xnor-2x2": Case(SHORT, plain, Folding(2, 2), "xnor-2x2"),
    "sparse-2x2": Case(SHORT, few, Folding(2, 2, datapath="sparse"), "xnor-2x2"),
    "xnor-16x72": Case(WHOLE, plain, Folding(16, 72), "xnor-16x72"),
    "unrolled-16x72": Case(WHOLE, plain, Folding(16, 72, datapath="unrolled"), "xnor-16x72"),
    "unrolled-16x72, 2 levels": Case(WHOLE, plain, Folding(16, 72, datapath="unrolled"), "xnor-16x72", levels=2),
    "reuse-16x72": Case(WHOLE, reused, Folding(16, 72, datapath="unrolled"), "xnor-16x72"),
    "alone-64x64": Case((64, 64), plain, None, "alone-64x64"),
    "alone-64x64, tightened": Case((64, 64), plain, None, "alone-64x64", tightened=False),
    "alone-64x64, dense": Case((64, 64), plain, None, "alone-64x64", tightened=True),
}


class Pinned(wiring.Component):
    """``inner`` between registers, with two pins: all inputs come by a shift register, of the outputs the parity goes
    out."""

    def __init__(self, inner: StreamComponent | Combinational) -> None:
        self.inner = inner
        super().__init__({"x": In(1), "y": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.inner = inner = self.inner
        if isinstance(inner, Combinational):
            inputs, outputs = inner.x, inner.y
        else:
            inputs = Cat(Value.cast(inner.i.payload), inner.i.valid, inner.o.ready)
            outputs = Cat(Value.cast(inner.o.payload), inner.o.valid, inner.i.ready)
        shifted = Signal(len(inputs))
        m.d.sync += shifted.eq(Cat(shifted[1:], self.x))
        m.d.comb += inputs.eq(shifted)
        bits = Signal(len(outputs))
        m.d.sync += bits.eq(outputs)
        while len(bits) > 1:
            joined = Signal(-(-len(bits) // 4))
            m.d.sync += joined.eq(Cat(bits[at : at + 4].xor() for at in range(0, len(bits), 4)))
            bits = joined
        m.d.comb += self.y.eq(bits)
        return m


def component(case: Case, family: str) -> StreamComponent | Combinational:
    """Window generator and unit of a case."""
    rng = np.random.default_rng(0)
    if case.folding is None:
        return Combinational(unrolling(*random_layer(*case.shape), family))
    channels = case.shape[-1]
    image = Input(8, 8, channels, case.planes)
    first: Layer = BitPlanes(name="encode", reads=("input",), planes=tuple(range(case.planes)))
    if case.planes == 1:
        first = Thermometer(name="encode", reads=("input",), thresholds=np.ones((channels, 1), int))
    network = one_layer(image, first, case.make(rng, case.shape), rng)
    space = Space(network, family=family)
    stages = space.candidate(space.layers[0], case.folding).stages()
    if case.levels is not None:
        stages = [
            replace(each, shape=replace(each.shape, levels=case.levels))
            if isinstance(each.shape, UnrolledShape)
            else each
            for each in stages
        ]
    return Joined(*map(component_of, stages))


def placed(netlist: Path, device: str, seed: int) -> float | None:
    """The clock in MHz that nextpnr reaches; None where it does not end in time, as some seeds do not."""
    _, name, options, wanted = DEVICES[device]
    report = netlist.with_name("report.json")
    command = [find_program(name).path, *options, "--json", netlist.name, "--seed", f"{seed}"]
    command += ["--freq", f"{wanted:g}", "--timing-allow-fail", "--report", report.name]
    try:
        run = subprocess.run(command, cwd=netlist.parent, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return None
    if run.returncode:
        raise SubbitError(f"{name} could not place {netlist}: {run.stderr.strip().splitlines()[-1]}")
    (clock,) = json.loads(report.read_text())["fmax"].values()
    return round(clock["achieved"], 1)


def measure(case: Case, device: str, seeds: int) -> dict[str, Any]:
    """A row: cells, and the clocks of all seeds."""
    family = DEVICES[device][0]
    with tempfile.TemporaryDirectory(prefix="subbit-clock-") as folder:
        netlist = Path(folder) / "netlist.json"
        design = Pinned(component(case, family))
        area = synthesise(design, family, netlist=netlist, tightened=case.tightened)
        clocks = [placed(netlist, device, seed) for seed in range(1, seeds + 1)]
    return {
        "LUTs": area.luts,
        "carries": area.carries,
        "FFs": area.ffs,
        "MHz": clocks,
        "median": median(filter(None, clocks)),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The medians, and how they compare, in Markdown."""
    found = {(row["case"], row["device"]): row for row in rows}
    lines = []
    for name, case in CASES.items():
        cells = []
        for device in DEVICES:
            row, beside = found.get((name, device)), found.get((case.beside, device))
            if row is None or beside is None:
                cells += ["", ""]
                continue
            ratio = row["median"] / beside["median"] - 1
            cells += [f"{row['median']:.1f}", "" if name == case.beside else f"{100 * ratio:+.0f} %"]
        lines.append([name, *cells])
    head = [part for device in DEVICES for part in (f"{device}, MHz", "of XNOR")]
    return markdown(["datapath", *head], lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", nargs="+", choices=list(DEVICES), default=list(DEVICES))
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--seeds", type=int, default=5, help="seeds, from 1 (%(default)s)")
    parser.add_argument("--again", action="store_true", help="place what stands in the results too")
    given = parser.parse_args()
    rows = kept_rows(NAME)
    tools = versions("amaranth") | {"yosys": yosys_version()}
    tools |= {name: find_program(name).version for name in ("nextpnr-ice40", "nextpnr-ecp5")}
    jobs = [(name, device) for device in given.devices for name in given.cases]
    for name, device in track(jobs, description="nextpnr"):
        key = {"case": name, "device": device}
        old = [row for row in rows if key.items() <= row.items()]
        if old and not given.again:
            continue
        rows = [row for row in rows if row not in old] + [key | measure(CASES[name], device, given.seeds)]
        publish(NAME, "Clocks of the datapaths", rows, tools)
        fill(DOCS / "results.md", NAME, table(rows))


if __name__ == "__main__":
    main()

"""Unrolled layers: the graph of tables and chains against the definition on sums, for every window, and its stages."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from amaranth import Array, Cat, Const, Module, Signal, Value

from hw.layer.unrolled import UnrolledShape, skip_cases
from hw.layer.window import WindowShape
from hw.netlist_file import read_netlist
from hw.synthesis import synthesise
from hw.tighten import tighten
from hw.unrolled.component import Combinational
from hw.unrolled.emit import build
from hw.unrolled.optimise import optimise
from tests.formal.frames import FrameCheck, Frames, Word
from tests.formal.harness import Harness
from tests.formal.products import Layer, split
from tests.hw.tighten.evaluated import outputs

__all__ = ["TightenedCheck", "UnrolledCheck", "shape_of", "unrolled"]


def shape_of(layer: Layer, family: str, levels: int = 0, registered: bool = False) -> UnrolledShape:
    """The hardware's parameters; where ``layer`` is padded, the windows are those of a 3 x 3 image."""
    cases = np.zeros((1, 0), bool)
    if layer.kernel:
        cases = skip_cases(WindowShape(3, 3, layer.channels, len(layer.planes), layer.kernel, pad=1, fill="skip"))
    return UnrolledShape(
        layer.weights,
        layer.planes,
        layer.agreement,
        layer.on_counts,
        layer.invert,
        skip_cases=cases,
        family=family,
        levels=levels,
        registered=registered,
        effort=200,
    )


class UnrolledCheck(Harness):
    """The outputs of the graph that is built for ``layer`` are its levels, or counts, for every window.

    Where taps are skipped, for every set of them that windows have, told by its number.
    """

    def __init__(self, layer: Layer, family: str) -> None:
        self.layer, self.shape = layer, shape_of(layer, family)
        taps = layer.weights.shape[1]
        case_bits = (len(self.shape.skip_cases) - 1).bit_length()
        super().__init__({"x": taps * len(layer.planes), **({"case": case_bits} if case_bits else {})})

    def claim(self, m: Module, free: dict[str, Value]) -> None:
        layer, shape, planes = self.layer, self.shape, len(self.layer.planes)
        taps = [free["x"].word_select(tap, planes) for tap in range(shape.simd)]
        case, known = free.get("case", Const(0, 0)), Const(1)
        skips: list[Value] = [Const(0)] * shape.simd
        if layer.kernel:
            known = case < len(shape.skip_cases)
            at = [Array(Const(int(skipped), 1) for skipped in column)[case] for column in shape.skip_cases.T]
            skips = [at[tap // layer.channels] for tap in range(shape.simd)]
        inputs = [bit & ~skip for tap, skip in zip(taps, skips, strict=True) for bit in tap]
        found = build(m, shape.unrolling.graph, [*inputs, *case], shape.unrolling.literals, 0, []).outputs
        for output, literals in enumerate(shape.unrolling.outputs):
            bits, found = found[: len(literals)], found[len(literals) :]
            wanted = layer.output(shape, output, taps, skips)
            self.hold(m, f"output {output} is that of the sum", ~known | (Cat(bits) == wanted))


class TightenedCheck(Harness):
    """The netlist that Yosys maps a layer's graph to, after `hw.tighten`, puts out what the graph does.

    The netlist is read from the equations of its cells.
    """

    def __init__(self, weights: np.ndarray, thresholds: np.ndarray, family: str, dense: bool) -> None:
        invert = np.zeros(len(weights), bool)
        self.unrolling = optimise(weights, family, thresholds=thresholds, invert=invert, effort=200)
        self.family, self.dense = family, dense
        super().__init__({"x": weights.shape[1]})

    def claim(self, m: Module, free: dict[str, Value]) -> None:
        def kept(value: Value) -> Value:
            wire = Signal()
            m.d.comb += wire.eq(value)
            return wire

        taps = list(free["x"])
        bits = outputs(self.netlist(), taps, Const(0, 1), kept)
        graph = build(m, self.unrolling.graph, taps, self.unrolling.literals, 0, []).outputs
        for output, (bit, wanted) in enumerate(zip(bits, graph, strict=True)):
            self.hold(m, f"output {output} is the graph's", bit == wanted)

    def netlist(self) -> dict[str, Any]:
        """The tightened netlist's module."""
        with tempfile.TemporaryDirectory(prefix="subbit-formal-") as folder:
            path = Path(folder) / "netlist.json"
            synthesise(Combinational(self.unrolling), self.family, netlist=path)
            document = read_netlist(path)
        top = document["modules"]["top"]
        mapped = len(top["cells"])
        tighten(document, self.family, dense=self.dense)
        if len(top["cells"]) == mapped:
            raise ValueError("nothing is taken from this netlist, so nothing would be proved")
        return top


def unrolled(layer: Layer, levels: int, registered: bool = False) -> FrameCheck:
    """The component with its registers, if any: a window in, all outputs out."""
    shape = shape_of(layer, "ice40", levels, registered)

    def out(words: list[Value]) -> list[Word]:
        taps, skips, _ = split(words, shape.simd, len(shape.planes))
        return [Word(list(Cat(layer.output(shape, at, taps, skips) for at in range(shape.pe))), 1)]

    return FrameCheck(shape.create(), Frames(1, out, held=shape.latency + 1, patience=shape.latency))

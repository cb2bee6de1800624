"""Other ways to build a constant matrix with thresholds: SystemVerilog of a module ``top`` from x to y.

Bits 1 of the weights stand for 1, bits 0 for ``low``, which is -1 or 0; a threshold is on the agreements, or on the
ones that the taps of weight 1 are.
`compressors` and `adders` are plain circuits, an output at a time. `da4ml` and `alkaid` (LGPL-3) are looked for as
installed packages: ``pip install --target FOLDER da4ml alkaid``, and FOLDER on PYTHONPATH.
"""

import importlib
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["RIVALS"]

PARTS = ("graph.v", "shift_adder.v", "negative.v")


def compressors(weights: np.ndarray, thresholds: np.ndarray, low: int = -1) -> str:
    """For every output a tree of full adders, each a parity and a majority, and a comparison."""
    lines: list[str] = []

    def output(c: int, bits: list[str]) -> str:
        columns: dict[int, list[str]] = defaultdict(list, {0: bits})
        total, place, fresh = [], 0, 0
        while columns[place]:
            column = columns[place]
            while len(column) > 1:
                a, b, *rest = column
                carried = rest[:1]
                s, k = f"s{c}_{place}_{fresh}", f"k{c}_{place}_{fresh}"
                fresh += 1
                x = carried[0] if carried else "1'b0"
                lines.append(f"wire {s} = {a} ^ {b} ^ {x}, {k} = ({a} & {b}) | ({x} & ({a} | {b}));")
                column = [*rest[1:], s]
                columns[place + 1].append(k)
            total.append(column[0])
            place += 1
        return "{" + ", ".join(reversed(total)) + "}"

    return _module(weights, thresholds, low, lines, output)


def adders(weights: np.ndarray, thresholds: np.ndarray, low: int = -1) -> str:
    """For every output a balanced tree of additions, each as wide as its sum, and a comparison."""
    lines: list[str] = []

    def output(c: int, bits: list[str]) -> str:
        def tree(low: int, high: int) -> str:
            if high - low == 1:
                return bits[low]
            middle = (low + high) // 2
            name = f"t{c}_{low}_{high}"
            left, right = tree(low, middle), tree(middle, high)
            lines.append(f"wire [{(high - low).bit_length() - 1}:0] {name} = {left} + {right};")
            return name

        return tree(0, len(bits))

    return _module(weights, thresholds, low, lines, output)


def _module(
    weights: np.ndarray, thresholds: np.ndarray, low: int, lines: list[str], output: Callable[[int, list[str]], str]
) -> str:
    outputs, taps = weights.shape
    head = f"module top(input [{taps - 1}:0] x, output [{outputs - 1}:0] y);"
    for c in range(outputs):
        bits = [f"x[{tap}]" if weights[c, tap] else f"(!x[{tap}])" for tap in range(taps) if low or weights[c, tap]]
        total = output(c, bits)
        lines.append(f"assign y[{c}] = {total} >= {int(thresholds[c])};")
    return "\n".join([head, *lines, "endmodule"]) + "\n"


def da4ml(weights: np.ndarray, thresholds: np.ndarray, low: int = -1) -> str:
    """da4ml's adder graph for the matrix, with a comparison an output. Raises ImportError without it."""
    trace, codegen = importlib.import_module("da4ml.trace"), importlib.import_module("da4ml.codegen")
    ones = np.ones(weights.shape[1])
    x = trace.FixedVariableArray.from_lhs(0 * ones, ones, ones)
    logic = trace.comb_trace(x, x @ np.where(weights.T, 1.0, low))
    return _distributed(codegen, logic, weights, thresholds, low, lambda folder: (logic, "graph", folder))


def alkaid(weights: np.ndarray, thresholds: np.ndarray, low: int = -1) -> str:
    """The same from alkaid, da4ml's successor. Raises ImportError without it."""
    trace, codegen = importlib.import_module("alkaid.trace"), importlib.import_module("alkaid.codegen")
    ones = np.ones(weights.shape[1])
    x = trace.FVArray.from_lhs(0 * ones, ones, ones, solver_options={"binary_lut": False})
    # Its adders alone: the tables that it packs them into by default come out larger (see docs/unrolled.md).
    logic = trace.trace(x, x @ np.where(weights.T, 1.0, low))
    return _distributed(
        codegen, logic, weights, thresholds, low, lambda folder: (logic, folder, "graph"), ternary_fuse=False
    )


def _distributed(
    codegen: Any,
    logic: Any,
    weights: np.ndarray,
    thresholds: np.ndarray,
    low: int,
    arguments: Callable[[str], Sequence[Any]],
    **options: Any,
) -> str:
    """Both programs write module ``graph`` and its adders; sums come out one after another, the first lowest."""
    with tempfile.TemporaryDirectory() as folder:
        codegen.RTLModel(*arguments(folder), flavor="verilog", latency_cutoff=-1, **options).write()
        # Other files are for cells that such a graph has none of, and some of those no synthesiser reads.
        files = [path for path in Path(folder).rglob("*.v") if path.name in PARTS or "logic" in path.name]
        text = "\n".join(path.read_text() for path in sorted(files))
    outputs, taps = weights.shape
    kifs = np.array(logic.out_kifs)
    kifs = kifs if kifs.shape[0] == 3 else kifs.T
    widths = kifs.sum(axis=0)
    ports = re.search(r"module graph\s*\((.*?)\);", text, re.S)
    if ports is None or f"[{int(widths.sum()) - 1}:0]" not in ports[1]:
        raise ValueError("the adder graph's outputs must be packed one after another")
    lines, at = [], 0
    for c in range(outputs):
        width, signed = int(widths[c]), bool(kifs[0, c])
        value = f"$signed(s[{at + width - 1}:{at}])" if signed else f"$signed({{1'b0, s[{at + width - 1}:{at}]}})"
        lines.append(f"assign y[{c}] = {value} >= {int(thresholds[c] + low * (weights[c] == 0).sum())};")
        at += width
    # Inputs that no output reads are left out of the graph's.
    read = ", ".join(f"x[{tap}]" for tap in reversed(range(taps)) if low or weights[:, tap].any())
    head = f"module top(input [{taps - 1}:0] x, output [{outputs - 1}:0] y);\nwire [{at - 1}:0] s;"
    head += f"\ngraph graph({{{read}}}, s);"
    return text + "\n" + "\n".join([head, *lines, "endmodule"]) + "\n"


RIVALS: dict[str, Callable[[np.ndarray, np.ndarray, int], str]] = {
    "compressors": compressors,
    "adders": adders,
    "da4ml": da4ml,
    "alkaid": alkaid,
}

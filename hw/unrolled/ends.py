"""What becomes of a row's value: a count, or the levels that thresholds make of it."""

from collections.abc import Sequence

import numpy as np

from hw.unrolled.cluster import Value
from hw.unrolled.count import Cost, at_least, count
from hw.unrolled.graph import FALSE, Graph

__all__ = ["Ends", "lookup"]


class Ends:
    """The count scale * P + corrections[case] of a row whose agreements P, up to ``top``, are ``value``.

    The bits of the case's number are the last inputs of the graph.
    """

    def __init__(self, graph: Graph, cost: Cost, value: Value, top: int, scale: int, corrections: np.ndarray) -> None:
        self.graph, self.cost, self.value, self.top, self.scale = graph, cost, value, top, scale
        self.corrections = [int(correction) for correction in corrections]
        bits = (len(self.corrections) - 1).bit_length()
        self.case = [graph.input(graph.inputs - bits + i) for i in range(bits)]

    def count(self) -> tuple[int, ...]:
        """The count, lowest bit first, in as many bits as the largest may have.

        Raises ValueError where ``scale`` is not a power of two.
        """
        shift = self.scale.bit_length() - 1
        if self.scale != 1 << shift:
            raise ValueError(f"scale must be a power of two, not {self.scale}")
        value = self.value
        # P modulo a power of two that holds it; there -Z is not Z + 1.
        plain = [literal ^ int(value.sign < 0) for literal in value.bits[: self.top.bit_length()]]
        bits = self._plus(plain, [value.offset + (value.sign < 0)])
        largest = self.scale * self.top + max(self.corrections)
        scaled = [FALSE] * shift + bits
        scaled += [FALSE] * (largest.bit_length() - len(scaled))
        return tuple(self._plus(scaled[: largest.bit_length()], self.corrections))

    def _plus(self, bits: Sequence[int], constants: Sequence[int]) -> list[int]:
        """bits plus the constant of the case, modulo 2**len(bits)."""
        case = self.case if len(constants) > 1 else []
        table = [lookup(self.graph, case, [c >> place & 1 for c in constants]) for place in range(len(bits))]
        return self.graph.add(bits, table)[: len(bits)]

    def levels(self, thresholds: np.ndarray, invert: bool) -> tuple[int, ...]:
        """How many thresholds the count reaches, or with ``invert`` does not reach."""
        steps = [self._reached(int(threshold)) ^ int(invert) for threshold in thresholds]
        bits = count(self.graph, self.cost, steps).bits if len(steps) > 1 else tuple(steps)
        return bits + (FALSE,) * (len(steps).bit_length() - len(bits))

    def _reached(self, threshold: int) -> int:
        # P >= limit where the count is at least the threshold; Z >= limit, or not, where P is.
        limits = [-((correction - threshold) // self.scale) for correction in self.corrections]
        value = self.value
        up = value.sign > 0
        limits = [limit - value.offset if up else value.offset - limit + 1 for limit in limits]
        if len(set(limits)) == 1:
            passed = at_least(self.graph, value.bits, value.least, limits[0], value.span)
        else:
            # Z less the limit, of which only the sign is wanted.
            reach = [-min(max(limit, value.least), value.least + value.span) for limit in limits]
            passed = self._plus(value.bits, reach)[-1] ^ 1
        return passed if up else passed ^ 1


def lookup(graph: Graph, address: Sequence[int], values: Sequence[int]) -> int:
    """Literal of values[a] for the number a that ``address`` tells; beyond them anything."""
    if len(address) <= graph.lut_inputs:
        return graph.table(sum(value << j for j, value in enumerate(values)), address)
    half = 1 << len(address) - 1
    low = lookup(graph, address[:-1], values[:half])
    high = lookup(graph, address[:-1], values[half:])
    return graph.table(0b11001010, [low, high, address[-1]])

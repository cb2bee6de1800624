"""Thresholds on the count of few bits, in tables alone."""

from collections.abc import Sequence
from functools import cache

from hw.unrolled.count import Cost, at_least, count, count_tables
from hw.unrolled.graph import FALSE, TRUE, Graph

__all__ = ["few_reach"]


def few_reach(graph: Graph, cost: Cost, literals: Sequence[int], threshold: int) -> int:
    """Literal of: at least ``threshold`` of the literals hold.

    Where it is cheaper, groups of literals are counted in tables and one table compares the sum of what they tell, so
    that there is no carry chain; `at_least` over `count` otherwise.
    """
    n = len(literals)
    if not 0 < threshold <= n:
        return TRUE if threshold <= 0 else FALSE
    found = _groups(cost.lut_inputs, n)
    if found is None or found[0] > cost.count(n) + cost.compare(n.bit_length()):
        number = count(graph, cost, literals)
        return at_least(graph, number.bits, 0, threshold, number.top + 1)
    bits, weights, at = [], [], 0
    for size in found[1]:
        group = literals[at : at + size]
        at += size
        for place, table in enumerate(count_tables(size)):
            bits.append(graph.table(table, group))
            weights.append(1 << place)
    reached = [sum(w for i, w in enumerate(weights) if j >> i & 1) >= threshold for j in range(1 << len(bits))]
    return graph.table(sum(value << j for j, value in enumerate(reached)), bits)


@cache
def _groups(lut_inputs: int, n: int) -> tuple[int, tuple[int, ...]] | None:
    """Tables, and sizes of the groups, for a threshold on ``n`` bits; None where one table cannot compare them."""

    def best(left: int, room: int, largest: int) -> tuple[int, tuple[int, ...]] | None:
        if not left:
            return 1, ()
        found = []
        for size in range(min(left, largest), 0, -1):
            width = size.bit_length()
            rest = best(left - size, room - width, size) if width <= room else None
            if rest is not None:
                found.append((rest[0] + (width if size > 1 else 0), (size, *rest[1])))
        return min(found, default=None)

    return best(n, lut_inputs, lut_inputs)

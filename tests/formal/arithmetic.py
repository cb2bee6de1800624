"""Combinational claims: population counts, agreements, and what a threshold on counts means for sums."""

from collections.abc import Callable, Sequence

import numpy as np
from amaranth import Array, Cat, Const, Module, Value

from hw.datapath.popcount import agreements, larger_part, popcount
from hw.datapath.times import times
from sw.network.agreement import Agreement
from tests.formal.harness import Harness

__all__ = ["AgreementCheck", "PartsCheck", "PopcountCheck", "ThresholdCheck", "TimesCheck"]


def plain_sum(bits: list[Value]) -> Value:
    """The bits added one after another."""
    return sum(bits[1:], Const(0, len(bits).bit_length()) + bits[0])


class PopcountCheck(Harness):
    """`popcount` of ``n`` bits is their plain sum, in as few bits as hold n."""

    def __init__(self, n: int) -> None:
        self.n = n
        super().__init__({"x": n})

    def claim(self, m: Module, free: dict[str, Value]) -> None:
        count = popcount(m, list(free["x"]))
        assert len(count) == self.n.bit_length()
        self.hold(m, "the count is the sum of the bits", count == plain_sum(list(free["x"])))


class PartsCheck(Harness):
    """`popcount` of ``n`` bits, 4 or more, is the first bit and the popcounts of the two parts that the rest makes.

    With the same claim for each part, down to a size that `PopcountCheck` has, it is the sum of the bits by induction,
    at sizes where no solver would find it at once.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        super().__init__({"x": n})

    def claim(self, m: Module, free: dict[str, Value]) -> None:
        end = 1 + larger_part(self.n)
        first, *rest = free["x"]
        parts = popcount(m, rest[: end - 1]) + popcount(m, rest[end - 1 :])
        self.hold(m, "the count is that of the parts", popcount(m, list(free["x"])) == first + parts)


class AgreementCheck(Harness):
    """`agreements` of two vectors of ``n`` bits is the plain number of places where they are equal."""

    def __init__(self, n: int) -> None:
        super().__init__({"x": n, "w": n})

    def claim(self, m: Module, free: dict[str, Value]) -> None:
        equal = [a == w for a, w in zip(free["x"], free["w"], strict=True)]
        self.hold(m, "the count is that of equal bits", agreements(m, free["x"], free["w"]) == plain_sum(equal))


class ThresholdCheck(Harness):
    """Thresholds on counts give the levels that thresholds on sums define, for every count, threshold and invert.

    ``agreement`` is that of one output; ``steps`` thresholds make the level. Thresholds reach two beyond the largest
    sum on each side, where they mean always and never.
    """

    def __init__(self, agreement: Agreement, steps: int) -> None:
        self.agreement, self.steps = agreement, steps
        ends = agreement.sums(np.array([[0], [agreement.top]])).reshape(-1)
        self.low, self.high = int(ends.min()) - 2, int(ends.max()) + 2
        table = agreement.thresholds(np.arange(self.low, self.high + 1)[None])
        self.stored = [int(limit) for limit in table[0]]
        bits = len(self.stored).bit_length()
        super().__init__({"count": agreement.top.bit_length(), "invert": 1, "limits": bits * steps})

    def claim(self, m: Module, free: dict[str, Value]) -> None:
        count, invert = free["count"], free["invert"]
        total = self.agreement.slope * count - int(self.agreement.offset[0])
        picked = [free["limits"].word_select(j, len(free["limits"]) // self.steps) for j in range(self.steps)]
        known = (count <= self.agreement.top) & Cat(pick < len(self.stored) for pick in picked).all()
        stored = Array([Const(limit, (self.agreement.top + 1).bit_length()) for limit in self.stored])
        on_counts = self.level(lambda pick: count >= stored[pick], picked, invert)
        on_sums = self.level(lambda pick: total >= pick + self.low, picked, invert)
        self.hold(m, "levels of counts are levels of sums", ~known | (on_counts == on_sums))

    def level(self, passes: Callable[[Value], Value], picked: list[Value], invert: Value) -> Value:
        """Number of thresholds that are passed, each xor invert."""
        return plain_sum([passes(pick) ^ invert for pick in picked])


class TimesCheck(Harness):
    """`times` of a value of ``bits`` bits, and of one with a sign, is its product with each of ``constants``."""

    def __init__(self, constants: Sequence[int], bits: int) -> None:
        self.factors = constants
        super().__init__({"x": bits})

    def claim(self, m: Module, free: dict[str, Value]) -> None:
        for value in (free["x"], free["x"].as_signed()):
            for constant in self.factors:
                self.hold(m, f"times {constant} is the product", times(value, constant) == value * constant)

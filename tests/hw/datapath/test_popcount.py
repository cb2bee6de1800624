# amaranth: UnusedElaboratable=no
"""Popcounts count, at every size, and never wider than they can reach."""

import numpy as np
import pytest
from amaranth import Const, Module, Signal
from amaranth.sim import Simulator

from hw.datapath.popcount import agreements, larger_part, popcount

SIZES = [*range(1, 34), 63, 64, 65, 100, 127, 144, 255, 256, 576, 1023]


def evaluate(n, patterns):
    """Counts that the hardware gives for pairs of ``n``-bit integers (a, w)."""
    m = Module()
    a, w = Signal(n), Signal(n)
    total = Signal(n.bit_length())
    result = agreements(m, a, w)
    assert len(result) == n.bit_length()
    m.d.comb += total.eq(result)
    counts = []

    async def bench(ctx):
        for left, right in patterns:
            ctx.set(a, left)
            ctx.set(w, right)
            await ctx.delay(1e-9)
            counts.append(ctx.get(total))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return counts


@pytest.mark.parametrize("n", range(1, 12))
def test_every_pattern_of_a_few_bits(n):
    assert evaluate(n, [(a, 0) for a in range(1 << n)]) == [n - a.bit_count() for a in range(1 << n)]


@pytest.mark.parametrize("n", range(1, 5))
def test_every_pair_of_a_few_bits(n):
    pairs = [(a, w) for a in range(1 << n) for w in range(1 << n)]
    assert evaluate(n, pairs) == [n - (a ^ w).bit_count() for a, w in pairs]


@pytest.mark.parametrize("n", SIZES)
def test_extremes_single_bits_and_random_patterns(n, rng):
    def word(bits):
        return int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")

    full = (1 << n) - 1
    pairs = [(0, 0), (full, full), (0, full), (full, 0)]
    pairs += [(1 << place, 0) for place in range(0, n, max(1, n // 32))]
    pairs += [(word(rng.integers(0, 2, n)), word(rng.random(n) < share)) for share in (0.1, 0.5, 0.9) for _ in range(8)]
    assert evaluate(n, pairs) == [n - (a ^ w).bit_count() for a, w in pairs]


def test_constants_count_as_what_they_are():
    m = Module()
    bits = [Const(1), Const(0), Const(1), Const(1), Const(1), Const(0)]
    total = Signal(3)
    m.d.comb += total.eq(popcount(m, bits))

    async def bench(ctx):
        assert ctx.get(total) == 4

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


def test_no_bits_are_refused():
    with pytest.raises(ValueError, match="^bits must not be empty$"):
        popcount(Module(), [])


def test_vectors_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match="^w must have the 4 bits of a, not 3$"):
        agreements(Module(), Signal(4), Signal(3))


@pytest.mark.parametrize("n", [4, 5, 9, 64, 576, 4608])
def test_parts_fill_the_count(n):
    larger = larger_part(n)
    assert 0 < n - 1 - larger <= larger < n

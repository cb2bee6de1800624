"""Multiples by shifts and additions."""

from itertools import pairwise

import pytest
from amaranth import Module, Signal
from amaranth.hdl import signed
from amaranth.sim import Simulator

from hw.datapath.times import digits, times


@pytest.mark.parametrize("constant", [*range(-20, 21), 255, -255, 683, -2048])
def test_digits_are_canonical(constant):
    found = digits(constant)
    assert sum(sign << place for sign, place in found) == constant
    places = [place for _, place in found]
    assert all(later - earlier > 1 for earlier, later in pairwise(places))


@pytest.mark.parametrize("constant", [0, 1, -1, 3, -7, 171, -250])
def test_multiples_are_exact(constant):
    m, value, out = Module(), Signal(6), Signal(signed(16))
    m.d.comb += out.eq(times(value, constant))

    async def bench(ctx):
        for number in range(64):
            ctx.set(value, number)
            await ctx.delay(1e-9)
            assert ctx.get(out) == number * constant

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()

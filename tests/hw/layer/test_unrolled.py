# amaranth: UnusedElaboratable=no
"""The unrolled layer against its reference, with gaps and stalls, and with registers inside."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from hw.accelerator import Joined
from hw.layer.unrolled import UnrolledShape, skip_cases
from hw.layer.window import WindowShape
from sw.network.agreement import Agreement
from tests.hw.layer.test_components import product
from tests.hw.streams import GAPS_AND_STALLS, drain, pack

RNG = np.random.default_rng(6)
PADDED = {
    (3, 3): WindowShape(4, 5, 3, 1, (3, 3), pad=1, fill="skip"),
    (2, 2): WindowShape(3, 3, 3, 2, (2, 2), pad=1, fill="skip"),
}


def unrolled(outputs, taps, planes, levels=0, skipped=None, values=None, registered=False, **options):
    """An unrolled layer; ``values`` are ratio and fraction of two-level weights."""
    like, _ = product(outputs, taps, planes, outputs, taps, skipped=skipped, levels=values, **options)
    cases = {} if skipped is None else {"skip_cases": skip_cases(PADDED[skipped])}
    ends = (like.thresholds, like.invert)
    return UnrolledShape(
        like.weights, planes, like.agreement, *ends, levels=levels, registered=registered, effort=50, **cases
    )


def stimulus(shape, count):
    """Windows with the cases of skipped taps in turn: words and outputs, both packed."""
    windows = RNG.integers(0, 1 << len(shape.planes), (count, shape.simd))
    windows[0], windows[1] = 0, (1 << len(shape.planes)) - 1
    words, expected = [], []
    for at, window in enumerate(windows):
        word, skip = pack(window, len(shape.planes)), np.zeros(shape.simd, bool)
        if shape.skip_positions:
            case = shape.skip_cases[at % len(shape.skip_cases)]
            skip = np.repeat(case, shape.agreement.skip_channels)
            width = shape.simd * len(shape.planes)
            word |= pack(skip, 1) << width | int(case.sum()) << width + shape.simd
        words.append(word)
        expected.append(pack(shape.reference(window, skip), shape.level_bits))
    return words, expected


SHAPES = {
    "bits": unrolled(7, 20, (0,)),
    "bits, a register a level": unrolled(7, 20, (0,), levels=1),
    "bits, a register every three": unrolled(9, 40, (0,), levels=3),
    "counts": unrolled(5, 12, (0,), counts=True),
    "levels": unrolled(6, 10, (0, 1), levels=2, steps=3),
    "pixels": unrolled(4, 9, (1, 4, 7), domain="pixels", levels=4),
    "zero padding, odd channels": unrolled(4, 27, (0,), skipped=(3, 3), levels=2),
    "zero padding, even channels": unrolled(4, 18, (0,), skipped=(3, 3)),
    "zero padding, counts": unrolled(4, 27, (0,), skipped=(3, 3), counts=True),
    "zero padding, levels": unrolled(3, 12, (0, 1), skipped=(2, 2), steps=3),
    "ones alone": unrolled(6, 9, (0,), values=(1, 0)),
    "ones alone, counts": unrolled(5, 20, (0,), values=(4, 2), counts=True, levels=1),
    "ones alone, counts of planes": unrolled(4, 9, (1, 2), values=(1, 0), counts=True, domain="pixels"),
    "ones alone, levels": unrolled(6, 10, (0, 1), values=(2, 1), levels=2, steps=3),
    "ones alone, zero padding": unrolled(4, 27, (0,), skipped=(3, 3), values=(1, 0)),
    "ones alone, zero padding, counts": unrolled(4, 27, (0,), skipped=(3, 3), values=(1, 0), counts=True),
    "two levels": unrolled(6, 20, (0,), values=(-3, 2), levels=3),
    "two levels above 0": unrolled(4, 12, (0,), values=(7, 1)),
    "two levels, counts": unrolled(5, 12, (0,), values=(5, 1), counts=True),
    "two levels, pixels": unrolled(4, 9, (1, 4, 7), values=(-7, 3), domain="pixels", levels=2),
    "two levels, zero padding": unrolled(4, 27, (0,), skipped=(3, 3), values=(-250, 8)),
    "two levels of one size": unrolled(4, 12, (0,), values=(0, 3)),
    "two levels of one size, zero padding": unrolled(4, 27, (0,), skipped=(3, 3), values=(0, 2)),
    "the upper level 0": unrolled(4, 12, (0,), values=(-2, 1)),
    "from registers": unrolled(6, 14, (0,), registered=True),
    "from registers, a register a level": unrolled(5, 16, (0,), levels=1, registered=True),
}


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS)
@pytest.mark.parametrize("name", SHAPES)
def test_outputs_equal_their_reference(name, gaps, stalls):
    shape = SHAPES[name]
    words, expected = stimulus(shape, 12)
    assert drain(shape.create(), words, len(expected), gaps, stalls).words == expected


@pytest.mark.parametrize("name", ["bits", "bits, a register a level", "bits, a register every three"])
def test_a_window_takes_a_cycle_and_its_latency(name):
    shape = SHAPES[name]
    words, expected = stimulus(shape, 6)
    cycles = drain(shape.create(), words, len(expected)).cycles
    assert cycles == list(range(shape.latency, shape.latency + 6))
    assert shape.latency == shape.stages + 2
    assert shape.stages == ((shape.unrolling.depth - 1) // shape.levels if shape.levels else 0)


def test_from_registers_there_is_one_stage_less_and_none_for_wires():
    for name in ("from registers", "from registers, a register a level"):
        shape = SHAPES[name]
        words, expected = stimulus(shape, 6)
        assert drain(shape.create(), words, len(expected)).cycles == list(range(shape.latency, shape.latency + 6))
        assert shape.latency == shape.stages + 1
    assert SHAPES["from registers, a register a level"].stages > 1


@pytest.mark.parametrize(("gaps", "stalls"), GAPS_AND_STALLS)
def test_complements_are_wires_to_the_layer_that_reads_them(gaps, stalls):
    wires, reader = unrolled(14, 1, (0,), registered=True), SHAPES["from registers"]
    assert (wires.unrolling.depth, wires.latency) == (0, 0)
    windows = [[bit] for bit in (0, 1)]
    words = [pack(window, 1) for window in windows]
    expected = [
        pack(reader.reference(wires.reference(np.array(window), np.zeros(1, bool)), np.zeros(14, bool)), 1)
        for window in windows
    ]
    found = drain(Joined(wires.create(), reader.create()), words * 6, 12, gaps, stalls)
    assert found.words == expected * 6


def test_the_cases_are_those_of_the_windows():
    window = PADDED[3, 3]
    cases = {case.tobytes() for case in skip_cases(window)}
    seen = {
        skip.reshape(9, 3)[:, 0].tobytes()
        for _, skip, _ in WindowShape(4, 5, 3, 1, (3, 3), lanes=27, pad=1, fill="skip").reference(
            np.zeros((4, 5, 3), int)
        )
    }
    assert cases == seen
    assert len(cases) == 9
    assert skip_cases(WindowShape(4, 5, 3, 1, (3, 3))).sum() == 0


def test_wrong_shapes_are_refused():
    plain = Agreement(2, np.full(2, 3), 3)
    weights = np.ones((2, 3), np.uint8)
    with pytest.raises(ValueError, match=r"^family must be one of ice40, ecp5, gowin, xc7, not 'z80'$"):
        UnrolledShape(weights, (0,), plain, family="z80")
    with pytest.raises(ValueError, match=r"^levels must be 0 or a positive integer, not -1$"):
        UnrolledShape(weights, (0,), plain, levels=-1)
    with pytest.raises(
        ValueError, match=r"^skip_cases must name kernel positions exactly where the agreement skips taps$"
    ):
        UnrolledShape(weights, (0,), plain, skip_cases=np.zeros((1, 1), bool))


@pytest.mark.parametrize(
    "name", ["bits", "bits, a register a level", "from registers", "from registers, a register a level"]
)
def test_registers_fill_while_the_output_waits(name):
    shape = SHAPES[name]
    component, taken = shape.create(), []

    async def bench(ctx):
        ctx.set(component.i.valid, 1)
        for _ in range(3 * shape.latency):
            taken.append(ctx.get(component.i.ready))
            await ctx.tick()

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert sum(taken) == shape.latency

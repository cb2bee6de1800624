"""Unrolled layers against numpy: exhaustively where small, and for the kinds of weights that training gives."""

import dataclasses

import numpy as np
import pytest

from hw.layer.unrolled import UnrolledShape
from hw.synthesis import synthesise
from hw.unrolled.count import Cost, at_least, count, width
from hw.unrolled.few import few_reach
from hw.unrolled.graph import FALSE, TRUE, Graph
from hw.unrolled.optimise import COSTS, Unrolling, optimise
from hw.unrolled.two_level import two_level
from sw.network.agreement import Agreement

RNG = np.random.default_rng(11)


def counts(weights, windows, planes=(0,)):
    """Agreements (windows, outputs) of windows (windows, taps) of numbers whose bit p weighs 2**planes[p]."""
    total = 0
    for place, plane in enumerate(planes):
        total = total + (((windows[:, None] >> place) & 1) == weights).sum(axis=2) * (1 << plane)
    return total


def inputs(windows, planes=(0,)):
    return ((windows[:, :, None] >> np.arange(len(planes))) & 1).astype(bool).reshape(len(windows), -1)


def every(taps, planes=1):
    index = np.arange(1 << taps * planes)
    return np.stack([index >> tap * planes & ((1 << planes) - 1) for tap in range(taps)], axis=1)


def near(outputs, taps, share):
    rows = np.cumsum(RNG.random((outputs, taps)) < share, axis=0)
    return (rows + RNG.integers(0, 2, taps)) % 2


def codebook(outputs, channels, words):
    book = RNG.integers(0, 2, (words, 9))
    return book[RNG.integers(0, words, (outputs, channels))].reshape(outputs, -1)


def repeated(taps):
    rows = RNG.integers(0, 2, (4, taps))
    return np.concatenate([rows, rows[:2], 1 - rows, np.zeros((1, taps), int), np.ones((1, taps), int)])


KINDS = {
    "random": RNG.integers(0, 2, (24, 48)),
    "few ones": (RNG.random((20, 90)) < 0.06).astype(int),
    "few zeros": (RNG.random((20, 40)) < 0.9).astype(int),
    "codebook": codebook(16, 6, 8),
    "near rows": near(20, 100, 0.05),
    "repeated and complemented": repeated(30),
    "one output": RNG.integers(0, 2, (1, 30)),
    "one tap": np.array([[0], [1], [1]]),
    "two outputs": RNG.integers(0, 2, (2, 3)),
}


@pytest.mark.parametrize("family", ["ice40", "xc7"])
@pytest.mark.parametrize(("low", "high"), [(0, 4), (-3, 1), (5, 7)])
@pytest.mark.parametrize("kind", KINDS)
def test_two_level_layers_equal_numpy(kind, low, high, family):
    weights = KINDS[kind]
    outputs, taps = weights.shape
    windows = RNG.integers(0, 2, (300, taps))
    windows[:outputs], windows[outputs : 2 * outputs] = weights, 1 - weights
    cases = RNG.integers(0, 3, 300)
    least = np.minimum(low, 0) * taps
    for number in (1, 3):
        corrections = RNG.integers(0, 9, (outputs, number)) - 2 * least
        case = cases % number
        expected = 2 * windows @ np.where(weights, high, low).T + corrections[:, case].T
        bits = np.hstack([windows, (case[:, None] >> np.arange((number - 1).bit_length())) & 1]).astype(bool)
        shared = {"low": low, "high": high, "scale": 2, "corrections": corrections}
        assert (two_level(weights, family, **shared).reference(bits) == expected).all()
        reach = int(expected.max()) + 2
        thresholds = np.sort(RNG.integers(0, reach, (outputs, 3)), axis=1)
        thresholds[0], thresholds[-1] = (0, reach // 2, reach), expected[0, -1]
        invert = RNG.random(outputs) < 0.5
        thresholds = thresholds[:, :number]
        found = two_level(weights, family, thresholds=thresholds, invert=invert, **shared)
        levels = ((expected[:, :, None] >= thresholds) ^ invert[:, None]).sum(axis=2)
        assert (found.reference(bits) == levels).all()


@pytest.mark.parametrize("family", ["ice40", "xc7"])
@pytest.mark.parametrize("bits", [*range(1, 15), 17, 31, 78])
def test_a_threshold_on_few_bits_is_exact_and_never_dearer_than_comparing_the_count(bits, family):
    windows = every(bits).astype(bool) if bits < 15 else RNG.random((3000, bits)) < RNG.random((3000, 1))
    cost = COSTS[family]
    # Any three may be wanted together, more of them than are counted by threes.
    threes = [[2 * (at + i + 1) for i in range(3)] for at in range(0, bits - 2, 3)]
    for threshold in range(bits + 2):
        for groups in ((), threes):
            graph = Graph(bits, cost.lut_inputs, cost.complements)
            literal = few_reach(graph, cost, [graph.input(at) for at in range(bits)], threshold, groups)
            assert (graph.evaluate(windows, [literal])[:, 0] == (windows.sum(axis=1) >= threshold)).all()
            found = Unrolling(graph, cost, ((literal,),), (), 0, 0, 0.0)
            most = cost.count(bits) + cost.compare(bits.bit_length()) + 1
            assert found.tables <= most
            # Where chains take tables in, the graph counts these twice.
            assert cost.absorbs or found.cells <= most
            if 0 < threshold <= bits <= cost.lut_inputs:
                assert found.cells == (bits > 1)


def test_thresholds_on_few_bits_do_without_the_sum():
    cost = COSTS["ice40"]
    for bits, threshold, cells in ((6, 3, 3), (7, 4, 5), (8, 4, 7), (12, 6, 13), (14, 7, 16)):
        graph = Graph(bits, cost.lut_inputs, cost.complements)
        literal = few_reach(graph, cost, [graph.input(at) for at in range(bits)], threshold)
        found = Unrolling(graph, cost, ((literal,),), (), 0, 0, 0.0)
        assert found.cells == cells < cost.count(bits) + cost.compare(bits.bit_length())


def test_levels_that_no_adder_makes_are_refused():
    with pytest.raises(ValueError, match=r"^high must be a power of two above low, not 3 with low 0$"):
        two_level(np.ones((1, 2), int), "ice40", low=0, high=3, corrections=np.zeros((1, 1), int))
    with pytest.raises(ValueError, match=r"^family must be one of ice40, ecp5, gowin, xc7, not 'z80'$"):
        two_level(np.ones((1, 2), int), "z80", low=0, high=1, corrections=np.zeros((1, 1), int))


@pytest.mark.parametrize("family", ["ice40", "xc7"])
@pytest.mark.parametrize("kind", KINDS)
def test_layers_equal_numpy(kind, family):
    weights = KINDS[kind]
    outputs, taps = weights.shape
    windows = RNG.integers(0, 2, (300, taps))
    # Windows near a row and its complement reach the largest and the smallest counts.
    windows[:outputs], windows[outputs : 2 * outputs] = weights, 1 - weights
    expected = counts(weights, windows)
    assert (optimise(weights, family, effort=50).reference(inputs(windows)) == expected).all()
    thresholds = np.sort(RNG.integers(0, taps + 2, (outputs, 3)), axis=1)
    thresholds[0], thresholds[-1] = (0, taps // 2, taps), (0, taps, taps + 1)
    invert = RNG.random(outputs) < 0.5
    for steps in (1, 3):
        found = optimise(weights, family, thresholds=thresholds[:, :steps], invert=invert, effort=50)
        levels = ((expected[:, :, None] >= thresholds[:, :steps]) ^ invert[:, None]).sum(axis=2)
        assert (found.reference(inputs(windows)) == levels).all()


@pytest.mark.parametrize("planes", [(0,), (0, 1), (1, 3)])
@pytest.mark.parametrize(("outputs", "taps"), [(1, 1), (2, 2), (5, 3), (9, 5), (16, 4)])
def test_small_layers_equal_numpy_for_every_window_and_threshold(outputs, taps, planes):
    weights = RNG.integers(0, 2, (outputs, taps))
    windows = every(taps, len(planes))
    expected, bits = counts(weights, windows, planes), inputs(windows, planes)
    assert (optimise(weights, "ice40", planes=planes, effort=20).reference(bits) == expected).all()
    # Every threshold, plain and inverted, of every output: rows that are repeated are counted once.
    steps = np.arange(taps * sum(1 << plane for plane in planes) + 2)
    thresholds, invert = np.tile(np.repeat(steps, outputs), 2)[:, None], np.repeat([False, True], len(steps) * outputs)
    rows = np.tile(weights, (2 * len(steps), 1))
    found = optimise(rows, "ice40", planes=planes, thresholds=thresholds, invert=invert, effort=20)
    reached = np.tile(expected, 2 * len(steps)) >= thresholds[:, 0]
    assert (found.reference(bits) == (reached ^ invert)).all()


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("cases", [1, 2, 9, 40])
def test_corrections_are_those_of_the_case(scale, cases):
    weights = RNG.integers(0, 2, (6, 20))
    corrections = RNG.integers(0, 9, (6, cases))
    windows, case = RNG.integers(0, 2, (200, 20)), RNG.integers(0, cases, 200)
    bits = np.concatenate([inputs(windows), (case[:, None] >> np.arange((cases - 1).bit_length()) & 1) > 0], axis=1)
    expected = scale * counts(weights, windows) + corrections[:, case].T
    found = optimise(weights, "ice40", scale=scale, effort=20, corrections=corrections)
    assert (found.reference(bits) == expected).all()
    thresholds, invert = RNG.integers(0, 20 * scale + 9, (6, 1)), RNG.random(6) < 0.5
    found = optimise(
        weights, "ice40", scale=scale, effort=20, corrections=corrections, thresholds=thresholds, invert=invert
    )
    assert (found.reference(bits) == ((expected >= thresholds[:, 0]) ^ invert)).all()


def test_a_layer_is_always_built_alike():
    for family in COSTS:
        first, second = (optimise(KINDS["random"], family, effort=100) for _ in range(2))
        assert dataclasses.replace(first, seconds=0) == dataclasses.replace(second, seconds=0)


def test_repeated_rows_cost_nothing_more():
    rows = KINDS["random"]
    thresholds, invert = np.full((24, 1), 20), np.zeros(24, bool)
    once = optimise(rows, "ice40", thresholds=thresholds, invert=invert, effort=50)
    twice = optimise(
        np.concatenate([rows, rows]),
        "ice40",
        thresholds=np.tile(thresholds, (2, 1)),
        invert=np.tile(invert, 2),
        effort=50,
    )
    assert (once.cells, twice.repeated) == (twice.cells, 24)


def test_near_rows_and_rows_with_few_ones_are_told_from_others():
    assert optimise(KINDS["near rows"], "ice40", effort=0).edges >= 15
    assert optimise(KINDS["few ones"], "ice40", effort=0).edges >= 15
    assert optimise(RNG.integers(0, 2, (16, 256)), "ice40", effort=0).edges == 0


@pytest.mark.parametrize("cost", [Cost(4, 1), Cost(6, 0, 5)])
def test_counts_and_comparisons_of_any_length(cost):
    for n in range(1, 34):
        graph = Graph(n, cost.lut_inputs)
        inverted = RNG.integers(0, 2, n)
        windows = RNG.integers(0, 2, (40, n)).astype(bool)
        number = count(graph, cost, [graph.input(at) ^ int(inverted[at]) for at in range(n)])
        found = graph.evaluate(windows, number.bits) @ (1 << np.arange(len(number.bits)))
        assert (found == (windows ^ inverted.astype(bool)).sum(axis=1)).all()
    for span, least in [(1, 0), (2, -7), (16, -40), (17, 3), (33, -20), (65, -33), (100, 5)]:
        bits = width(cost.lut_inputs, span)
        graph, values = Graph(bits, cost.lut_inputs), np.arange(least, least + span)
        windows = (values[:, None] >> np.arange(bits) & 1).astype(bool)
        for threshold in range(least - 1, least + span + 2):
            literal = at_least(graph, [graph.input(at) for at in range(bits)], least, threshold, span)
            assert (graph.evaluate(windows, [literal])[:, 0] == (values >= threshold)).all()


def test_the_graph_keeps_every_function_once():
    graph = Graph(4, 4)
    a, b, c, d = (graph.input(at) for at in range(4))
    parity = graph.table(0b0110, [a, b])
    assert graph.table(0b0110, [b ^ 1, a]) == parity ^ 1
    assert graph.table(0b1001, [b, a]) == parity ^ 1
    assert graph.table(0b1010, [a, b]) == a
    assert graph.table(0b1000, [a, a ^ 1]) == FALSE
    assert graph.table(0b1110, [a, TRUE]) == TRUE
    total = graph.add([a, b], [c, d], TRUE)
    assert graph.add([c ^ 1, b ^ 1], [a ^ 1, d ^ 1], FALSE) == [literal ^ 1 for literal in total]
    assert graph.add([a, b], [FALSE, FALSE], FALSE) == [a, b, FALSE]
    with pytest.raises(ValueError, match=r"^literals must be at most 2, not 3$"):
        Graph(3, 2).table(0b10010110, [2, 4, 6])


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"^family must be one of ice40, ecp5, gowin, xc7, not 'z80'$"):
        optimise(KINDS["random"], "z80")
    with pytest.raises(ValueError, match=r"^weights must be a matrix of at least one output and one tap, not of shape"):
        optimise(np.zeros((3, 0)), "ice40")
    with pytest.raises(ValueError, match=r"^scale must be a power of two, not 3$"):
        optimise(KINDS["random"], "ice40", scale=3)


def test_cells_are_about_those_of_yosys():
    weights = np.random.default_rng(3).integers(0, 2, (8, 40))
    thresholds, invert = np.full((8, 1), 19), np.zeros(8, dtype=bool)
    shape = UnrolledShape(
        weights, (0,), Agreement(2, np.full(8, 40), 40), thresholds, invert, family="ice40", effort=200
    )
    area = synthesise(shape.create(), "ice40")
    # Complements of sums cost tables beside the estimate, and the stream's handshake a few.
    assert shape.unrolling.cells * 0.95 <= area.luts <= shape.unrolling.cells * 1.15 + 8

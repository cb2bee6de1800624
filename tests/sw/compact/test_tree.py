"""Spanning trees against scipy's, against every tree there is, and at the size of real layers."""

import time
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree

from sw.compact.tree import bit_distances, depths, least_tree, settle, span, symbol_distances, weight

FAR = 10**6  # a root costs so much that there is one


@st.composite
def rows(draw, symbols=2):
    """Rows with many equal distances: few places, sometimes copies and complements."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    table = rng.integers(0, symbols, (draw(st.integers(1, 24)), draw(st.integers(1, 40))), dtype=np.uint16)
    if draw(st.booleans()):
        table = table[rng.integers(0, len(table), len(table))]
    return table


@cache
def every_tree(vertices):
    """The edges (trees, vertices - 1, 2) of all labelled trees, by Prufer's codes, and steps between all vertices."""
    edges, steps = [], []
    for code in product(range(vertices), repeat=vertices - 2):
        degree = [1 + code.count(vertex) for vertex in range(vertices)]
        tree = []
        for vertex in code:
            leaf = degree.index(1)
            tree.append((leaf, vertex))
            degree[leaf], degree[vertex] = 0, degree[vertex] - 1
        tree.append(tuple(vertex for vertex in range(vertices) if degree[vertex] == 1))
        between = np.full((vertices, vertices), vertices)
        np.fill_diagonal(between, 0)
        for one, other in tree:
            between[one, other] = between[other, one] = 1
        for middle in range(vertices):
            between = np.minimum(between, between[:, [middle]] + between[middle])
        edges.append(tree)
        steps.append(between)
    return np.array(edges), np.array(steps)


def weights_of(edges, distances):
    return distances[edges[..., 0], edges[..., 1]].sum(axis=1)


@given(table=rows(), complement=st.booleans())
@settings(deadline=None, derandomize=True, max_examples=100)
def test_bit_distances_are_counted_differences(table, complement):
    distances, flips = bit_distances(table, complement)
    plain = (table[:, None] != table[None]).sum(axis=2)
    turned = table.shape[1] - plain
    np.testing.assert_array_equal(distances, np.minimum(plain, turned) if complement else plain)
    np.testing.assert_array_equal(flips, (turned < plain) & complement)


@given(table=rows(symbols=5))
@settings(deadline=None, derandomize=True, max_examples=50)
def test_symbol_distances_are_counted_differences(table):
    np.testing.assert_array_equal(symbol_distances(table), (table[:, None] != table[None]).sum(axis=2))


@given(table=rows(), complement=st.booleans())
@settings(deadline=None, derandomize=True, max_examples=100)
def test_the_weight_is_that_of_scipys_tree(table, complement):
    distances, _ = bit_distances(table, complement)
    least = minimum_spanning_tree(distances + 1).sum() - (len(table) - 1)  # scipy takes 0 for no edge
    for parents in (least_tree(distances, FAR), span(distances, FAR)):
        assert weight(parents, distances, 0) == least
        assert (parents == np.arange(len(table))).sum() == 1
        assert (parents[depths(parents) == 0] == np.flatnonzero(depths(parents) == 0)).all()


@given(table=rows(), whole=st.integers(1, 20))
@settings(deadline=None, derandomize=True, max_examples=100)
def test_a_root_is_set_wherever_that_is_cheaper(table, whole):
    distances, _ = bit_distances(table)
    n = len(table)
    ground = np.full((n + 1, n + 1), whole)  # a vertex more, which every root hangs from
    ground[:n, :n] = distances
    least = minimum_spanning_tree(ground + 1).sum() - n
    for parents in (least_tree(distances, whole), span(distances, whole)):
        assert weight(parents, distances, whole) == least
        children = np.flatnonzero(parents != np.arange(n))
        assert (distances[children, parents[children]] < whole).all()


@pytest.mark.parametrize("vertices", [3, 4, 5, 6])
@pytest.mark.parametrize("places", [3, 5, 9])
def test_no_tree_of_least_weight_is_less_deep(vertices, places):
    edges, steps = every_tree(vertices)
    for seed in range(25):
        table = np.random.default_rng(seed).integers(0, 2, (vertices, places))
        distances, _ = bit_distances(table, complement=seed % 2 == 1)
        weights = weights_of(edges, distances)
        least = steps.max(axis=2).min(axis=1)[weights == weights.min()].min()
        assert depths(span(distances, FAR)).max() == least, f"seed {seed}"


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_bounded_tree_is_near_the_best_of_all_bounded_trees(depth):
    edges, steps = every_tree(6)
    inside = steps.max(axis=2).min(axis=1) <= depth
    excess = []
    for seed in range(40):
        distances, _ = bit_distances(np.random.default_rng(seed).integers(0, 2, (6, 16)))
        least = weights_of(edges, distances)[inside].min()
        parents = span(distances, FAR, depth=depth)
        assert depths(parents).max() <= depth
        excess.append(weight(parents, distances, 0) / least - 1)
    assert min(excess) >= 0
    assert np.mean(excess) <= (0 if depth == 1 else 0.005)


@pytest.mark.parametrize("mu", [0.5, 2.0])
def test_depth_with_a_price_is_near_the_best_of_all_trees(mu):
    edges, steps = every_tree(6)
    excess = []
    for seed in range(40):
        distances, _ = bit_distances(np.random.default_rng(seed).integers(0, 2, (6, 16)))
        least = (weights_of(edges, distances)[:, None] + mu * steps.sum(axis=2)).min()
        parents = span(distances, FAR, mu=mu)
        excess.append((weight(parents, distances, 0) + mu * depths(parents).sum()) / least - 1)
    assert min(excess) > -1e-9
    assert np.mean(excess) <= 0.005


@given(table=rows(), depth=st.integers(1, 4), whole=st.sampled_from([3, 8, FAR]))
@settings(deadline=None, derandomize=True, max_examples=100)
def test_a_bound_holds_and_the_least_star_is_found(table, depth, whole):
    distances, _ = bit_distances(table)
    star = span(distances, whole, depth=1)
    parents = span(distances, whole, depth=depth)
    quick = least_tree(distances, whole, depth)
    assert max(depths(parents).max(), depths(quick).max()) <= depth
    least = weight(span(distances, whole), distances, whole)
    assert least <= weight(parents, distances, whole) <= weight(quick, distances, whole)
    assert depths(star).max() <= 1
    if whole == FAR:
        assert weight(star, distances, 0) == distances.sum(axis=1).min()


@pytest.mark.parametrize(
    ("channels", "places"),
    [(512, 4608), pytest.param(1024, 1024, marks=pytest.mark.slow), pytest.param(1024, 9, marks=pytest.mark.slow)],
)
def test_large_layers_take_seconds_and_always_give_the_same_tree(channels, places):
    distances, _ = bit_distances(np.random.default_rng(0).integers(0, 2, (channels, places)))
    start = time.perf_counter()
    parents = span(distances, places)
    bounded = span(distances, places, depth=3)
    assert time.perf_counter() - start < 30
    least = weight(least_tree(distances, places), distances, places)
    assert weight(parents, distances, places) == least <= weight(bounded, distances, places)
    assert depths(bounded).max() <= 3
    assert depths(parents).max() < depths(least_tree(distances, places)).max()
    np.testing.assert_array_equal(parents, span(distances, places))


@pytest.mark.parametrize("mu", [0.0, 1.5])
def test_no_vertex_has_a_better_parent_within_the_bound_when_settled(mu):
    for seed in range(30):
        rng = np.random.default_rng(seed)
        distances, _ = bit_distances(rng.integers(0, 2, (12, 20)))
        start = np.where(np.arange(12) < 4, 0, rng.integers(0, 4, 12))  # two deep
        bound = int(rng.integers(2, 4))
        parents = settle(distances, 20, bound, mu, start)

        def cost(tree, distances=distances):
            return weight(tree, distances, 20) + mu * int(depths(tree).sum())

        assert depths(parents).max() <= bound
        assert cost(parents) <= cost(start)
        for vertex, parent in product(range(12), repeat=2):
            above = parent
            while above not in (parents[above], vertex):
                above = parents[above]
            if above == vertex != parent:
                continue  # the parent hangs from the vertex
            other = parents.copy()
            other[vertex] = parent
            assert depths(other).max() > bound or cost(other) >= cost(parents) - 1e-9

from itertools import permutations

import pytest
import torch

from sw.compact.sinkhorn import assignment, gumbel, sinkhorn


def plain_sinkhorn(preferences, iterations):
    """As the formula has it, without logarithms."""
    table = torch.exp(preferences)
    for _ in range(iterations):
        table = table / table.sum(dim=1, keepdim=True)
        table = table / table.sum(dim=0, keepdim=True)
    return table


def test_log_space_is_the_plain_formula():
    preferences = torch.randn(8, 8, dtype=torch.float64)
    assert torch.allclose(sinkhorn(preferences, 10), plain_sinkhorn(preferences, 10), atol=1e-12)


def test_the_result_nears_a_doubly_stochastic_matrix():
    errors = []
    for iterations in (1, 10, 200):
        soft = sinkhorn(torch.randn(64, 64, generator=torch.Generator().manual_seed(0)) * 3, iterations)
        assert torch.allclose(soft.sum(dim=0), torch.ones(64), atol=1e-5)
        errors.append(float((soft.sum(dim=1) - 1).abs().max()))
    assert errors[0] > 10 * errors[1] > 100 * errors[2]
    assert errors[2] < 1e-4


def test_no_overflow_at_the_temperature_of_the_paper():
    soft = sinkhorn(gumbel((512, 512)) / 1e-2, 10)
    assert soft.isfinite().all()
    assert torch.allclose(soft.sum(dim=0), torch.ones(512), atol=1e-3)


def test_the_gradient_is_that_of_the_steps():
    preferences = torch.randn(5, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: sinkhorn(x, 4), preferences)
    rest = torch.randn(5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, r: sinkhorn(x, 4, r), (preferences[:, :2], rest))


def test_equal_columns_in_one_are_the_square_problem():
    wanted, rest = torch.randn(16, 5, dtype=torch.float64), torch.randn(16, dtype=torch.float64)
    square = sinkhorn(torch.cat([wanted, rest[:, None].expand(16, 11)], dim=1), 10)
    assert torch.allclose(sinkhorn(wanted, 10, rest), square[:, :6], atol=1e-12)


def test_rest_belongs_to_the_rectangular_problem_alone():
    with pytest.raises(ValueError, match="rest"):
        sinkhorn(torch.zeros(4, 4), 1, torch.zeros(4))
    with pytest.raises(ValueError, match="rest"):
        sinkhorn(torch.zeros(4, 3), 1)


@pytest.mark.parametrize("columns", [2, 4, 5])
def test_assignment_is_the_best_of_all(columns):
    soft = torch.rand(5, columns, generator=torch.Generator().manual_seed(columns))
    found = assignment(soft)
    assert len(set(found.tolist())) == columns
    best = max(permutations(range(5), columns), key=lambda rows: float(soft[list(rows), range(columns)].sum()))
    assert found.tolist() == list(best)


def test_gumbel_noise_has_the_mean_and_spread_of_its_kind():
    noise = gumbel((200_000,))
    assert float(noise.mean()) == pytest.approx(0.5772, abs=0.02)
    assert float(noise.std()) == pytest.approx(1.2825, abs=0.02)

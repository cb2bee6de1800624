import pytest
import torch

from sw.train.estimators import ESTIMATORS, Levels, irnet_sharpness, quantize, round_ste, sign

X = torch.tensor([-2.0, -1.0, -0.5, -0.0, 0.0, 0.25, 1.0, 1.5])


def gradient(estimator, x, sharpness=1.0):
    x = x.clone().requires_grad_()
    sign(x, estimator, sharpness).sum().backward()
    return x.grad


def derivative(function, x):
    x = x.clone().requires_grad_()
    function(x).sum().backward()
    return x.grad


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_has_the_one_sign_with_zero_positive(estimator):
    assert sign(X, estimator).tolist() == [-1, -1, -1, 1, 1, 1, 1, 1]


def test_ste_is_the_clipped_identity():
    assert gradient("ste", X).tolist() == [0, 1, 1, 1, 1, 1, 1, 0]


def test_bireal_is_the_derivative_of_its_polynomial():
    assert gradient("bireal", X).tolist() == [0, 0, 1, 2, 2, 1.5, 0, 0]


@pytest.mark.parametrize("t", [0.1, 1.0, 10.0])
def test_irnet_is_the_derivative_of_k_tanh(t):
    expected = derivative(lambda x: max(1 / t, 1.0) * torch.tanh(t * x), X)
    torch.testing.assert_close(gradient("irnet", X, t), expected, atol=1e-6, rtol=1e-5)


def test_swish_is_the_derivative_of_sign_swish():
    def sign_swish(x, beta=5.0):
        s = torch.sigmoid(beta * x)
        return 2 * s * (1 + beta * x * (1 - s)) - 1

    torch.testing.assert_close(gradient("swish", X), derivative(sign_swish, X), atol=1e-5, rtol=1e-5)


def test_irnet_sharpness_grows_from_a_tenth_to_ten():
    assert [irnet_sharpness(p) for p in (0.0, 0.5, 1.0, 2.0)] == pytest.approx([0.1, 1.0, 10.0, 10.0])


def test_levels_are_odd_integers_with_cuts_at_powers_of_two():
    x = torch.tensor([-9.0, -1.001, -1.0, -0.001, 0.0, 0.999, 1.0, 9.0])
    assert quantize(x, 2).tolist() == [-3, -3, -1, -1, 1, 1, 3, 3]
    assert quantize(x / 2, 3).tolist() == [-7, -3, -1, -1, 1, 1, 3, 7]
    assert set(quantize(torch.linspace(-4, 4, 999), 3).tolist()) == {-7, -5, -3, -1, 1, 3, 5, 7}


def test_levels_pass_gradients_until_they_saturate():
    x = torch.tensor([-2.5, -1.0, 1.9, 2.1], requires_grad=True)
    Levels(2)(x).sum().backward()
    assert x.grad.tolist() == [0, 2, 2, 0]


def test_round_ste_rounds_forward_and_passes_the_gradient():
    x = torch.tensor([0.5, 1.5, -1.2], requires_grad=True)
    rounded = round_ste(x)
    rounded.sum().backward()
    assert rounded.tolist() == [0, 2, -1]
    assert x.grad.tolist() == [1, 1, 1]


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="^bits must be from 1 to 8, not 0$"):
        Levels(0)
    with pytest.raises(ValueError, match="^estimator must be one of ste, bireal, irnet, swish, not 'relu'$"):
        Levels(1, "relu")

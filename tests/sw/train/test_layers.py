import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sw.network import Padding
from sw.train.binarize import DenseBinarizer
from sw.train.layers import (
    BatchNorm,
    BinaryConv2d,
    BinaryLinear,
    PlanesInput,
    Scores,
    ThermometerInput,
    even_thresholds,
    flatten,
    image_order,
)


def test_flatten_runs_row_column_channel():
    x = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    expected = x.numpy().transpose(0, 2, 3, 1).reshape(2, -1)
    assert np.array_equal(flatten(x).numpy(), expected)
    assert flatten(flatten(x)).shape == (2, 60)
    assert image_order(x).shape == (2, 4, 5, 3)
    assert image_order(flatten(x)).shape == (2, 1, 1, 60)


def test_thermometer_puts_the_levels_of_a_channel_together():
    pixels = torch.tensor([3.0, 9.0]).reshape(1, 2, 1, 1)
    bits = ThermometerInput(torch.tensor([[3, 4], [9, 10]]))(pixels)
    assert bits.flatten().tolist() == [1, -1, 1, -1]


def test_planes_clear_the_dropped_bits():
    assert PlanesInput((1, 3))(torch.arange(16.0)).tolist() == [x & 0b1010 for x in range(16)]


def test_even_thresholds_are_ascending_and_one_is_the_middle():
    assert even_thresholds(1, 8) == [128]
    assert even_thresholds(3, 4) == [4, 8, 12]
    assert even_thresholds(15, 4) == list(range(1, 16))
    with pytest.raises(ValueError, match="^levels must be from 1 to 15 for 4-bit pixels, not 16$"):
        even_thresholds(16, 4)


def test_batch_norm_in_eval_mode_is_its_formula_in_double_precision():
    torch.manual_seed(0)
    norm = BatchNorm(3)
    torch.nn.init.normal_(norm.gamma)
    torch.nn.init.normal_(norm.beta)
    norm(torch.randn(50, 3, 2, 2) * 7 + 3)
    norm.eval()
    x = torch.randint(-9, 9, (5, 3, 2, 2)).float()
    gamma, beta, mean, variance = (
        t.detach().double().numpy() for t in (norm.gamma, norm.beta, norm.mean, norm.variance)
    )
    expected = (x.double().numpy().transpose(0, 2, 3, 1) - mean) * (gamma / np.sqrt(variance + 1e-5)) + beta
    assert norm(x).dtype == torch.float64
    assert np.array_equal(norm(x).detach().numpy(), expected.transpose(0, 3, 1, 2))
    torch.testing.assert_close(
        norm(x).float(), F.batch_norm(x, norm.mean, norm.variance, norm.gamma, norm.beta), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize(("kind", "corner"), [("zero", 4), ("-1", -1), ("+1", 9)])
def test_padding_reads_as_its_value(kind, corner):
    layer = BinaryConv2d(DenseBinarizer(torch.ones(1, 1, 3, 3)), padding=Padding(kind, 1))
    assert layer(torch.ones(1, 1, 2, 2))[0, 0, 0, 0].item() == corner


def test_sums_are_whole_in_eval_mode_and_latents_stay_clipped():
    binarizer = DenseBinarizer(torch.tensor([[0.0, -0.0, -3.0, 0.2]]))
    layer = BinaryLinear(binarizer).eval()
    assert layer(torch.tensor([[1.0, 2.0, 4.0, 8.0]])).item() == 7
    binarizer.after_step()
    torch.testing.assert_close(binarizer.latent.detach(), torch.tensor([[0.0, 0.0, -1.0, 0.2]]))
    assert binarizer.export().decode().tolist() == [[1, 1, 0, 1]]


def test_convolution_weights_are_stored_row_column_channel():
    latent = torch.randn(4, 3, 2, 5)
    stored = DenseBinarizer(latent).export().decode()
    assert np.array_equal(stored, (latent.numpy().transpose(0, 2, 3, 1) >= 0).astype(np.uint8))


def test_scores_are_whole_and_logits_keep_their_order():
    head = Scores(3, taps=100)
    torch.nn.init.uniform_(head.bias, -1, 1)
    sums = torch.tensor([[4.0, -8.0, 2.0]])
    scores = head.scores(sums)
    assert torch.equal(scores, torch.round(scores))
    assert torch.equal(head(sums).argsort(), scores.argsort())

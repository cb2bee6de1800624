"""The sign of an activation or a latent weight, and the gradients that stand in for its own, which is zero.

There is one sign, `sign(0) = +1`, whatever the gradient. A gradient is chosen by name:

==========  ==========================================================================================
`ste`       identity, clipped to |x| <= 1 (Courbariaux et al., BinaryConnect/BNN, section 1.3)
`bireal`    2 - 2|x| for |x| < 1, the derivative of a piecewise polynomial (Liu et al., Bi-Real Net, 3.3)
`irnet`     k t (1 - tanh(t x)^2), t growing 0.1 -> 10 over the training (Qin et al., IR-Net, 3.3)
`swish`     derivative of SignSwish, beta = 5 (Darabi et al., BNN+, 3.1)
==========  ==========================================================================================
"""

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["ESTIMATORS", "Levels", "irnet_sharpness", "quantize", "round_ste", "sign"]

ESTIMATORS = ("ste", "bireal", "irnet", "swish")
SWISH_BETA = 5.0


def irnet_sharpness(progress: float) -> float:
    """IR-Net's t after `progress` (0 to 1) of the training: 0.1 at first, 10 at last, evenly in the logarithm."""
    return 10.0 ** (2.0 * min(max(progress, 0.0), 1.0) - 1.0)


def _slope(x: Tensor, estimator: str, sharpness: float) -> Tensor:
    """The stand-in for d sign(x) / dx, elementwise."""
    if estimator == "ste":
        return (x.abs() <= 1.0).to(x.dtype)
    if estimator == "bireal":
        return x.abs().mul_(-2.0).add_(2.0).clamp_min_(0.0)
    if estimator == "irnet":
        scale = max(1.0 / sharpness, 1.0)
        return scale * sharpness * (1.0 - torch.tanh(sharpness * x).square())
    if estimator == "swish":
        z = SWISH_BETA * x
        return SWISH_BETA * (2.0 - z * torch.tanh(z / 2.0)) / (1.0 + torch.cosh(z.clamp(-40.0, 40.0)))
    raise ValueError(f"estimator must be one of {', '.join(ESTIMATORS)}, not {estimator!r}")


def quantize(x: Tensor, bits: int = 1) -> Tensor:
    """The level value of x: an odd integer from -(2^bits - 1) to 2^bits - 1; for one bit, the sign.

    The cuts lie at the multiples of 2^(2 - bits) about zero (one bit: at zero alone), so that a batch-normalised x of
    about unit spread uses all levels. Multiplying by a power of two is exact: the cuts are where they are said to be.
    """
    if bits == 1:
        return (x >= 0).to(x.dtype).mul_(2.0).sub_(1.0)  # Several times as fast as torch.where on a CPU.
    top = 2**bits - 1
    return (2.0 * torch.floor(x * 2.0 ** (bits - 2)) + 1.0).clamp(-top, top)


class _Quantize(torch.autograd.Function):
    """`quantize` forward, the chosen estimator backward. With k bits, x is scaled so that the levels span |x| <= 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bits: int, estimator: str, sharpness: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.bits, ctx.estimator, ctx.sharpness = bits, estimator, sharpness
        return quantize(x, bits)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (x,) = ctx.saved_tensors
        if ctx.bits == 1:
            slope = _slope(x, ctx.estimator, ctx.sharpness)
        else:
            # Away from one bit the staircase follows the line 2^(bits-1) x until it saturates at |x| = 2.
            slope = (x.abs() <= 2.0).to(x.dtype) * 2.0 ** (ctx.bits - 1)
        return gradients[0] * slope, None, None, None


def sign(x: Tensor, estimator: str = "ste", sharpness: float = 1.0) -> Tensor:
    """-1 or +1, with sign(0) = +1, elementwise; its gradient is the named estimator's (`sharpness`: IR-Net's t)."""
    return _Quantize.apply(x, 1, estimator, sharpness)  # type: ignore[no-any-return]


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.round(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


def round_ste(x: Tensor) -> Tensor:
    """The nearest integer (halves to even), with the identity as its gradient."""
    return _Round.apply(x)  # type: ignore[no-any-return]


class Levels(nn.Module):
    """k-bit activations: `quantize` with a chosen gradient. One bit is the sign.

    `sharpness` is IR-Net's t; the training loop sets it as training proceeds. It is no parameter and is not saved.
    """

    def __init__(self, bits: int = 1, estimator: str = "ste") -> None:
        super().__init__()
        if bits not in range(1, 9):
            raise ValueError(f"bits must be from 1 to 8, not {bits!r}")
        if estimator not in ESTIMATORS:
            raise ValueError(f"estimator must be one of {', '.join(ESTIMATORS)}, not {estimator!r}")
        self.bits = bits
        self.estimator = estimator
        self.sharpness = irnet_sharpness(0.0)

    def forward(self, x: Tensor) -> Tensor:
        return _Quantize.apply(x, self.bits, self.estimator, self.sharpness)  # type: ignore[no-any-return]

"""What the Brevitas test networks are made of: quantisers, layers, and numbers that put thresholds everywhere."""

from collections.abc import Callable, Sequence

import brevitas.nn as qnn
import torch
from brevitas.nn.quant_layer import QuantWeightBiasInputOutputLayer as QuantLayer
from brevitas.quant import Int8ActPerTensorFloat, SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst
from brevitas_examples.bnn_pynq.models.common import CommonActQuant, CommonWeightQuant
from brevitas_examples.bnn_pynq.models.tensor_norm import TensorNorm
from torch import Tensor, nn

__all__ = [
    "Affine",
    "Function",
    "bipolar",
    "conv",
    "dense",
    "randomised",
    "relu",
    "signed",
    "ternary",
    "weights",
]


class Function(nn.Module):
    """A step without parameters, by name of what it computes."""

    def __init__(self, compute: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.compute = compute

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(x)


class Affine(nn.Module):
    """``scale * x + shift`` with a number for each channel, as colours are made zero-mean."""

    def __init__(self, scale: Sequence[float], shift: Sequence[float]) -> None:
        super().__init__()
        for name, numbers in (("scale", scale), ("shift", shift)):
            self.register_buffer(name, torch.tensor(numbers).reshape(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x + self.shift


def weights(scale: str | float) -> dict[str, object]:
    """Arguments of a layer whose weights are binary: a constant ``scale``, or "tensor" or "channel" statistics."""
    if scale == 0.1:
        return {"weight_quant": SignedBinaryWeightPerTensorConst}
    made = {"weight_quant": CommonWeightQuant, "weight_bit_width": 1}
    if isinstance(scale, float):
        return {**made, "weight_scaling_const": scale}
    return {
        **made,
        "weight_scaling_impl_type": "stats",
        "weight_scaling_stats_op": "ave",
        "weight_scaling_per_output_channel": scale == "channel",
    }


def dense(inputs: int, outputs: int, scale: str | float = 1.0, *, bias: bool = False) -> nn.Module:
    """A dense layer of binary weights."""
    return qnn.QuantLinear(inputs, outputs, bias=bias, **weights(scale))


def conv(inputs: int, outputs: int, kernel: object = 3, scale: str | float = 1.0, **options: object) -> nn.Module:
    """A convolution of binary weights; ``options`` are those of nn.Conv2d."""
    return qnn.QuantConv2d(inputs, outputs, kernel, **{"bias": False, **options}, **weights(scale))


def bipolar() -> nn.Module:
    """Activations of -1 and +1."""
    return qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst)


def ternary() -> nn.Module:
    """Activations of 2 bits in the narrow range: -1, 0 and +1."""
    return qnn.QuantIdentity(act_quant=CommonActQuant, bit_width=2)


def signed(bits: int) -> nn.Module:
    """Signed activations of ``bits`` bits, from -2 to +1 for 2, whose scale comes from what went through."""
    return qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=bits)


def relu(bits: int) -> nn.Module:
    """Unsigned activations of ``bits`` bits, whose scale comes from what went through."""
    return qnn.QuantReLU(bit_width=bits)


def randomised(model: nn.Module, images: Tensor, seed: int, *, positive: bool = False) -> nn.Module:
    """``model`` with seeded numbers: weights, biases, and normalisations of both signs that follow ``images``.

    The statistics come from two passes over ``images``, so that activations take all their levels; then everything is
    moved a little at random, so that thresholds lie unevenly. ``positive``: no normalisation turns its channel round.
    """
    draw = torch.Generator().manual_seed(seed)

    def uniform(like: Tensor, low: float, high: float) -> Tensor:
        return torch.rand(like.shape, generator=draw) * (high - low) + low

    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | TensorNorm)]
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, QuantLayer):
                module.weight.copy_(uniform(module.weight, -1, 1))
                if module.bias is not None:
                    module.bias.copy_(uniform(module.bias, -0.3, 0.3))
        for norm in norms:
            sign = 1 if positive else torch.sign(uniform(norm.weight, -0.7, 1))
            norm.weight.copy_(uniform(norm.weight, 0.6, 1.6) * sign)
            norm.bias.copy_(uniform(norm.bias, -0.6, 0.6))
            norm.momentum = 1.0
        model.train()
        torch.manual_seed(seed)
        for _ in range(2):
            model(images)
        for norm in norms:
            norm.running_mean.add_(uniform(norm.running_mean, -0.5, 0.5) * norm.running_var.sqrt())
            norm.running_var.mul_(uniform(norm.running_var, 0.6, 1.6))
            norm.momentum = 0.1
    return model.eval()

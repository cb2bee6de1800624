"""Networks that no Network can compute exactly, exported by Brevitas, with what their refusals speak of."""

from collections.abc import Callable
from typing import Any

import brevitas.nn as qnn
import torch
from torch import nn

from tests.sw.interop.brevitas_cases.case import Case, head, sequence, sign_input
from tests.sw.interop.brevitas_cases.parts import bipolar, conv, signed, weights

__all__ = ["REFUSED"]


class Residual(nn.Module):
    """A layer whose output is added to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.layer, self.norm = sequence(*sign_input(4)), conv(4, 4, padding=1), nn.BatchNorm2d(4)
        self.last = sequence(bipolar(), *head(4 * 36))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return self.last(self.norm(self.layer(x)) + x)


class TwoOutputs(nn.Module):
    """A network that also gives its hidden activations."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = sequence(*sign_input(4), conv(4, 4), bipolar()), sequence(*head(64))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.first(x)
        return self.last(x), x


def refused(name: str, about: str, words: tuple[str, ...], make: Callable[[], nn.Module], **fields: Any) -> Case:
    """A network of 6x6 pixels of four colours that cannot be imported; the sentence must have ``words``."""
    return Case(name=f"refused_{name}", about=about, make=make, shape=(6, 6, 4), refusal=words, **fields)


REFUSED = (
    refused(
        "weights_2bit",
        "weights of 2 bits",
        ("weight",),
        lambda: sequence(
            *sign_input(4), qnn.QuantConv2d(4, 4, 3, bias=False, weight_bit_width=2), bipolar(), *head(64)
        ),
    ),
    refused(
        "weights_float",
        "a layer whose weights have no quantiser",
        ("weight",),
        lambda: sequence(*sign_input(4), nn.Flatten(), nn.Linear(144, 5)),
    ),
    refused(
        "depthwise",
        "a depthwise convolution",
        ("group",),
        lambda: sequence(*sign_input(4), conv(4, 4, groups=4), bipolar(), *head(64)),
    ),
    refused(
        "dilated",
        "a convolution with holes",
        ("dilation",),
        lambda: sequence(*sign_input(4), conv(4, 4, dilation=2), bipolar(), *head(16)),
    ),
    refused(
        "stride_3",
        "a stride of 3",
        ("stride",),
        lambda: sequence(*sign_input(4), conv(4, 4, stride=3), bipolar(), *head(16)),
    ),
    refused("residual", "an addition of two layers", ("Add",), Residual),
    refused(
        "average_pool",
        "an average pool",
        ("AveragePool",),
        lambda: sequence(*sign_input(4), conv(4, 4), bipolar(), nn.AvgPool2d(2), *head(16)),
        exporter="torchscript",
    ),
    refused(
        "overlapping_pool",
        "a max pool whose windows overlap",
        ("MaxPool",),
        lambda: sequence(*sign_input(4), conv(4, 4), bipolar(), nn.MaxPool2d(3, stride=1), *head(16)),
    ),
    refused(
        "sigmoid",
        "a sigmoid without quantiser between two layers",
        ("Sigmoid",),
        lambda: sequence(*sign_input(4), conv(4, 4), nn.Sigmoid(), *head(64)),
    ),
    refused(
        "channel_scales",
        "activations with a scale for each channel",
        ("scale",),
        lambda: sequence(
            *sign_input(4),
            conv(4, 4),
            nn.BatchNorm2d(4),
            qnn.QuantReLU(
                bit_width=2,
                scaling_per_output_channel=True,
                per_channel_broadcastable_shape=(1, 4, 1, 1),
                scaling_stats_permute_dims=(1, 0, 2, 3),
            ),
            *head(64),
        ),
    ),
    refused(
        "truncated_pool",
        "a quantised average pool",
        ("average",),
        lambda: sequence(
            *sign_input(4),
            conv(4, 4),
            qnn.QuantReLU(bit_width=2, return_quant_tensor=True),
            qnn.TruncAvgPool2d(2, bit_width=2),
            *head(16),
        ),
    ),
    refused("two_outputs", "scores and what leads to them", ("output",), TwoOutputs),
    refused(
        "quantised_scores",
        "an activation behind the last layer",
        ("last tensor",),
        lambda: sequence(*sign_input(4), *head(144), signed(3)),
    ),
    refused(
        "kernel_9x9",
        "a kernel that is larger than 7x7",
        ("kernel",),
        lambda: sequence(*sign_input(4), conv(4, 4, 9, padding=4), bipolar(), *head(144)),
    ),
    refused(
        "padded_sums",
        "padding that no convolution reads",
        ("Pad", "convolution"),
        lambda: sequence(*sign_input(4), conv(4, 4), nn.ConstantPad2d(1, 1.0), bipolar(), *head(144)),
    ),
    refused(
        "one_dimension",
        "a convolution along one dimension",
        ("rows and columns",),
        lambda: sequence(
            *sign_input(4), nn.Flatten(2), qnn.QuantConv1d(4, 4, 3, bias=False, **weights(1.0)), bipolar(), *head(136)
        ),
    ),
)

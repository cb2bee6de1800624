"""Networks that no Network can compute exactly, exported by Brevitas, with what their refusals speak of."""

from collections.abc import Callable
from typing import Any

import brevitas.nn as qnn
import torch
from torch import nn

from tests.sw.interop.brevitas_cases.case import Case, head, sequence, sign_input
from tests.sw.interop.brevitas_cases.parts import bipolar, conv, dense, signed

__all__ = ["REFUSED"]


class Residual(nn.Module):
    """A layer whose output is added to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.layer, self.norm = bipolar(), conv(4, 4, padding=1), nn.BatchNorm2d(4)
        self.last = sequence(bipolar(), *head(4 * 36))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return self.last(self.norm(self.layer(x)) + x)


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
        "no_activation",
        "two layers with nothing between",
        ("activation",),
        lambda: sequence(*sign_input(4), conv(4, 4), nn.Flatten(), dense(64, 5)),
    ),
    refused(
        "signed_zero_padding",
        "zero padding around signed 2-bit activations, among whose odd levels there is no zero",
        ("pad",),
        lambda: sequence(
            *sign_input(4),
            conv(4, 4),
            nn.BatchNorm2d(4),
            signed(2),
            conv(4, 4, padding=1),
            nn.BatchNorm2d(4),
            bipolar(),
            *head(64),
        ),
    ),
)

"""Networks of convolutions: paddings, strides, kernels, pools and inputs, exported by Brevitas."""

from unittest.mock import patch

import brevitas.nn as qnn
from brevitas_examples.bnn_pynq.models import CNV as cnv_module
from brevitas_examples.bnn_pynq.models.common import CommonActQuant
from torch import nn

from tests.sw.interop.brevitas_cases.case import Case, head, sequence, sign_input
from tests.sw.interop.brevitas_cases.parts import Affine, Function, bipolar, conv, relu, signed

__all__ = ["CONVOLUTIONS"]


def shrunk_cnv(features: list[tuple[int, bool]], dense_features: list[tuple[int, int]], channels: int) -> nn.Module:
    """The convolutional network of the same examples with fewer channels: (channels, whether a pool follows)."""
    sizes = {
        "CNV_OUT_CH_POOL": features,
        "INTERMEDIATE_FC_FEATURES": dense_features,
        "LAST_FC_IN_FEATURES": dense_features[-1][1],
    }
    with patch.multiple(cnv_module, **sizes):
        return cnv_module.CNV(10, 1, 1, 8, channels)


CONVOLUTIONS = (
    Case(
        name="cnv_digits",
        about="bnn_pynq's CNV with 12-16 channels, trained on digits: 8-bit quantised input, pool after activation",
        make=lambda: shrunk_cnv([(12, False), (16, True)], [(64, 32)], 1),
        bits=4,
        divisor=16,
        activations=(1, 1, 1),
        exporter="torchscript",
        trained=True,
    ),
    Case(
        name="conv_plain",
        about="3x3 convolutions of three colours without padding, weights scaled for each output",
        make=lambda: sequence(
            Affine([4.0, 3.5, 4.5], [-2.0, -1.6, -2.1]),
            bipolar(),
            conv(3, 12, 3, "channel"),
            nn.BatchNorm2d(12),
            bipolar(),
            conv(12, 10, 3, "channel"),
            nn.BatchNorm2d(10),
            bipolar(),
            *head(10 * 16, scale="channel"),
        ),
        shape=(8, 8, 3),
        activations=(1, 1, 1),
    ),
    Case(
        name="zero_bipolar",
        about="3x3 convolutions with zero padding around activations of -1 and +1",
        make=lambda: sequence(
            *sign_input(),
            conv(1, 8, padding=1),
            nn.BatchNorm2d(8),
            bipolar(),
            conv(8, 10, padding=1),
            nn.BatchNorm2d(10),
            bipolar(),
            *head(10 * 49),
        ),
        shape=(7, 7, 1),
        activations=(1, 1, 1),
    ),
    Case(
        name="zero_relu2",
        about="3x3 convolutions with zero padding around 2-bit QuantReLU, biases",
        make=lambda: sequence(
            *sign_input(),
            conv(1, 8, padding=1, bias=True),
            nn.BatchNorm2d(8),
            relu(2),
            conv(8, 8, 3, 0.1, padding=1, bias=True),
            nn.BatchNorm2d(8),
            relu(2),
            *head(8 * 36),
        ),
        shape=(6, 6, 1),
        activations=(1, 2, 2),
        exporter="torchscript",
    ),
    Case(
        name="stride_two",
        about="3x3 convolutions with stride 2, the first of raw 8-bit pixels with zero padding",
        make=lambda: sequence(
            conv(1, 10, padding=1, stride=2),
            nn.BatchNorm2d(10),
            bipolar(),
            conv(10, 12, stride=2),
            nn.BatchNorm2d(12),
            bipolar(),
            *head(12 * 4),
        ),
        shape=(10, 10, 1),
        divisor=1,
        activations=(1, 1),
    ),
    Case(
        name="kernel_5x5",
        about="5x5 convolution with zero padding 2, then 1x1, then 3x1",
        make=lambda: sequence(
            *sign_input(2),
            conv(2, 8, 5, padding=2),
            nn.BatchNorm2d(8),
            bipolar(),
            conv(8, 12, 1),
            nn.BatchNorm2d(12),
            relu(2),
            conv(12, 6, (3, 1)),
            nn.BatchNorm2d(6),
            bipolar(),
            *head(6 * 35),
        ),
        shape=(7, 7, 2),
        activations=(1, 1, 2, 1),
        exporter="torchscript",
    ),
    Case(
        name="pool_after",
        about="max pools of 2x2 after 1-bit and 3-bit activations, a row and a column left over",
        make=lambda: sequence(
            *sign_input(),
            conv(1, 10),
            nn.BatchNorm2d(10),
            bipolar(),
            nn.MaxPool2d(2),
            conv(10, 8, padding=1),
            nn.BatchNorm2d(8),
            relu(3),
            nn.MaxPool2d(2),
            *head(8 * 4),
        ),
        shape=(11, 11, 1),
        activations=(1, 1, 3),
    ),
    Case(
        name="pool_before",
        about="max pools between normalisation and activation, normalisations of both signs",
        make=lambda: sequence(
            *sign_input(),
            conv(1, 10),
            nn.BatchNorm2d(10),
            nn.MaxPool2d(2),
            bipolar(),
            conv(10, 8),
            nn.BatchNorm2d(8),
            nn.MaxPool2d(3),
            signed(2),
            *head(8),
        ),
        shape=(12, 12, 1),
        activations=(1, 1, 2),
    ),
    Case(
        name="pool_first",
        about="max pool between convolution and normalisation, factors above zero",
        make=lambda: sequence(
            *sign_input(),
            conv(1, 10),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(10),
            bipolar(),
            conv(10, 8),
            nn.MaxPool2d(3),
            nn.BatchNorm2d(8),
            bipolar(),
            *head(8),
        ),
        shape=(12, 12, 1),
        activations=(1, 1, 1),
        exporter="torchscript",
        positive=True,
    ),
    Case(
        name="pool_first_signs",
        about="max pool between convolution and normalisation, factors of both signs",
        make=lambda: sequence(
            *sign_input(),
            conv(1, 10),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(10),
            relu(2),
            conv(10, 8),
            nn.BatchNorm2d(8),
            bipolar(),
            *head(8 * 9),
        ),
        shape=(12, 12, 1),
        activations=(1, 2, 1),
    ),
    Case(
        name="input_8bit",
        about="signed 8-bit quantised input of three colours, 3x3 convolution with zero padding",
        make=lambda: sequence(
            qnn.QuantIdentity(
                act_quant=CommonActQuant,
                bit_width=8,
                min_val=-1.0,
                max_val=1.0 - 2.0**-7,
                narrow_range=False,
                restrict_scaling_type="power_of_two",
            ),
            conv(3, 10),
            nn.BatchNorm2d(10),
            bipolar(),
            conv(10, 8, padding=1),
            nn.BatchNorm2d(8),
            bipolar(),
            *head(8 * 36),
        ),
        shape=(8, 8, 3),
        zero=128,
        divisor=128,
        activations=(1, 1),
    ),
    Case(
        name="pad_minus",
        about="padding by a node of its own, with -1 and then with zero; images come channels last",
        make=lambda: sequence(
            Function(lambda x: x.permute(0, 3, 1, 2)),
            *sign_input(2),
            nn.ConstantPad2d(1, -1.0),
            conv(2, 8),
            nn.BatchNorm2d(8),
            bipolar(),
            nn.ZeroPad2d(1),
            conv(8, 8),
            nn.BatchNorm2d(8),
            bipolar(),
            *head(8 * 30),
        ),
        shape=(5, 6, 2),
        axes="NHWC",
        activations=(1, 1, 1),
        exporter="torchscript",
    ),
)

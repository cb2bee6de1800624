"""Networks of less usual quantisers, layer orders and options of the exporter, exported by Brevitas."""

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8ActPerTensorFixedPoint, Int32Bias, ShiftedUint8ActPerTensorFloat
from torch import nn

from tests.sw.interop.brevitas_cases.case import Case, head, sequence, sign_input
from tests.sw.interop.brevitas_cases.dense import shrunk_fc
from tests.sw.interop.brevitas_cases.parts import Function, bipolar, conv, dense, weights

__all__ = ["VARIANTS"]


VARIANTS = (
    Case(
        name="rounding",
        about="quantisers that round down and up, one with a zero point, one with a power of two",
        make=lambda: sequence(
            *sign_input(3),
            conv(3, 8, 3, "tensor"),
            nn.BatchNorm2d(8),
            qnn.QuantReLU(bit_width=2, float_to_int_impl_type="floor"),
            conv(8, 8),
            nn.BatchNorm2d(8),
            qnn.QuantIdentity(bit_width=2, float_to_int_impl_type="ceil"),
            nn.Flatten(),
            dense(8 * 16, 24),
            nn.BatchNorm1d(24),
            qnn.QuantIdentity(act_quant=ShiftedUint8ActPerTensorFloat, bit_width=2),
            dense(24, 20),
            nn.BatchNorm1d(20),
            qnn.QuantIdentity(act_quant=Int8ActPerTensorFixedPoint, bit_width=3),
            dense(20, 5),
        ),
        shape=(8, 8, 3),
        activations=(1, 2, 2, 2, 3),
    ),
    Case(
        name="shifted_padding",
        about="zero padding around activations with a zero point, whose zero is their lowest level",
        make=lambda: sequence(
            *sign_input(),
            conv(1, 8),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            qnn.QuantIdentity(act_quant=ShiftedUint8ActPerTensorFloat, bit_width=2),
            conv(8, 6, padding=1),
            nn.BatchNorm2d(6),
            bipolar(),
            *head(6 * 25),
        ),
        shape=(7, 7, 1),
        activations=(1, 2, 1),
        exporter="torchscript",
    ),
    Case(
        name="quantised_bias",
        about="biases quantised to the grid of the sums, quantised tensors handed from layer to layer",
        make=lambda: sequence(
            nn.Flatten(),
            qnn.QuantIdentity(
                bit_width=8, min_val=-1.0, max_val=1.0 - 2.0**-7, scaling_impl_type="const", return_quant_tensor=True
            ),
            qnn.QuantLinear(36, 24, bias=True, bias_quant=Int32Bias, return_quant_tensor=True, **weights(0.1)),
            qnn.QuantReLU(bit_width=2, return_quant_tensor=True),
            qnn.QuantLinear(24, 5, bias=True, bias_quant=Int32Bias, **weights(0.1)),
        ),
        shape=(6, 6, 1),
        zero=128,
        divisor=128,
        activations=(2,),
    ),
    Case(
        name="no_activation",
        about="two layers with nothing between: the sums themselves are what the second one reads",
        make=lambda: sequence(*sign_input(4), conv(4, 4), nn.Flatten(), dense(64, 5)),
        shape=(6, 6, 4),
        activations=(1, 7),
    ),
    Case(
        name="dynamic_batch",
        about="any number of images at once: the shapes are computed in the graph",
        make=lambda: shrunk_fc([24, 24]),
        activations=(1, 1, 1),
        exporter="torchscript",
        options={"dynamic_axes": {"image": {0: "n"}}, "input_names": ["image"], "output_names": ["scores"]},
    ),
    Case(
        name="fixed_batch",
        about="four images at once, a number that stands in the graph's shapes",
        make=lambda: sequence(*sign_input(), conv(1, 8), nn.BatchNorm2d(8), bipolar(), nn.MaxPool2d(2), *head(8 * 9)),
        activations=(1, 1),
        batch=4,
    ),
    Case(
        name="fixed_batch_older",
        about="five images at once, by the older exporter, their number in a reshape",
        make=lambda: sequence(
            *sign_input(),
            conv(1, 8),
            nn.BatchNorm2d(8),
            bipolar(),
            Function(lambda x: x.reshape(x.shape[0], -1)),
            *head(8 * 36)[1:],
        ),
        activations=(1, 1),
        exporter="torchscript",
        batch=5,
    ),
    Case(
        name="dynamic_shapes",
        about="any number of images at once, by the newer exporter",
        make=lambda: sequence(*sign_input(), conv(1, 8), nn.BatchNorm2d(8), bipolar(), nn.MaxPool2d(2), *head(8 * 9)),
        activations=(1, 1),
        options={"dynamic_shapes": ({0: torch.export.Dim("n")},)},
    ),
    Case(
        name="opset_11",
        about="an older version of ONNX",
        make=lambda: sequence(
            *sign_input(), nn.ConstantPad2d(1, 1.0), conv(1, 8), nn.BatchNorm2d(8), bipolar(), *head(8 * 64)
        ),
        activations=(1, 1),
        exporter="torchscript",
        options={"opset_version": 11},
    ),
    Case(
        name="softmax",
        about="a softmax at the end, which leaves the scores in their order",
        make=lambda: sequence(*sign_input(), conv(1, 8), nn.BatchNorm2d(8), bipolar(), *head(8 * 36), nn.Softmax(1)),
        ends="softmax",
        activations=(1, 1),
    ),
)

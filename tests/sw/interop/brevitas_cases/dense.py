"""Networks of dense layers, every quantiser of activations and scale of weights, exported by Brevitas."""

import brevitas.nn as qnn
from brevitas_examples.bnn_pynq.models.common import CommonActQuant
from brevitas_examples.bnn_pynq.models.FC import FC
from brevitas_examples.bnn_pynq.models.tensor_norm import TensorNorm
from torch import nn

from tests.sw.interop.brevitas_cases.case import Case, sequence
from tests.sw.interop.brevitas_cases.parts import Function, bipolar, dense, relu, signed, ternary

__all__ = ["DENSE"]


def shrunk_fc(widths: list[int], bits: int = 1, side: int = 8) -> nn.Module:
    """The fully connected network of Brevitas' own bnn_pynq examples, with layers of ``widths``."""
    return FC(10, 1, bits, bits, 1, widths, in_features=(side, side))


DENSE = (
    Case(
        name="fc_digits",
        about="bnn_pynq's FC of 32-32-32, trained on digits: sign input, dropout, batch and tensor norm",
        make=lambda: shrunk_fc([32, 32, 32]),
        bits=4,
        divisor=15,
        activations=(1, 1, 1, 1),
        exporter="torchscript",
        trained=True,
    ),
    Case(
        name="fc_random",
        about="bnn_pynq's FC of 48-32, normalisations of both signs",
        make=lambda: shrunk_fc([48, 32]),
        activations=(1, 1, 1),
    ),
    Case(
        name="dense_bias",
        about="dense layers with biases and weights of +-0.1, no normalisation",
        make=lambda: sequence(
            nn.Flatten(),
            Function(lambda x: x - 0.5),
            bipolar(),
            dense(48, 32, 0.1, bias=True),
            bipolar(),
            dense(32, 24, 0.1, bias=True),
            bipolar(),
            dense(24, 6, 0.1, bias=True),
        ),
        shape=(4, 4, 3),
        activations=(1, 1, 1),
        exporter="torchscript",
    ),
    Case(
        name="dense_relu2",
        about="dense layers with 2-bit QuantReLU, batch norm at the end",
        make=lambda: sequence(
            nn.Flatten(),
            Function(lambda x: 2 * x - 1),
            bipolar(),
            dense(64, 40),
            nn.BatchNorm1d(40),
            relu(2),
            dense(40, 24),
            nn.BatchNorm1d(24),
            relu(2),
            dense(24, 7),
            nn.BatchNorm1d(7),
        ),
        activations=(1, 2, 2),
    ),
    Case(
        name="dense_relu3",
        about="dense layers with 3-bit QuantReLU and a scale of the weights for each output",
        make=lambda: sequence(
            nn.Flatten(),
            Function(lambda x: 2 * x - 1),
            bipolar(),
            dense(64, 32, "channel", bias=True),
            nn.BatchNorm1d(32),
            relu(3),
            dense(32, 24, "channel"),
            nn.BatchNorm1d(24),
            relu(3),
            dense(24, 5, "channel", bias=True),
        ),
        activations=(1, 3, 3),
        exporter="torchscript",
    ),
    Case(
        name="dense_signed2",
        about="dense layers with signed 2-bit activations, weights scaled by their mean",
        make=lambda: sequence(
            nn.Flatten(),
            Function(lambda x: 2 * x - 1),
            bipolar(),
            dense(64, 32, "tensor"),
            nn.BatchNorm1d(32),
            signed(2),
            dense(32, 24, "tensor"),
            nn.BatchNorm1d(24),
            signed(3),
            dense(24, 5, "tensor"),
            TensorNorm(),
        ),
        activations=(1, 2, 3),
    ),
    Case(
        name="dense_ternary",
        about="dense layers with activations of -1, 0 and +1 (2 bits, narrow range)",
        make=lambda: sequence(
            nn.Flatten(),
            Function(lambda x: 2 * x - 1),
            bipolar(),
            dense(64, 32),
            nn.BatchNorm1d(32),
            ternary(),
            dense(32, 24),
            nn.BatchNorm1d(24),
            ternary(),
            dense(24, 5),
            TensorNorm(),
        ),
        activations=(1, 2, 2),
        exporter="torchscript",
    ),
    Case(
        name="dense_input2",
        about="pixels quantised to 2 signed bits, two hidden layers",
        make=lambda: sequence(
            nn.Flatten(),
            Function(lambda x: 2 * x - 1),
            qnn.QuantIdentity(act_quant=CommonActQuant, bit_width=2, narrow_range=False, min_val=-1.0, max_val=0.5),
            dense(48, 32),
            nn.BatchNorm1d(32),
            bipolar(),
            dense(32, 5),
            TensorNorm(),
        ),
        shape=(4, 12, 1),
        activations=(2, 1),
    ),
    Case(
        name="hard_tanh",
        about="QuantHardTanh of 1 and of 2 bits after dense layers",
        make=lambda: sequence(
            nn.Flatten(),
            Function(lambda x: 2 * x - 1),
            qnn.QuantHardTanh(act_quant=CommonActQuant, bit_width=1),
            dense(64, 32),
            nn.BatchNorm1d(32),
            qnn.QuantHardTanh(bit_width=2, min_val=-1.0, max_val=1.0),
            dense(32, 24),
            nn.BatchNorm1d(24),
            qnn.QuantHardTanh(act_quant=CommonActQuant, bit_width=1),
            dense(24, 5),
        ),
        activations=(1, 2, 1),
    ),
    Case(
        name="top_one",
        about="the answer is the class, by argmax",
        make=lambda: sequence(
            nn.Flatten(),
            Function(lambda x: 2 * x - 1),
            bipolar(),
            dense(64, 32),
            nn.BatchNorm1d(32),
            bipolar(),
            dense(32, 8, 0.1, bias=True),
            Function(lambda x: x.argmax(dim=1)),
        ),
        ends="class",
        activations=(1, 1),
    ),
    Case(
        name="ties",
        about="weights of +-0.1 and even fan-in without bias: float32 sums of +-0.1 miss zero, where the sign turns",
        make=lambda: sequence(
            nn.Flatten(),
            Function(lambda x: 2 * x - 1),
            bipolar(),
            dense(64, 24, 0.1),
            bipolar(),
            dense(24, 5, 0.1),
        ),
        activations=(1, 1),
    ),
)
"""Every one, the one with ties last."""

"""The operators that are read, by what they do to an image on its way, and their constants told channel by channel."""

from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, helper

from sw.interop.qonnx.graph.refusal import refuse

__all__ = [
    "CUSTOM_DOMAINS",
    "ELEMENTWISE",
    "ENDS",
    "FOLDED",
    "KNOWN",
    "LINEAR",
    "PASSED",
    "POOLS",
    "QUANTISERS",
    "REAL",
    "SHAPING",
    "Step",
]

MOST_STEPS = 255
CUSTOM_DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas")
LINEAR = frozenset({"Conv", "Gemm", "MatMul"})
PIXELWISE = frozenset({"Mod", "Gather"})
"""These are read on the image's way before the first layer with weights."""
POOLS = frozenset({"MaxPool", "MaxPoolNHWC"})
SHAPING = frozenset({"Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze"})
PASSED = frozenset({"Identity", "Dropout"})
ENDS = frozenset({"TopK", "ArgMax", "Softmax", "LogSoftmax"})
ELEMENTWISE = frozenset(
    {
        *("Mul", "Add", "Sub", "Div", "Neg", "BatchNormalization"),
        *("Relu", "Clip", "HardSigmoid", "Sigmoid", "Tanh", "Max", "Min"),
        *("Sign", "Round", "Floor", "Ceil"),
        *("Quant", "IntQuant", "BipolarQuant", "MultiThreshold"),
    }
)
"""Each is monotone in its one variable input, and so is whatever they are put together to."""
QUANTISERS = frozenset({"Quant", "IntQuant", "BipolarQuant", "MultiThreshold", "Sign", "Round", "Floor", "Ceil"})
"""Those of them that make a few values of many."""
CURVED = frozenset({"Relu", "HardSigmoid", "Sigmoid", "Tanh"})
"""Those of them that are activations of real numbers: a quantiser must follow."""
REAL = CURVED | {
    *("LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "Gelu", "Erf", "Mish", "Swish", "HardSwish"),
    *("Softplus", "Softsign"),
}
"""All activations of real numbers."""
FOLDED = frozenset(
    {
        *("Constant", "Shape", "Gather", "Concat", "Slice", "Cast", "Pow", "Sqrt", "Reciprocal", "Abs"),
        *("ConstantOfShape", "Expand", "Tile"),
        *(ELEMENTWISE - {"MultiThreshold"}),
        *(SHAPING | PASSED),
    }
)
"""These are computed where all that they read is constant."""
REFUSED = frozenset({"Pad", "AveragePool", "GlobalAveragePool", "Concat", "ConvTranspose", "QuantAvgPool2d", "Trunc"})
"""Known only so that the reason of their refusal, or what they are part of, can be told."""
KNOWN = LINEAR | PIXELWISE | POOLS | SHAPING | PASSED | ENDS | ELEMENTWISE | FOLDED | REFUSED


@dataclass(frozen=True, eq=False)
class Step:
    """An elementwise node, its constants as one number or one for each channel, so that it acts on (rows, channels).

    ``original`` is the node of the graph; ``node`` reads "x" and the names in ``constants``, and writes "y".
    """

    original: NodeProto
    node: NodeProto
    constants: dict[str, np.ndarray]

    @classmethod
    def of(cls, node: NodeProto, variable: str, known: dict[str, np.ndarray], channel: np.ndarray) -> "Step":
        """The step that ``node`` is for the tensor ``variable``.

        ``channel`` has the tensor's shape and says to which channel each element belongs. Raises Refused where the node
        treats elements of one channel differently, or the tensor is not its one variable.
        """
        if list(node.input).count(variable) != 1 or (node.op_type in ("Div", "Mod") and node.input[0] != variable):
            raise refuse(node, f"does not read {variable} as its one variable number: branches are not read")
        if len(node.output) > 1:
            raise refuse(node, "has several outputs: export the model in evaluation mode")
        constants: dict[str, np.ndarray] = {}
        names = []
        for place, name in enumerate(node.input):
            if name in ("", variable):
                names.append("x" if name else "")
                continue
            names.append(f"k{place}")
            constants[names[-1]] = by_channel(node, place, known[name], channel)
        copy = helper.make_node(node.op_type, names, ["y"], domain=node.domain)
        copy.attribute.extend(found for found in node.attribute if found.name != "data_layout")
        if node.op_type == "MultiThreshold":
            copy.attribute.append(helper.make_attribute("data_layout", "NC"))
        return cls(node, copy, constants)


def by_channel(node: NodeProto, place: int, constant: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """Input ``place`` of ``node`` as one number, or as one for each channel (rows of them for MultiThreshold)."""
    rank = channel.ndim
    if node.op_type == "MultiThreshold":
        if constant.ndim != 2:
            raise refuse(node, f"has thresholds of shape {constant.shape}: export them as (channels, steps)")
        if constant.shape[1] > MOST_STEPS:
            raise refuse(node, f"has {constant.shape[1]:,} steps: train it with activations of at most 8 bits")
        if len(constant) == 1:
            return constant
        axis = threshold_axis(node, rank)
        if axis >= rank or len(constant) != channel.shape[axis]:
            raise refuse(node, f"has thresholds for {len(constant)} channels, not {channel.shape}: export it again")
        rows = np.arange(len(constant)).reshape([-1 if at == axis else 1 for at in range(rank)])
        return constant[spread(node, rows, channel)]
    if node.op_type == "BatchNormalization":
        return spread(node, constant.reshape(-1, *[1] * (rank - 2)), channel)
    if constant.size == 1:
        return constant.reshape(())
    return spread(node, constant, channel)


def threshold_axis(node: NodeProto, rank: int) -> int:
    """The axis of channels in a MultiThreshold's input, as qonnx finds it."""
    layout = next((found.s.decode() for found in node.attribute if found.name == "data_layout"), "")
    layout = layout or {3: "NWC", 4: "NCHW"}.get(rank, "NC")
    return layout.index("C") if "C" in layout else 1


def spread(node: NodeProto, constant: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """The number for each channel of a constant that is broadcast to the tensor's shape."""
    try:
        full = np.broadcast_to(constant, channel.shape)
    except ValueError:
        raise refuse(
            node, f"has a constant of shape {constant.shape} for a tensor of shape {channel.shape}: export it again"
        ) from None
    rows = np.zeros(int(channel.max()) + 1, constant.dtype)
    rows[channel.reshape(-1)] = full.reshape(-1)
    if not np.array_equal(rows[channel], full, equal_nan=True):
        raise refuse(node, "has constants that differ from place to place: give it one for each channel")
    return rows

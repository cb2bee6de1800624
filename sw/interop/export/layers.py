"""Each kind of layer as ONNX nodes whose every result is a whole number that its type holds exactly.

Tensors carry values: pixels as they are, levels as odd numbers (a bit as -1 or +1), sums as whole numbers, all in
float32, which has every whole number up to 2**24. A sum whose terms could pass that is refused; scores that could are
int64. Images are (n, channels, height, width); after a dense layer tensors are (n, features).
"""

from collections.abc import Callable, Iterator

import numpy as np

from sw.errors import SubbitError
from sw.interop.export.graph import Graph
from sw.network import (
    BitPlanes,
    BitSlices,
    Convolution,
    Dense,
    Layer,
    Linear,
    MaxPool,
    Scores,
    TensorType,
    Thermometer,
    Threshold,
)

__all__ = ["EXACT", "add_layer"]

EXACT = 1 << 24
"""Up to here float32 holds every whole number."""


def add_layer(graph: Graph, layer: Layer, source: TensorType) -> None:
    """Add ``layer``, which reads a tensor of type ``source``, to ``graph``; its output has the layer's name.

    Raises SubbitError where float32 cannot hold its sums.
    """
    _KINDS[type(layer)](graph, layer, source)


def _thermometer(graph: Graph, layer: Thermometer, source: TensorType) -> None:
    """Each channel as often as it has thresholds, then one threshold each."""
    channels, levels = layer.thresholds.shape
    repeated = _repeated(graph, layer, levels)
    table = np.clip(layer.thresholds, 0, source.high + 1).reshape(-1, 1)
    _bits(graph, layer.name, repeated, table, (channels * levels, source.height, source.width))


def _slices(graph: Graph, layer: BitSlices, source: TensorType) -> None:
    """Bit b of a pixel is set where the pixel modulo 2**(b + 1) is at least 2**b."""
    repeated, name = _repeated(graph, layer, len(layer.slices)), layer.name
    places = np.tile(layer.slices, source.channels)
    moduli = graph.constant(f"{name}.moduli", np.exp2(places + 1.0).reshape(1, -1, 1, 1))
    rest = graph.node("Mod", [repeated, moduli], f"{name}.rest", fmod=1)
    table = np.exp2(places).reshape(-1, 1)
    _bits(graph, name, rest, table, (len(places), source.height, source.width))


def _repeated(graph: Graph, layer: Thermometer | BitSlices, times: int) -> str:
    """What a layer reads with every channel so many times in a row."""
    (read,) = layer.reads
    batch, channels, height, width = graph.shapes[read]
    if times == 1:
        return read
    order = graph.constant(f"{layer.name}.order", np.repeat(np.arange(channels), times), np.int64)
    shape = (batch, channels * times, height, width)
    return graph.node("Gather", [read, order], f"{layer.name}.repeated", shape, axis=1)


def _bits(graph: Graph, name: str, read: str, table: np.ndarray, shape: tuple[int, ...]) -> None:
    thresholds = graph.constant(f"{name}.thresholds", table)
    batch = graph.shapes[read][0]
    graph.node(
        "MultiThreshold", [read, thresholds], name, (batch, *shape), out_dtype="BIPOLAR", out_scale=2.0, out_bias=-1.0
    )


def _planes(graph: Graph, layer: BitPlanes, source: TensorType) -> None:
    """The sum over runs of neighbouring planes: the pixel modulo what lies above the run, then without what is below.

    A run that reaches the highest plane needs no modulus, one that starts at plane 0 no quantisation.
    """
    runs, name = list(_runs(layer.planes)), layer.name
    parts = []
    for number, (low, high) in enumerate(runs):
        last = name if len(runs) == 1 else f"{name}.run{number}"
        (part,) = layer.reads
        if high < max(source.planes):
            above = graph.constant(f"{last}.modulus", np.exp2([high + 1.0]))
            part = graph.node("Mod", [part, above], f"{last}.rest" if low else last, fmod=1)
        if low:
            given = [
                graph.constant(f"{last}.{word}", np.array(value))
                for word, value in (("scale", 2.0**low), ("zero", 0.0), ("bits", high - low + 1.0))
            ]
            part = graph.node("Quant", [part, *given], last, signed=0, narrow=0, rounding_mode="FLOOR")
        parts.append(part)
    total = parts[0]
    for number, part in enumerate(parts[1:], 1):
        total = graph.node("Add", [total, part], name if number == len(parts) - 1 else f"{name}.sum{number}")
    if total in layer.reads:
        graph.node("Identity", [total], name)


def _runs(planes: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """First and last plane of each run of neighbours."""
    starts = [plane for plane in planes if plane - 1 not in planes]
    yield from zip(starts, (plane for plane in planes if plane + 1 not in planes), strict=True)


def _convolution(graph: Graph, layer: Convolution, source: TensorType) -> None:
    _check_sums(layer, source)
    read, name, pad = _image(graph, layer, source), layer.name, layer.padding
    batch, channels, height, width = graph.shapes[read]
    border = pad.amount
    if pad.value(source):
        value = graph.constant(f"{name}.edge", np.array(float(pad.value(source))))
        places = graph.constant(f"{name}.pads", np.array([0, 0, border, border] * 2), np.int64)
        shape = (batch, channels, height + 2 * border, width + 2 * border)
        read = graph.node("Pad", [read, places, value], f"{name}.padded", shape, mode="constant")
        border = 0
    weights = _weights(graph, layer, layer.weights.decode().transpose(0, 3, 1, 2))
    out = layer.output(source)
    graph.node(
        "Conv",
        [read, weights],
        name,
        (batch, out.channels, out.height, out.width),
        kernel_shape=list(layer.kernel),
        strides=[layer.stride] * 2,
        pads=[border] * 4,
        dilations=[1, 1],
        group=1,
    )


def _dense(graph: Graph, layer: Dense, source: TensorType) -> None:
    """ONNX flattens channel, row, column: the weights' columns are put into that order."""
    _check_sums(layer, source)
    (read,) = layer.reads
    batch = graph.shapes[read][0]
    if len(graph.shapes[read]) == 4:
        read = graph.node("Flatten", [read], f"{layer.name}.flat", (batch, source.size), axis=1)
    bits = layer.weights.decode().reshape(layer.outputs, *source.shape).transpose(0, 3, 1, 2)
    weights = _weights(graph, layer, bits.reshape(layer.outputs, -1).T)
    graph.node("MatMul", [read, weights], layer.name, (batch, layer.outputs))


def _weights(graph: Graph, layer: Linear, bits: np.ndarray) -> str:
    """Binary weights through the node that says so: -1 and +1, or two levels as one unsigned bit with a zero point."""
    low, high = layer.weights.values
    name = f"{layer.name}.weights"
    stored = graph.constant(f"{name}.values", np.where(bits, high, low))
    if layer.plain:
        return graph.node("BipolarQuant", [stored, graph.constant(f"{name}.scale", np.array(1.0))], name)
    step = high - low
    given = [
        graph.constant(f"{name}.{word}", np.array(value))
        for word, value in (("scale", float(step)), ("zero", -low / step), ("bits", 1.0))
    ]
    return graph.node("Quant", [stored, *given], name, signed=0, narrow=0, rounding_mode="ROUND")


def _check_sums(layer: Linear, source: TensorType) -> None:
    """Raise SubbitError unless float32 holds every sum of some of an output's products, in whatever order."""
    reach = int(np.abs(layer.matrix).sum(axis=0, dtype=np.float64).max()) * source.magnitude
    if reach >= EXACT:
        raise SubbitError(
            f"{layer.name} can reach sums of {reach:,}, and ONNX's float32 holds whole numbers to {EXACT:,}: train it "
            "with a smaller fraction of its two levels, fewer activation bits or fewer inputs"
        )


def _threshold(graph: Graph, layer: Threshold, source: TensorType) -> None:
    """Levels by MultiThreshold; a channel that counts the sums below its thresholds is negated before.

    sum < t is -sum >= 1 - t.
    """
    (read,) = layer.reads
    name, top = layer.name, 2**layer.bits - 1
    table = np.clip(layer.thresholds, source.low, source.high + 1)
    if layer.invert.any():
        turn = np.where(layer.invert, -1.0, 1.0).reshape(1, -1, *[1] * (len(graph.shapes[read]) - 2))
        read = graph.node("Mul", [read, graph.constant(f"{name}.turn", turn)], f"{name}.turned")
        table = np.where(layer.invert[:, None], 1 - table[:, ::-1], table)
    kind = "BIPOLAR" if layer.bits == 1 else f"INT{layer.bits + 1}"
    thresholds = graph.constant(f"{name}.thresholds", table)
    graph.node("MultiThreshold", [read, thresholds], name, out_dtype=kind, out_scale=2.0, out_bias=-float(top))


def _pool(graph: Graph, layer: MaxPool, source: TensorType) -> None:
    read, size, out = _image(graph, layer, source), layer.size, layer.output(source)
    shape = (graph.shapes[read][0], out.channels, out.height, out.width)
    graph.node("MaxPool", [read], layer.name, shape, kernel_shape=[size] * 2, strides=[size] * 2)


def _scores(graph: Graph, layer: Scores, source: TensorType) -> None:
    """scale * sum + bias, without the part that changes nothing; in int64 where float32 would not do."""
    (read,) = layer.reads
    name, batch = layer.name, graph.shapes[read][0]
    if len(graph.shapes[read]) == 4:
        shape = (batch, source.height, source.width, source.channels)
        read = graph.node("Transpose", [read], f"{name}.raster", shape, perm=[0, 2, 3, 1])
        read = graph.node("Flatten", [read], f"{name}.flat", (batch, source.size), axis=1)
    most = max(abs(scale) * source.magnitude + abs(bias) for scale, bias in layer.rows())
    kind = np.float32 if most < EXACT else np.int64
    if kind is np.int64:
        read = graph.node("Cast", [read], f"{name}.whole", of=np.int64, to=7)
    steps = []
    if (layer.scale != 1).any():
        steps.append(("Mul", "scale", layer.scale))
    if layer.bias.any():
        steps.append(("Add", "bias", layer.bias))
    for number, (operation, word, values) in enumerate(steps, 1):
        constant = graph.constant(f"{name}.{word}", values, kind)
        read = graph.node(operation, [read, constant], name if number == len(steps) else f"{name}.scaled", of=kind)
    if not steps:
        graph.node("Identity", [read], name, of=kind)


def _image(graph: Graph, layer: Layer, source: TensorType) -> str:
    """What a layer reads as (n, channels, height, width), features of a dense layer being channels of one pixel."""
    (read,) = layer.reads
    if len(graph.shapes[read]) == 4:
        return read
    shape = (graph.shapes[read][0], source.channels, 1, 1)
    given = graph.constant(f"{layer.name}.shape", np.array(shape), np.int64)
    return graph.node("Reshape", [read, given], f"{layer.name}.image", shape)


_KINDS: dict[type[Layer], Callable[..., None]] = {
    Thermometer: _thermometer,
    BitPlanes: _planes,
    BitSlices: _slices,
    Convolution: _convolution,
    Dense: _dense,
    Threshold: _threshold,
    MaxPool: _pool,
    Scores: _scores,
}

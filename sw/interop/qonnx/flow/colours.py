"""What is done to pixels alone: colours repeated or picked, and branches of one image added.

A pixel has 256 values at most, so that whatever comes of it is told by a table.
"""

from dataclasses import replace

import numpy as np
from onnx import NodeProto

from sw.interop.qonnx.flow.signal import Signal
from sw.interop.qonnx.graph.execute import fold
from sw.interop.qonnx.graph.file import attribute
from sw.interop.qonnx.graph.refusal import refuse

__all__ = ["added", "picked"]


def told(signal: Signal) -> np.ndarray:
    """The tensor's float32 for every pixel of every channel, (pixels, channels)."""
    pixels = np.arange(signal.source.high + 1)
    return signal.evaluate()(np.repeat(pixels[:, None], signal.source.channels, axis=1))


def picked(node: NodeProto, signal: Signal, known: dict[str, np.ndarray]) -> Signal:
    """The output of a Gather of channels, in an order of its own, some perhaps several times."""
    images, source = signal.images(), signal.source
    if images is None or attribute(node, "axis", 0) % signal.order.ndim != 1 or node.input[0] != signal.tensor:
        raise refuse(node, "picks other than channels of an image in order: train the network without")
    if source.name != "input" or signal.pools:
        raise refuse(node, "picks channels that are no colours of the image: train the network without")
    places = known[node.input[1]]
    if places.ndim != 1 or not places.size or not (-len(images) <= places.min() <= places.max() < len(images)):
        raise refuse(node, f"picks from {len(images)} channels by no row of their numbers: export the model again")
    channels = images[places]
    shape = (*source.shape[:2], len(channels))
    found = replace(
        source,
        shape=shape,
        scale=source.scale[channels],
        shift=source.shift[channels],
        table=told(signal)[:, channels],
        colours=(np.arange(source.channels) if source.colours is None else source.colours)[channels],
    )
    order = np.arange(np.prod(shape)).reshape(shape).transpose(2, 0, 1)[None]
    return Signal.of(node.output[0], found, order, signal.opsets)


def added(node: NodeProto, one: Signal, other: Signal) -> Signal:
    """The output of an Add of two tensors that are both made of the same pixels."""
    alike = one.order.shape == other.order.shape and (one.order == other.order).all()
    if not alike or one.pools or other.pools or one.border or other.border:
        raise refuse(node, "adds pixels of different places: train the network as one chain of layers")
    tables = {signal.tensor: told(signal) for signal in (one, other)}
    [total] = fold(node, tables, one.opsets).values()
    return replace(one, tensor=node.output[0], source=replace(one.source, table=total), steps=())

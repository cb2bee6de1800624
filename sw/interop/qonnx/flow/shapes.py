"""Nodes that move elements without changing them, pools, borders, and the nodes that end a model."""

from dataclasses import replace

import numpy as np
from onnx import NodeProto

from sw.interop.qonnx.flow.signal import Border, Pool, Signal
from sw.interop.qonnx.graph.file import attribute
from sw.interop.qonnx.graph.refusal import refuse

__all__ = ["check_end", "pad", "pool", "shaped"]

Known = dict[str, np.ndarray]


def numbers(node: NodeProto, name: str, place: int, known: Known) -> list[int] | None:
    """Whole numbers that are an attribute in older opsets and an input in newer ones."""
    if len(node.input) > place and node.input[place]:
        return [int(number) for number in known[node.input[place]].reshape(-1)]
    found = attribute(node, name)
    return None if found is None else [int(number) for number in np.reshape(found, -1)]


def shaped(node: NodeProto, signal: Signal, known: Known, batch: int) -> Signal:
    """The output of Reshape, Flatten, Transpose, Squeeze or Unsqueeze in a graph of ``batch`` images at once.

    More than one image are told by two of them: what is right for the first and the second is for all.
    """
    count = min(batch, 2)
    order = signal.order
    if count > 1:
        order = np.concatenate([order, order + order.size])
    try:
        if node.op_type == "Transpose":
            moved = order.transpose(numbers(node, "perm", 1, {}) or tuple(range(order.ndim))[::-1])
        elif node.op_type == "Flatten":
            axis = attribute(node, "axis", 1)
            axis += order.ndim if axis < 0 else 0
            moved = order.reshape(int(np.prod(order.shape[:axis])), -1)
        elif node.op_type == "Reshape":
            sizes = numbers(node, "shape", 1, known) or []
            if batch > 1 and sizes and sizes[0] > 0:
                if sizes[0] != batch:
                    raise refuse(node, f"makes {sizes[0]} rows of {batch} images: leave the first axis to the images")
                sizes[0] = count
            if not attribute(node, "allowzero", 0):
                sizes = [size or order.shape[at] for at, size in enumerate(sizes)]
            moved = order.reshape(sizes)
        else:
            axes = numbers(node, "axes", 1, known)
            if node.op_type == "Squeeze":
                moved = order.squeeze(None if axes is None else tuple(axes))
            else:
                moved = np.expand_dims(order, tuple(axes or ()))
    except (ValueError, IndexError, np.exceptions.AxisError):
        raise refuse(node, f"does not fit a tensor of shape {signal.order.shape}: export the model again") from None
    if moved.ndim < 2 or moved.shape[0] != count or (moved // signal.order.size != images_of(moved)).any():
        raise refuse(node, f"makes the shape {moved.shape} of {order.shape}: leave the first axis to the images")
    return signal.arranged(node.output[0], moved[:1])


def images_of(order: np.ndarray) -> np.ndarray:
    """The number of the image along the first axis."""
    return np.arange(len(order)).reshape(-1, *[1] * (order.ndim - 1))


def pool(node: NodeProto, signal: Signal) -> Signal:
    """The output of a maximum over squares that do not overlap."""
    last = node.op_type == "MaxPoolNHWC"
    if signal.order.ndim != 4:
        raise refuse(node, f"pools a tensor of shape {signal.order.shape}: only rows and columns of images are pooled")
    view = replace(signal, order=signal.order.transpose(0, 3, 1, 2)) if last else signal
    images = view.images()
    if images is None:
        raise refuse(node, f"reads {signal.tensor}, whose axes are not those of an image in order: export it again")
    size = numbers(node, "kernel_shape", 99, {}) or []
    strides = numbers(node, "strides", 99, {}) or [1] * len(size)
    pads, dilations = numbers(node, "pads", 99, {}) or [0], numbers(node, "dilations", 99, {}) or [1]
    if strides != size or any(pads) or set(dilations) != {1} or attribute(node, "auto_pad", "NOTSET") == "SAME_UPPER":
        raise refuse(
            node,
            f"pools {size} by strides of {strides} with padding {pads}: train it with squares side by side, as in "
            "MaxPool2d(2)",
        )
    if len(size) != 2 or size[0] != size[1] or size[0] > 16 or len(node.output) > 1:
        raise refuse(node, f"pools windows of {size}: train it with squares of at most 16x16")
    height, width, channels = signal.shape
    if attribute(node, "ceil_mode", 0) and (height % size[0] or width % size[0]):
        raise refuse(node, f"keeps rows or columns that are no whole window of {height}x{width}: set ceil_mode=False")
    shape = (height // size[0], width // size[0], channels)
    if 0 in shape:
        raise refuse(node, f"pools windows of {size} of {height}x{width}: export the model again")
    places = np.arange(shape[0] * shape[1]).reshape(1, *shape[:2]) * channels + images[:, None, None]
    order = places[None].transpose(0, 2, 3, 1) if last else places[None]
    found = replace(signal, tensor=node.output[0], shape=shape, order=order)
    if size[0] == 1:
        return found
    return replace(found, pools=(*signal.pools, Pool(node, size[0], len(signal.steps))))


def pad(node: NodeProto, signal: Signal, known: Known) -> Signal:
    """The same tensor with a border that the next convolution is to read."""
    if attribute(node, "mode", "constant") != "constant" or len(node.input) > 3:
        raise refuse(node, "pads with other than a constant: train it with zero padding")
    pads, value = numbers(node, "pads", 1, known) or [], attribute(node, "value", 0.0)
    if len(node.input) > 2 and node.input[2]:
        value = known[node.input[2]].reshape(-1)[0]
    rank = signal.order.ndim
    if rank != 4 or len(pads) != 8 or any(pads[at] for at in (0, 1, 4, 5)) or len({*pads[2:4], *pads[6:]}) != 1:
        raise refuse(node, f"pads {pads}: train it with the same number of rows and columns on every side")
    if pads[2] < 0:
        raise refuse(node, f"cuts {-pads[2]} rows and columns off: train it without")
    if not pads[2]:
        return replace(signal, tensor=node.output[0])
    return replace(signal, tensor=node.output[0], border=Border(node, pads[2], float(value), signal.tensor))


def check_end(node: NodeProto, signal: Signal, known: Known) -> None:
    """Raise Refused unless the node keeps the first of the largest scores at the place where it was."""
    rank = signal.order.ndim
    axis = attribute(node, "axis", 0 if node.op_type == "ArgMax" else -1)
    if axis % rank != rank - 1 and np.prod(signal.order.shape[axis % rank + 1 :]) != 1:
        raise refuse(node, f"looks along axis {axis} of {signal.order.shape}: let it look along the classes")
    if node.op_type == "ArgMax" and attribute(node, "select_last_index", 0):
        raise refuse(node, "takes the last of several largest scores: the first is taken here, set select_last_index=0")
    if node.op_type == "TopK" and not (attribute(node, "largest", 1) and attribute(node, "sorted", 1)):
        raise refuse(node, "takes the smallest scores, or in no order: let it take the largest, sorted")

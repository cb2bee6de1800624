"""A network as a drawing: a box for each tensor, as high as its image and as wide as its channels, layers between."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import log2, sqrt

from subbit.inspection import Inspection, LayerFacts
from sw.network import BitPlanes, BitSlices, Linear, Network, Scores, TensorType, Thermometer, Threshold

__all__ = ["Node", "across", "down", "nodes"]

#: Of a drawing across: tensors in a row, width of a tensor's place, height of its box.
COLUMNS, STEP, BOXES = 8, 144, 104
#: Of a drawing downwards: width of all, height of a tensor's place, width of the boxes' places.
WIDTH, ROW, LEFT = 340, 104, 128
#: How far the third dimension goes to the right and up.
DEPTH = 0.45
#: Of the text: height of a line, and the most characters of one.
LINE, LONGEST = 16, 24
#: How much larger than drawn it may be shown.
LARGER = 1.15
TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Node:
    """A tensor and the layers that make it.

    ``title`` and ``lines`` tell of it; ``kind`` is input, encode, linear or pool.
    """

    title: str
    kind: str
    tensor: TensorType
    lines: tuple[str, ...]


def nodes(network: Network, facts: Inspection) -> list[Node]:
    """The tensors worth a box: the image, every layer's output, a layer together with the thresholds behind it."""
    known = {layer.name: layer for layer in facts.layers}
    found = [Node("input", "input", network.input.type, (_shape(network.input.type),))]
    for layer in network.layers:
        told, tensor = known[layer.name], network.shapes[layer.name]
        if isinstance(layer, Threshold):
            last = found.pop()
            found.append(Node(last.title, last.kind, tensor, (*last.lines[:-1], _shape(tensor))))
        elif isinstance(layer, Scores):
            last = found.pop()
            found.append(Node(last.title, last.kind, tensor, (*last.lines[:-1], f"{network.classes} scores")))
        elif isinstance(layer, Linear):
            found.append(Node(layer.name, "linear", tensor, (*_weights(told), _shape(tensor))))
        else:
            kind = "encode" if isinstance(layer, Thermometer | BitPlanes | BitSlices) else "pool"
            found.append(Node(layer.name, kind, tensor, (_pass(told), _shape(tensor))))
    return found


def _weights(facts: LayerFacts) -> Sequence[str]:
    """What a layer does, how its weights are stored where not as they are, and how many bits each costs."""
    detail = facts.detail.replace("x", TIMES)
    encoding = facts.encoding if len(facts.encoding) <= LONGEST else f"{facts.encoding[: LONGEST - 1]}…"
    size, pad, amount = detail.partition(" pad ")
    return (
        f"conv {size}" if facts.kind == "convolution" else facts.kind,
        *([f"{pad.strip()} {amount}"] if pad else []),
        *([] if facts.encoding == "dense" else [encoding]),
        f"{facts.weights:,} {TIMES} {facts.bits_per_weight:.3g} bit",
    )


def _pass(facts: LayerFacts) -> str:
    return f"{facts.kind} {facts.detail.replace('x', TIMES)}".strip()


def _shape(tensor: TensorType) -> str:
    bits = f", {len(tensor.planes)} bit" if tensor.domain != "sums" else ""
    return f"{tensor.height}{TIMES}{tensor.width}{TIMES}{tensor.channels}{bits}"


def across(found: Sequence[Node]) -> str:
    """The drawing from left to right, in as many rows as it needs, as the text of an SVG element."""
    rows = -(-len(found) // COLUMNS)
    columns = -(-len(found) // rows)
    height = BOXES + 42 + LINE * max(len(node.lines) for node in found)
    parts = []
    for at, node in enumerate(found):
        row, column = divmod(at, columns)
        middle, centre = STEP * (column + 0.5), height * row + BOXES / 2 + 4
        parts += _box(node, found, middle, centre, 96)
        if at:
            parts.append(_arrow(middle - STEP / 2 - 9, centre, middle - STEP / 2 + 9, centre))
        parts += _texts(node, middle, centre + BOXES / 2 + 22, "middle")
    return _svg("across", STEP * columns, height * rows, found, parts)


def down(found: Sequence[Node]) -> str:
    """The drawing from top to bottom, for a narrow page."""
    parts = []
    for at, node in enumerate(found):
        middle = ROW * at + ROW / 2
        parts += _box(node, found, LEFT / 2, middle, 70)
        if at:
            parts.append(_arrow(LEFT / 2, middle - ROW / 2 - 7, LEFT / 2, middle - ROW / 2 + 7))
        parts += _texts(node, LEFT + 12, middle - LINE * len(node.lines) / 2 + 4, "start")
    return _svg("down", WIDTH, ROW * len(found), found, parts)


def _svg(name: str, width: float, height: float, found: Sequence[Node], parts: Sequence[str]) -> str:
    label = escape("; ".join(f"{node.title}: {', '.join(node.lines)}" for node in found))
    attributes = {
        "class": f"topology {name}",
        "viewBox": f"0 0 {_n(width)} {_n(height)}",
        "width": _n(width),
        "height": _n(height),
        "style": f"max-width:{_n(LARGER * width)}px",
        "role": "img",
        "aria-label": f"Layers of the network, in order. {label}",
    }
    told = " ".join(f'{key}="{value}"' for key, value in attributes.items())
    return f"<svg {told}>{''.join(parts)}</svg>"


def _box(node: Node, found: Sequence[Node], x: float, y: float, room: float) -> Iterator[str]:
    """A box about (x, y), at most ``room`` wide and high: the image's height, width in depth, channels across."""
    largest = max(max(each.tensor.height, each.tensor.width) for each in found)
    most = max(each.tensor.channels for each in found)
    tensor = node.tensor
    side = room * (0.1 + 0.55 * sqrt(tensor.height / largest))
    deep = DEPTH * room * (0.1 + 0.55 * sqrt(tensor.width / largest))
    wide = room * (0.05 + 0.5 * log2(1 + tensor.channels) / log2(1 + most))
    left, top = x - (wide + deep) / 2, y - (side - deep) / 2
    right, bottom = left + wide, top + side
    faces = {
        "front": ((left, top), (right, top), (right, bottom), (left, bottom)),
        "top": ((left, top), (left + deep, top - deep), (right + deep, top - deep), (right, top)),
        "side": ((right, top), (right + deep, top - deep), (right + deep, bottom - deep), (right, bottom)),
    }
    for face, corners in faces.items():
        points = " ".join(f"{_n(px)},{_n(py)}" for px, py in corners)
        yield f'<polygon class="{face} {node.kind}" points="{points}"/>'


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    """A line with a head at its end; across or down."""
    back, aside = (4, 4) if y == to_y else (0, 0)
    down_back, down_aside = (0, 0) if y == to_y else (4, 4)
    head = (
        (to_x - back - down_aside, to_y - aside - down_back),
        (to_x, to_y),
        (to_x - back + down_aside, to_y + aside - down_back),
    )
    tip = "L".join(f"{_n(px)} {_n(py)}" for px, py in head)
    return f'<path class="arrow" d="M{_n(x)} {_n(y)}L{_n(to_x)} {_n(to_y)}M{tip}"/>'


def _texts(node: Node, x: float, y: float, anchor: str) -> Iterator[str]:
    yield f'<text class="name" x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{escape(node.title)}</text>'
    for at, line in enumerate(node.lines, 1):
        yield f'<text x="{_n(x)}" y="{_n(y + LINE * at)}" text-anchor="{anchor}">{escape(line)}</text>'


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

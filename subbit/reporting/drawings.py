"""Pictures that stand inside the page: matplotlib's drawings in the page's own colours, and images as PNG."""

import base64
import re
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import Any
from xml.etree import ElementTree

import matplotlib
import matplotlib.image
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from subbit.pictures import FAINT, INK, SECOND

__all__ = ["Drawing", "drawing", "image_data"]

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
#: The pictures' colours by what the page calls them; it has others for a dark background.
COLOURS = {
    INK: "var(--blue)",
    SECOND: "var(--orange)",
    FAINT: "var(--grey)",
    **dict.fromkeys(("#000000", "#333333"), "currentColor"),
    **dict.fromkeys(("#b0b0b0", "#cccccc"), "var(--line)"),
    "#ffffff": "var(--bg)",
}

#: What matplotlib would write about itself and the day.
UNTOLD: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
UNTOLD_PNG: dict[str, Any] = {"Software": None}


@dataclass(frozen=True)
class Drawing:
    """An SVG element, and its title as text."""

    title: str
    svg: Markup


def drawing(figure: Figure, name: str) -> Drawing:
    """A figure as an SVG element of the page, without its title, which stands beside it; ``name`` makes identifiers."""
    title = figure.get_suptitle() or figure.axes[0].get_title()
    figure.suptitle("")
    figure.axes[0].set_title("")
    return Drawing(title, Markup(inline_svg(figure, name, title)))


def inline_svg(figure: Figure, name: str, label: str) -> str:
    """A figure as the text of an SVG element; ``label`` says what is to be seen."""
    text = StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(
            text, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    root = ElementTree.fromstring(text.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("metadata", "style")):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
        for key, value in list(element.attrib.items()):
            del element.attrib[key]
            element.set(key.removeprefix(XLINK), _own(key, value, name))
    width, height = root.attrib["width"], root.attrib["height"]
    pixels = [str(round(float(size.removesuffix("pt")) * 4 / 3)) for size in (width, height)]
    root.attrib.pop("version", None)
    root.attrib |= {"width": pixels[0], "height": pixels[1], "class": "plot", "role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _own(key: str, value: str, name: str) -> str:
    """An attribute with identifiers of this picture alone, the page's colours and the page's typeface."""
    if key == "id":
        return f"{name}-{value}"
    if value.startswith("#") and key.endswith("href"):
        return f"#{name}-{value[1:]}"
    value = re.sub(r"url\(#", f"url(#{name}-", value)
    if key == "style":
        for colour, ours in COLOURS.items():
            value = re.sub(colour, ours, value, flags=re.IGNORECASE)
        value = re.sub(r"font: (?:\w+ )?([\d.]+px) [^;]*", r"font-size: \1", value)
    return value


def image_data(image: np.ndarray, bits: int) -> str:
    """An image, uint8 (height, width, channels) of ``bits`` bits, as the PNG of a data: address; gray but for three
    channels, and the first channel of any other number."""
    shown = image if image.shape[2] == 3 else image[..., :1].repeat(3, axis=2)
    full = (shown.astype(np.uint16) * 255 // ((1 << bits) - 1)).astype(np.uint8)
    file = BytesIO()
    matplotlib.image.imsave(file, full, format="png", metadata=UNTOLD_PNG)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()

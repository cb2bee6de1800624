"""The page: one HTML file that stands for itself, its style and its pictures inside it."""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from subbit import __version__
from subbit.pictures import codeword_frequencies, convolution_words, reuse_tree, slice_sensitivity, tree_of
from subbit.reporting.contents import Contents
from subbit.reporting.drawings import image_data, inline_svg
from subbit.reporting.headline import headline, tiles
from subbit.reporting.topology import across, down, nodes
from sw.network import Linear

__all__ = ["page"]

HERE = Path(__file__).parent


def page(contents: Contents) -> str:
    """The report as HTML; the same contents give the same page."""
    network = contents.subject.network
    drawn = nodes(network, contents.facts)
    return _environment().get_template("page.html").render(
        report=contents,
        facts=contents.facts,
        built=contents.subject.built,
        board=contents.subject.board,
        answers=contents.answers,
        headline=headline(contents),
        tiles=tiles(contents),
        style=Markup((HERE / "page.css").read_text()),
        topology=[Markup(across(drawn)), Markup(down(drawn))],
        codewords=_codewords(contents),
        trees=_trees(contents),
        slices=None if contents.choice is None else _slices(contents.choice),
        image_data=lambda image: image_data(image, network.input.bits),
        version=__version__,
    )


def _codewords(contents: Contents) -> dict[str, Markup]:
    network = contents.subject.network
    found = {}
    for name, counts in convolution_words(network).items():
        label = f"{name}: share of kernels by rank of the word; {(counts > 0).sum()} of {len(counts)} words occur"
        figure = codeword_frequencies(network, only=name)
        found[name] = Markup(inline_svg(figure, f"words-{name}", label))
    return found


def _trees(contents: Contents) -> dict[str, Markup]:
    found = {}
    for layer in contents.subject.network.layers:
        tree = tree_of(layer.weights) if isinstance(layer, Linear) else None
        if tree is not None:
            label = f"{layer.name}: tree of {len(tree.parents)} channels, {tree.depth} deep"
            found[layer.name] = Markup(inline_svg(reuse_tree(tree, layer.name), f"tree-{layer.name}", label))
    return found


def _slices(choice: Any) -> Markup:
    dropped = ", ".join(map(str, choice["dropped"])) or "none"
    label = f"Accuracy with bits of the input random; left out: {dropped}"
    return Markup(inline_svg(slice_sensitivity(choice), "slices", label))


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"count": _count, "percent": _percent}
    return made


def _count(value: float | None, digits: int = 0) -> str:
    """A number with its thousands apart; nothing for None."""
    return "" if value is None else f"{value:,.{digits}f}"


def _percent(share: float | None, digits: int = 1) -> str:
    """A share of 1 in percent; nothing for None."""
    return "" if share is None else f"{100 * share:.{digits}f} %"

"""The page: one HTML file that stands for itself, its style and its pictures inside it."""

from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from subbit import __version__
from subbit.pictures import codeword_frequencies, convolution_words, reuse_tree, slice_sensitivity, tree_of
from subbit.reporting.contents import Contents
from subbit.reporting.drawings import Drawing, drawing, image_data
from subbit.reporting.headline import headline, tiles
from subbit.reporting.topology import across, down, nodes
from sw.network import Linear

__all__ = ["page"]

HERE = Path(__file__).parent


def page(contents: Contents) -> str:
    """The report as HTML; the same contents give the same page."""
    network = contents.subject.network
    drawn = nodes(network, contents.facts)
    return (
        _environment()
        .get_template("page.html")
        .render(
            report=contents,
            facts=contents.facts,
            built=contents.subject.built,
            board=contents.subject.board,
            answers=contents.answers,
            sections=contents.sections,
            headline=headline(contents),
            tiles=tiles(contents),
            style=Markup((HERE / "page.css").read_text(encoding="utf-8")),
            topology=[Markup(across(drawn)), Markup(down(drawn))],
            codewords=_codewords(contents),
            trees=_trees(contents),
            slices=None if contents.choice is None else drawing(slice_sensitivity(contents.choice), "slices"),
            image_data=lambda image: image_data(image, network.input.bits),
            version=__version__,
        )
    )


def _codewords(contents: Contents) -> list[Drawing]:
    network = contents.subject.network
    return [drawing(codeword_frequencies(network, only=name), f"words-{name}") for name in convolution_words(network)]


def _trees(contents: Contents) -> list[Drawing]:
    layers = [layer for layer in contents.subject.network.layers if isinstance(layer, Linear)]
    trees = {layer.name: tree_of(layer.weights) for layer in layers}
    return [drawing(reuse_tree(tree, name), f"tree-{name}") for name, tree in trees.items() if tree is not None]


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

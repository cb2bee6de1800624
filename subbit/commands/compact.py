"""``subbit compact``: a trained network file to a smaller one that computes the same."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from subbit import library
from subbit.commands.options import AsJson, NetworkFile
from subbit.console import count, emit
from sw.files import check_writable

__all__ = ["command"]


def command(
    network: NetworkFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The network file to write.")],
    compact: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD[:OPTION=VALUE,...][@LAYER+...]", help="A way that needs no training: reuse, by default."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a trained network compact without training it again: what it computes stays what it was."""
    check_writable(output)
    before = library.load(network)
    after = library.compact(before, *(compact or ("reuse",)))
    library.save(after, output)
    totals = {name: library.inspect(one).as_dict()["total"] for name, one in (("before", before), ("after", after))}
    emit({"network": str(output), **totals}, as_json, lambda console: _show(console, str(output), totals))


def _show(console: Console, path: str, totals: dict[str, dict[str, Any]]) -> None:
    before, after = totals["before"], totals["after"]
    console.print(
        f"{path}: {count(round(after['bit_operations']))} bit operations an image in place of "
        f"{count(round(before['bit_operations']))}, {count(after['weight_bits'])} weight bits in place of "
        f"{count(before['weight_bits'])}, outputs at most {after['depth']} deep"
    )

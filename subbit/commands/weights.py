"""``subbit weights``: another network of the same shape in a finished build."""

from pathlib import Path
from typing import Annotated

import typer

from subbit import library
from subbit.commands.options import AsJson, NetworkFile
from subbit.console import emit

__all__ = ["command"]


def command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that `subbit build` wrote.")],
    network: NetworkFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    as_json: AsJson = False,
) -> None:
    """Put other weights into a finished iCE40 or ECP5 design, in seconds: no synthesis, no place and route.

    The build must have its tables in block RAM, as `subbit build --replaceable` makes it.
    """
    changed = library.replace_weights(folder, library.load(network), output)
    document = {"folder": str(output), "changed": list(changed)}
    emit(
        document,
        as_json,
        lambda console: console.print(f"{output}: {len(changed)} tables have other contents: {', '.join(changed)}"),
    )

"""``subbit export``: a network file to QONNX."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from subbit import library
from subbit.commands.options import AsJson, Data, DataDir, Images, NetworkFile
from subbit.console import count, emit
from subbit.images import chosen_images
from sw.errors import SubbitError
from sw.files import check_writable

__all__ = ["command"]


def command(
    network: NetworkFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .onnx file to write.")],
    check: Annotated[
        int, typer.Option(min=0, help="Run so many images in qonnx and compare their scores: random ones, or as named.")
    ] = 0,
    images: Images = None,
    data: Data = None,
    data_dir: DataDir = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of random images.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write a network as QONNX, for tools that read it: the same scores on every image.

    Ends with status 1 where --check finds a score that differs.
    """
    if not check and (images is not None or data is not None):
        raise SubbitError("--images and --data are for comparing: say how many with --check")
    check_writable(output)
    loaded = library.load(network)
    random = None if images is not None or data is not None else check
    chosen = chosen_images(loaded, images, random, data, data_dir, seed)[0][:check] if check else None
    library.export_qonnx(loaded, output)
    document: dict[str, Any] = {"model": str(output), "bytes": output.stat().st_size, "images": 0, "equal": None}
    if chosen is not None:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("images in qonnx", total=len(chosen))
            found = library.check_qonnx(loaded, output, chosen, lambda done: progress.update(task, completed=done))
        document |= {"images": found.images, "equal": found.equal, "mismatch": found.mismatch}
    emit(document, as_json, lambda console: _show(console, document))
    if document["equal"] is False:
        raise typer.Exit(1)


def _show(console: Console, document: dict[str, Any]) -> None:
    told = {None: "not compared", True: "all scores equal in qonnx", False: f"differs: {document.get('mismatch')}"}
    images = f" on {count(document['images'])} images" if document["equal"] else ""
    console.print(f"{document['model']}: {count(document['bytes'])} bytes, {told[document['equal']]}{images}")

"""``subbit classify``: images through a board, and its answers."""

import csv
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from subbit import library
from subbit.commands.options import (
    AsJson,
    BoardSimulator,
    BoardWaves,
    BuildFolder,
    Data,
    DataDir,
    Images,
    Limit,
    Random,
    Stage,
)
from subbit.console import count, emit, note, table
from subbit.images import chosen_images
from sw.errors import SubbitError
from sw.files import atomic_write, check_writable

if TYPE_CHECKING:
    from subbit.classification import Classification

__all__ = ["command"]


def command(
    folder: BuildFolder,
    port: Annotated[str | None, typer.Option(help="The board's serial port, as in /dev/ttyUSB1 or COM4.")] = None,
    virtual: Annotated[
        bool, typer.Option("--virtual", help="Simulate the board, and talk to it through a serial port all the same.")
    ] = False,
    stage: Stage = "rtl",
    simulator: BoardSimulator = "verilator",
    waves: BoardWaves = None,
    images: Images = None,
    random: Random = None,
    data: Data = None,
    data_dir: DataDir = None,
    limit: Limit = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of random images.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the answers to this CSV file, an image a line.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Classify images on a board, or on its simulation, and compare every answer with the network's.

    Ends with status 1 where an answer is not the network's.
    """
    if virtual == (port is not None):
        raise SubbitError("name the board's serial port with --port, or simulate the board with --virtual")
    if output is not None:
        check_writable(output)
    network = library.network_of(folder)
    chosen, labels = chosen_images(network, images, random, data, data_dir, seed)
    chosen = chosen[:limit]
    place = library.virtual_board(folder, simulator, stage, note, waves) if virtual else nullcontext(port or "")
    with place as where, Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("images", total=len(chosen))
        found = library.classify(
            folder,
            chosen,
            where,
            network=network,
            progress=lambda done: progress.update(task, completed=done),
            virtual=virtual,
        )
    if output is not None:
        write(found, output)
    document: dict[str, Any] = {"folder": str(folder), **found.as_dict()}
    if labels is not None:
        document["accuracy"] = float((found.classes == labels[: len(chosen)]).mean())
    emit(document, as_json, lambda console: show(console, found, document.get("accuracy")))
    if not found.passed:
        raise typer.Exit(1)


def show(console: Console, found: "Classification", accuracy: float | None) -> None:
    """Draw what the board said."""
    columns = ["board", "images", "equal to the network", "images a second", "damaged frames", "sent again"]
    rate = found.images / found.seconds if found.seconds else 0.0
    where = f"{found.board} at {found.port}"
    row: list[object] = [where, found.images, found.equal, rate, found.damaged, found.resumed]
    if accuracy is not None:
        columns.append("right")
        row.append(f"{100 * accuracy:.2f} %")
    console.print(table("answers of the board", columns, [row]))
    microseconds = 1e6 * found.cycles / found.clock_hz
    console.print(
        f"from the last pixel of an image to its answer {count(found.cycles)} cycles of {found.clock_hz / 1e6:g} MHz, "
        f"{count(microseconds)} us, on average"
    )


def write(found: "Classification", path: Path) -> None:
    """The answers as CSV: image, class, and the scores where there are any."""
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        scores = [] if found.scores is None else [f"score_{at}" for at in range(found.scores.shape[1])]
        writer.writerow(["image", "class", *scores])
        for at, winner in enumerate(found.classes.tolist()):
            writer.writerow([at, winner, *([] if found.scores is None else found.scores[at].tolist())])

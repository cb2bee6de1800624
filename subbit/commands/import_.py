"""``subbit import``: a network that another tool trained, from QONNX to a network file."""

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from subbit import library
from subbit.commands.options import AsJson, Data, DataDir, Images
from subbit.console import count, emit, table
from subbit.images import chosen_images
from sw.errors import SubbitError
from sw.files import atomic_write, check_writable

if TYPE_CHECKING:
    from sw.interop.qonnx import Imported, Proof

__all__ = ["command"]

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A QONNX file, as Brevitas exports it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The network file to write.")],
    name: Annotated[str | None, typer.Option(show_default="the file's", help="What the network is called.")] = None,
    input_range: Annotated[
        str, typer.Option(metavar="LOW,HIGH", help="What the lowest and the highest pixel are worth to the model.")
    ] = "0,1",
    input_bits: Annotated[int, typer.Option(min=1, max=8, help="Bits of a pixel.")] = 8,
    image_shape: Annotated[
        str | None,
        typer.Option(
            metavar="HEIGHT,WIDTH,CHANNELS",
            show_default="the model's",
            help="The images, where the model reads them flat.",
        ),
    ] = None,
    quantised_input: Annotated[
        bool,
        typer.Option(
            "--quantised-input", help="The network's pixels are the levels of the model's own input quantiser."
        ),
    ] = False,
    check: Annotated[
        int | None,
        typer.Option(
            min=0,
            show_default="100, or all of --images or --data",
            help="Compare with qonnx's executor on so many images, random ones or as named.",
        ),
    ] = None,
    images: Images = None,
    data: Data = None,
    data_dir: DataDir = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of random images.")] = 0,
    save_images: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the compared images as the network takes them, for --images elsewhere."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a binary network from QONNX, exactly, and prove it against qonnx's own executor.

    Ends with status 1, and writes no network, where anything differs that rounding in the executor does not explain.
    """
    check_writable(output)
    if save_images is not None:
        check_writable(save_images)
    low, high = range_of(input_range)
    shape = None if image_shape is None else shape_of(image_shape)
    imported = library.import_qonnx(
        model, name=name, bits=input_bits, low=low, high=high, shape=shape, quantised=quantised_input
    )
    network = imported.network
    document: dict[str, Any] = {
        "model": str(model),
        "network": str(output),
        "layers": len(network.layers),
        "input": str(network.input.type),
        "tensors": imported.tensors,
        "scores": {"factor": imported.end.factor.tolist(), "shift": imported.end.shift.tolist()},
        "images": 0,
        "check": None,
    }
    proof = None
    if check != 0:
        takes = replace(network, input=replace(network.input, bits=input_bits))
        random = None if images is not None or data is not None else check or 100
        chosen, labels = chosen_images(takes, images, random, data, data_dir, seed)
        chosen = chosen[:check]
        proof = proved(imported, chosen)
        document |= {"images": len(chosen), "check": proof.as_dict()}
        if labels is not None:
            right = {"network": network.classify(imported.pixels(chosen)), "qonnx": proof.graph.answers}
            document["accuracy"] = {who: float((found == labels[: len(chosen)]).mean()) for who, found in right.items()}
        if save_images is not None:
            with atomic_write(save_images) as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, images=imported.pixels(chosen))
    elif images is not None or data is not None or save_images is not None:
        raise SubbitError("--images, --data and --save-images are for comparing: leave --check 0 out")
    passed = proof is None or proof.passed
    if passed:
        library.save(network, output)
    emit(document, as_json, lambda console: show(console, document, imported, proof))
    if not passed:
        raise typer.Exit(1)


def range_of(text: str) -> tuple[float, float]:
    """Two numbers from "0,1". Raises SubbitError for anything else."""
    match = re.fullmatch(f"({NUMBER}),({NUMBER})", text.replace(" ", ""))
    if match is None:
        raise SubbitError(f"--input-range must be LOW,HIGH, as in 0,1 or -1,1, not {text!r}")
    return float(match[1]), float(match[2])


def shape_of(text: str) -> tuple[int, int, int]:
    """Three numbers from "28,28,1". Raises SubbitError for anything else."""
    match = re.fullmatch(r"([1-9]\d{0,3}),([1-9]\d{0,3}),([1-9]\d{0,3})", text)
    if match is None:
        raise SubbitError(f"--image-shape must be HEIGHT,WIDTH,CHANNELS, as in 28,28,1, not {text!r}")
    height, width, channels = map(int, match.groups())
    return height, width, channels


def proved(imported: "Imported", images: np.ndarray) -> "Proof":
    """The proof, with its progress shown."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("images in qonnx", total=len(images))
        return library.prove_qonnx(imported, images, lambda done: progress.update(task, completed=done))


def show(console: Console, document: dict[str, Any], imported: "Imported", proof: "Proof | None") -> None:
    """Draw what was read and what the comparison found."""
    network = imported.network
    if proof is not None:
        columns = ("layer", "tensor", "numbers", "differ", "of them rounded by qonnx", "not explained")
        rows = [
            (part.layer, part.tensor, part.numbers, part.different, part.rounded, part.unexplained)
            for part in (*proof.graph.tensors, proof.graph.scores)
        ]
        title = f"{Path(document['model']).name} in qonnx against {network.name}, {count(document['images'])} images"
        console.print(table(title, columns, rows, left=2))
        console.print(f"classes that differ: {count(proof.graph.classes_different)}")
        if proof.whole is not None:
            told = "nothing differs" if proof.whole.numbers_equal else "it still differs: this is a fault of subbit"
            console.print(f"with the scales taken out of the model's sums, where qonnx rounds nothing: {told}")
    for who, share in document.get("accuracy", {}).items():
        console.print(f"right, {who}: {100 * share:.2f} %")
    if imported.end.swaps:
        console.print(f"{count(imported.end.swaps)} pairs of scores are too near each other for whole scores in order")
    wrote = f"wrote {document['network']}" if proof is None or proof.passed else "no network was written"
    console.print(
        f"{network.name}: {document['input']} in, {network.classes} classes, {document['layers']} layers; {wrote}"
    )

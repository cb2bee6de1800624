"""``subbit train``: data set and model to a network file."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from subbit import library
from subbit.commands.options import AsJson
from subbit.console import Stopped, count, emit
from subbit.extras import require
from sw.errors import SubbitError
from sw.files import check_writable

__all__ = ["command"]


def command(
    output: Annotated[Path, typer.Option("--output", "-o", help="The network file to write.")],
    data: Annotated[
        str, typer.Option(help="Data set: digits, mnist, fashion-mnist, cifar10, or folder:PATH with a folder a class.")
    ] = "digits",
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with the data set's original files; without it they are downloaded.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Resize the images of folder:PATH, as in 32x32.")
    ] = None,
    model: Annotated[
        str,
        typer.Option(help="tfc, sfc, lfc, cnn, cnv, vgg-small, or a text such as 'conv 32 pad 1, pool, dense 256'."),
    ] = "cnn",
    width: Annotated[float, typer.Option(help="Factor on all channels and features of the model.")] = 1.0,
    encoding: Annotated[
        str,
        typer.Option(
            help="How pixels enter: threshold, thermometer:N, planes, planes:N (N upper), slices, slices:N, slices:7+6."
        ),
    ] = "planes",
    padding: Annotated[str, typer.Option(help="What padded taps read as: -1, +1 or zero.")] = "-1",
    activation_bits: Annotated[int, typer.Option(help="Bits of an activation.")] = 1,
    compact: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD[:OPTION=VALUE,...][@LAYER+...]",
            help="A way to make the network compact, as in codebook:n=32@conv2; may be given several times.",
        ),
    ] = None,
    bits_per_weight: Annotated[
        float | None, typer.Option(help="Bits that a weight may cost: codebooks of the sizes that meet it.")
    ] = None,
    estimator: Annotated[str, typer.Option(help="Gradient of the sign: ste, bireal, irnet or swish.")] = "ste",
    dropout: Annotated[float, typer.Option(help="Share of a dense layer's inputs left out in training.")] = 0.0,
    epochs: Annotated[int, typer.Option(help="Epochs to train.")] = 60,
    max_minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes.")] = None,
    batch: Annotated[int, typer.Option(help="Images in a step.")] = 32,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate of the schedule.")] = 1e-2,
    augment: Annotated[
        str, typer.Option(help="Random changes to training images: auto, none, digits or photo.")
    ] = "auto",
    validation: Annotated[float, typer.Option(help="Share of the training images that picks the best epoch.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 0,
    threads: Annotated[
        int | None, typer.Option(help="CPU threads, on which the result depends; by default as many as PyTorch takes.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Products in bfloat16 where that is faster; trains another network.")
    ] = False,
    checkpoints: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps the checkpoints; without it they go once the network is written."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was stopped.")] = False,
    accelerator: Annotated[str, typer.Option(help="Lightning's accelerator: auto, cpu, gpu and so on.")] = "auto",
    devices: Annotated[str, typer.Option(help="Lightning's devices: how many, or auto.")] = "1",
    num_nodes: Annotated[int, typer.Option(help="Machines that train together.")] = 1,
    strategy: Annotated[str, typer.Option(help="Lightning's strategy: auto, ddp and so on.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a binary network and write it as one file; the test images are looked at once, at the end."""
    require("train", "training")
    from sw.compact.train import resume_point
    from sw.train.fit import TrainingStopped

    check_writable(output)
    folder = checkpoints or output.with_name(output.name + ".training")
    methods = (*(compact or ()), *(() if bits_per_weight is None else (f"budget:bits={bits_per_weight}",)))
    last = resume_point(folder, methods)
    if resume and last is None:
        raise SubbitError(f"there is no training to go on with in {folder}: leave --resume out")
    if last is not None and not resume:
        raise SubbitError(f"{folder} holds a training already: add --resume to go on with it, or remove that folder")
    settings = {
        "data": data,
        "data_dir": None if data_dir is None else str(data_dir),
        "size": _size(size),
        "topology": model,
        "width": width,
        "encoding": encoding,
        "padding": padding,
        "activation_bits": activation_bits,
        "compact": methods,
        "estimator": estimator,
        "dropout": dropout,
        "epochs": epochs,
        "max_minutes": max_minutes,
        "batch": batch,
        "learning_rate": learning_rate,
        "augment": augment,
        "validation": validation,
        "seed": seed,
        "threads": threads,
        "fast": fast,
        "accelerator": accelerator,
        "devices": int(devices) if devices.isdecimal() else devices,
        "num_nodes": num_nodes,
        "strategy": strategy,
    }
    try:
        network, result = library.train(
            **settings, output=str(folder), resume=None if last is None else str(last), test=True, progress=True
        )
    except TrainingStopped:
        kept = f"{folder} keeps the last whole epoch: give the same command with --resume to go on"
        raise Stopped(kept if resume_point(folder, methods) else "nothing was written") from None
    library.save(network, output)
    if checkpoints is None:
        shutil.rmtree(folder, ignore_errors=True)
    document = {
        "network": str(output),
        "validation_accuracy": result.validation_accuracy,
        "test_accuracy": result.test_accuracy,
        "epochs": result.epochs,
        "seconds": round(result.seconds, 1),
        "found": result.found,
        "total": library.inspect(network).as_dict()["total"],
        "settings": settings,
    }
    emit(document, as_json, lambda console: _show(console, document))


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise SubbitError(f"--size must be HEIGHTxWIDTH, as in 32x32, not {text!r}")
    return int(height), int(width)


def _show(console: Console, document: dict[str, Any]) -> None:
    test, total = document["test_accuracy"], document["total"]
    console.print(
        f"{document['network']}: {100 * test:.2f} % of the test images right, "
        f"{100 * document['validation_accuracy']:.2f} % in validation, "
        f"{count(total['weights'])} weights in {count(total['weight_bits'])} bits, "
        f"{document['epochs']} epochs in {document['seconds']:.0f} s"
    )

"""``subbit compact``: a finished network file to a smaller one, with or without training it further."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from subbit import library
from subbit.commands.options import AsJson, Images, NetworkFile
from subbit.compaction import LayerChange, agreement, changes
from subbit.console import Stopped, count, emit, table
from subbit.extras import require
from subbit.images import read_images
from sw.errors import SubbitError
from sw.files import check_writable
from sw.network import Network

__all__ = ["command"]


def command(
    network: NetworkFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The network file to write.")],
    compact: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD[:OPTION=VALUE,...][@LAYER+...]",
            help="A way to make the network compact, as in codebook:n=32; may be given several times.",
            show_default="reuse, which costs nothing",
        ),
    ] = None,
    bits_per_weight: Annotated[
        float | None, typer.Option(help="Bits that a weight may cost: codebooks of the sizes that meet it.")
    ] = None,
    images: Images = None,
    data: Annotated[
        str | None, typer.Option(help="The data set to judge by, and to train on; named as for `subbit train`.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder with the data set's original files.")] = None,
    test: Annotated[
        bool, typer.Option("--test", help="Look at the test images too, before and after: once you have chosen.")
    ] = False,
    fine_tune: Annotated[
        int | None, typer.Option(min=1, metavar="EPOCHS", help="Train the network further, on the images of --data.")
    ] = None,
    batch: Annotated[int, typer.Option(help="Images in a training step.")] = 100,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate of the schedule.")] = 2e-3,
    max_minutes: Annotated[float | None, typer.Option(help="Stop training after so many minutes.")] = None,
    augment: Annotated[
        str, typer.Option(help="Random changes to training images: auto, none, digits or photo.")
    ] = "none",
    validation: Annotated[float, typer.Option(help="Share of the training images to judge by, never fitted to.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 0,
    checkpoints: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps the checkpoints; without it they go once the network is written."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was stopped.")] = False,
    accelerator: Annotated[str, typer.Option(help="Lightning's accelerator: auto, cpu, gpu and so on.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Make a finished network compact, and tell what it costs: in bits, in operations, and in right answers.

    reuse computes the same scores. Codebooks, two levels and fewer slices change weights: --data or --images show what
    that costs, and --fine-tune trains the network further with them.
    """
    require("train", "compaction")
    check_writable(output)
    if fine_tune is None and (resume or checkpoints or max_minutes is not None):
        raise SubbitError("--resume, --checkpoints and --max-minutes are of a training: add --fine-tune EPOCHS")
    if data is None and (fine_tune is not None or test):
        raise SubbitError("--fine-tune and --test need labelled images: name a data set with --data")
    methods = (*(compact or ()), *(() if bits_per_weight is None else (f"budget:bits={bits_per_weight}",)))
    if not methods and fine_tune is None:
        methods = ("reuse",)
    before = library.load(network)
    judged = _Judge(before, images, data, data_dir, validation, seed)
    if fine_tune is None:
        after = library.compact(before, *methods, images=judged.images, classes=judged.classes)
        training = None
    else:
        settings = {
            "data": data,
            "data_dir": None if data_dir is None else str(data_dir),
            "size": judged.size,
            "epochs": fine_tune,
            "batch": batch,
            "learning_rate": learning_rate,
            "max_minutes": max_minutes,
            "augment": augment,
            "validation": validation,
            "seed": seed,
            "accelerator": accelerator,
        }
        after, training = _trained(before, methods, settings, checkpoints or _beside(output), checkpoints, resume)
    library.save(after, output)
    if fine_tune is not None and checkpoints is None:
        shutil.rmtree(_beside(output), ignore_errors=True)
    found = changes(before, after)
    document: dict[str, Any] = {
        "network": str(output),
        "methods": list(methods),
        **{name: library.inspect(one).as_dict()["total"] for name, one in (("before", before), ("after", after))},
        "layers": [change.as_dict() for change in found],
        "judged": judged.of(after),
        "test": judged.test(after) if test else None,
        "training": training,
    }
    emit(document, as_json, lambda console: _show(console, document, found))


class _Judge:
    """The images by which networks are compared: validation images with labels, or images and what was said of them."""

    def __init__(
        self, before: Network, images: Path | None, data: str | None, data_dir: Path | None, share: float, seed: int
    ) -> None:
        if images is not None and data is not None:
            raise SubbitError("only one of --images and --data can be given")
        self.before = before
        self.images = self.classes = self.data = self.size = None
        if data is not None:
            from sw.compact.finetune import check_data, validation_part
            from sw.train.data import load

            self.size = (before.input.height, before.input.width) if data.startswith("folder:") else None
            self.data = load(data, None if data_dir is None else str(data_dir), self.size, seed)
            check_data(before, self.data)
            part = validation_part(self.data, share, seed)
            self.images, self.classes = part.images, part.classes
        elif images is not None:
            self.images = read_images(images, before)
            self.classes = before.classify(self.images)

    def of(self, after: Network) -> dict[str, Any] | None:
        """The shares of right answers, or of the same answers, before and after."""
        if self.images is None or self.classes is None:
            return None
        by = "the network's answers before" if self.data is None else "the labels of validation images"
        return {"by": by, **self._shares(after, self.images, self.classes)}

    def test(self, after: Network) -> dict[str, Any] | None:
        """The shares of right answers on the test images."""
        return None if self.data is None else self._shares(after, self.data.test_images, self.data.test_labels)

    def _shares(self, after: Network, images: Any, classes: Any) -> dict[str, Any]:
        shares = {name: agreement(one, images, classes) for name, one in (("before", self.before), ("after", after))}
        return {"images": len(images), **shares}


def _beside(output: Path) -> Path:
    return output.with_name(output.name + ".training")


def _trained(
    before: Network, methods: tuple[str, ...], settings: dict[str, Any], folder: Path, kept: Path | None, resume: bool
) -> tuple[Network, dict[str, Any]]:
    """The network trained further, its checkpoints in ``folder``, and what to tell of it."""
    from sw.compact.train import resume_point
    from sw.train.fit import TrainingStopped

    last = resume_point(folder)
    if resume and last is None:
        raise SubbitError(f"there is no training to go on with in {folder}: leave --resume out")
    if last is not None and not resume:
        raise SubbitError(f"{folder} holds a training already: add --resume to go on with it, or remove that folder")
    try:
        after, result = library.fine_tune(
            before, *methods, **settings, output=str(folder), resume=None if last is None else str(last)
        )
    except TrainingStopped:
        told = f"{folder} keeps the last whole epoch: give the same command with --resume to go on"
        raise Stopped(told if resume_point(folder) else "nothing was written") from None
    return after, {"epochs": result.epochs, "seconds": round(result.seconds, 1), "settings": settings}


def _show(console: Console, document: dict[str, Any], found: list[LayerChange]) -> None:
    columns = ("layer", "before", "after", "weights", "bits changed", "bits/weight", "ROM bits", "bit ops", "depth")
    rows = [
        (
            change.name,
            change.before.encoding,
            change.after.encoding,
            change.after.weights,
            "other weights" if change.changed is None else f"{100 * change.changed / change.after.weights:.2f} %",
            f"{change.after.bits_per_weight:.3f}",
            change.after.weight_bits,
            f"{100 * change.after.bit_operations / change.before.bit_operations:.1f} %",
            change.after.depth or None,
        )
        for change in found
    ]
    console.print(table("what became of the layers", columns, rows, left=3))
    before, after = document["before"], document["after"]
    console.print(
        f"{document['network']}: {count(round(after['bit_operations']))} bit operations an image in place of "
        f"{count(round(before['bit_operations']))}, {count(after['weight_bits'])} weight bits in place of "
        f"{count(before['weight_bits'])}, {after['bits_per_weight']:.3f} bits a weight, outputs at most "
        f"{after['depth']} deep"
    )
    for name in ("judged", "test"):
        if shares := document[name]:
            by = "the labels of test images" if name == "test" else shares["by"]
            console.print(
                f"{100 * shares['after']:.2f} % right after and {100 * shares['before']:.2f} % before, by {by} "
                f"({count(shares['images'])} images)"
            )
    if document["judged"] is None:
        console.print("what this costs in right answers was not measured: name images with --data or --images")

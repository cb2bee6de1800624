"""Arguments that several subcommands share."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sw.errors import SubbitError

__all__ = [
    "AsJson",
    "Beat",
    "BoardSimulator",
    "BoardWaves",
    "BuildFolder",
    "Clock",
    "Data",
    "DataDir",
    "Device",
    "Folds",
    "Fps",
    "Images",
    "Limit",
    "MaxFps",
    "NetworkFile",
    "Random",
    "Results",
    "Stage",
    "folds_of",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on stdout.")]
NetworkFile = Annotated[Path, typer.Argument(metavar="NETWORK", help="A network file, as `subbit train` writes it.")]
Device = Annotated[str | None, typer.Option(help="The FPGA to plan for; without one, area is not looked at.")]
Fps = Annotated[float | None, typer.Option(help="Frames a second to reach with as little area as possible.")]
MaxFps = Annotated[bool, typer.Option("--max-fps", help="As many frames a second as fit the device.")]
Clock = Annotated[
    float | None, typer.Option(metavar="MHZ", show_default="the device's, or 12", help="The clock, in MHz.")
]
Folds = Annotated[
    list[str] | None,
    typer.Option("--fold", metavar="LAYER=PE,SIMD[,DATAPATH]", help="Fold a layer by hand; can be repeated."),
]
Images = Annotated[Path | None, typer.Option(help="A .npy or .npz file of images, uint8 (n, height, width, channels).")]
Random = Annotated[int | None, typer.Option(min=1, show_default="8", help="Random images, where no others are named.")]
Data = Annotated[str | None, typer.Option(help="The test images of a data set, named as for `subbit train`.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder with the data set's original files.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Take only the first so many images.")]
BuildFolder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the board's build.")]
Stage = Annotated[str, typer.Option(help="What is simulated: rtl, synthesised, routed, or bitstream (iCE40).")]
BoardSimulator = Annotated[str, typer.Option("--simulator", help="The simulator: verilator or icarus.")]
BoardWaves = Annotated[Path | None, typer.Option("--waves", help="Record the simulation into this waveform file.")]
FOLD = re.compile(r"([^=]+)=([1-9]\d*),([1-9]\d*)(?:,([^,]+))?")
Beat = Annotated[int, typer.Option(min=1, help="Pixels that enter in one beat.")]
Results = Annotated[str, typer.Option("--output-kind", help="What is sent out: scores (and class), or class.")]


def folds_of(texts: Sequence[str] | None) -> dict[str, tuple[int, int, str]]:
    """(PE, SIMD, datapath) by layer from texts such as "conv1=4,9" and "conv2=2,32,sparse".

    Raises SubbitError for anything else.
    """
    found = {}
    for text in texts or ():
        match = FOLD.fullmatch(text)
        if match is None:
            raise SubbitError(
                "--fold must be LAYER=PE,SIMD or LAYER=PE,SIMD,DATAPATH, as in conv1=4,9 or conv2=2,32,sparse, "
                f"not {text!r}"
            )
        layer, pe, simd, way = match.groups()
        found[layer] = (int(pe), int(simd), way or "xnor")
    return found

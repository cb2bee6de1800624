"""``subbit inspect``: what is in a network file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from subbit import library
from subbit.choice import read_choice
from subbit.commands.options import AsJson, NetworkFile
from subbit.console import count, emit, table
from subbit.inspection import Inspection, LayerFacts
from sw.errors import SubbitError

__all__ = ["command"]


def command(
    network: NetworkFile,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Draw codewords, reuse trees and slices there, PNG and SVG.")
    ] = None,
    before: Annotated[
        Path | None, typer.Option(metavar="NETWORK", help="A network whose codewords are drawn beside this one's.")
    ] = None,
    slices: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The slices.json of a training, to be drawn too.")
    ] = None,
    roms: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the weights there as they are encoded, for $readmemh.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is in a network: layers, weights, bits a weight, thresholds, bit operations an image."""
    loaded = library.load(network)
    facts = library.inspect(loaded)
    document = facts.as_dict()
    if pictures is not None:
        choice = None if slices is None else read_choice(slices)
        earlier = None if before is None else library.load(before)
        document["pictures"] = [str(path) for path in library.draw(loaded, pictures, before=earlier, slices=choice)]
    elif before is not None or slices is not None:
        raise SubbitError("--before and --slices are for pictures: add --pictures FOLDER")
    if roms is not None:
        document["roms"] = [str(path) for path in library.write_roms(loaded, roms)]
    written = [*document.get("pictures", ()), *document.get("roms", ())]
    emit(document, as_json, lambda console: _show(console, facts, written))


def _show(console: Console, facts: Inspection, written: Sequence[str]) -> None:
    columns = ("layer", "kind", "detail", "output", "weights", "bits/weight", "thresholds", "ROM bits", "bit ops")
    rows = [
        (
            layer.name,
            layer.kind,
            layer.detail,
            layer.output,
            layer.weights or None,
            None if layer.bits_per_weight is None else f"{layer.bits_per_weight:.3f}",
            layer.thresholds or None,
            layer.rom_bits or None,
            round(layer.bit_operations) or None,
        )
        for layer in facts.layers
    ]
    console.print(table(f"{facts.name}: {facts.input} in, {facts.classes} classes out", columns, rows, left=4))
    compact = [layer for layer in facts.layers if layer.encoding not in ("", "dense")]
    if compact:
        _show_compact(console, compact)
    console.print(
        f"total: {count(facts.weights)} weights in {count(facts.weight_bits)} bits, "
        f"{facts.bits_per_weight:.3f} bits a weight; {count(facts.rom_bits)} ROM bits with the thresholds; "
        f"{count(round(facts.bit_operations))} bit operations an image, "
        f"{200 * facts.bit_operations / facts.operations:.1f} % of the plain network's"
    )
    for path in written:
        console.print(f"wrote {path}")


def _show_compact(console: Console, layers: Sequence[LayerFacts]) -> None:
    columns = ("compact layer", "encoding", "bits/weight", "without table", "ones", "tree depth", "operations left")
    rows = [
        (
            layer.name,
            layer.encoding,
            f"{layer.bits_per_weight:.3f}",
            f"{layer.bits_per_weight_without_table:.3f}",
            f"{100 * (layer.ones_share or 0.0):.1f} %",
            layer.depth or None,
            f"{200 * layer.bit_operations / layer.operations:.1f} %",
        )
        for layer in layers
    ]
    console.print(table("compaction", columns, rows, left=2))

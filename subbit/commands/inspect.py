"""``subbit inspect``: what is in a network file."""

from rich.console import Console

from subbit import library
from subbit.commands.options import AsJson, NetworkFile
from subbit.console import count, emit, table
from subbit.inspection import Inspection

__all__ = ["command"]


def command(network: NetworkFile, as_json: AsJson = False) -> None:
    """Show what is in a network: layers, weights, bits a weight, thresholds, operations an image."""
    facts = library.inspect(library.load(network))
    emit(facts.as_dict(), as_json, lambda console: _show(console, facts))


def _show(console: Console, facts: Inspection) -> None:
    columns = ("layer", "kind", "detail", "output", "weights", "bits/weight", "thresholds", "ROM bits", "operations")
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
            layer.operations or None,
        )
        for layer in facts.layers
    ]
    console.print(table(f"{facts.name}: {facts.input} in, {facts.classes} classes out", columns, rows, left=4))
    console.print(
        f"total: {count(facts.weights)} weights in {count(facts.weight_bits)} bits, "
        f"{facts.bits_per_weight:.3f} bits a weight; {count(facts.rom_bits)} ROM bits with the thresholds; "
        f"{count(facts.operations)} operations an image"
    )

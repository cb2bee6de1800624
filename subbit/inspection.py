"""What is in a Network, told in numbers: weights, the bits that store them, and the operations of one image."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sw.network import BitSlices, Convolution, Layer, Linear, MaxPool, Network, Thermometer, Threshold
from sw.network.agreement import Agreement

__all__ = ["Inspection", "LayerFacts", "inspect_network"]


@dataclass(frozen=True)
class LayerFacts:
    """One layer in numbers.

    Attributes
    ----------
    output
        Type of the output, as text ("14x14x64 1-bit levels").
    detail
        Kernel, stride, padding, pool size or bits of an activation, as text.
    weights, weight_bits
        Binary weights, and the ROM bits that their encoding needs.
    thresholds, threshold_bits
        Thresholds, and the ROM bits for them, one of direction for each channel included.
    operations
        Binary operations for one image: an XNOR and an addition for each weight, at each output pixel, for each bit
        plane that is read.
    """

    name: str
    kind: str
    output: str
    detail: str
    weights: int = 0
    weight_bits: int = 0
    thresholds: int = 0
    threshold_bits: int = 0
    operations: int = 0

    @property
    def rom_bits(self) -> int:
        """All bits that a ROM holds for this layer."""
        return self.weight_bits + self.threshold_bits

    @property
    def bits_per_weight(self) -> float | None:
        """Stored bits of one weight, or None for a layer without weights."""
        return self.weight_bits / self.weights if self.weights else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "bits_per_weight": self.bits_per_weight, "rom_bits": self.rom_bits}


@dataclass(frozen=True)
class Inspection:
    """A Network in numbers: ``layers`` in their order, and the sums over them."""

    name: str
    input: str
    classes: int
    layers: Sequence[LayerFacts]

    @property
    def weights(self) -> int:
        """Binary weights."""
        return sum(layer.weights for layer in self.layers)

    @property
    def weight_bits(self) -> int:
        """Bits that store the weights."""
        return sum(layer.weight_bits for layer in self.layers)

    @property
    def bits_per_weight(self) -> float:
        """Stored bits of one weight, over all layers."""
        return self.weight_bits / self.weights if self.weights else 0.0

    @property
    def rom_bits(self) -> int:
        """Bits that store weights and thresholds."""
        return sum(layer.rom_bits for layer in self.layers)

    @property
    def thresholds(self) -> int:
        """Thresholds."""
        return sum(layer.thresholds for layer in self.layers)

    @property
    def operations(self) -> int:
        """Binary operations for one image."""
        return sum(layer.operations for layer in self.layers)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        totals = ("weights", "weight_bits", "bits_per_weight", "thresholds", "rom_bits", "operations")
        return {
            "name": self.name,
            "input": self.input,
            "classes": self.classes,
            "layers": [layer.as_dict() for layer in self.layers],
            "total": {name: getattr(self, name) for name in totals},
        }


def inspect_network(network: Network) -> Inspection:
    """Count what is in ``network``."""
    facts = [_facts(network, layer) for layer in network.layers]
    return Inspection(network.name, str(network.input.type), network.classes, facts)


def _facts(network: Network, layer: Layer) -> LayerFacts:
    output = network.shapes[layer.name]
    counts: dict[str, int] = {}
    if isinstance(layer, Linear):
        weights = layer.taps * layer.outputs
        pixels = output.height * output.width
        counts["weights"] = weights
        counts["weight_bits"] = layer.weights.stored_bits()
        counts["operations"] = 2 * weights * pixels * len(network.source(layer).planes)
    if isinstance(layer, Thermometer):
        counts["thresholds"] = layer.thresholds.size
        counts["threshold_bits"] = layer.thresholds.size * network.input.bits
    if isinstance(layer, Threshold):
        summed = network.layer(layer.reads[0])
        counts["thresholds"] = layer.thresholds.size
        if isinstance(summed, Linear):
            top = Agreement.of(summed, network.source(summed)).top
            counts["threshold_bits"] = layer.thresholds.size * (top + 1).bit_length() + len(layer.invert)
    return LayerFacts(layer.name, layer.kind, str(output), _detail(layer), **counts)


def _detail(layer: Layer) -> str:
    encoding = f", {layer.weights.kind}" if isinstance(layer, Linear) and layer.weights.kind != "dense" else ""
    match layer:
        case Convolution(kernel=(rows, columns), stride=stride, padding=padding):
            pad = "" if padding.kind == "none" else f" pad {padding.amount} ({padding.kind})"
            return f"{rows}x{columns}{f' stride {stride}' if stride > 1 else ''}{pad}{encoding}"
        case BitSlices(slices=slices):
            return f"bits {', '.join(map(str, slices))}"
        case MaxPool(size=size):
            return f"{size}x{size}"
        case _:
            return encoding.removeprefix(", ")

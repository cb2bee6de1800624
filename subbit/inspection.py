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
    encoding
        How the weights are stored ("dense", "codebook", "two-level of sparse"), as text.
    table_bits
        Those of ``weight_bits`` that are a codebook.
    ones
        Weights whose bit is 1.
    depth
        Outputs that are computed one from the other, at most.
    operations
        Binary operations of one image without any compaction: an XNOR and an addition for each weight, at each output
        pixel, for each bit plane that is read.
    bit_operations
        What compaction leaves of them, a tap compared and counted being one, a count looked up and added one half (the
        accounting of Sub-bit Neural Networks, ICCV 2021). Without compaction, half of ``operations``.
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
    bit_operations: float = 0
    table_bits: int = 0
    ones: int = 0
    depth: int = 0
    encoding: str = ""

    @property
    def rom_bits(self) -> int:
        """All bits that a ROM holds for this layer."""
        return self.weight_bits + self.threshold_bits

    @property
    def bits_per_weight(self) -> float | None:
        """Stored bits of one weight, or None for a layer without weights."""
        return self.weight_bits / self.weights if self.weights else None

    @property
    def bits_per_weight_without_table(self) -> float | None:
        """The same, the codebook left out, as papers count it."""
        return (self.weight_bits - self.table_bits) / self.weights if self.weights else None

    @property
    def ones_share(self) -> float | None:
        """The share of weights whose bit is 1, or None for a layer without weights."""
        return self.ones / self.weights if self.weights else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        derived = ("bits_per_weight", "bits_per_weight_without_table", "ones_share", "rom_bits")
        return {**asdict(self), **{name: getattr(self, name) for name in derived}}


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
    def table_bits(self) -> int:
        """Bits that store codebooks."""
        return sum(layer.table_bits for layer in self.layers)

    @property
    def bits_per_weight_without_table(self) -> float:
        """Stored bits of one weight over all layers, codebooks left out."""
        return (self.weight_bits - self.table_bits) / self.weights if self.weights else 0.0

    @property
    def ones_share(self) -> float:
        """The share of weights whose bit is 1."""
        return sum(layer.ones for layer in self.layers) / self.weights if self.weights else 0.0

    @property
    def depth(self) -> int:
        """Outputs of one layer that are computed one from the other, at most."""
        return max((layer.depth for layer in self.layers), default=0)

    @property
    def bit_operations(self) -> float:
        """Binary operations for one image that compaction leaves."""
        return sum(layer.bit_operations for layer in self.layers)

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
        """Binary operations for one image without any compaction."""
        return sum(layer.operations for layer in self.layers)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        totals = (
            "weights",
            "weight_bits",
            "table_bits",
            "bits_per_weight",
            "bits_per_weight_without_table",
            "ones_share",
            "depth",
            "thresholds",
            "rom_bits",
            "operations",
            "bit_operations",
        )
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
    counts: dict[str, Any] = {}
    if isinstance(layer, Linear):
        weights = layer.taps * layer.outputs
        pixels = output.height * output.width
        counts["weights"] = weights
        counts["weight_bits"] = layer.weights.stored_bits()
        planes = len(network.source(layer).planes)
        counts["operations"] = 2 * weights * pixels * planes
        counts["bit_operations"] = layer.weights.bit_operations() * pixels * planes
        counts["table_bits"] = layer.weights.table_bits()
        counts["ones"] = int(layer.weights.decode().sum())
        counts["depth"] = layer.weights.depth
        counts["encoding"] = str(layer.weights)
    if isinstance(layer, Thermometer):
        counts["thresholds"] = layer.thresholds.size
        counts["threshold_bits"] = layer.thresholds.size * network.input.bits
    if isinstance(layer, Threshold):
        summed = network.layer(layer.reads[0])
        counts["thresholds"] = layer.thresholds.size
        if isinstance(summed, Linear):
            width = _threshold_width(summed, network)
            counts["threshold_bits"] = layer.thresholds.size * width + len(layer.invert)
    return LayerFacts(layer.name, layer.kind, str(output), _detail(layer), **counts)


def _threshold_width(layer: Linear, network: Network) -> int:
    """Bits of a threshold on what ``layer`` counts: agreements, or for weights of two levels the sum itself."""
    if layer.plain:
        return (Agreement.of(layer, network.source(layer)).top + 1).bit_length()
    sums = network.shapes[layer.name]
    return (sums.high - sums.low + 1).bit_length()


def _detail(layer: Layer) -> str:
    match layer:
        case Convolution(kernel=(rows, columns), stride=stride, padding=padding):
            around = f"level {padding.level}" if padding.kind == "level" else padding.kind
            pad = "" if padding.kind == "none" else f" pad {padding.amount} ({around})"
            return f"{rows}x{columns}{f' stride {stride}' if stride > 1 else ''}{pad}"
        case BitSlices(slices=slices):
            return f"bits {', '.join(map(str, slices))}"
        case MaxPool(size=size):
            return f"{size}x{size}"
        case _:
            return ""

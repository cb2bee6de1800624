"""So many bits a weight, the setting found by itself: codebooks of the sizes that meet it."""

import math
from dataclasses import dataclass
from typing import ClassVar

from sw.compact.codebook import Codebook
from sw.compact.method import Evidence, Method, inner_layers, known_layers, register, weight_shapes
from sw.errors import SubbitError
from sw.network import Network
from sw.network.words import LONGEST, Words
from sw.train.models import BinaryModel

__all__ = ["Budget", "codebook_sizes"]

SMALLEST = 4


@register
@dataclass(frozen=True, kw_only=True)
class Budget(Method):
    """Codebooks for as many layers as it takes, so that all weights of the network need `bits` a weight at most.

    Counted are the bits of all layers and all codebooks. The inner layers are made smaller evenly: always the one with
    the most bits a weight, and of equal ones the largest, gets half as many codewords. Only where that does not
    suffice is the first or the last layer touched. `by` is how the codewords are chosen (see `Codebook`).
    """

    kind: ClassVar[str] = "budget"
    bits: float = 0.5
    by: str = "sparks"

    def __post_init__(self) -> None:
        if not 0.0 < self.bits <= 1.0:
            raise SubbitError(f"the bits of a weight must be above 0 and at most 1, not {self.bits:g}")
        Codebook(by=self.by)

    def attach(self, model: BinaryModel) -> None:
        for name, n in self.sizes(model).items():
            Codebook(n=n, by=self.by, layers=(name,)).attach(model)

    def convert(self, network: Network, evidence: Evidence | None = None) -> Network:
        for name, n in self.sizes(network).items():
            network = Codebook(n=n, by=self.by, layers=(name,)).convert(network, evidence)
        return network

    def sizes(self, owner: BinaryModel | Network) -> dict[str, int]:
        """Codewords of each layer that gets a codebook. Raises SubbitError where `bits` cannot be reached."""
        shapes = weight_shapes(owner)
        inner = known_layers(self.layers, owner) or inner_layers(owner)
        others = [] if self.layers else [name for name in shapes if name not in inner]
        return codebook_sizes(shapes, [inner, others], self.bits)


def codebook_sizes(shapes: dict[str, tuple[int, ...]], turns: list[list[str]], bits: float) -> dict[str, int]:
    """Codewords for layers of these `shapes`, so that all of them together need at most `bits` a weight.

    The layers of a turn are taken only where those of the turns before do not suffice. Raises SubbitError.
    """
    weights = {name: math.prod(shape) for name, shape in shapes.items()}
    stored, chosen = dict(weights), dict[str, int]()
    total = sum(weights.values())
    for turn in turns:
        steps = {name: _sizes(shapes[name]) for name in turn}
        while sum(stored.values()) > bits * total:
            left = [name for name in turn if steps[name]]
            if not left:
                break
            name = max(left, key=lambda layer: (stored[layer] / weights[layer], weights[layer]))
            chosen[name], stored[name] = steps[name].pop(0)
    if sum(stored.values()) > bits * total:
        least = math.ceil(1000 * sum(stored.values()) / total) / 1000
        raise SubbitError(f"codebooks cannot bring this network to {bits:g} bits a weight: {least:g} is the least")
    return chosen


def _sizes(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """(codewords, stored bits) of each codebook that makes weights of this shape smaller, the largest first."""
    try:
        words = Words(shape)
    except ValueError:
        return []
    number, best, found = shape[0] * words.count, math.prod(shape), []
    for width in range(LONGEST, SMALLEST.bit_length() - 2, -1):
        bits = number * width + (words.taps << width)
        if width < words.taps and bits < best:
            found.append((1 << width, bits))
            best = bits
    return found

"""Codeword lookup: ``pe`` outputs at once, ``simd`` taps at once, for layers whose weights are a codebook."""

from collections.abc import Iterator
from typing import ClassVar

from hw.layer.lookup import LookupShape
from hw.layer.unit import UnitShape
from hw.layer.window import WindowShape
from hw.plan.datapath.base import USUAL, Datapath, divisors, register, thresholds_of, window_of
from hw.plan.plan import Folding
from sw.network import Convolution, Linear, Network, Threshold
from sw.network.agreement import Agreement
from sw.network.encodings.codebook import CodebookEncoding

__all__ = ["Lookup"]

# More readers than this fill no device here with anything but tables, and more words make few groups of long indices.
MOST_READERS, MOST_WORDS = 256, 8


@register
class Lookup(Datapath):
    """``simd`` is a number of words times their taps: of the same positions in neighbouring channels, or of
    neighbouring inputs where the kernel has one position. Windows are read from a memory, channel by channel."""

    name: ClassVar[str] = "lookup"

    def refusal(self, layer: Linear, network: Network) -> str | None:
        if isinstance(layer.weights, CodebookEncoding):
            return None
        return f"has no codebook but {layer.weights.kind} weights"

    def foldings(self, layer: Linear, network: Network) -> Iterator[Folding]:
        words = layer.weights.shape[-1]
        if layer.taps == words:
            words //= self.codebook(layer).words.taps
        for pe in divisors(layer.outputs):
            for at_once in divisors(words):
                if at_once <= MOST_WORDS and pe * at_once <= MOST_READERS:
                    yield Folding(pe, at_once * self.codebook(layer).words.taps, datapath=self.name)

    def build(
        self, layer: Linear, network: Network, folding: Folding, threshold: Threshold | None, family: str = USUAL
    ) -> tuple[WindowShape, UnitShape]:
        weights, source = self.codebook(layer), network.source(layer)
        agreement = Agreement.of(layer, source)
        thresholds, invert = thresholds_of(agreement, threshold)
        unit = LookupShape(
            codewords=weights.codewords,
            indices=weights.indices,
            positions=layer.kernel[0] * layer.kernel[1] if isinstance(layer, Convolution) else 1,
            planes=source.planes,
            pe=folding.pe,
            simd=folding.simd,
            agreement=agreement,
            thresholds=thresholds,
            invert=invert,
            rom=folding.rom,
        )
        return window_of(layer, network, unit.group.lanes, 1, order="channel"), unit

    @staticmethod
    def codebook(layer: Linear) -> CodebookEncoding:
        """The weights of a layer that is not refused."""
        assert isinstance(layer.weights, CodebookEncoding)
        return layer.weights

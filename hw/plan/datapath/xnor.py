"""XNOR and popcount: ``pe`` outputs at once, ``simd`` taps at once. Every layer can be computed like this."""

from collections.abc import Iterator
from typing import ClassVar

from hw.layer.product import ProductShape
from hw.layer.unit import UnitShape
from hw.layer.window import WindowShape
from hw.plan.datapath.base import USUAL, Datapath, divisors, register, thresholds_of, window_of
from hw.plan.plan import Folding
from sw.network import Convolution, Linear, Network, Threshold
from sw.network.agreement import Agreement

__all__ = ["Xnor"]

# More lanes than this make compressor trees that no device here could hold.
WIDEST = 1 << 16


@register
class Xnor(Datapath):
    """``simd`` divides the taps; one that divides the channels reads windows from a memory, any other one holds whole
    windows in registers."""

    name: ClassVar[str] = "xnor"

    def refusal(self, layer: Linear, network: Network) -> str | None:
        return None

    def foldings(self, layer: Linear, network: Network) -> Iterator[Folding]:
        for pe in divisors(layer.outputs):
            for simd in divisors(layer.taps):
                if pe * simd <= WIDEST:
                    yield Folding(pe, simd)

    def build(
        self, layer: Linear, network: Network, folding: Folding, threshold: Threshold | None, family: str = USUAL
    ) -> tuple[WindowShape, UnitShape]:
        source = network.source(layer)
        agreement = Agreement.of(layer, source)
        thresholds, invert = thresholds_of(agreement, threshold)
        skips = bool(agreement.skip_channels)
        unit = ProductShape(
            weights=layer.weights.decode().reshape(layer.outputs, -1),
            planes=source.planes,
            pe=folding.pe,
            simd=folding.simd,
            agreement=agreement,
            thresholds=thresholds,
            invert=invert,
            skip_positions=layer.kernel[0] * layer.kernel[1] if skips and isinstance(layer, Convolution) else 0,
            rom=folding.rom,
        )
        return window_of(layer, network, folding.simd, unit.folds), unit

"""Weights as constants: a window and all its outputs in every cycle."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from hw.layer.unit import UnitShape
from hw.layer.unrolled import UnrolledShape, skip_cases
from hw.layer.window import WindowShape
from hw.plan.datapath.base import USUAL, Datapath, register, thresholds_of, window_of
from hw.plan.plan import Folding
from sw.network import Linear, Network, Threshold
from sw.network.agreement import Agreement

__all__ = ["Unrolled"]

# More weights than this a search does not try: they fill the largest devices here.
MOST_WEIGHTS = 1 << 16
# Tables and carry chains between two registers.
LEVELS = 4


@register
class Unrolled(Datapath):
    """``pe`` is all outputs and ``simd`` all taps."""

    name: ClassVar[str] = "unrolled"
    most_idle: ClassVar[float] = 8  # Its area takes seconds to find out.

    def refusal(self, layer: Linear, network: Network) -> str | None:
        return None

    def doubt(self, layer: Linear, network: Network) -> str | None:
        weights = layer.outputs * layer.taps
        if layer.weights.values[0] == 0:
            weights = int(layer.weights.decode().sum(dtype=np.int64))
        return None if weights <= MOST_WEIGHTS else f"has {weights:,} weights, too many for constants"

    def foldings(self, layer: Linear, network: Network) -> Iterator[Folding]:
        yield Folding(layer.outputs, layer.taps, datapath=self.name)

    def build(
        self, layer: Linear, network: Network, folding: Folding, threshold: Threshold | None, family: str = USUAL
    ) -> tuple[WindowShape, UnitShape]:
        if (folding.pe, folding.simd) != (layer.outputs, layer.taps):
            raise ValueError(
                f"pe and simd must be all {layer.outputs} outputs and all {layer.taps} taps to be unrolled, "
                f"not {folding.pe} and {folding.simd}"
            )
        source = network.source(layer)
        agreement = Agreement.of(layer, source)
        thresholds, invert = thresholds_of(agreement, threshold)
        window = window_of(layer, network, folding.simd, 1)
        unit = UnrolledShape(
            weights=layer.weights.decode().reshape(layer.outputs, -1),
            planes=source.planes,
            agreement=agreement,
            thresholds=thresholds,
            invert=invert,
            skip_cases=skip_cases(window) if agreement.skip_channels else np.zeros((1, 0), bool),
            family=family,
            levels=LEVELS,
            registered=window.passes,
        )
        return window, unit

"""Sums over the ones of the weights alone, and one sum of the whole window for all outputs."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from hw.layer.listed_sum import ListedSumShape
from hw.layer.listed_window import ListedWindowShape
from hw.layer.unit import UnitShape
from hw.layer.window import WindowShape
from hw.plan.datapath.base import USUAL, Datapath, divisors, register, window_of
from hw.plan.plan import Folding
from sw.network import Linear, Network, Threshold

__all__ = ["Sparse"]

# With more ones than this in a hundred weights a search does not try it; readers beyond this many are copies too dear.
MOST_ONES = 0.3
MOST_READERS = 32


@register
class Sparse(Datapath):
    """``pe`` taps are read at once, each for an output of its own; ``simd``, a divisor of the channels, is the width of
    the memory's words, in which the window's sum is made."""

    name: ClassVar[str] = "sparse"

    def refusal(self, layer: Linear, network: Network) -> str | None:
        return None

    def doubt(self, layer: Linear, network: Network) -> str | None:
        ones = layer.weights.decode().mean()
        return f"has {ones:.0%} ones, more than {MOST_ONES:.0%}" if ones > MOST_ONES else None

    def foldings(self, layer: Linear, network: Network) -> Iterator[Folding]:
        source = network.source(layer)
        channels = source.channels if layer.kind == "convolution" else source.size
        for pe in divisors(layer.outputs):
            for simd in divisors(channels):
                if pe <= MOST_READERS:
                    yield Folding(pe, simd, datapath=self.name)

    def build(
        self, layer: Linear, network: Network, folding: Folding, threshold: Threshold | None, family: str = USUAL
    ) -> tuple[WindowShape, UnitShape]:
        source = network.source(layer)
        bits = layer.weights.decode().reshape(layer.outputs, -1)
        low, high = layer.weights.values
        plain = window_of(layer, network, folding.simd, 1)
        window = ListedWindowShape(
            **vars(plain),
            lists=tuple(tuple(np.flatnonzero(row).tolist()) for row in bits),
            pe=folding.pe,
            rom=folding.rom,
        )
        unit = ListedSumShape(
            window,
            source.planes,
            low,
            high - low,
            signed=source.domain == "levels",
            thresholds=None if threshold is None else threshold.thresholds,
            invert=None if threshold is None else threshold.invert,
        )
        return window, unit

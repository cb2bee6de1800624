"""XNOR and popcount of one bit plane after another: the lanes of one plane for inputs that have several."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from hw.layer.product import ProductShape
from hw.layer.unit import UnitShape
from hw.layer.window import WindowShape
from hw.plan.datapath.base import USUAL, register
from hw.plan.datapath.xnor import Xnor
from hw.plan.plan import Folding
from sw.network import Linear, Network, Threshold

__all__ = ["BitSerial"]


@register
class BitSerial(Xnor):
    """Folded as by ``xnor``; a window is sent once for every plane, the highest first."""

    name: ClassVar[str] = "bit-serial"

    def refusal(self, layer: Linear, network: Network) -> str | None:
        return "reads one-bit inputs" if len(network.source(layer).planes) == 1 else None

    def foldings(self, layer: Linear, network: Network) -> Iterator[Folding]:
        for folding in super().foldings(layer, network):
            yield replace(folding, datapath=self.name)

    def build(
        self, layer: Linear, network: Network, folding: Folding, threshold: Threshold | None, family: str = USUAL
    ) -> tuple[WindowShape, UnitShape]:
        window, unit = super().build(layer, network, folding, threshold, family)
        assert isinstance(unit, ProductShape)
        serial = replace(unit, series=True)
        return replace(window, folds=window.folds * serial.passes), serial

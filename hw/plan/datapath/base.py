"""The interface of a datapath, a way to compute a layer in hardware, and the registry that plans name them from."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, TypeVar

import numpy as np

from hw.layer.unit import UnitShape
from hw.layer.window import Order, WindowShape
from hw.plan.plan import Folding
from sw.network import Convolution, Linear, Network, Threshold
from sw.network.agreement import Agreement

__all__ = ["DATAPATHS", "USUAL", "Datapath", "datapath", "divisors", "register", "thresholds_of", "window_of"]

#: The family that is built for where no device is named.
USUAL = "ice40"


class Datapath(ABC):
    """One way to compute a convolution or dense layer. A new one is a file beside this one, made known by ``register``.

    A layer's folding names it; what ``pe`` and ``simd`` mean there, its documentation says.
    """

    name: ClassVar[str]
    #: A search leaves it out where it would work in fewer than one of so many cycles.
    most_idle: ClassVar[float] = math.inf

    @abstractmethod
    def refusal(self, layer: Linear, network: Network) -> str | None:
        """Why ``layer`` cannot be computed like this, as the end of a sentence; None where it can."""

    def doubt(self, layer: Linear, network: Network) -> str | None:
        """Why a search need not try it for a layer that is not refused, as the end of a sentence; None where it may."""
        return None

    @abstractmethod
    def foldings(self, layer: Linear, network: Network) -> Iterator[Folding]:
        """Every folding that makes sense, for a layer that is not refused."""

    @abstractmethod
    def build(
        self, layer: Linear, network: Network, folding: Folding, threshold: Threshold | None, family: str = USUAL
    ) -> tuple[WindowShape, UnitShape]:
        """Window generator and compute unit, for a layer that is not refused, on an FPGA of ``family``.

        Raises ValueError for a wrong folding.
        """


DATAPATHS: dict[str, Datapath] = {}
_D = TypeVar("_D", bound=Datapath)


def register(kind: type[_D]) -> type[_D]:
    """Class decorator: make a datapath known by its name."""
    DATAPATHS[kind.name] = kind()
    return kind


def datapath(name: str) -> Datapath:
    """The datapath called ``name``. Raises ValueError for an unknown one."""
    if name not in DATAPATHS:
        raise ValueError(f"datapath must be one of {', '.join(sorted(DATAPATHS))}, not {name!r}")
    return DATAPATHS[name]


def divisors(number: int) -> list[int]:
    """Divisors of ``number``, ascending."""
    return [d for d in range(1, number + 1) if number % d == 0]


def window_of(layer: Linear, network: Network, lanes: int, folds: int, order: Order = "tap") -> WindowShape:
    """The windows that ``layer`` reads, in words of ``lanes`` taps in ``order``, each sent ``folds`` times."""
    source = network.source(layer)
    bits = len(source.planes)
    if not isinstance(layer, Convolution):
        return WindowShape(1, 1, source.size, bits, lanes=lanes, folds=folds, order=order)
    pad = layer.padding
    return WindowShape(
        source.height,
        source.width,
        source.channels,
        bits,
        kernel=layer.kernel,
        stride=layer.stride,
        pad=pad.amount,
        # A padded pixel of zero is a word of zero bits that counts as such.
        fill="skip" if pad.kind == "zero" and source.domain == "levels" else pad.element(source),
        lanes=lanes,
        folds=folds,
        order=order,
    )


def thresholds_of(agreement: Agreement, threshold: Threshold | None) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Thresholds and inverts on the counts of ``agreement``, if any."""
    return (None, None) if threshold is None else (agreement.thresholds(threshold.thresholds), threshold.invert)

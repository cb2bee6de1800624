"""What would fit: the planner's estimates, corrected by what a design was measured to take."""

import math
from dataclasses import dataclass, replace
from itertools import product

from boards.build.area import Areas
from hw.plan.area import pipeline_area, stage_areas
from hw.plan.device import Device
from hw.plan.estimate import Estimate
from hw.plan.pipeline import pipeline
from hw.plan.plan import Folding, Plan
from hw.plan.search import bram_price, fastest_in, least_area_in
from hw.plan.space import Space
from sw.errors import SubbitError
from sw.network import Network

__all__ = ["Correction", "fastest_that_fits", "plan_that_fits", "rate_that_fits"]

#: What a link, a clock and a reset take beside the accelerator, in tables, flip-flops and block RAMs.
BESIDE = (1400.0, 600.0, 2)
#: Cells of the device that a table of the netlist came to, carries and routing included: real builds, digits network.
CELLS_A_TABLE = {"ice40": 1.35, "ecp5": 1.75, "gowin": 1.7}
#: How full a device can be before places and wires run short.
FULL = 0.98
FAR = 2.0
#: More layers than this are too many to try every way to store each.
MOST_LAYERS = 9


@dataclass(frozen=True)
class Correction:
    """How many logic cells, flip-flops and block RAMs an estimated one comes to, and what all the rest takes."""

    luts: float
    ffs: float
    brams: float
    beside: tuple[float, float, int] = BESIDE

    @classmethod
    def usual(cls, family: str) -> "Correction":
        """Before anything was measured."""
        return cls(CELLS_A_TABLE.get(family, 1.0), 1.0, 1.0)

    @classmethod
    def measured(cls, network: Network, plan: Plan, family: str, found: Areas, packed: int | None) -> "Correction":
        """From a synthesised design of ``network`` under ``plan``.

        ``packed``: how many logic cells of the device it came to, None where it was not packed.
        """
        stages = stage_areas(pipeline(network, plan), family)
        cells = packed / found.total.luts if packed and found.total.luts else CELLS_A_TABLE.get(family, 1.0)
        ratios, beside = {}, {}
        for kind in ("luts", "ffs", "brams"):
            inside = [(name, getattr(area, kind)) for name, area in found.stages.items() if name in stages]
            pairs = [(getattr(stages[name], kind), truth) for name, truth in inside]
            beside[kind] = getattr(found.total, kind) - sum(truth for _, truth in inside)
            # An estimate that is far from the truth is one of an extreme folding, which a smaller plan will not have.
            near = [(estimate, truth) for estimate, truth in pairs if truth < FAR * estimate and estimate < FAR * truth]
            ratios[kind] = sum(truth for _, truth in near) / sum(estimate for estimate, _ in near) if near else 1.0
        return cls(
            cells * ratios["luts"],
            ratios["ffs"],
            ratios["brams"],
            (cells * beside["luts"], beside["ffs"], beside["brams"]),
        )

    def room(self, device: Device) -> Device:
        """The device, with only as much in it as estimates may take up."""
        luts, ffs, brams = self.beside
        return replace(
            device,
            luts=max(1, int((FULL * device.luts - luts) / self.luts)),
            ffs=max(1, int((FULL * device.ffs - ffs) / self.ffs)),
            block_rams=max(0, int((device.block_rams - brams) / self.brams)),
        )


def fastest_that_fits(space: Space, plan: Plan, device: Device, correction: Correction) -> Plan:
    """The plan of most frames a second that is expected to fit. Raises SubbitError where none is."""
    return fastest_in(space, plan, correction.room(device))


def plan_that_fits(space: Space, plan: Plan, interval: int, device: Device, correction: Correction) -> Plan | None:
    """The plan of least area of at most ``interval`` cycles a frame that is expected to fit, None where none is."""
    room = correction.room(device)
    return least_area_in(space, plan, interval, room) or _mixed(space, plan, interval, room)


def _mixed(space: Space, plan: Plan, interval: int, room: Device) -> Plan | None:
    """The weights of some layers in block RAM, of others in tables, where no one price of a block RAM leads to that."""
    base = least_area_in(space, plan, interval, None)
    if base is None or len(space.layers) > MOST_LAYERS:
        return None
    ways: list[list[tuple[Folding, Estimate]]] = []
    for layer in space.layers:
        own = space.candidate(layer, base.folding[layer.name])
        ways.append(
            [(each.folding, each.area(interval, space.family)) for each in (own, *space.restyled(own, singles=True))]
        )
    others = pipeline_area(pipeline(space.network, base), space.family)
    luts = others.luts - sum(way[0][1].luts for way in ways)
    brams = others.brams - sum(way[0][1].brams for way in ways)
    price = bram_price(room)
    for mix in sorted(product(*ways), key=lambda mix: sum(area.price(price) for _, area in mix)):
        total = sum((area for _, area in mix), Estimate(luts, 0.0, brams))
        if total.luts <= room.luts and total.brams <= room.block_rams and total.sprams <= room.single_port_rams:
            folding = {layer.name: fold for layer, (fold, _) in zip(space.layers, mix, strict=True)}
            return replace(base, folding=folding)
    return None


def rate_that_fits(space: Space, plan: Plan, device: Device, correction: Correction) -> float | None:
    """The most frames a second that are expected to fit at the clock of ``plan``, rounded down; None where none are."""
    try:
        found = fastest_that_fits(space, replace(plan, pixels_per_beat=1), device, correction)
    except SubbitError:
        return None
    return _rate(plan.clock_hz, pipeline(space.network, found).interval)


def _rate(clock_hz: float, interval: int) -> float:
    """A rate of a few digits that asks for that interval, rounded down."""
    rate = clock_hz / interval
    step = 10 ** max(0, math.floor(math.log10(rate)) - 2) if rate >= 1 else 1e-3
    return math.floor(rate / step) * step

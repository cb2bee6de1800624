"""What would fit: the planner's estimates, corrected by what a design was measured to take."""

import math
from dataclasses import dataclass, replace

from boards.build.area import Areas
from hw.plan.cost import Estimate, pipeline_area, stage_area
from hw.plan.device import Device
from hw.plan.pipeline import pipeline
from hw.plan.plan import Plan
from hw.plan.search import fastest_in, least_area_in
from hw.plan.space import Space
from sw.network import Network

__all__ = ["Correction", "fastest_that_fits", "rate_that_fits"]

#: What a link, a clock and a reset take beside the accelerator, in tables, flip-flops and block RAMs.
BESIDE = (1400.0, 600.0, 2)
#: Cells of the device that a table of the netlist came to, carries and routing included: real builds, digits network.
CELLS_A_TABLE = {"ice40": 1.35, "ecp5": 1.75, "gowin": 1.7}
#: How full a device can be before places and wires run short.
FULL = 0.95
FAR = 2.0


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
        stages = {stage.name: stage_area(stage, family) for stage in pipeline(network, plan).stages}
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

    def fits(self, area: Estimate, device: Device) -> bool:
        """Whether an accelerator of that estimate is expected to fit with all the rest."""
        luts, ffs, brams = self.beside
        return (
            self.luts * area.luts + luts <= FULL * device.luts
            and self.ffs * area.ffs + ffs <= FULL * device.ffs
            and math.ceil(self.brams * area.brams) + brams <= device.block_rams
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


def rate_that_fits(space: Space, plan: Plan, device: Device, correction: Correction) -> float | None:
    """The highest frames a second, below that of ``plan``, whose plan of least area is expected to fit.

    None where not even the slowest is.
    """
    now = pipeline(space.network, plan).interval
    slower = [interval for interval in space.intervals if interval > now]
    low, high, best = 0, len(slower) - 1, None
    while low <= high:
        middle = (low + high) // 2
        rate = _rate(plan.clock_hz, slower[middle])
        # As `plan_for_rate` finds it, which is what the user is told to ask for.
        found = least_area_in(space, replace(plan, pixels_per_beat=1), int(plan.clock_hz / rate), device)
        if found is not None and correction.fits(pipeline_area(pipeline(space.network, found), space.family), device):
            best, high = rate, middle - 1
        else:
            low = middle + 1
    return best


def _rate(clock_hz: float, interval: int) -> float:
    """A rate of a few digits that asks for that interval, rounded down."""
    rate = clock_hz / interval
    step = 10 ** max(0, math.floor(math.log10(rate)) - 2) if rate >= 1 else 1e-3
    return math.floor(rate / step) * step

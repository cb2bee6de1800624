"""Why a plan is what it is: what every datapath would have cost each layer at the plan's frame rate."""

from dataclasses import dataclass, replace

from hw.datapath.rom import SINGLE_PORT
from hw.plan.datapath import DATAPATHS
from hw.plan.device import Device
from hw.plan.estimate import Estimate
from hw.plan.pipeline import pipeline
from hw.plan.plan import Folding, Plan
from hw.plan.search import MARGIN, bram_price, pools_after, space_of
from hw.plan.space import Candidate, Space
from sw.network import Linear, Network

__all__ = ["Alternative", "alternatives"]


@dataclass(frozen=True)
class Alternative:
    """One datapath for one layer: its cheapest folding at the plan's interval, or ``reason`` why there is none.

    ``area`` is that of the layer and of the pools behind it, which work in words of its PE; ``price`` is it as one
    number (``Estimate.price``), ``rom_bits`` the bits of its memories. ``chosen``: it is what the plan has, in the
    plan's own folding. ``saves_luts``: it has fewer LUTs than that by more than estimates err.
    """

    layer: str
    datapath: str
    chosen: bool
    reason: str | None = None
    folding: Folding | None = None
    cycles: int | None = None
    area: Estimate | None = None
    price: float = 0.0
    rom_bits: int | None = None
    saves_luts: bool = False


def alternatives(network: Network, plan: Plan, family: str, device: Device | None = None) -> tuple[Alternative, ...]:
    """Every datapath for every layer, in order; layers first."""
    space, interval, price = space_of(network, family, device), pipeline(network, plan).interval, bram_price(device)
    singles = any(folding.rom in SINGLE_PORT for folding in plan.folding.values())
    found = []
    for layer in space.layers:
        own = space.candidate(layer, plan.folding[layer.name])
        area = own.area(interval, family) + pools_after(space, layer, own)
        for name in DATAPATHS:
            if name == own.folding.datapath:
                found.append(priced(own, area, price, chosen=True))
            else:
                other = cheapest_of(space, layer, name, interval, price, singles=singles)
                saves = other.area is not None and other.area.luts < MARGIN * area.luts
                found.append(replace(other, saves_luts=saves))
    return tuple(found)


def cheapest_of(space: Space, layer: Linear, name: str, interval: int, price: float, *, singles: bool) -> Alternative:
    """The cheapest folding of one datapath, or why there is none; with single-port RAM where ``singles``."""
    doubt = space.doubt(DATAPATHS[name], layer)
    if doubt is not None:
        return Alternative(layer.name, name, False, reason=doubt)
    options = [candidate for candidate in space.choices(layer, interval) if candidate.folding.datapath == name]
    if not options:
        every = [each.cycles for each in space.candidates[layer.name] if each.folding.datapath == name]
        fewest = min(every)
        reason = f"takes {fewest:,} cycles at least" if fewest > interval else f"would be idle: takes {fewest:,} cycles"
        return Alternative(layer.name, name, False, reason=reason)
    styled = [space.best_style(option, interval, price, singles=singles) for option in options]
    pairs = [(each, area + pools_after(space, layer, each)) for each, area in styled]
    best, area = min(pairs, key=lambda pair: pair[1].price(price))
    return priced(best, area, price, chosen=False)


def priced(candidate: Candidate, area: Estimate, price: float, *, chosen: bool) -> Alternative:
    """A candidate with its numbers."""
    return Alternative(
        candidate.layer,
        candidate.folding.datapath,
        chosen,
        folding=candidate.folding,
        cycles=candidate.cycles,
        area=area,
        price=area.price(price),
        rom_bits=sum(rom.depth * rom.width for rom in candidate.roms),
    )

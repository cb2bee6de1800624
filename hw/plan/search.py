"""The folding that is cheapest at a wanted interval, and the shortest interval that fits a device.

Each layer's candidates are the datapaths and pairs (PE, SIMD) that meet the interval (``hw.plan.space``).
What stands between two layers depends on the PE of the first and the SIMD of the second, so the cheapest chain is found
by dynamic programming over the layers.
Areas are estimates (``hw.plan.cost``); cycles are exact.
"""

from collections.abc import Collection
from dataclasses import replace
from itertools import product

from hw.plan.area import pipeline_area
from hw.plan.cost import stage_area
from hw.plan.datapath import DATAPATHS
from hw.plan.datapath.base import divisors
from hw.plan.device import Device
from hw.plan.estimate import Estimate
from hw.plan.pipeline import Stage, pipeline, pool_shape
from hw.plan.plan import FASTEST_HZ, Folding, Plan
from hw.plan.space import Candidate, Space
from hw.stream.repack import RepackShape
from sw.errors import SubbitError
from sw.network import BitPlanes, BitSlices, Linear, MaxPool, Network, Thermometer

__all__ = [
    "MARGIN",
    "bram_price",
    "cheapest",
    "fastest_in",
    "fastest_plan",
    "fits",
    "least_area_in",
    "least_area_plan",
    "plan_for_rate",
    "pools_after",
    "space_of",
]

LEAST_RATE = 1e-6
BALANCES = (1.0, 4.0, 0.25, 16.0)
# Areas are estimates: another datapath than XNOR must promise to save a sixth.
MARGIN = 5 / 6


def cheapest(
    space: Space, interval: int, plan: Plan, bram_luts: float, *, saves_luts: bool = False, singles: bool = False
) -> Plan | None:
    """The folding of least area at ``interval``, None where none meets it; a block RAM counts as ``bram_luts`` LUTs.

    Where ``saves_luts`` a layer leaves XNOR only for a datapath that takes fewer LUTs too; ``singles`` allows
    single-port RAM.
    """
    network = space.network
    states: dict[int, tuple[float, dict[str, Folding]]] = {first_lanes(network, plan): (0.0, {})}
    for layer in space.layers:
        source = network.source(layer)
        reached: dict[int, tuple[float, dict[str, Folding]]] = {}
        for candidate, area in worthwhile(space, layer, interval, bram_luts, saves_luts=saves_luts, singles=singles):
            price = area.price(bram_luts) + pools_after(space, layer, candidate).price(bram_luts)
            lanes_in = candidate.window.in_lanes
            for lanes, (before, folding) in states.items():
                total = before + price
                if lanes != lanes_in:
                    shape = RepackShape(lanes, lanes_in, len(source.planes))
                    total += stage_area(Stage("repack", shape), space.family).price(bram_luts)
                out = candidate.folding.pe
                if out not in reached or total < reached[out][0]:
                    reached[out] = (total, folding | {layer.name: candidate.folding})
        states = reached
    if not states:
        return None
    return replace(plan, folding=min(states.values(), key=lambda state: state[0])[1])


def worthwhile(
    space: Space, layer: Linear, interval: int, bram_luts: float, *, saves_luts: bool, singles: bool
) -> list[tuple[Candidate, Estimate]]:
    """The candidates for a layer with their areas; others than XNOR only where they save more than estimates err."""
    choices = space.choices(layer, interval)
    found = [space.best_style(choice, interval, bram_luts, singles=singles) for choice in choices]
    usual = [area for candidate, area in found if candidate.folding.datapath == "xnor"]
    if not usual:
        return found
    price, luts = min((area.price(bram_luts), area.luts) for area in usual)

    def saves(area: Estimate) -> bool:
        return area.price(bram_luts) < MARGIN * price and (not saves_luts or area.luts < MARGIN * luts)

    return [(each, area) for each, area in found if each.folding.datapath == "xnor" or saves(area)]


def pools_after(space: Space, layer: Linear, candidate: Candidate) -> Estimate:
    """The area of the pools between a layer and the next with weights, which work in words of its PE."""
    layers, found = space.network.layers, Estimate()
    for after in layers[layers.index(layer) + 1 :]:
        if isinstance(after, Linear):
            break
        if isinstance(after, MaxPool):
            shape = pool_shape(space.network, after, candidate.unit.level_bits, candidate.folding.pe)
            found += stage_area(Stage(after.name, shape), space.family)
    return found


def first_lanes(network: Network, plan: Plan) -> int:
    """Elements that come out of the encoder at a time."""
    first = network.layers[0]
    encodes = isinstance(first, Thermometer | BitPlanes | BitSlices)
    return (network.shapes[first.name] if encodes else network.input).channels * plan.pixels_per_beat


def with_beats(network: Network, plan: Plan, interval: int) -> Plan:
    """``plan`` with as many pixels a beat as bring a frame in within ``interval``."""
    pixels = network.input.height * network.input.width
    enough = next(beats for beats in divisors(pixels) if pixels // beats <= interval)
    return replace(plan, pixels_per_beat=max(plan.pixels_per_beat, enough))


def fits(area: Estimate, device: Device) -> bool:
    """Whether the estimate stays within the device."""
    memories = area.brams <= device.block_rams and area.sprams <= device.single_port_rams
    return area.luts <= device.luts and area.ffs <= device.ffs and memories


def space_of(network: Network, family: str, device: Device | None, ways: Collection[str] = tuple(DATAPATHS)) -> Space:
    """The ways to compute ``network`` on ``device``, or on any of the ``family``."""
    return Space(network, ways, family, 0 if device is None else device.single_port_rams)


def least_area_plan(
    network: Network,
    plan: Plan,
    interval: int,
    family: str,
    device: Device | None = None,
    ways: Collection[str] = tuple(DATAPATHS),
) -> Plan | None:
    """The cheapest plan of at most ``interval`` cycles a frame; of those that fit ``device``, where one is given.

    ``plan`` gives everything but the folding, ``ways`` the datapaths that may be taken. None where there is no such
    plan.
    """
    return least_area_in(space_of(network, family, device, ways), plan, interval, device)


def least_area_in(space: Space, plan: Plan, interval: int, device: Device | None) -> Plan | None:
    """`least_area_plan` of a space that several searches share, which is where most of the time goes."""
    if interval < space.shortest(plan.output):
        return None
    plan = with_beats(space.network, plan, interval)
    price = bram_price(device)
    # LUTs and block RAMs trade against each other: try several exchange rates until a plan fits. Single-port RAM has to
    # be loaded from flash memory at power-up, so it is for what does not fit without.
    for singles, balance in product((False, True), BALANCES) if device is not None else [(False, BALANCES[0])]:
        if singles and not space.single_port_rams:
            break
        # Where block RAMs are what is short, LUTs may go up for them.
        found = cheapest(space, interval, plan, price * balance, saves_luts=balance <= 1, singles=singles)
        if found is None:
            return None
        if device is None or fits(pipeline_area(pipeline(space.network, found), space.family), device):
            return found
    return None


def bram_price(device: Device | None) -> float:
    """How many LUTs a block RAM counts as: as many as the device has for each."""
    return 40.0 if device is None else device.luts / max(1, device.block_rams)


def fastest_plan(network: Network, plan: Plan, device: Device) -> Plan:
    """The plan of the shortest interval that fits ``device``. Raises SubbitError where not even the slowest does."""
    return fastest_in(space_of(network, device.family, device), plan, device)


def fastest_in(space: Space, plan: Plan, device: Device) -> Plan:
    """`fastest_plan` of a space that several searches share."""
    intervals = space.intervals(plan.output)
    low, high, best = 0, len(intervals) - 1, None
    while low <= high:
        middle = (low + high) // 2
        found = least_area_in(space, plan, intervals[middle], device)
        if found is None:
            low = middle + 1
        else:
            best, high = found, middle - 1
    if best is None:
        raise SubbitError(f"{space.network.name} does not fit {device.name} at any folding: take a larger device.")
    return best


def plan_for_rate(network: Network, plan: Plan, fps: float, family: str, device: Device | None = None) -> Plan:
    """The cheapest plan that gives ``fps`` frames a second at the plan's clock.

    Raises SubbitError, one sentence, where no folding is fast enough or none that is fits ``device``.
    """
    if not fps > 0:
        raise SubbitError(f"frames a second must be positive, not {fps:g}.")
    if not LEAST_RATE <= fps <= FASTEST_HZ:
        raise SubbitError(f"frames a second must be from {LEAST_RATE:g} to {FASTEST_HZ:g}, not {fps:g}.")
    space = space_of(network, family, device)
    clock = f"{plan.clock_hz / 1e6:g} MHz"
    interval = int(plan.clock_hz / fps)
    if interval < space.shortest(plan.output):
        best = plan.clock_hz / space.shortest(plan.output)
        alone = ", for the class alone," if interval >= space.shortest("class") else ""
        raise SubbitError(
            f"{fps:g} frames a second cannot be met at {clock}: no folding gives more than {best:,.0f}; "
            f"ask for fewer{alone} or raise the clock."
        )
    found = least_area_in(space, plan, interval, device)
    if found is not None:
        return found
    assert device is not None
    best = plan.clock_hz / pipeline(network, fastest_in(space, plan, device)).interval
    raise SubbitError(
        f"{fps:g} frames a second at {clock} cannot be met on {device.name}: the most that fits is {best:,.0f}; "
        "ask for fewer or take a larger device."
    )

"""The folding that is cheapest at a wanted interval, and the shortest interval that fits a device.

Each layer's candidates are the pairs (PE, SIMD) that meet the interval; of two with one PE the smaller SIMD is enough.
What stands between two layers depends on the PE of the first and the SIMD of the second, so the cheapest chain is found
by dynamic programming over the layers.
Areas are estimates (``hw.plan.cost``); cycles are exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hw.layer.unit import UnitShape
from hw.layer.window import WindowShape
from hw.layer.window_store import WindowStore
from hw.plan.cost import Estimate, is_costed, pipeline_area, stage_area
from hw.plan.datapath import DATAPATHS
from hw.plan.datapath.base import divisors
from hw.plan.device import Device
from hw.plan.pipeline import Stage, pipeline
from hw.plan.plan import Folding, Plan
from hw.plan.schedule import Steps, buffer_words
from hw.plan.steps import window_cycles, window_steps
from hw.stream.repack import RepackShape
from sw.errors import SubbitError
from sw.network import Linear, Network, Threshold

__all__ = ["fastest_plan", "least_area_plan", "plan_for_rate"]

BALANCES = (1.0, 4.0, 0.25, 16.0)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A folding of one layer, its cycles, and the shapes of its window generator and compute unit."""

    folding: Folding
    window: WindowShape
    unit: UnitShape

    @property
    def cycles(self) -> int:
        """Cycles a frame by formula."""
        return window_cycles(self.window, self.unit.rhythm)


@dataclass(frozen=True, eq=False)
class Space:
    """Every folding of every layer of a network."""

    network: Network

    @cached_property
    def layers(self) -> tuple[Linear, ...]:
        """The layers that are folded, in order."""
        return tuple(layer for layer in self.network.layers if isinstance(layer, Linear))

    @cached_property
    def candidates(self) -> dict[str, list[Candidate]]:
        """All foldings by layer."""
        found = {}
        for at, layer in enumerate(self.network.layers):
            if isinstance(layer, Linear):
                after = self.network.layers[at + 1]
                found[layer.name] = list(self.foldings(layer, after if isinstance(after, Threshold) else None))
        return found

    def foldings(self, layer: Linear, threshold: Threshold | None) -> Iterator[Candidate]:
        """Every folding of one layer."""
        for way in DATAPATHS.values():
            if way.refusal(layer, self.network) is None:
                for folding in way.foldings(layer, self.network):
                    candidate = Candidate(folding, *way.build(layer, self.network, folding, threshold))
                    if is_costed(Stage("unit", candidate.unit)):
                        yield candidate

    def choices(self, layer: Linear, interval: int) -> list[Candidate]:
        """By datapath and PE the serial and the parallel folding of the fewest lanes that meet ``interval``."""
        best: dict[tuple[str, int, bool], Candidate] = {}
        for candidate in self.candidates[layer.name]:
            if candidate.cycles <= interval:
                key = (candidate.folding.datapath, candidate.folding.pe, candidate.window.is_serial)
                if key not in best or candidate.folding.simd < best[key].folding.simd:
                    best[key] = candidate
        return list(best.values())

    @cached_property
    def intervals(self) -> list[int]:
        """Every interval that a layer can set, ascending, none shorter than what is possible for all."""
        least = self.shortest
        found = {candidate.cycles for choices in self.candidates.values() for candidate in choices}
        return sorted(interval for interval in found | {least} if interval >= least)

    @cached_property
    def shortest(self) -> int:
        """The shortest interval of any plan."""
        layers = [min(candidate.cycles for candidate in choices) for choices in self.candidates.values()]
        return max(*layers, self.network.classes + 1)


def window_area(candidate: Candidate, interval: int, family: str) -> Estimate:
    """Area of a candidate, its buffer sized for words that come evenly."""
    window = candidate.window
    steps = window_steps(window, candidate.unit.rhythm)
    words = np.arange(window.in_words) + 1
    even = Steps(np.ones(window.in_words, np.int64), words, words, words * window.in_lanes, window.in_words)
    buffer = buffer_words(even, steps, window.in_lanes, interval)
    depth = WindowStore.depth_for(window, buffer) if window.is_serial else buffer if buffer > 2 else 0
    front, unit = Stage("window", window, buffer=depth), Stage("unit", candidate.unit)
    return stage_area(front, family) + stage_area(unit, family)


def cheapest(space: Space, interval: int, plan: Plan, family: str, bram_luts: float) -> Plan | None:
    """The folding of least area at ``interval``, None where none meets it; a block RAM counts as ``bram_luts`` LUTs."""
    network = space.network
    states: dict[int, tuple[float, dict[str, Folding]]] = {first_lanes(network, plan): (0.0, {})}
    for layer in space.layers:
        source = network.source(layer)
        reached: dict[int, tuple[float, dict[str, Folding]]] = {}
        for candidate in space.choices(layer, interval):
            price = window_area(candidate, interval, family).price(bram_luts)
            lanes_in = candidate.window.in_lanes
            for lanes, (before, folding) in states.items():
                total = before + price
                if lanes != lanes_in:
                    shape = RepackShape(lanes, lanes_in, len(source.planes))
                    total += stage_area(Stage("repack", shape), family).price(bram_luts)
                out = candidate.folding.pe
                if out not in reached or total < reached[out][0]:
                    reached[out] = (total, folding | {layer.name: candidate.folding})
        states = reached
    if not states:
        return None
    return replace(plan, folding=min(states.values(), key=lambda state: state[0])[1])


def first_lanes(network: Network, plan: Plan) -> int:
    """Elements that come out of the encoder at a time."""
    first = network.shapes[network.layers[0].name] if network.layers[0].kind == "thermometer" else network.input
    return first.channels * plan.pixels_per_beat


def with_beats(network: Network, plan: Plan, interval: int) -> Plan:
    """``plan`` with as many pixels a beat as bring a frame in within ``interval``."""
    pixels = network.input.height * network.input.width
    enough = next(beats for beats in divisors(pixels) if pixels // beats <= interval)
    return replace(plan, pixels_per_beat=max(plan.pixels_per_beat, enough))


def fits(area: Estimate, device: Device) -> bool:
    """Whether the estimate stays within the device."""
    return area.luts <= device.luts and area.ffs <= device.ffs and area.brams <= device.block_rams


def least_area_plan(
    network: Network, plan: Plan, interval: int, family: str, device: Device | None = None
) -> Plan | None:
    """The cheapest plan of at most ``interval`` cycles a frame; of those that fit ``device``, where one is given.

    ``plan`` gives everything but the folding. None where there is no such plan.
    """
    return _least(Space(network), plan, interval, family, device)


def _least(space: Space, plan: Plan, interval: int, family: str, device: Device | None) -> Plan | None:
    if interval < space.shortest:
        return None
    plan = with_beats(space.network, plan, interval)
    price = 40.0 if device is None else device.luts / max(1, device.block_rams)
    # LUTs and block RAMs trade against each other: try several exchange rates until a plan fits.
    for balance in BALANCES if device is not None else BALANCES[:1]:
        found = cheapest(space, interval, plan, family, price * balance)
        if found is None:
            return None
        if device is None or fits(pipeline_area(pipeline(space.network, found), family), device):
            return found
    return None


def fastest_plan(network: Network, plan: Plan, device: Device) -> Plan:
    """The plan of the shortest interval that fits ``device``. Raises SubbitError where not even the slowest does."""
    return _fastest(Space(network), plan, device)


def _fastest(space: Space, plan: Plan, device: Device) -> Plan:
    intervals = space.intervals
    low, high, best = 0, len(intervals) - 1, None
    while low <= high:
        middle = (low + high) // 2
        found = _least(space, plan, intervals[middle], device.family, device)
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
    space = Space(network)
    clock = f"{plan.clock_hz / 1e6:g} MHz"
    interval = int(plan.clock_hz / fps)
    if interval < space.shortest:
        best = plan.clock_hz / space.shortest
        raise SubbitError(
            f"{fps:g} frames a second cannot be met at {clock}: no folding gives more than {best:,.0f}; "
            "ask for fewer or raise the clock."
        )
    found = _least(space, plan, interval, family, device)
    if found is not None:
        return found
    assert device is not None
    best = plan.clock_hz / pipeline(network, _fastest(space, plan, device)).interval
    raise SubbitError(
        f"{fps:g} frames a second at {clock} cannot be met on {device.name}: the most that fits is {best:,.0f}; "
        "ask for fewer or take a larger device."
    )

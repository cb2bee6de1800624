"""Every way to compute every layer of a network: datapath, folding and where the weights live, with cycles and area."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hw.datapath.rom import Rom, can_share
from hw.layer.results import Output
from hw.layer.unit import UnitShape
from hw.layer.window import WindowShape
from hw.plan.cost import stage_area
from hw.plan.datapath import DATAPATHS, Datapath, datapath
from hw.plan.datapath.base import USUAL
from hw.plan.estimate import Estimate
from hw.plan.pipeline import Stage, buffer_depth
from hw.plan.plan import Folding
from hw.plan.schedule import Steps, buffer_words
from hw.plan.steps import window_cycles, window_steps
from sw.network import Linear, Network, Threshold

__all__ = ["Candidate", "Space"]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A folding of one layer, its cycles, and the shapes of its window generator and compute unit."""

    layer: str
    folding: Folding
    window: WindowShape
    unit: UnitShape

    @property
    def cycles(self) -> int:
        """Cycles a frame by formula."""
        return window_cycles(self.window, self.unit.rhythm)

    @property
    def roms(self) -> tuple[Rom, ...]:
        """The tables that are memories."""
        return tuple(rom for rom in (*self.window.roms, *self.unit.roms) if not rom.is_constant)

    def stages(self, words: int = 1) -> tuple[Stage, Stage]:
        """Window generator, with a buffer of ``words`` words, and compute unit."""
        return Stage("window", self.window, buffer=buffer_depth(self.window, words)), Stage("unit", self.unit)

    def area(self, interval: int, family: str) -> Estimate:
        """The estimate, with a buffer sized for words that come evenly."""
        window = self.window
        steps = window_steps(window, self.unit.rhythm)
        words = np.arange(window.in_words) + 1
        even = Steps(np.ones(window.in_words, np.int64), words, words, words * window.in_lanes, window.in_words)
        front, unit = self.stages(buffer_words(even, steps, window.in_lanes, interval))
        return stage_area(front, family) + stage_area(unit, family)


@dataclass(frozen=True, eq=False)
class Space:
    """Every folding of every layer of a network."""

    network: Network
    ways: Collection[str] = tuple(DATAPATHS)
    family: str = USUAL
    single_port_rams: int = 0

    @cached_property
    def layers(self) -> tuple[Linear, ...]:
        """The layers that are folded, in order."""
        return tuple(layer for layer in self.network.layers if isinstance(layer, Linear))

    @cached_property
    def candidates(self) -> dict[str, list[Candidate]]:
        """All that a search tries, by layer."""
        return {layer.name: list(self.foldings(layer)) for layer in self.layers}

    def doubt(self, way: Datapath, layer: Linear) -> str | None:
        """Why a datapath is not tried for a layer, if it is not."""
        if way.name not in self.ways:
            return "is not to be computed like this"
        return way.refusal(layer, self.network) or way.doubt(layer, self.network)

    def foldings(self, layer: Linear) -> Iterator[Candidate]:
        """All that a search tries for one layer."""
        for way in DATAPATHS.values():
            if self.doubt(way, layer) is None:
                for folding in way.foldings(layer, self.network):
                    yield self.candidate(layer, folding)

    def best_style(
        self, candidate: Candidate, interval: int, bram_luts: float, *, singles: bool
    ) -> tuple[Candidate, Estimate]:
        """``candidate`` with its weights where they cost least, and its area; see ``Estimate.price``.

        In single-port RAM only where there is any and ``singles`` allows it.
        """
        options = [candidate, *self.restyled(candidate, singles=singles)]
        areas = [option.area(interval, self.family) for option in options]
        return min(zip(options, areas, strict=True), key=lambda pair: pair[1].price(bram_luts))

    def restyled(self, candidate: Candidate, *, singles: bool) -> Iterator[Candidate]:
        """``candidate`` with its weights in block RAM, as logic, and in single-port RAM as `best_style` has it."""
        if candidate.roms:
            layer = self.network.layer(candidate.layer)
            assert isinstance(layer, Linear)
            yield self.candidate(layer, replace(candidate.folding, rom="block"))
            yield self.candidate(layer, replace(candidate.folding, rom="logic"))
            if singles and self.single_port_rams:
                yield self.candidate(layer, replace(candidate.folding, rom="spram"))
                if any(rom.in_order and can_share(rom.depth, rom.width) for rom in candidate.roms):
                    yield self.candidate(layer, replace(candidate.folding, rom="shared"))

    def candidate(self, layer: Linear, folding: Folding) -> Candidate:
        """``layer`` computed as ``folding`` says. Raises ValueError where it cannot be."""
        after = self.network.layers[self.network.layers.index(layer) + 1]
        threshold = after if isinstance(after, Threshold) else None
        way = datapath(folding.datapath)
        return Candidate(layer.name, folding, *way.build(layer, self.network, folding, threshold, self.family))

    def choices(self, layer: Linear, interval: int) -> list[Candidate]:
        """By datapath and PE the serial and the parallel folding of the fewest lanes that meet ``interval``.

        Where that is too short for a class a cycle, the last layer's make the sums of all classes at once.
        """
        best: dict[tuple[str, int, bool], Candidate] = {}
        hurried = interval < self.network.classes and layer is self.layers[-1]
        for candidate in self.candidates[layer.name]:
            slowest = candidate.cycles * DATAPATHS[candidate.folding.datapath].most_idle
            if candidate.cycles <= interval <= slowest and (self.at_once(candidate) or not hurried):
                key = (candidate.folding.datapath, candidate.folding.pe, candidate.window.is_serial)
                if key not in best or candidate.folding.simd < best[key].folding.simd:
                    best[key] = candidate
        return list(best.values())

    def at_once(self, candidate: Candidate) -> bool:
        """Whether a candidate of the last layer makes the sums of all classes in one cycle."""
        return candidate.folding.pe == self.network.classes

    def intervals(self, output: Output) -> list[int]:
        """Every interval that a layer can set, ascending, none shorter than what is possible for all."""
        least = self.shortest(output)
        found = {candidate.cycles for choices in self.candidates.values() for candidate in choices}
        return sorted(interval for interval in found | {least} if interval >= least)

    def shortest(self, output: Output) -> int:
        """The shortest interval of any plan: as a rule a cycle a class, and one more with the scores."""
        slowest, results = self.fewest
        return max(slowest, self.network.classes + 1 if output == "scores" else results)

    @cached_property
    def fewest(self) -> tuple[int, int]:
        """The cycles that the slowest layer takes at least, and those in which a class alone can leave."""
        slowest = max(min(candidate.cycles for candidate in choices) for choices in self.candidates.values())
        last = self.candidates[self.layers[-1].name]
        at_once = [candidate.cycles for candidate in last if self.at_once(candidate)]
        return slowest, min([*at_once, self.network.classes])

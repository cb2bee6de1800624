"""A plan with its price: cycles by formula, area by estimate, and the frame rate that follows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hw.plan.area import stage_areas
from hw.plan.datapath import DATAPATHS
from hw.plan.device import Device, device
from hw.plan.estimate import Estimate
from hw.plan.explain import Alternative, alternatives
from hw.plan.pipeline import Pipeline, Stage, pipeline
from hw.plan.plan import FASTEST_HZ, Folding, Plan
from hw.plan.search import fastest_plan, fits, plan_for_rate
from hw.plan.space import Space
from subbit.console import made_by_user
from sw.errors import SubbitError
from sw.network import Linear, Network

__all__ = ["LayerPlan", "PlanReport", "Wish", "layer_areas", "layer_stages", "make_plan", "report"]

USUAL_MHZ = 12.0
USUAL_FAMILY = "ice40"


@dataclass(frozen=True)
class Wish:
    """What a user asks of a plan; ``fold`` gives (PE, SIMD, datapath) of single layers, whatever the search finds for
    them. ``explain``: say what every datapath would have cost."""

    device: str | None = None
    fps: float | None = None
    max_fps: bool = False
    clock_mhz: float | None = None
    fold: Mapping[str, tuple[int, int, str]] = field(default_factory=dict)
    pixels_per_beat: int = 1
    output: str = "scores"
    explain: bool = False


@dataclass(frozen=True)
class LayerPlan:
    """How a layer is computed: by which datapath, ``pe`` of ``outputs`` at once, ``simd`` of ``taps``; and its cycles a
    frame by formula.

    ``area`` is an estimate of what computes it: windows, sums and thresholds. None without a device.
    """

    layer: str
    outputs: int
    taps: int
    pe: int
    simd: int
    rom: str
    datapath: str
    cycles: int
    area: Estimate | None


@dataclass(frozen=True)
class PlanReport:
    """A plan, and what it will cost. ``interval`` is cycles between frames; ``slowest`` the stage that sets it.

    ``cycles`` a frame of everything that takes its own time, by name. ``area`` is the estimate for the whole.
    ``alternatives``: what every datapath would have cost each layer, where that was asked for.
    """

    plan: Plan
    device: Device | None
    layers: tuple[LayerPlan, ...]
    cycles: Mapping[str, int]
    interval: int
    slowest: str
    area: Estimate | None
    alternatives: tuple[Alternative, ...] = ()

    @property
    def frames_per_second(self) -> float:
        """Frames a second at the plan's clock."""
        return self.plan.clock_hz / self.interval

    @property
    def fits(self) -> bool | None:
        """Whether the estimate stays within the device; None without a device."""
        if self.area is None or self.device is None:
            return None
        return fits(self.area, self.device)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "device": self.plan.device,
            "clock_hz": self.plan.clock_hz,
            "pixels_per_beat": self.plan.pixels_per_beat,
            "output": self.plan.output,
            "interval": self.interval,
            "slowest": self.slowest,
            "frames_per_second": self.frames_per_second,
            "cycles": dict(self.cycles),
            "area": None if self.area is None else asdict(self.area),
            "fits": self.fits,
            "layers": [asdict(layer) for layer in self.layers],
            "alternatives": [asdict(each) for each in self.alternatives],
        }


def make_plan(network: Network, wish: Wish) -> PlanReport:
    """The plan that meets ``wish``. Raises SubbitError where the wish is wrong or cannot be met."""
    if wish.fps is not None and wish.max_fps:
        raise SubbitError("only one of a frame rate and the highest one can be asked for")
    if wish.clock_mhz is not None and not wish.clock_mhz > 0:
        raise SubbitError(f"the clock must be positive, not {wish.clock_mhz:g} MHz")
    if wish.clock_mhz is not None and not 1 <= 1e6 * wish.clock_mhz <= FASTEST_HZ:
        raise SubbitError(f"the clock must be from 0.000001 to {FASTEST_HZ / 1e6:g} MHz, not {wish.clock_mhz:g} MHz")
    target = None if wish.device is None else device(wish.device)
    by_hand = foldings(network, wish.fold)
    with made_by_user():
        clock_mhz = wish.clock_mhz or (USUAL_MHZ if target is None else target.clock_mhz)
        plan = Plan(
            folding={layer.name: Folding() for layer in network.layers if isinstance(layer, Linear)},
            pixels_per_beat=wish.pixels_per_beat,
            output=wish.output,  # type: ignore[arg-type]
            clock_hz=1e6 * clock_mhz,
            device=None if target is None else target.name,
        )
        if wish.fps is not None:
            plan = plan_for_rate(network, plan, wish.fps, target.family if target else USUAL_FAMILY, target)
        elif wish.max_fps:
            if target is None:
                raise SubbitError("the highest frame rate is one of a device: name the device")
            plan = fastest_plan(network, plan, target)
        found = report(network, replace(plan, folding=plan.folding | by_hand))
        if wish.explain:
            family = target.family if target else USUAL_FAMILY
            found = replace(found, alternatives=alternatives(network, found.plan, family, target))
        return found


def report(network: Network, plan: Plan) -> PlanReport:
    """What ``plan`` costs for ``network``. Raises ValueError where the two do not fit."""
    made = pipeline(network, plan)
    target = None if plan.device is None else device(plan.device)
    areas = {} if target is None else layer_areas(made, target.family)
    layers = []
    for step in made.layers:
        layer = network.layer(step.layer)
        assert isinstance(layer, Linear)
        fold, area = step.folding, areas.get(step.layer)
        layers.append(
            LayerPlan(
                step.layer,
                layer.outputs,
                layer.taps,
                fold.pe,
                fold.simd,
                fold.rom,
                fold.datapath,
                step.cycles,
                area,
            )
        )
    total = sum(areas.values(), Estimate()) if areas else None
    return PlanReport(plan, target, tuple(layers), made.cycles, made.interval, made.slowest, total)


def layer_areas(made: Pipeline, family: str) -> dict[str, Estimate]:
    """Area of each group of stages."""
    areas = stage_areas(made, family)
    return {
        name: sum((areas[stage.name] for stage in stages), Estimate()) for name, stages in layer_stages(made).items()
    }


def layer_stages(made: Pipeline) -> dict[str, list[Stage]]:
    """The stages by layer with weights, what feeds it included; what follows the last of them is under "results"."""
    names = {step.layer for step in made.layers}
    groups: dict[str, list[Stage]] = {}
    gathered: list[Stage] = []
    for stage in made.stages:
        gathered.append(stage)
        if stage.name in names:
            groups[stage.name], gathered = gathered, []
    return groups | {"results": gathered}


def foldings(network: Network, folds: Mapping[str, tuple[int, int, str]]) -> dict[str, Folding]:
    """Foldings by layer name. Raises SubbitError where a layer is unknown or cannot be folded like that."""
    space = Space(network)
    linear = {layer.name: layer for layer in space.layers}
    found = {}
    for name, fold in folds.items():
        if name not in linear:
            raise SubbitError(f"{name!r} is no layer with weights: they are {', '.join(linear)}")
        layer = linear[name]
        pe, simd, way = fold
        if way not in DATAPATHS:
            raise SubbitError(f"{way!r} is no datapath: it must be one of {', '.join(sorted(DATAPATHS))}")
        refusal = DATAPATHS[way].refusal(layer, network)
        if refusal is not None:
            raise SubbitError(f"{name} cannot be computed by {way}: it {refusal}")
        if layer.outputs % pe or layer.taps % simd:
            raise SubbitError(
                f"{name} cannot be folded to PE {pe}, SIMD {simd}: PE must divide its {layer.outputs} outputs, "
                f"SIMD its {layer.taps} taps"
            )
        found[name] = Folding(pe, simd, datapath=way)
        try:
            space.candidate(layer, found[name])
        except ValueError as error:
            raise SubbitError(f"{name} cannot be folded to PE {pe}, SIMD {simd} by {way}: {error}") from None
    return found

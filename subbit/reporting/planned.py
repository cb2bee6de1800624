"""A plan layer by layer: where its weights live, and what a build made of the estimate."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hw.datapath.rom import LOAD_BITS
from hw.layer.unit import UnitShape
from hw.layer.unrolled import UnrolledShape
from hw.layer.window import WindowShape
from hw.plan.estimate import Estimate
from hw.plan.memory import memory_use
from hw.plan.pipeline import Stage, pipeline
from subbit.planning import LayerPlan, PlanReport, layer_areas, layer_stages
from subbit.reporting.built import Built, Cells
from sw.network import Network

__all__ = ["PlannedLayer", "Step", "planned_layers", "steps"]

#: What is no stage of the pipeline.
OUTSIDE = "link and top"


@dataclass(frozen=True)
class PlannedLayer:
    """A layer of a plan. ``weights_in``: what its weights become on the device's family, None without a device.

    ``estimate`` and ``measured``: cells of the layer and of all that feeds it, as planned and as synthesised.
    """

    name: str
    plan: LayerPlan | None
    weights_in: str | None
    estimate: Estimate | None
    measured: Cells | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plan = None if self.plan is None else asdict(self.plan)
        if plan is not None:
            plan.pop("area")
        estimate = None if self.estimate is None else asdict(self.estimate)
        measured = None if self.measured is None else self.measured.model_dump()
        return {"name": self.name, "plan": plan, "weights_in": self.weights_in, "estimate": estimate,
                "measured": measured}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A stage of the pipeline that takes its own time: its cycles a frame, and whether it sets the pace."""

    name: str
    cycles: int
    slowest: bool


def steps(report: PlanReport) -> list[Step]:
    """What takes its own time, in the order of the pipeline."""
    return [Step(name, cycles, cycles == report.interval) for name, cycles in report.cycles.items()]


def planned_layers(network: Network, report: PlanReport, built: Built | None) -> list[PlannedLayer]:
    """The layers with weights, then what follows them; with a build also what lies outside the accelerator."""
    made = pipeline(network, report.plan)
    plans = {layer.layer: layer for layer in report.layers}
    groups = layer_stages(made)
    family = None if report.device is None else report.device.family
    areas = {} if family is None else layer_areas(made, family)
    measured = {} if built is None else _measured(groups, built.stages)
    found = []
    for name, stages in groups.items():
        place = None if family is None or name not in plans else _place(stages, family)
        found.append(PlannedLayer(name, plans.get(name), place, areas.get(name), measured.get(name)))
    return [*found, *([PlannedLayer(OUTSIDE, None, None, None, measured[OUTSIDE])] if OUTSIDE in measured else [])]


def _measured(groups: Mapping[str, list[Stage]], stages: Mapping[str, Cells]) -> dict[str, Cells]:
    """Cells by group, and all that is in none."""
    owner = {stage.name: name for name, group in groups.items() for stage in group}
    found: dict[str, list[Cells]] = {}
    for stage, cells in stages.items():
        found.setdefault(owner.get(stage, OUTSIDE), []).append(cells)
    return {name: _sum(cells) for name, cells in found.items()}


def _sum(cells: list[Cells]) -> Cells:
    names = ("luts", "ffs", "carries", "brams")
    return Cells(**{name: sum(getattr(each, name) for each in cells) for name in names})


def _place(stages: list[Stage], family: str) -> str:
    """Where the tables of a layer live."""
    shapes = [stage.shape for stage in stages if isinstance(stage.shape, UnitShape | WindowShape)]
    if any(isinstance(shape, UnrolledShape) for shape in shapes):
        return "constants in logic"
    blocks = singles = shared = logic = 0
    roms = [rom for shape in shapes for rom in shape.roms if not rom.is_constant]
    for rom in roms:
        if rom.is_shared:
            shared += 1
        elif rom.is_loaded:
            width = LOAD_BITS * rom.columns
            singles += memory_use(family, rom.load_depth, width, rom=True, style="spram").singles
        else:
            use = memory_use(family, rom.depth, rom.width, rom=True, style=rom.style)
            blocks, logic = blocks + use.blocks, logic + use.is_logic
    parts = [
        *([f"{blocks} block RAM{'s' * (blocks > 1)}"] if blocks else []),
        *([f"{singles} single-port RAM{'s' * (singles > 1)}"] if singles else []),
        *(["shared single-port RAM"] if shared else []),
        *(["logic"] if logic else []),
    ]
    return " and ".join(parts) if roms else "constants in logic"

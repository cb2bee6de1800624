"""The area of a whole accelerator by estimate: its stages, without what nothing reads, as mappers leave that away."""

import numpy as np

from hw.layer.unrolled import UnrolledShape
from hw.plan.cost import stage_area
from hw.plan.estimate import Estimate
from hw.plan.pipeline import Pipeline

__all__ = ["pipeline_area", "stage_areas"]


def stage_areas(made: Pipeline, family: str) -> dict[str, Estimate]:
    """The estimate for each stage, by its name. Raises KeyError for a family that was not fitted."""
    areas: dict[str, Estimate] = {}
    read: np.ndarray | None = None
    for stage in reversed(made.stages):
        areas[stage.name] = stage_area(stage, family, read)
        read = inputs_read(stage.shape, read) if isinstance(stage.shape, UnrolledShape) else None
    return dict(reversed(areas.items()))


def pipeline_area(made: Pipeline, family: str) -> Estimate:
    """The estimate for a whole accelerator: its stages together."""
    return sum(stage_areas(made, family).values(), Estimate())


def inputs_read(shape: UnrolledShape, read: np.ndarray | None) -> np.ndarray:
    """Which taps, bool (taps,), outputs depend on: those that ``read``, bool (outputs,), names, or all for None."""
    made = shape.unrolling if read is None else shape.unrolling.part(read)
    live = made.graph.live(made.literals)
    bits = [live[made.graph.input(at) >> 1] for at in range(shape.simd * len(shape.planes))]
    return np.logical_or.reduce(np.array(bits).reshape(shape.simd, -1), axis=1)

"""From a Network and a Plan to the stages of the accelerator: what each is, how long it takes, what stands between."""

from dataclasses import dataclass, field, replace

import numpy as np

from hw.layer.encode import EncodeShape
from hw.layer.pool import PoolShape
from hw.layer.results import ResultsShape
from hw.layer.unit import UnitShape
from hw.layer.window import WindowShape
from hw.layer.window_store import WindowStore
from hw.plan.datapath import datapath
from hw.plan.datapath.base import USUAL
from hw.plan.device import device
from hw.plan.plan import Folding, Plan
from hw.plan.schedule import Steps, buffer_words
from hw.plan.steps import pooled, repack_steps, window_cycles, window_steps
from hw.stream.repack import RepackShape
from sw.errors import SubbitError
from sw.network import (
    BitPlanes,
    BitSlices,
    Layer,
    Linear,
    MaxPool,
    Network,
    Scores,
    Thermometer,
    Threshold,
)

__all__ = ["Compute", "Pipeline", "Stage", "buffer_depth", "pipeline", "pool_shape"]


@dataclass(frozen=True, eq=False)
class Stage:
    """A component of the accelerator.

    ``name`` is its instance, ``shape`` its parameters, ``probe`` the Network layer whose activations it puts out, if
    any. ``buffer`` is the depth in words of the memory in front of it: a FIFO, or the window memory itself.
    """

    name: str
    shape: EncodeShape | RepackShape | WindowShape | UnitShape | PoolShape | ResultsShape
    probe: str | None = None
    buffer: int = 0

    @property
    def lanes_out(self) -> int:
        """Elements of a word going out."""
        match self.shape:
            case EncodeShape() | RepackShape():
                return self.shape.lanes_out
            case UnitShape():
                return self.shape.pe
            case ResultsShape():
                return 1
        return self.shape.lanes


@dataclass(frozen=True)
class Compute:
    """A Linear layer with what follows it: its folding, and its cycles a frame by formula."""

    layer: str
    folding: Folding
    cycles: int


@dataclass(frozen=True, eq=False)
class Pipeline:
    """The stages in order. ``cycles`` a frame of all that takes its own time, by name; ``interval`` is the largest."""

    stages: tuple[Stage, ...]
    layers: tuple[Compute, ...]
    cycles: dict[str, int]

    @property
    def interval(self) -> int:
        """Cycles between frames: that of the slowest stage."""
        return max(self.cycles.values())

    @property
    def slowest(self) -> str:
        """Name of the stage that sets the interval."""
        return max(self.cycles, key=lambda name: self.cycles[name])


def buffer_depth(shape: object, words: int) -> int:
    """Depth of the memory for ``words`` words before a stage of ``shape``: a FIFO, or the window memory itself."""
    if isinstance(shape, WindowShape) and shape.is_serial:
        return WindowStore.depth_for(shape, words)
    # A word waits in the register of the stage before; only more than that needs a FIFO.
    return words if words > 2 else 0


@dataclass
class Builder:
    """Stages and steps as the Network is walked through."""

    network: Network
    plan: Plan
    stages: list[Stage] = field(default_factory=list)
    links: list[tuple[int, Steps, Steps, int]] = field(default_factory=list)
    cycles: dict[str, int] = field(default_factory=dict)
    layers: list[Compute] = field(default_factory=list)
    steps: Steps | None = None
    lanes: int = 0
    bits: int = 0

    @property
    def family(self) -> str:
        """That of the plan's device."""
        return USUAL if self.plan.device is None else device(self.plan.device).family

    def build(self) -> Pipeline:
        layers = list(self.network.layers)
        self.check(layers)
        self.encode(layers)
        for at, layer in enumerate(layers):
            after = layers[at + 1] if at + 1 < len(layers) else None
            if isinstance(layer, Linear):
                self.linear(layer, after if isinstance(after, Threshold) else None)
            elif isinstance(layer, MaxPool):
                self.pool(layer)
            elif isinstance(layer, Scores):
                previous = layers[at - 1]
                self.results(layer, previous if isinstance(previous, Linear) else None)
        interval = max(self.cycles.values())
        for at, source, sink, lanes in self.links:
            self.size(at, buffer_words(source, sink, lanes, interval))
        return Pipeline(tuple(self.stages), tuple(self.layers), self.cycles)

    def check(self, layers: list[Layer]) -> None:
        """Raise ValueError where the plan does not belong to the Network, or the layers do not stand in a chain."""
        names = {layer.name for layer in layers if isinstance(layer, Linear)}
        if set(self.plan.folding) != names:
            raise ValueError(f"folding must name the layers {sorted(names)}, not {sorted(self.plan.folding)}")
        previous = "input"
        for layer in layers:
            if layer.reads != (previous,):
                raise ValueError(f"{layer.name}.reads must be {previous!r} for hardware, not {layer.reads!r}")
            if isinstance(layer, Thermometer | BitPlanes | BitSlices) and previous != "input":
                raise ValueError(f"{layer.name} must be the first layer for hardware, not after {previous!r}")
            previous = layer.name
        pixels = self.network.input.height * self.network.input.width
        if pixels % self.plan.pixels_per_beat:
            raise ValueError(f"pixels_per_beat must divide the {pixels} pixels, not {self.plan.pixels_per_beat!r}")

    def encode(self, layers: list[Layer]) -> None:
        """The source of pixels and, behind it, thresholds, kept planes or slices."""
        image, beats = self.network.input, self.plan.pixels_per_beat
        first = layers[0]
        if isinstance(first, Thermometer):
            shape = EncodeShape(image.channels, image.bits, beats, thresholds=first.thresholds)
        elif isinstance(first, BitSlices):
            shape = EncodeShape(image.channels, image.bits, beats, slices=first.slices)
        else:
            planes = first.planes if isinstance(first, BitPlanes) else tuple(range(image.bits))
            shape = EncodeShape(image.channels, image.bits, beats, planes=planes)
        self.stages.append(Stage("encode", shape, first.name if isinstance(first, Thermometer | BitSlices) else None))
        self.lanes, self.bits = shape.lanes_out, shape.bits_out
        count = image.height * image.width // beats
        steps = np.arange(count) + 1
        self.steps = Steps(np.ones(count, np.int64), steps, steps, steps * self.lanes, count)
        self.cycles["input"] = count

    def join(self, name: str, lanes: int, words: int) -> None:
        """Repack to words of ``lanes`` elements, ``words`` of them a frame, where they come otherwise."""
        if self.lanes == lanes:
            return
        shape = RepackShape(self.lanes, lanes, self.bits)
        self.stages.append(Stage(f"{name}_repack", shape))
        if shape.narrows:
            steps = repack_steps(shape, words * lanes // self.lanes)
            self.link(steps)
            self.cycles[f"{name}_repack"] = steps.work
        self.lanes = lanes

    def link(self, sink: Steps) -> None:
        """Note that the buffer before the last stage is to be sized, and go on from ``sink``."""
        assert self.steps is not None
        self.links.append((len(self.stages) - 1, self.steps, sink, self.lanes))
        self.steps = sink

    def size(self, at: int, words: int) -> None:
        """Give stage ``at`` a buffer of at least ``words`` words."""
        stage = self.stages[at]
        self.stages[at] = replace(stage, buffer=buffer_depth(stage.shape, words))

    def linear(self, layer: Linear, threshold: Threshold | None) -> None:
        """Windows and compute unit of a convolution or dense layer."""
        folding = self.plan.folding[layer.name]
        try:
            way = datapath(folding.datapath)
            refusal = way.refusal(layer, self.network)
            if refusal is not None:
                raise SubbitError(f"{layer.name} {refusal}")
            shape, unit = way.build(layer, self.network, folding, threshold, self.family)
        except ValueError as error:
            raise ValueError(f"{layer.name}: {error}") from None
        self.join(layer.name, shape.in_lanes, shape.in_words)
        if shape.passes and unit.rhythm.work == 1:
            # Words are windows and never wait: the unit goes in step with what is before it.
            assert self.steps is not None
            self.steps = replace(self.steps, makes=self.steps.makes // self.lanes * unit.pe)
        else:
            self.stages.append(Stage(f"{layer.name}_window", shape))
            self.link(window_steps(shape, unit.rhythm))
        self.stages.append(Stage(layer.name, unit, threshold.name if threshold else None))
        self.lanes, self.bits = unit.pe, unit.level_bits
        cycles = window_cycles(shape, unit.rhythm)
        self.cycles[layer.name] = cycles
        self.layers.append(Compute(layer.name, folding, cycles))

    def pool(self, layer: MaxPool) -> None:
        """A pool, in step with the layer before it."""
        assert self.steps is not None
        shape = pool_shape(self.network, layer, self.bits, self.lanes)
        self.join(layer.name, shape.lanes, self.network.source(layer).size // shape.lanes)
        self.steps = pooled(self.steps, shape)
        self.stages.append(Stage(layer.name, shape, layer.name))

    def results(self, layer: Scores, counts: Linear | None) -> None:
        """Scores and class, one class at a time; or all of them where they come at once and the class alone is wanted,
        if nothing else takes as long."""
        assert self.steps is not None
        if counts is None:
            raise ValueError(f"{layer.name}.reads must be a convolution or dense layer, not {layer.reads!r}")
        unit = self.stages[-1].shape
        assert isinstance(unit, UnitShape)
        slope, offset, top = unit.sums
        pixels = len(layer.scale) // counts.outputs
        shape = ResultsShape(
            slope=layer.scale * slope,
            offset=layer.bias - layer.scale * np.tile(offset, pixels),
            bits=self.bits,
            top=top,
            output=self.plan.output,
        )
        if shape.output == "class" and self.lanes == shape.classes > max(self.cycles.values()):
            self.stages.append(Stage(layer.name, replace(shape, lanes=self.lanes)))
            self.cycles[layer.name] = 1
            return
        elements = np.arange(shape.classes) + 1
        cycles = np.ones(shape.classes, np.int64)
        cycles[-1] += shape.cycles - shape.classes
        if self.lanes > 1:
            self.stages.append(Stage(f"{layer.name}_repack", RepackShape(self.lanes, 1, self.bits)))
        words = shape.classes // self.lanes
        sink = Steps(cycles, -(-elements // self.lanes), elements // self.lanes, elements, words)
        self.stages.append(Stage(layer.name, shape))
        if self.lanes > 1:
            self.links.append((len(self.stages) - 2, self.steps, sink, self.lanes))
        self.cycles[layer.name] = shape.cycles


def pipeline(network: Network, plan: Plan) -> Pipeline:
    """The stages of the accelerator for ``network`` under ``plan``, buffers sized.

    Raises ValueError, "X must be ..., not ...", where the folding does not divide, a layer is not named, or the Network
    is no chain.
    """
    return Builder(network, plan).build()


def pool_shape(network: Network, layer: MaxPool, bits: int, lanes: int) -> PoolShape:
    """A pool of values of ``bits`` bits behind a stage with ``lanes`` values in a word."""
    source = network.source(layer)
    return PoolShape(*source.shape, bits, layer.size, lanes if source.channels % lanes == 0 else source.channels)

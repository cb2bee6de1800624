"""The accelerator: the stages of a pipeline joined into one component with AXI4-Stream ends."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from amaranth import Const, Module, ResetInserter, Signal, Value
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.datapath.rom import LOAD_BITS, Rom
from hw.datapath.shared_ram import SharedRam, shelves
from hw.layer.listed_window import ListedWindow, ListedWindowShape
from hw.layer.parallel_window import ParallelWindow
from hw.layer.results import ResultsShape
from hw.layer.serial_window import SerialWindow
from hw.layer.unit import UnitShape
from hw.layer.window import WindowShape
from hw.loader import Loader
from hw.plan.pipeline import Pipeline, Stage, pipeline
from hw.plan.plan import Plan
from hw.stream.words import StreamComponent
from sw.network import Network

__all__ = ["Accelerator", "Buffered", "Joined", "Probe", "component_of", "join"]


@dataclass(frozen=True)
class Probe:
    """A place where a Network layer's activations can be watched: beats of ``lanes`` elements of ``bits`` bits on ``o``
    of the instance ``stage``, in row, column, channel order."""

    layer: str
    stage: str
    lanes: int
    bits: int
    height: int
    width: int
    channels: int


class Buffered(StreamComponent):
    """A component with a FIFO of ``depth`` words in front of it."""

    def __init__(self, inner: StreamComponent, depth: int) -> None:
        self.inner, self.depth = inner, depth
        members = inner.signature.members
        super().__init__({"i": members["i"], "o": members["o"]})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.inner = self.inner
        store = fifo.SyncFIFOBuffered(width=len(self.i.payload.as_value()), depth=self.depth)
        m.submodules.store = store
        m.d.comb += [
            store.w_data.eq(self.i.payload.as_value()),
            store.w_en.eq(self.i.valid),
            self.i.ready.eq(store.w_rdy),
            self.inner.i.payload.as_value().eq(store.r_data),
            self.inner.i.valid.eq(store.r_rdy),
            store.r_en.eq(self.inner.i.ready),
        ]
        wiring.connect(m, self.inner.o, wiring.flipped(self.o))
        return m


class Accelerator(wiring.Component):
    """Images in, scores and classes out.

    Ports, AXI4-Stream. ``s_axis``: ``pixels_per_beat`` pixels a beat in raster order, channel 0 in the low bits, the
    whole padded to bytes; ``s_axis_tlast`` is taken and not needed, since the frame's size is fixed. ``m_axis``: with
    output "scores" a beat a score in two's complement, then a beat with the class and ``m_axis_tlast``; with "class"
    that beat alone. A frame leaves every ``pipeline.interval`` cycles while pixels come and results are taken.

    Where the plan puts tables into single-port RAM, ``load`` takes the words of ``hw.loader.load_words`` for
    ``loaded_roms`` once after power-up, and until ``loaded`` is 1 no pixels are taken.

    Raises ValueError where plan and network do not fit (``hw.plan.pipeline``).
    """

    s_axis_tdata: Signal
    s_axis_tvalid: Signal
    s_axis_tready: Signal
    s_axis_tlast: Signal
    m_axis_tdata: Signal
    m_axis_tvalid: Signal
    m_axis_tready: Signal
    m_axis_tlast: Signal
    load_tdata: Signal
    load_tvalid: Signal
    load_tready: Signal
    loaded: Signal

    def __init__(self, network: Network, plan: Plan) -> None:
        self.network, self.plan = network, plan
        self.pipeline: Pipeline = pipeline(network, plan)
        ports = {
            "s_axis_tdata": In(self.input_bits),
            "s_axis_tvalid": In(1),
            "s_axis_tready": Out(1),
            "s_axis_tlast": In(1),
            "m_axis_tdata": Out(self.results.result_bits),
            "m_axis_tvalid": Out(1),
            "m_axis_tready": In(1),
            "m_axis_tlast": Out(1),
        }
        if self.loaded_roms:
            ports |= {"load_tdata": In(LOAD_BITS), "load_tvalid": In(1), "load_tready": Out(1), "loaded": Out(1)}
        super().__init__(ports)

    @property
    def pixel_bits(self) -> int:
        """Bits of the pixels of a beat."""
        return self.network.input.channels * self.network.input.bits * self.plan.pixels_per_beat

    @property
    def input_bits(self) -> int:
        """Bits of ``s_axis_tdata``."""
        return -(-self.pixel_bits // 8) * 8

    @property
    def results(self) -> ResultsShape:
        """The last stage."""
        shape = self.pipeline.stages[-1].shape
        assert isinstance(shape, ResultsShape)
        return shape

    @cached_property
    def roms(self) -> dict[str, Rom]:
        """Every table of the accelerator that is a memory, by instance and name."""
        found = {}
        for stage in self.pipeline.stages:
            for rom in roms_of(stage):
                if not rom.is_constant:
                    found[f"{stage.name}_{rom.name}"] = rom
        return found

    @property
    def loaded_roms(self) -> list[Rom]:
        """The tables that must be loaded, in the order of loading."""
        return [rom for rom in self.roms.values() if rom.is_loaded]

    @property
    def probes(self) -> list[Probe]:
        """Where the Network's activations can be watched, in order."""
        probes = []
        for stage in self.pipeline.stages:
            if stage.probe is not None:
                kind = self.network.shapes[stage.probe]
                probes.append(Probe(stage.probe, stage.name, stage.lanes_out, len(kind.planes), *kind.shape))
        return probes

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parts, loaded = [], self._loaded(m)
        for stage in self.pipeline.stages:
            part = component_of(stage)
            # What reads a table ahead of need must not do so before the table is there.
            m.submodules[stage.name] = ResetInserter(~loaded)(part) if self.loaded_roms else part
            parts.append(part)
        for before, after in pairwise(parts):
            join(m, before.o, after.i)
        first, last = parts[0].i, parts[-1].o
        m.d.comb += [
            first.payload.as_value().eq(self.s_axis_tdata),
            first.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(first.ready & loaded),
            self.m_axis_tdata.eq(last.payload.value),
            self.m_axis_tlast.eq(last.payload.last),
            self.m_axis_tvalid.eq(last.valid),
            last.ready.eq(self.m_axis_tready),
        ]
        return m

    def _loaded(self, m: Module) -> Value:
        """Whether the tables can be read: with none to load, from the beginning."""
        if not self.loaded_roms:
            return Const(1)
        m.submodules.loader = loader = Loader(self.loaded_roms)
        m.d.comb += [
            loader.i.payload.eq(self.load_tdata),
            loader.i.valid.eq(self.load_tvalid),
            self.load_tready.eq(loader.i.ready),
            self.loaded.eq(loader.loaded),
        ]
        ready: Value = loader.loaded
        for number, roms in enumerate(shelves(rom for rom in self.loaded_roms if rom.is_shared)):
            ram = SharedRam(roms)
            m.submodules[f"tables_{number}"] = ResetInserter(~loader.loaded)(ram)
            ready = ready & ram.ready
        return ready


def join(m: Module, source: stream.Interface, sink: stream.Interface) -> None:
    """Connect two streams whose payloads are the same bits under different names."""
    assert len(source.payload.as_value()) == len(sink.payload.as_value())
    m.d.comb += [
        sink.payload.as_value().eq(source.payload.as_value()),
        sink.valid.eq(source.valid),
        source.ready.eq(sink.ready),
    ]


class Joined(StreamComponent):
    """Two components, one after the other."""

    def __init__(self, first: StreamComponent, second: StreamComponent) -> None:
        self.first, self.second = first, second
        super().__init__({"i": first.signature.members["i"], "o": second.signature.members["o"]})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.first, m.submodules.second = self.first, self.second
        wiring.connect(m, wiring.flipped(self.i), self.first.i)
        join(m, self.first.o, self.second.i)
        wiring.connect(m, self.second.o, wiring.flipped(self.o))
        return m


def component_of(stage: Stage) -> StreamComponent:
    """The component of a stage, with its buffer."""
    shape = stage.shape
    if isinstance(shape, ListedWindowShape):
        return ListedWindow(shape, stage.buffer)
    if isinstance(shape, WindowShape):
        if shape.is_serial:
            return SerialWindow(shape, stage.buffer)
        part: StreamComponent = ParallelWindow(shape)
    else:
        part = shape.create()
    return Buffered(part, stage.buffer) if stage.buffer else part


def roms_of(stage: Stage) -> tuple[Rom, ...]:
    """The tables of one stage."""
    return stage.shape.roms if isinstance(stage.shape, WindowShape | UnitShape | ResultsShape) else ()

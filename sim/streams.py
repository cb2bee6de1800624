"""cocotb source, sink and rule monitor for streams of valid, ready and payload.

One `Stream` hides the two spellings: AXI4-Stream (``s_axis_tdata``, ``s_axis_tvalid``, ``s_axis_tready``,
``s_axis_tlast``) and what Amaranth writes for ``amaranth.lib.stream`` (``i__payload``, ``i__valid``, ``i__ready``).

All of them sample just before the clock edge and drive just after it. A beat is handed over at an edge where valid and
ready are both 1. Source gaps and sink stalls are drawn from a seeded generator, so that a failing run can be had again.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.handle import LogicObject, SimHandleBase, ValueObjectBase
from cocotb.triggers import RisingEdge, Timer, Trigger
from cocotb.types import Logic, LogicArray

__all__ = ["Beat", "Drain", "Edges", "Monitor", "Pauses", "Sink", "Source", "Stream", "StreamRuleError"]

PERIOD_NS = 10


class StreamRuleError(AssertionError):
    """A stream broke a rule of the handshake; the message names the stream, the clock cycle and the rule."""


class Drain(AssertionError):
    """A stream stopped before all that was expected of it had come."""


@dataclass(frozen=True)
class Beat:
    """What one handshake handed over: the payload as an unsigned integer, and whether it was marked as last."""

    payload: int
    last: bool = False


@dataclass(frozen=True)
class Stream:
    """The signals of one stream; those that it has not are None: ``last``, or a constant ``valid`` or ``ready``."""

    name: str
    payload: ValueObjectBase[Any, Any]
    valid: LogicObject | None
    ready: LogicObject | None
    last: LogicObject | None = None

    @classmethod
    def of(cls, parent: SimHandleBase, name: str) -> "Stream":
        """The stream ``name`` of ``parent``, in either spelling. Raises AttributeError where there is none."""

        def signal(*endings: str) -> Any:
            for ending in endings:
                if (handle := getattr(parent, name + ending, None)) is not None:
                    return handle
            return None

        payload = signal("__payload", "_tdata")
        if payload is None:
            raise AttributeError(f"{parent._name} has no stream {name}")
        return cls(name, payload, signal("__valid", "_tvalid"), signal("__ready", "_tready"), signal("_tlast"))


class Edges:
    """The clock of a bench: drives ``clk``, resets for two cycles, and counts.

    A component without registers has no ``clk``: its edges are moments in time, and ``rst`` is not driven.
    """

    def __init__(self, dut: SimHandleBase) -> None:
        self.cycle = 0
        self._clock = getattr(dut, "clk", None)
        self._reset = getattr(dut, "rst", None)
        self.edge: Trigger = Timer(PERIOD_NS, unit="ns") if self._clock is None else RisingEdge(self._clock)

    async def start(self) -> None:
        """Start the clock, hold reset for two cycles and release it."""
        if self._clock is not None:
            Clock(self._clock, PERIOD_NS, unit="ns").start()
        cocotb.start_soon(self._count())
        if self._reset is not None:
            self._reset.value = 1
        for _ in range(2):
            await self.edge
        if self._reset is not None:
            self._reset.value = 0
        await self.edge

    async def _count(self) -> None:
        while True:
            await self.edge
            self.cycle += 1


class Pauses:
    """A seeded pattern of pauses: one begins with probability ``rate``, and one in eight lasts up to 32 cycles."""

    def __init__(self, rate: float, seed: int | str) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be from 0 to below 1, not {rate!r}")
        self.rate = rate
        self._random = random.Random(seed)
        self._left = 0

    def __call__(self) -> bool:
        """Whether this cycle is a pause."""
        if not self.rate:
            return False
        if self._left:
            self._left -= 1
            return True
        if self._random.random() < self.rate:
            self._left = self._random.randrange(32) if self._random.random() < 0.125 else 0
            return True
        return False


class Source:
    """Feeds a stream. While it pauses, valid is 0 and the payload is unknown (in a two-state simulator: random)."""

    def __init__(self, edges: Edges, stream: Stream, *, gaps: float = 0.0, seed: int | str = 0) -> None:
        self.edges = edges
        self.stream = stream
        self._pauses = Pauses(gaps, f"{seed} gaps")
        self._unknown = _unknown(stream.payload)
        self._idle()

    def _idle(self) -> None:
        if self.stream.valid is not None:
            self.stream.valid.value = 0
            self.stream.payload.value = self._unknown

    async def send(self, payloads: Iterable[int], last: Sequence[bool] | None = None) -> None:
        """Hand over ``payloads`` in order; ``last`` marks, beat by beat, the ends of packets."""
        stream, edge = self.stream, self.edges.edge
        for index, payload in enumerate(payloads):
            if self._pauses():
                self._idle()
                await edge
                while self._pauses():
                    await edge
            stream.payload.value = payload
            if stream.last is not None:
                stream.last.value = int(last is not None and last[index])
            if stream.valid is not None:
                stream.valid.value = 1
            await edge
            while stream.ready is not None and stream.ready.value != 1:
                await edge
        self._idle()


class Sink:
    """Drains a stream, with ready at 0 in the cycles in which it stalls."""

    def __init__(self, edges: Edges, stream: Stream, *, stalls: float = 0.0, seed: int | str = 0) -> None:
        self.edges = edges
        self.stream = stream
        self._pauses = Pauses(stalls, f"{seed} stalls")
        if stream.ready is not None:
            stream.ready.value = 0

    async def receive(self, count: int, patience: int = 10_000) -> list[Beat]:
        """The next ``count`` beats. Raises Drain where no beat comes for ``patience`` cycles."""
        stream, edge, beats, waited, ready = self.stream, self.edges.edge, [], 0, None
        while len(beats) < count:
            wanted = not self._pauses()
            if wanted != ready and stream.ready is not None:
                stream.ready.value = int(wanted)
            ready = wanted
            await edge
            waited += 1
            if (ready or stream.ready is None) and (stream.valid is None or stream.valid.value == 1):
                last = stream.last is not None and stream.last.value == 1
                beats.append(Beat(_unsigned(stream, self.edges.cycle), last))
                waited = 0
            elif waited == patience:
                raise Drain(
                    f"stream {stream.name} gave {len(beats)} of {count} beats and then none for {patience} cycles"
                )
        if stream.ready is not None:
            stream.ready.value = 0
        return beats

    def open(self) -> None:
        """Take whatever comes from now on, and drop it."""
        if self.stream.ready is not None:
            self.stream.ready.value = 1


class Monitor:
    """Watches a stream and raises StreamRuleError, which fails the running test, at the first cycle in which a rule is
    broken.

    The rules: valid and ready are 0 or 1, never X; valid stays until ready; payload and last stay while they wait;
    neither has an X in it while valid is 1. ``beats`` counts the beats handed over.
    """

    def __init__(self, edges: Edges, stream: Stream) -> None:
        self.edges = edges
        self.stream = stream
        self.beats = 0
        self._task = cocotb.start_soon(self._watch())

    def stop(self) -> None:
        """Watch no longer."""
        self._task.cancel()

    def _broken(self, rule: str) -> StreamRuleError:
        return StreamRuleError(f"stream {self.stream.name}, cycle {self.edges.cycle}: {rule}")

    async def _watch(self) -> None:
        stream, edge = self.stream, self.edges.edge
        waiting: tuple[str, str] | None = None
        while True:
            await edge
            valid = "1" if stream.valid is None else str(stream.valid.value)
            ready = "1" if stream.ready is None else str(stream.ready.value)
            if valid not in "01":
                raise self._broken(f"valid is {valid}")
            if ready not in "01":
                raise self._broken(f"ready is {ready}")
            if valid == "0":
                if waiting is not None:
                    raise self._broken("valid fell before ready came")
                continue
            shown = (str(stream.payload.value), "" if stream.last is None else str(stream.last.value))
            if set(shown[0] + shown[1]) - {"0", "1"}:
                raise self._broken(f"payload or last is unknown while valid is 1: {shown[0]} {shown[1]}".rstrip())
            if waiting is not None and shown != waiting:
                raise self._broken(f"payload or last changed before ready came, from {waiting[0]} to {shown[0]}")
            waiting = None if ready == "1" else shown
            self.beats += ready == "1"


def _unsigned(stream: Stream, cycle: int) -> int:
    value = stream.payload.value
    try:
        return int(value) if not isinstance(value, LogicArray) else value.to_unsigned()
    except ValueError:
        raise StreamRuleError(
            f"stream {stream.name}, cycle {cycle}: payload is unknown while valid is 1: {value}"
        ) from None


def _unknown(payload: ValueObjectBase[Any, Any]) -> Logic | LogicArray:
    return Logic("X") if isinstance(payload, LogicObject) else LogicArray("X" * len(payload.value))

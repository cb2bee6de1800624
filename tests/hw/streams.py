"""Feed a stream component in Amaranth's simulator, drain it, and watch the stream rules."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from amaranth.sim import Simulator

GAPS_AND_STALLS = [(0.0, 0.0), (0.4, 0.0), (0.0, 0.4), (0.3, 0.3)]


@dataclass
class Drained:
    """What came out, as integers, and in which cycle each was taken."""

    words: list[int] = field(default_factory=list)
    cycles: list[int] = field(default_factory=list)


def drain(
    component, words: Sequence[int], count: int, gaps: float = 0, stalls: float = 0, timeout: int = 200_000
) -> Drained:
    """Send ``words`` to ``i`` and take ``count`` from ``o``, each held back in a share of the cycles."""
    out = Drained()
    chance = random.Random(1)

    async def bench(ctx) -> None:
        at, cycle, held = 0, 0, None
        offered = False
        while len(out.words) < count:
            offered = offered or (at < len(words) and chance.random() >= gaps)
            ctx.set(component.i.valid, int(offered))
            if offered:
                ctx.set(component.i.payload.as_value(), words[at])
            ctx.set(component.o.ready, int(chance.random() >= stalls))
            ready, valid = ctx.get(component.i.ready), ctx.get(component.o.valid)
            word = ctx.get(component.o.payload.as_value())
            assert held is None or (valid and word == held), f"cycle {cycle}: valid or payload changed before ready"
            held = word if valid and not ctx.get(component.o.ready) else None
            if offered and ready:
                at, offered = at + 1, False
            if valid and ctx.get(component.o.ready):
                out.words.append(word)
                out.cycles.append(cycle)
            cycle += 1
            assert cycle < timeout, f"only {len(out.words)} of {count} words after {timeout} cycles"
            await ctx.tick()

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return out


def pack(elements: Sequence[int], bits: int) -> int:
    """Elements of ``bits`` bits as one integer, the first in the low bits."""
    return sum(int(element) << (at * bits) for at, element in enumerate(elements))


def unpack(word: int, lanes: int, bits: int) -> list[int]:
    """The inverse of ``pack``."""
    return [(word >> (at * bits)) & ((1 << bits) - 1) for at in range(lanes)]

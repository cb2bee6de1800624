"""The verdict: one line, and the figures behind it."""

from dataclasses import dataclass
from typing import Literal

from subbit.reporting.built import Used
from subbit.reporting.contents import Contents

__all__ = ["Tile", "headline", "tiles"]

#: Where images were seen that were not simply in a simulator, the one that says most about the chip last.
PLACES = {
    "synthesised": "in the synthesised netlist",
    "routed": "in the routed netlist",
    "bitstream": "in what the bitstream says",
    "port": "on a serial port",
}


@dataclass(frozen=True)
class Tile:
    """A figure with what it is called and what it is of; ``state`` is good, bad, or plain where nothing is judged."""

    label: str
    figure: str
    detail: str
    state: Literal["good", "bad", "plain"] = "plain"


def headline(contents: Contents) -> str:
    """The verdict in one line."""
    answers, built = contents.answers, contents.subject.built
    parts = []
    if answers is not None:
        parts.append(f"{100 * answers.accuracy:.2f} % of {answers.images:,} test images right")
    if (cells := logic(contents)) is not None and built is not None:
        kind, used = cells
        parts.append(f"{100 * used.used / used.available:.0f} % of the {kind} of {built.device}")
    elif contents.plan is not None and contents.plan.area is not None and contents.plan.device is not None:
        share = contents.plan.area.luts / contents.plan.device.luts
        parts.append(f"about {100 * share:.0f} % of the LUTs of {contents.plan.device.name}, by estimate")
    if contents.frames_per_second is not None:
        parts.append(f"{contents.frames_per_second:,.0f} frames a second")
    if built is not None and not built.met:
        parts.append("clock missed")
    if contents.failed:
        parts.append("a simulation FAILED")
    elif contents.holding:
        parts.append(f"proven bit for bit {proven_on(contents)}")
    elif contents.subject.plan is not None:
        parts.append("not simulated yet")
    if not parts:
        facts = contents.facts
        parts = [f"{facts.weights:,} weights at {facts.bits_per_weight:.3f} bits each", f"{facts.rom_bits:,} ROM bits"]
    text = "; ".join(parts)
    return text[0].upper() + text[1:] + "."


def proven_on(contents: Contents) -> str:
    """What stands behind the proof: how many images each simulator saw, and how many each netlist."""
    most: dict[str, int] = {}
    for each in contents.holding:
        run = each.found.run
        place = PLACES.get(run.stage, f"in {run.by}")
        most[place] = max(most.get(place, 0), run.images)
    alike: dict[int, list[str]] = {}
    for place in sorted(most):
        if place not in PLACES.values():
            alike.setdefault(most[place], []).append(place.removeprefix("in "))
    parts = [(images, f"in {_listed(names)}") for images, names in sorted(alike.items(), reverse=True)]
    parts += [(most[place], place) for place in PLACES.values() if place in most]
    return "on " + ", ".join(
        f"{images:,} image{'s' * (images > 1)} {where}" if not at else f"{images:,} {where}"
        for at, (images, where) in enumerate(parts)
    )


def logic(contents: Contents) -> tuple[str, Used] | None:
    """The first kind of cells of a build, which is that of its logic, where it says how many there are."""
    built = contents.subject.built
    first = None if built is None else next(iter(built.used.items()), None)
    return first if first is not None and first[1].available else None


def tiles(contents: Contents) -> list[Tile]:
    """The figures at the head of the page."""
    made = (_accuracy, _area, _speed, _proof, _storage, _work)
    return [tile for make in made if (tile := make(contents)) is not None]


def _accuracy(contents: Contents) -> Tile | None:
    answers = contents.answers
    if answers is None:
        return None
    detail = f"{answers.right:,} of {answers.images:,} test images of {answers.data}"
    return Tile("Accuracy", f"{100 * answers.accuracy:.2f} %", detail)


def _area(contents: Contents) -> Tile | None:
    cells, plan = logic(contents), contents.plan
    if cells is not None:
        kind, used = cells
        share = used.used / used.available
        return Tile("Area", f"{100 * share:.0f} %", f"{used.used:,} of {used.available:,} {kind}")
    if plan is None or plan.area is None or plan.device is None:
        return None
    share = plan.area.luts / plan.device.luts
    detail = f"about {plan.area.luts:,.0f} of {plan.device.luts:,} LUTs, an estimate"
    return Tile("Area", f"{100 * share:.0f} %", detail, "plain" if plan.fits else "bad")


def _speed(contents: Contents) -> Tile | None:
    rate, plan, built = contents.frames_per_second, contents.plan, contents.subject.built
    if rate is None or plan is None:
        return None
    hertz = plan.plan.clock_hz if built is None else built.clock_hz
    detail = f"frames a second: {hertz / 1e6:g} MHz, one every {plan.interval:,} cycles"
    if built is not None and not built.met:
        return Tile("Speed", f"{rate:,.0f}", f"{detail}; this clock is missed", "bad")
    return Tile("Speed", f"{rate:,.0f}", detail, "plain" if built is None else "good")


def _proof(contents: Contents) -> Tile | None:
    if contents.failed:
        run = contents.failed[0].found.run
        return Tile("Proof", "failed", f"{run.by}: {run.problem or 'answers differ'}", "bad")
    if contents.holding:
        return Tile("Proof", "bit for bit", f"equal {proven_on(contents)}", "good")
    if contents.evidence:
        return Tile("Proof", "out of date", "the design or the network has changed since it was simulated", "bad")
    return None if contents.subject.plan is None else Tile("Proof", "none yet", "nothing was simulated", "plain")


def _storage(contents: Contents) -> Tile:
    facts = contents.facts
    detail = f"bits a weight: {facts.weights:,} weights, {facts.rom_bits:,} ROM bits with thresholds"
    return Tile("Storage", f"{facts.bits_per_weight:.3f}", detail)


def _work(contents: Contents) -> Tile | None:
    facts = contents.facts
    if not facts.operations:
        return None
    share = 2 * facts.bit_operations / facts.operations
    detail = f"bit operations an image, {100 * share:.1f} % of those without compaction"
    return Tile("Work", f"{facts.bit_operations:,.0f}", detail)


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

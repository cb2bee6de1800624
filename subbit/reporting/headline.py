"""The verdict: one line, and the figures behind it."""

from dataclasses import dataclass
from typing import Literal

from subbit.reporting.built import Used
from subbit.reporting.contents import Contents, Evidence

__all__ = ["Tile", "headline", "tiles"]

NETLISTS = {"synthesised": "synthesised netlist", "routed": "routed netlist", "bitstream": "bitstream read back"}


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
    """What stands behind the proof: images and simulators, and how far down it goes."""
    most = max(each.found.run.images for each in contents.holding)
    simulators = sorted({each.found.run.by for each in contents.holding if each.found.run.stage != "port"})
    text = f"on {most:,} images" + (f" in {_listed(simulators)}" if simulators else "")
    down = netlists(contents.holding)
    return text + (f", {_listed(list(down))} included" if down else "")


def netlists(holding: list[Evidence]) -> dict[str, int]:
    """Images by netlist that was simulated, in the order from synthesis to the bitstream."""
    found = {}
    for stage, name in NETLISTS.items():
        images = [each.found.run.images for each in holding if each.found.run.stage == stage]
        if images:
            found[name] = max(images)
    return found


def logic(contents: Contents) -> tuple[str, Used] | None:
    """The first kind of cells of a build, which is that of its logic."""
    built = contents.subject.built
    return None if built is None else next(iter(built.used.items()), None)


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
    if cells is not None and cells[1].available:
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

"""``subbit plan``: what a network will cost on a device, before it is built."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from subbit import library
from subbit.commands.options import AsJson, Beat, Clock, Device, Folds, Fps, MaxFps, NetworkFile, Results, folds_of
from subbit.console import count, emit, table
from sw.files import atomic_write, check_writable

if TYPE_CHECKING:
    from hw.plan.estimate import Estimate
    from hw.plan.explain import Alternative
    from subbit.planning import PlanReport

__all__ = ["command", "show"]

#: Where the weights of a layer live, by the style of its memories.
MEMORY = {"auto": "tools' choice", "block": "block RAM", "logic": "LUTs", "spram": "SPRAM", "shared": "SPRAM, shared"}


def command(
    network: NetworkFile,
    device: Device = None,
    fps: Fps = None,
    max_fps: MaxFps = False,
    clock: Clock = None,
    fold: Folds = None,
    pixels_per_beat: Beat = 1,
    output_kind: Results = "scores",
    explain: Annotated[
        bool, typer.Option("--explain", help="Say for every layer what each datapath would have cost.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the plan to this JSON file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fold a network for a device: datapath, PE and SIMD of each layer, cycles by formula, area by estimate."""
    if output is not None:
        check_writable(output)
    found = library.plan(
        library.load(network),
        device=device,
        fps=fps,
        max_fps=max_fps,
        clock_mhz=clock,
        fold=folds_of(fold),
        pixels_per_beat=pixels_per_beat,
        output=output_kind,
        explain=explain,
    )
    if output is not None:
        with atomic_write(output) as temporary:
            temporary.write_text(found.plan.to_json())
    emit(found.as_dict(), as_json, lambda console: show(console, found))


def show(console: Console, found: "PlanReport") -> None:
    """Draw a plan with its price."""
    columns = ["layer", "datapath", "outputs", "PE", "taps", "SIMD", "weights in", "cycles a frame"]
    rows = [
        [step.layer, step.datapath, step.outputs, step.pe, step.taps, step.simd, MEMORY[step.rom], step.cycles]
        for step in found.layers
    ]
    if found.area is not None:
        columns += ["LUTs (estimate)", "FFs (estimate)", "block RAMs"]
        for row, step in zip(rows, found.layers, strict=True):
            row += _area(step.area)
    where = f"{found.plan.device}, " if found.plan.device else ""
    console.print(table(f"plan: {where}{found.plan.clock_hz / 1e6:g} MHz", columns, rows))
    console.print(
        f"a frame every {count(found.interval)} cycles, set by {found.slowest}: "
        f"{count(found.frames_per_second)} frames a second"
    )
    if found.area is not None and found.device is not None:
        luts, ffs, brams = _area(found.area)
        room, sprams = found.device, found.area.sprams
        singles = f", {sprams} of {room.single_port_rams} single-port RAMs" if sprams else ""
        console.print(
            f"about {count(luts)} of {count(room.luts)} LUTs, {count(ffs)} of {count(room.ffs)} flip-flops, "
            f"{brams} of {room.block_rams} block RAMs{singles}{'' if found.fits else ': more than the device has'}"
        )
    if found.alternatives:
        show_alternatives(console, found)


def show_alternatives(console: Console, found: "PlanReport") -> None:
    """Draw what every datapath would have cost each layer, and say why some are out of the question."""
    columns = ["layer", "datapath", "PE", "SIMD", "weights in", "cycles", "LUTs", "FFs", "BRAMs", "ROM bits", "area"]
    rows: list[list[object]] = []
    for each in found.alternatives:
        fold = each.folding
        if fold is not None:
            place = [each.layer, each.datapath, fold.pe, fold.simd, MEMORY[fold.rom], each.cycles]
            rows.append([*place, *_area(each.area), each.rom_bits, verdict(each, found)])
    console.print(
        table(f"every datapath at {count(found.interval)} cycles a frame, by estimate", columns, rows, left=2)
    )
    console.print(
        "area: LUTs, a quarter of the flip-flops, and block RAMs at the device's LUTs for each of them; with the pools "
        "behind a layer"
    )
    for layer in dict.fromkeys(each.layer for each in found.alternatives):
        out = [each for each in found.alternatives if each.layer == layer and each.folding is None]
        console.print(f"{layer}: " + "; ".join(f"not {each.datapath}, as it {each.reason}" for each in out))


def verdict(each: "Alternative", found: "PlanReport") -> str:
    """How the area of one datapath compares with that of the one that was chosen."""
    own = next(one for one in found.alternatives if one.layer == each.layer and one.chosen)
    if each.chosen or each.area is None or own.area is None:
        return "chosen"
    note = ", but hardly fewer LUTs" if each.price < own.price and not each.saves_luts else ""
    return f"{100 * (each.price / own.price - 1):+.0f} %{note}"


def _area(area: "Estimate | None") -> list[int]:
    return [0, 0, 0] if area is None else [round(area.luts), round(area.ffs), area.brams]

"""``subbit generate``: network and plan to SystemVerilog, memory images and a golden vector."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from subbit import library
from subbit.commands.options import AsJson, Beat, Clock, Device, Folds, Fps, MaxFps, NetworkFile, Results, folds_of
from subbit.console import count, emit
from sw.errors import SubbitError

__all__ = ["command"]


def command(
    network: NetworkFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    plan: Annotated[Path | None, typer.Option(help="A plan that `subbit plan` wrote; or plan here, as below.")] = None,
    device: Device = None,
    fps: Fps = None,
    max_fps: MaxFps = False,
    clock: Clock = None,
    fold: Folds = None,
    pixels_per_beat: Beat = 1,
    output_kind: Results = "scores",
    as_json: AsJson = False,
) -> None:
    """Write the accelerator: SystemVerilog with AXI4-Stream ends, memory images, a golden vector, plan and network."""
    from hw.plan.plan import Plan

    loaded = library.load(network)
    if plan is not None:
        if max_fps or any(value is not None for value in (device, fps, clock, fold)):
            raise SubbitError(
                "--plan already says how to fold: leave --device, --fps, --max-fps, --clock and --fold out"
            )
        chosen = Plan.load(plan)
    else:
        chosen = library.plan(
            loaded,
            device=device,
            fps=fps,
            max_fps=max_fps,
            clock_mhz=clock,
            fold=folds_of(fold),
            pixels_per_beat=pixels_per_beat,
            output=output_kind,
        ).plan
    made = library.generate(loaded, chosen, output)
    files = {str(path.relative_to(output)): path.stat().st_size for path in sorted(output.rglob("*")) if path.is_file()}
    document = {"folder": str(output), "top": made.top, "interval": made.cycles, "files": files}
    emit(document, as_json, lambda console: _show(console, document))


def _show(console: Console, document: dict[str, Any]) -> None:
    files = document["files"]
    console.print(
        f"{document['folder']}: module {document['top']}, a frame every {count(document['interval'])} cycles; "
        f"{len(files)} files, {count(sum(files.values()))} bytes"
    )
    for name, size in files.items():
        console.print(f"  {name}  {count(size)}")

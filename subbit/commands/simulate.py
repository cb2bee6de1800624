"""``subbit simulate``: a generated accelerator against its network, bit for bit."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from subbit import library
from subbit.commands.options import AsJson, Data, DataDir, Images, Limit, Random
from subbit.console import emit, note, table
from subbit.images import chosen_images

if TYPE_CHECKING:
    from sim.accelerator import SimulationReport

__all__ = ["command", "rows", "show"]


def command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that `subbit generate` wrote.")],
    images: Images = None,
    random: Random = None,
    data: Data = None,
    data_dir: DataDir = None,
    limit: Limit = None,
    simulator: Annotated[str, typer.Option(help="verilator, icarus, or all that are installed.")] = "all",
    fast: Annotated[
        bool, typer.Option("--fast", help="Compare results alone, in one run without pauses, at full speed.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of random images and of the pauses in the streams.")] = 0,
    waves: Annotated[Path | None, typer.Option(help="Record one run into this waveform file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Prove generated Verilog: every image through a simulator, every layer compared with the network.

    Ends with status 1 where anything differs, naming the first layer, image, pixel and channel.
    """
    network = library.network_of(folder)
    chosen, labels = chosen_images(network, images, random, data, data_dir, seed)
    chosen = chosen[:limit]
    reports = library.simulate(
        folder, chosen, simulator=simulator, fast=fast, seed=seed, waves=waves, network=network, progress=note
    )
    document: dict[str, Any] = {"folder": str(folder), "passed": all(report.passed for report in reports)}
    if labels is not None:
        document["accuracy"] = float((reports[0].classes == labels[: len(chosen)]).mean())
    document["simulators"] = [report.as_json() for report in reports]
    emit(document, as_json, lambda console: show(console, reports))
    if not document["passed"]:
        raise typer.Exit(1)


def rows(reports: Sequence["SimulationReport"]) -> list[tuple[object, ...]]:
    """A table row for each report."""
    return [
        (
            report.simulator,
            f"{report.images - report.mismatches:,} of {report.images:,}",
            len(report.layers) or "results only",
            len(report.patterns),
            report.cycles_per_frame,
            report.latency,
            f"{report.build_seconds:.1f}",
            f"{sum(pattern.seconds for pattern in report.patterns):.1f}",
        )
        for report in reports
    ]


def show(console: Console, reports: Sequence["SimulationReport"]) -> None:
    """Draw the reports, and the first difference of each that has one."""
    columns = ("simulator", "images equal", "layers", "runs", "cycles a frame", "latency", "build s", "run s")
    console.print(table("hardware against the network, bit for bit", columns, rows(reports)))
    for report in reports:
        if report.problem is not None:
            console.print(f"{report.simulator}: {report.problem}")

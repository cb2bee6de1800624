"""``subbit report``: one HTML page on a network or a design."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from subbit import library
from subbit.choice import read_choice
from subbit.commands.options import AsJson, Clock, Data, DataDir, Device, Fps, Limit, MaxFps
from subbit.console import count, emit
from subbit.reporting import report
from sw.errors import SubbitError
from sw.files import check_writable

if TYPE_CHECKING:
    from hw.plan.plan import Plan
    from subbit.planning import PlanReport
    from subbit.reporting import Report

__all__ = ["command"]


def command(
    subject: Annotated[
        Path,
        typer.Argument(metavar="SUBJECT", help="A network file, or a folder of `subbit generate` or `subbit build`."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML file to write.")],
    also: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Show what was simulated in this folder, too; can be repeated."),
    ] = None,
    data: Data = None,
    data_dir: DataDir = None,
    limit: Limit = None,
    slices: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The slices.json of the training: how much each bit matters.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="A plan that `subbit plan` wrote; or plan here. For a network file.")
    ] = None,
    device: Device = None,
    fps: Fps = None,
    max_fps: MaxFps = False,
    clock: Clock = None,
    title: Annotated[str | None, typer.Option(help="Title of the page; by default the network's name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write one HTML page that shows a network, its plan, its build, its proof and its answers.

    The page needs no network access and runs no script. What a folder does not hold, and what is not named, is left
    out. Proof are the simulations that `subbit simulate` and `subbit classify` left on record.
    """
    check_writable(output)
    made = report(
        subject,
        output,
        others=also or (),
        plan=_plan(subject, plan, device, fps, max_fps, clock),
        data=data,
        data_dir=data_dir,
        limit=limit,
        slices=None if slices is None else read_choice(slices),
        title=title,
    )
    emit(made.as_dict(), as_json, lambda console: _show(console, made))


def _plan(
    subject: Path, plan: Path | None, device: str | None, fps: float | None, max_fps: bool, clock: float | None
) -> "Plan | PlanReport | None":
    """The plan that the options ask for; None where they ask for none."""
    asked = max_fps or any(value is not None for value in (device, fps, clock))
    if plan is not None and asked:
        raise SubbitError("--plan already says how to fold: leave --device, --fps, --max-fps and --clock out")
    if subject.is_dir() and (plan is not None or asked):
        raise SubbitError(f"{subject} has a plan of its own: --plan, --device and the like are for a network file")
    if plan is not None:
        from hw.plan.plan import Plan

        return Plan.load(plan)
    if not asked:
        return None
    return library.plan(library.load(subject), device=device, fps=fps, max_fps=max_fps, clock_mhz=clock)


def _show(console: Console, made: "Report") -> None:
    from subbit.reporting.headline import headline

    console.print(f"{made.path}: {count(len(made.page.encode()))} bytes")
    console.print(headline(made.contents), markup=False)

"""``subbit build``: a network to a board's bitstream, with a report of area and timing."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from subbit import library
from subbit.commands.options import AsJson, Fps, MaxFps, NetworkFile, Results
from subbit.console import Failed, Stopped, emit, note

if TYPE_CHECKING:
    from subbit.building import BuildResult

__all__ = ["command"]


def command(
    network: NetworkFile,
    board: Annotated[str, typer.Option("--board", "-b", help="The board, such as icebreaker or ulx3s-85f.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", show_default="BOARD-NETWORK", help="The folder to write.")
    ] = None,
    plan: Annotated[Path | None, typer.Option(help="A plan that `subbit plan` wrote; or plan here, as below.")] = None,
    fps: Fps = None,
    max_fps: MaxFps = False,
    clock: Annotated[
        float | None,
        typer.Option(metavar="MHZ", show_default="the plan's, or the oscillator's", help="The clock, in MHz."),
    ] = None,
    output_kind: Results = "scores",
    baud: Annotated[
        int | None, typer.Option(min=1, show_default="the fastest usual one", help="Bits a second on the serial line.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Placements to try until the clock is met.")] = 8,
    jobs: Annotated[
        int | None, typer.Option(min=1, show_default="half the cores", help="How many of them at a time.")
    ] = None,
    seed_minutes: Annotated[
        float | None,
        typer.Option(min=0.01, show_default="four times the slowest that was routed", help="When to give a seed up."),
    ] = None,
    rtl_only: Annotated[bool, typer.Option("--rtl-only", help="Write the design and end before synthesis.")] = False,
    replaceable: Annotated[
        bool, typer.Option("--replaceable", help="All tables in block RAM: `subbit weights` can change them later.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build the bitstream of a network for a board: synthesise, place, route, pack, report.

    Ends with status 1 where the design does not fit or misses its clock. Given again after an interruption, it goes on
    where it was cut off.
    """
    from hw.plan.plan import Plan

    loaded = library.load(network)
    folder = output or Path(f"{board}-{network.stem}")
    try:
        made = library.build(
            loaded,
            board,
            folder,
            plan=None if plan is None else Plan.load(plan),
            fps=fps,
            max_fps=max_fps,
            clock_mhz=clock,
            output=output_kind,
            baud=baud,
            seeds=seeds,
            jobs=jobs,
            rtl_only=rtl_only,
            replaceable=replaceable,
            seed_minutes=seed_minutes,
            progress=note,
            name=str(network),
        )
    except KeyboardInterrupt:
        kept = f"what is done stays in {folder}.building: the same command goes on from there"
        raise Stopped(kept if Path(f"{folder}.building").exists() else "nothing was written") from None
    emit(made.as_dict(), as_json, lambda console: _show(console, made))
    if made.report is not None and not made.met:
        raise Failed(missed(made))


def missed(made: "BuildResult") -> str:
    """What a build that is too slow has come to, and what to try."""
    from subbit.building import clock_within

    assert made.report is not None
    timing, wanted = made.report.made.timing, made.report.description["clock_hz"] / 1e6
    if not timing.clocks:
        return "the placer told of no clock, so that nothing is known of its timing: install another nextpnr"
    if all(clock.met for clock in timing.clocks):
        return f"hold times are {timing.hold.text()}; try more --seeds"
    reached = timing.clocks[0].achieved_mhz
    tried = len(made.report.made.attempts)
    slower = clock_within(made.board, reached)
    return (
        f"{wanted:g} MHz is not met: {reached:.2f} MHz is the best of {tried} seed{'' if tried == 1 else 's'}, set by "
        f"{timing.path_text() or 'a path that the placer did not tell'}; try "
        f"{f'--clock {slower:.6g}, ' if slower else ''}more --seeds, or a plan for fewer frames a second"
    )


def _show(console: Console, made: "BuildResult") -> None:
    if made.report is not None:
        console.print(made.report.text(), end="", soft_wrap=True, markup=False)
        return
    console.print(f"{made.folder}: {len(made.files)} files; {made.remark}", soft_wrap=True, markup=False)

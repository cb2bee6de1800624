"""``subbit demo``: the whole main path on real digits."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from subbit import library
from subbit.commands import plan, simulate
from subbit.commands.options import AsJson
from subbit.console import emit, note

if TYPE_CHECKING:
    from subbit.demonstration import DemoResult

__all__ = ["command"]


def command(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write everything into.")] = Path(
        "subbit-demo"
    ),
    as_json: AsJson = False,
) -> None:
    """Train on handwritten digits, plan, generate, and prove the hardware on the test images, in minutes.

    Ends with status 1 where the network is below 97 % or anything differs anywhere.
    """
    result = library.demo(output, progress=note)
    emit(result.as_dict(), as_json, lambda console: _show(console, result))
    if not result.passed:
        raise typer.Exit(1)


def _show(console: Console, result: "DemoResult") -> None:
    facts = result.contents
    console.print(
        f"\ntrained: {100 * result.accuracy:.2f} % of {result.images} held-out digits right, "
        f"{facts.weights:,} weights at {facts.bits_per_weight:.3f} bits, {facts.rom_bits:,} ROM bits"
    )
    console.print(f"PyTorch and the Network: {result.comparison}\n")
    plan.show(console, result.plan)
    console.print()
    simulate.show(console, result.simulations)
    if result.build is not None and result.build.report is not None:
        report = result.build.report
        used = ", ".join(f"{count:,} of {room:,} {kind}" for kind, (count, room) in report.made.used.items() if count)
        clocks = ", ".join(f"{clock.achieved_mhz:.1f} MHz reached" for clock in report.made.timing.clocks)
        console.print(f"{report.board.title}: {used}; {clocks}")
    for stage, answers in result.boards.items():
        console.print(f"the board as {stage}: {answers.equal} of {answers.images} answers are the network's")
    steps = ", ".join(f"{step} {took:.0f} s" for step, took in result.seconds.items())
    console.print(f"{'passed' if result.passed else 'FAILED'} in {sum(result.seconds.values()):.0f} s ({steps})")
    console.print(f"everything is in {result.folder}/")
    if result.page is not None:
        console.print(f"{result.page} shows it on one page: open it in a browser")

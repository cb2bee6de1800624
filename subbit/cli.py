"""The command line: one subcommand a module, and one place where every error becomes a sentence and an exit status.

0 is success, 1 a check that failed, 2 a call or an input that is wrong, 70 a mistake in subbit itself, 130 Ctrl-C.
"""

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from subbit import __version__
from subbit.commands import (
    board,
    build,
    classify,
    compact,
    demo,
    export,
    flash,
    generate,
    import_,
    inspect,
    plan,
    report,
    simulate,
    train,
    weights,
)
from subbit.console import Failed, Stopped, note
from sw.errors import SubbitError

__all__ = ["app", "main", "run"]

app = typer.Typer(
    help="Compact binary neural networks as FPGA accelerators: train, plan, generate, and prove bit for bit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    train,
    import_,
    compact,
    inspect,
    export,
    plan,
    generate,
    simulate,
    build,
    weights,
    flash,
    classify,
    board,
    report,
    demo,
):
    app.command(name=module.__name__.rpartition(".")[2].rstrip("_"))(module.command)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"subbit {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error (or set SUBBIT_DEBUG).")
    ] = False,
) -> None:
    """Compact binary neural networks as FPGA accelerators: train, plan, generate, and prove bit for bit."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line with these arguments and return its exit status; errors are told on stderr."""
    debug = "--debug" in arguments or bool(os.environ.get("SUBBIT_DEBUG"))
    try:
        with warnings.catch_warnings():
            # What one library has to say to another is nothing that a user could act upon.
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"lightning\.")
            status = app(list(arguments), prog_name="subbit", standalone_mode=False)
    except Stopped as stop:
        note(f"subbit: stopped: {stop}")
        return 130
    except Failed as failure:
        note(f"subbit: failed: {failure}")
        return 1
    except (SubbitError, typer.TyperException) as error:
        if debug:
            traceback.print_exc()
        sentence = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        note(f"subbit: error: {sentence}")
        return 2
    except MemoryError:
        note("subbit: error: there is not enough memory for this: name a smaller network, or fewer images")
        return 2
    except Exception as error:
        if debug:
            traceback.print_exc()
        note(
            f"subbit: error: this is a mistake in subbit ({type(error).__name__}: {error}): "
            "please report it with what the same command prints after subbit --debug"
        )
        return 70
    if status == 130:
        note("subbit: stopped: nothing was written")
    return status if isinstance(status, int) else 0


def main() -> None:
    """The ``subbit`` program."""
    sys.exit(run(sys.argv[1:]))

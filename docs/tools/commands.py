"""The reference of the command line, written from the commands themselves."""

from typing import Any

from typer.main import get_command

from subbit.cli import app

__all__ = ["reference"]

HEAD = """# Commands

Written from the commands themselves when this site is built; `subbit COMMAND --help` says the same.

`subbit --version` prints the version. `subbit --debug COMMAND ...`, or `SUBBIT_DEBUG` in the environment, shows the
traceback of an error. The exit status is 0 for success, 1 for a check that failed, 2 for a call or an input that is
wrong, 130 after Ctrl-C, and 70 for a mistake in subbit itself.
"""


def reference() -> str:
    """Markdown with a section for each command: what it does, its call, its arguments and options with defaults."""
    group: Any = get_command(app)
    return "\n".join([HEAD, *(section(name, command) for name, command in group.commands.items())])


def section(name: str, command: Any) -> str:
    """One command."""
    context = type(command).context_class(command, info_name=f"subbit {name}")
    usage = " ".join([f"subbit {name}", *command.collect_usage_pieces(context)])
    records = [record for part in command.params if (record := part.get_help_record(context))]
    rows = "\n".join(f"| `{cell(names)}` | {cell(told)} |" for names, told in records)
    return (
        f"## subbit {name}\n\n{command.help}\n\n```text\n{usage}\n```\n\n| argument or option | |\n|---|---|\n{rows}\n"
    )


def cell(text: str) -> str:
    """Text that can stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")

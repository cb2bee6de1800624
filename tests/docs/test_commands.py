"""The command reference has every command, and every option of each."""

from typer.main import get_command

from docs.tools.commands import reference
from subbit.cli import app


def test_every_command_and_option_is_there():
    text = reference()
    for name, command in get_command(app).commands.items():
        part = text.partition(f"## subbit {name}\n")[2].partition("\n## ")[0]
        for option in command.params:
            assert max(option.opts, key=len).strip("-") in part.lower().replace("_", "-") or option.name in part.lower()
        assert command.help.splitlines()[0] in part
    assert "default: 60" in text


def test_a_cell_keeps_to_its_table():
    assert all(line.count(" | ") == 1 for line in reference().splitlines() if line.startswith("| `"))

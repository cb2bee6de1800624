"""Pages whose commands are run: what is read from them, and when what they show counts as printed."""

import pytest

from docs.tools.console import difference, normal, steps
from docs.tools.pages import Page

PRINTED = [
    "epoch 1/40, loss 0.5",
    "epoch 40/40, loss 0.25",
    "",
    " dense1   8,192 ",
    " dense2      96 ",
    "total: 99.17 %",
]


@pytest.mark.parametrize(
    "shown",
    [
        [],
        ["epoch 1/2, loss 9", "epoch 2/2, loss 8", "dense1 1", "dense2 2", "total: 5 %"],
        ["...", "total: 98.2 %"],
        ["epoch 1/40, loss 0.7", "..."],
        ["...", " dense2   7", "total: 1 %"],  # dense1 is alike but for its figures, and something else follows
        ["...", "dense1 1", "", "dense2 2", "..."],
        ["epoch ...", "...", "total: ... %"],
    ],
)
def test_what_is_shown_may_leave_lines_out_and_have_other_figures(shown):
    assert difference(shown, PRINTED) == ""


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (["total: 99.17 %"], "total: 99.17 %"),
        (["...", "total: 99.17"], "total: 99.17"),
        (["epoch 1/40, loss 0.5", "dense1 1", "..."], "dense1 1"),
        (["...", "sum: 1", "..."], "sum: 1"),
        (["...", "dense1 1"], "nothing more"),
        (["...", "total: 1 %", "...", "dense2 1", "..."], "dense2 1"),
    ],
)
def test_what_was_not_printed_is_told(shown, told):
    assert difference(shown, PRINTED) == told


def test_figures_and_spaces_do_not_count():
    assert normal("  12,345   LUTs ─────  40c507206f78e0da ") == "# LUTs ─ #"


def test_a_page_is_read_as_steps(tmp_path):
    (tmp_path / "page.md").write_text(
        "# Page\n\n```sh\nnot run\n```\n\n```python draw.py\nprint(1)\n```\n\n"
        "```console\n$ python draw.py \\\n    --twice\n1\n1\n$ true\n```\n"
    )
    file, block = steps(Page((tmp_path / "page.md").relative_to(tmp_path), tmp_path))
    assert (file.file, file.text) == ("draw.py", "print(1)\n")
    assert [(command.text, command.shown) for command in block.commands] == [
        ("python draw.py --twice", ("1", "1")),
        ("true", ()),
    ]
    assert [command.line for command in block.commands] == [12, 16]


def test_steps_are_done_and_their_faults_told(tmp_path):
    (tmp_path / "page.md").write_text(
        "```python two.py\nprint('one 1')\nprint('two 2')\n```\n"
        "```console\n$ python two.py\none 5\ntwo 6\n```\n"
        "```console\n$ python two.py\none 1\n```\n"
        "```console\n$ exit 3\n```\n"
    )
    save, right, short, failed = (step.do(tmp_path) for step in steps(Page(tmp_path / "page.md", tmp_path)))
    assert save == ""
    assert right == ""
    assert "nothing more" in short
    assert "ended with status 3" in failed


def test_a_console_block_begins_with_a_command(tmp_path):
    (tmp_path / "page.md").write_text("```console\nprinted\n```\n")
    with pytest.raises(ValueError, match="must begin with a command behind"):
        steps(Page(tmp_path / "page.md", tmp_path))

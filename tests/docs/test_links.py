"""Everything that the documentation points at is there; and what is not there is found."""

import pytest

from docs.tools.links import broken
from docs.tools.pages import Page, slug


def test_all_that_the_pages_point_at_is_there():
    assert broken() == []


@pytest.fixture
def house(tmp_path):
    """A small repository whose links are all right."""
    for name, text in {
        "README.md": "# House\n\nSee [the guide](docs/guide.md#first-steps).",
        "docs/index.md": "# Site\n\n```{toctree}\nguide\nmore-*\ngenerated/commands\n```\n",
        "docs/guide.md": "# Guide\n\n## First steps\n\n`sw/net.py` `sw/*.py` `tests/test_net.py::test_it` `a/*.mem`\n"
        '\n[one](../tests/test_net.py "test_it"), [two](../sw/net.py "Net")\n',
        "docs/more-code.md": "# Code\n\n```python sw/net.py\nclass Net:\n    ...\n    def run(self):\n```\n",
        "sw/net.py": "class Net:\n    size = 3\n\n    def run(self):\n        return 1\n",
        "tests/test_net.py": "def test_it():\n    pass\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_house_in_order_has_no_faults(house):
    assert broken(house) == []


@pytest.mark.parametrize(
    ("page", "text", "fault"),
    [
        ("docs/guide.md", "[x](gone.md)", "gone.md is not there"),
        ("docs/guide.md", "![x](pictures/gone.svg)", "pictures/gone.svg is not there"),
        ("docs/guide.md", "[x](#second-steps)", "docs/guide.md has no heading of that name"),
        ("docs/guide.md", "[x][y]\n\n[y]: ../sw/gone.py", "sw/gone.py is not there"),
        ("README.md", "[x](docs/guide.md#second-steps)", "docs/guide.md has no heading of that name"),
        ("docs/guide.md", "[x](../../elsewhere.md)", "is outside the repository"),
        ("docs/guide.md", "[x](generated/commands.md)", "is made when the site is built"),
        ("docs/guide.md", '[x](../tests/test_net.py "test_other")', "tests/test_net.py has no test_other"),
        ("docs/guide.md", "`sw/gone.py`", "`sw/gone.py` is not there"),
        ("docs/guide.md", "`sw/*.sv`", "`sw/*.sv` is not there"),
        ("docs/guide.md", "`tests/test_net.py::test_other`", "has no test_other"),
        ("docs/guide.md", "```python sw/net.py\nclass Nat:\n```", "sw/net.py has not the lines from 'class Nat:' on"),
        ("docs/guide.md", "```python sw/net.py\nreturn 1\n...\nsize = 3\n```", "the lines from 'size = 3' on"),
        ("docs/guide.md", "```python sw/gone.py\nclass Net:\n```", "sw/gone.py: there is no such file"),
        ("docs/index.md", "```{toctree}\ngone\n```", "toctree: gone has no page"),
    ],
)
def test_a_link_to_nothing_is_found(house, page, text, fault):
    with (house / page).open("a") as file:
        file.write(f"\n\n{text}\n")
    faults = broken(house)
    assert len(faults) == 1
    assert fault in faults[0]
    assert faults[0].startswith(f"{page}:")


def test_a_page_that_nobody_comes_to_is_found(house):
    (house / "docs" / "lonely.md").write_text("# Lonely\n")
    assert broken(house) == ["docs/index.md:1: docs/lonely.md is in no toctree"]
    (house / "docs" / "lonely.md").rename(house / "docs" / "more-lonely.md")
    assert broken(house) == []


def test_links_in_code_are_none(house):
    (house / "docs" / "guide.md").write_text("# Guide\n\n## First steps\n\n```\n[x](gone.md)\n```\n\n`[x](gone.md)`\n")
    assert broken(house) == []


def test_headings_become_the_anchors_of_code_hosts(tmp_path):
    (tmp_path / "page.md").write_text("# A `code`, and more\n\n## Twice\n\n## Twice\n\n### What it's for?\n")
    page = Page((tmp_path / "page.md").relative_to(tmp_path), tmp_path)
    assert page.anchors == {"a-code-and-more", "twice", "twice-1", "what-its-for"}
    assert slug("From Network to Verilog") == "from-network-to-verilog"

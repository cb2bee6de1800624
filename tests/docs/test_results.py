"""The tables of the documents are those of the kept results."""

import pytest

from benchmarks.area import clocks, density, frame_a_cycle, lookup, solve_time, unrolled
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


@pytest.mark.parametrize(
    ("name", "benchmark"),
    [("results.md", each) for each in (boards, clocks, density, frame_a_cycle, lookup)]
    + [("unrolled.md", each) for each in (unrolled, solve_time)],
    ids=lambda given: getattr(given, "NAME", None),
)
def test_tables_are_those_that_were_measured(name, benchmark):
    page = (DOCS / name).read_text()
    assert filled(page, benchmark.NAME, benchmark.table(kept_rows(benchmark.NAME))) == page


def test_a_table_goes_between_its_marks_alone():
    page = "before\n<!-- a -->\nold\n<!-- /a -->\n<!-- b -->\n<!-- /b -->\n"
    assert filled(page, "a", "new") == "before\n<!-- a -->\n\nnew\n\n<!-- /a -->\n<!-- b -->\n<!-- /b -->\n"
    for other in ("c", "/a"):
        with pytest.raises(ValueError, match="the page has no"):
            filled(page, other, "new")

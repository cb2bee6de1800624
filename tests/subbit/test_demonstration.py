"""What the demo shows of itself at its end."""

import pytest

from subbit import demonstration


@pytest.fixture
def reports(monkeypatch):
    """The reports that are asked for, which are not made."""
    asked = []
    monkeypatch.setattr(
        demonstration.library, "report", lambda subject, output, **more: asked.append((subject, output, more))
    )
    return asked


@pytest.mark.parametrize("board", [True, False])
def test_the_report_is_on_all_that_was_made(reports, tmp_path, board):
    made, told = tmp_path / "made", []
    (made / "rtl").mkdir(parents=True)
    if board:
        (made / "icebreaker").mkdir()
    page = demonstration.reported(tmp_path / "final", made, told.append)
    assert page == tmp_path / "final" / "report.html"
    ((subject, output, more),) = reports
    assert (subject, more["others"]) == ((made / "icebreaker", [made / "rtl"]) if board else (made / "rtl", []))
    assert (output, more["data"], more["title"]) == (made / "report.html", "digits", "digits")
    assert told == ["report: all of it on one page"]


def test_without_what_draws_it_the_demo_goes_on(reports, tmp_path, monkeypatch):
    monkeypatch.setattr("subbit.extras.find_spec", lambda name: None if name == "jinja2" else object())
    told = []
    assert demonstration.reported(tmp_path, tmp_path, told.append) is None
    assert reports == []
    assert told == ["left out: the report needs jinja2, which is not installed: run pip install 'subbit[report]'"]

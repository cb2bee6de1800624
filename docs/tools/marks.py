"""Parts of a page that a program writes, between marks that are not shown."""

from pathlib import Path

__all__ = ["fill", "filled"]


def filled(page: str, mark: str, text: str) -> str:
    """``page`` with ``text`` in place of what is between ``<!-- mark -->`` and ``<!-- /mark -->``.

    Raises ValueError where the marks are not there.
    """
    begins, ends = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, found, rest = page.partition(begins)
    _, closed, after = rest.partition(ends)
    if not found or not closed:
        raise ValueError(f"the page has no {begins} with its {ends}")
    return f"{before}{begins}\n\n{text}\n\n{ends}{after}"


def fill(page: Path, mark: str, text: str) -> None:
    """The same in a file."""
    page.write_text(filled(page.read_text(), mark, text))

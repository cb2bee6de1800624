"""Whether all that the documentation points at is there: pages, anchors, files of the repository, tests by name.

``python -m docs.tools.links`` needs no network and no Sphinx. What it looks at: links and pictures of every page, and
the title of a link to a Python file, which names a function or class in it; the entries of every toctree, and that
every page is in one; paths quoted as code (`sw/network/file.py`, `tests/hw/*.py`, `tests/hw/test_x.py::test_name`),
which must exist from the repository's root, NAME being any name; and fenced blocks that name such a file, whose lines
must stand in it so, with ``...`` for those that are left out.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from docs.tools.pages import GENERATED, ROOT, Page, pages

__all__ = ["broken", "external", "main"]

TREES = ("subbit", "sw", "hw", "sim", "boards", "tests", "benchmarks", "docs")
QUOTED = re.compile(rf"((?:{'|'.join(TREES)})/[\w./*-]*)(?:::(\w+))?(?::\d+)?")
INDEX = Path("docs/index.md")


def broken(root: Path = ROOT) -> list[str]:
    """A line for everything that points nowhere, "PAGE:LINE: what"; none where all is well."""
    found = pages(root)
    return [
        f"{page.path}:{line}: {what}"
        for page in found.values()
        for part in (link_faults, code_faults, quote_faults)
        for what, line in part(page, found)
    ] + [f"{INDEX}:{line}: {what}" for what, line in tree_faults(found)]


def external(root: Path = ROOT) -> dict[str, list[str]]:
    """Links to elsewhere, and the pages that have them."""
    found: dict[str, list[str]] = {}
    for page in pages(root).values():
        for target, _, _ in page.links:
            if urlsplit(target).scheme:
                found.setdefault(target, []).append(str(page.path))
    return found


def link_faults(page: Page, found: dict[Path, Page]) -> Iterator[tuple[str, int]]:
    """Links of a page that lead nowhere."""
    for target, title, line in page.links:
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        place = (page.root / page.path).parent / unquote(parts.path) if parts.path else page.root / page.path
        place = Path(*place.resolve().parts)
        if not place.is_relative_to(page.root):
            yield f"{target} is outside the repository", line
            continue
        path = place.relative_to(page.root)
        if path.is_relative_to(GENERATED):
            yield f"{target} is made when the site is built: it is not there for who reads the files", line
        elif not place.exists():
            yield f"{target} is not there", line
        elif parts.fragment and (path not in found or parts.fragment not in found[path].anchors):
            yield f"{target}: {path} has no heading of that name", line
        elif title and path.suffix == ".py" and not defines(place, title):
            yield f"{target}: {path} has no {title}", line


def defines(path: Path, name: str) -> bool:
    """Whether a Python file has a function or class of that name."""
    return bool(re.search(rf"^\s*(?:async )?(?:def|class) {re.escape(name)}\b", path.read_text(), re.MULTILINE))


def code_faults(page: Page, found: dict[Path, Page]) -> Iterator[tuple[str, int]]:
    """Paths quoted as code that are not in the repository, and tests that are not in their file."""
    for code, line in page.code:
        match = QUOTED.fullmatch(code)
        if match is None:
            continue
        path, name = match[1].replace("NAME", "*"), match[2]
        hits = list(page.root.glob(path)) if "*" in path else [page.root / path]
        if not hits or not all(hit.exists() for hit in hits):
            yield f"`{code}` is not there", line
        elif name and not defines(hits[0], name):
            yield f"`{code}`: {path} has no {name}", line


def quote_faults(page: Page, found: dict[Path, Page]) -> Iterator[tuple[str, int]]:
    """Blocks that show a file of the repository otherwise than it is."""
    for block in page.blocks:
        match = QUOTED.fullmatch(block.info.partition(" ")[2])
        if match is None:
            continue
        path = page.root / match[1]
        if not path.is_file():
            yield f"a block of {match[1]}: there is no such file", block.line
            continue
        rest = [line.strip() for line in path.read_text().splitlines()]
        for part in re.split(r"^\s*\.\.\.\n", block.text, flags=re.MULTILINE):
            lines = [line.strip() for line in part.strip().splitlines()]
            at = next((n for n in range(len(rest) - len(lines) + 1) if rest[n : n + len(lines)] == lines), None)
            if at is None:
                yield f"{match[1]} has not the lines from {lines[0]!r} on, or has them elsewhere", block.line
                break
            rest = rest[at + len(lines) :]


def tree_faults(found: dict[Path, Page]) -> Iterator[tuple[str, int]]:
    """Entries of toctrees without a page, and pages without an entry."""
    listed = {INDEX, Path("README.md")}
    for page in found.values():
        for block in page.blocks:
            if block.info != "{toctree}":
                continue
            for number, entry in enumerate(block.text.splitlines(), start=block.line + 1):
                if not entry.strip() or entry.startswith(":"):
                    continue
                path = Path(*((page.path.parent / f"{entry.strip()}.md").parts))
                hits = [known for known in found if known.match(str(path))]
                if not hits and not path.is_relative_to(GENERATED) and "*" not in entry:
                    yield f"toctree: {entry.strip()} has no page", number
                listed.update(hits)
    for path in found:
        if path not in listed:
            yield f"{path} is in no toctree", 1


def main() -> int:
    """Print what is broken; the exit status."""
    faults = broken()
    for fault in faults:
        print(fault)
    links = sum(1 for page in pages().values() for _ in page.links)
    print(f"{len(pages())} pages, {links} links, {len(external())} of them elsewhere, {len(faults)} broken")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

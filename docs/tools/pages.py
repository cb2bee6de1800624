"""The pages of the documentation as Markdown: what they link to, what can be linked to in them, what they quote."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

__all__ = ["GENERATED", "ROOT", "Block", "Page", "pages", "slug"]

ROOT = Path(__file__).parents[2]
#: The folder of what is written when the site is built, and kept nowhere.
GENERATED = Path("docs/generated")

_parser = MarkdownIt("commonmark").enable("table")


def slug(heading: str) -> str:
    """The anchor of a heading, as code hosts and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@dataclass(frozen=True)
class Block:
    """A fenced block: what stands behind the fence, its text, and the line where it begins, from 1."""

    info: str
    text: str
    line: int


@dataclass(frozen=True)
class Page:
    """One Markdown file at ``path``, relative to the repository's ``root``."""

    path: Path
    root: Path = ROOT

    @cached_property
    def text(self) -> str:
        """All of it."""
        return (self.root / self.path).read_text()

    @cached_property
    def tokens(self) -> list[Token]:
        """The blocks of the page."""
        return _parser.parse(self.text)

    def _inline(self) -> Iterator[tuple[Token, int]]:
        """Everything that stands in running text, with its line."""
        for token in self.tokens:
            if token.type == "inline":
                for child in token.children or ():
                    yield child, (token.map or [0])[0] + 1

    @cached_property
    def anchors(self) -> set[str]:
        """What a link may name behind ``#``."""
        found: set[str] = set()
        for before, token in zip(self.tokens, self.tokens[1:], strict=False):
            if before.type == "heading_open":
                name = base = slug("".join(part.content for part in token.children or ()))
                number = 0
                while name in found:
                    number += 1
                    name = f"{base}-{number}"
                found.add(name)
        return found

    @property
    def links(self) -> Iterator[tuple[str, str, int]]:
        """Targets of links and pictures, with their titles and lines."""
        for token, line in self._inline():
            target = token.attrGet("href" if token.type == "link_open" else "src")
            if isinstance(target, str):
                yield target, str(token.attrGet("title") or ""), line

    @property
    def code(self) -> Iterator[tuple[str, int]]:
        """What is quoted as code in running text, with its lines."""
        for token, line in self._inline():
            if token.type == "code_inline":
                yield token.content, line

    @property
    def blocks(self) -> Iterator[Block]:
        """The fenced blocks."""
        for token in self.tokens:
            if token.type == "fence":
                yield Block(token.info.strip(), token.content, (token.map or [0])[0] + 1)


def pages(root: Path = ROOT) -> dict[Path, Page]:
    """Every page of the documentation and the README, by path; without what a build generates."""
    found = [*sorted((root / "docs").rglob("*.md")), root / "README.md"]
    relative = [path.relative_to(root) for path in found if path.is_file()]
    return {path: Page(path, root) for path in relative if not path.is_relative_to(GENERATED)}

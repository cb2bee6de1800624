"""A page as a test sees it: well-formed or not, its texts, headings, addresses and identifiers."""

from html.parser import HTMLParser

__all__ = ["Parsed"]

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Parsed(HTMLParser):
    """Reads a page and fails where an element is not closed, or closed twice."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.heads: list[tuple[int, str]] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in {tag}: {names}"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("h1", "h2", "h3", "h4"):
            self.heads.append((int(tag[1]), ""))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"{tag} closed and never opened"
        assert self.open[-1] == tag, f"{tag} closed inside {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            return
        if data.strip():
            self.texts.append(" ".join(data.split()))
            if self.open[-1] in ("h1", "h2", "h3", "h4"):
                self.heads[-1] = (self.heads[-1][0], self.heads[-1][1] + data)

    @property
    def text(self) -> str:
        """All that is to be read, with single spaces."""
        return " ".join(self.texts)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of that name."""
        return [attributes for name, attributes in self.tags if name == tag]

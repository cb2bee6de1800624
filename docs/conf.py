"""How Sphinx makes a site of these pages: ``python -m sphinx docs build/docs`` from the repository's root.

What is in docs/generated is written here.
"""

import re
import shutil
from pathlib import Path
from typing import Any

from docs.tools.commands import reference
from docs.tools.pages import GENERATED, ROOT, pages
from subbit import __version__

DOCS = Path(__file__).parent

project = "subbit"
version = release = __version__
html_title = f"subbit {__version__}"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
html_theme = "furo"
myst_heading_anchors = 6
exclude_patterns = ["tools"]
default_role = "literal"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
html_show_copyright = False
smartquotes = False
linkcheck_timeout = 20
linkcheck_retries = 2

#: What a browser shows as it stands; anything else that a page links to can be downloaded.
SHOWN = {".py": "python", ".sv": "systemverilog", ".v": "verilog", ".json": "json", ".md": "markdown", ".cpp": "cpp"}
SOURCES = GENERATED.relative_to("docs") / "source"
LINK = re.compile(r"\]\(((?:\.\./)+)([\w./-]+)((?: \"[^\"]*\")?)\)")


def generate(app: Any) -> None:
    """Write the command reference, and a page for each file of the repository that a page links to."""
    folder = ROOT / GENERATED
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "commands.md").write_text(reference())
    for path in sorted({path for page in pages().values() for path in linked(page.path, page.text)}):
        shown = folder / "source" / f"{path}.md"
        shown.parent.mkdir(parents=True, exist_ok=True)
        up = "/".join([".."] * len(shown.parent.relative_to(ROOT).parts))
        shown.write_text(
            f"---\norphan: true\n---\n# {path}\n\n"
            f"```{{literalinclude}} {up}/{path}\n:language: {SHOWN[path.suffix]}\n:linenos:\n```\n"
        )


def linked(page: Path, text: str) -> set[Path]:
    """Files outside docs/ that a page links to and a browser can show, from the repository's root."""
    found = set()
    for ups, rest, _ in LINK.findall(text):
        path = (ROOT / page.parent / ups / rest).resolve()
        if path.is_file() and path.suffix in SHOWN and not path.is_relative_to(DOCS):
            found.add(path.relative_to(ROOT))
    return found


def show_sources(app: Any, name: str, source: list[str]) -> None:
    """Point links to files of the repository at the pages that show them, and to folders nowhere."""
    page = Path("docs") / f"{name}.md"

    def target(match: re.Match[str]) -> str:
        path = (ROOT / page.parent / match[1] / match[2]).resolve()
        if path.is_file() and path.suffix in SHOWN and not path.is_relative_to(DOCS):
            up = "../" * (len(page.parent.parts) - 1)
            return f"]({up}{SOURCES}/{path.relative_to(ROOT)}.md{match[3]})"
        return match[0]

    if not page.is_relative_to(GENERATED):
        source[0] = LINK.sub(target, source[0])
    if name == "index":  # A pattern may wait for its page, of which Sphinx would complain.
        source[0] = re.sub(
            r"^[\w-]+\*$", lambda found: found[0] if list(DOCS.glob(found[0])) else "", source[0], flags=re.M
        )


def setup(app: Any) -> None:
    """Hook the above into Sphinx."""
    app.connect("builder-inited", generate)
    app.connect("source-read", show_sources)

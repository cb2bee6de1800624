"""Pages in headless Chromium: how wide they are at a width, pictures of them, and their print.

A window of Chromium is never narrower than about 500 pixels, so the page stands in a frame of the wanted width inside a
wider one: style sheets see the frame's width, as they would see a phone's.
"""

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from html import escape
from pathlib import Path

from PIL import Image

__all__ = ["Browser", "Layout"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FRAME = """<!DOCTYPE html><meta charset="utf-8">
<style>body {{ margin: 0 }} iframe {{ border: 0; display: block }}</style>
<iframe id="page" srcdoc="{page}" style="width: {width}px; height: {height}px"></iframe>
<pre id="told"></pre>
<script>
document.getElementById("page").addEventListener("load", event => {{
  const root = event.target.contentDocument.documentElement, limit = root.clientWidth;
  const clipped = element => element.closest(".scroll, svg") !== null;
  const wide = [...root.querySelectorAll("body *")].filter(element =>
    !clipped(element) && element.getBoundingClientRect().right > limit + 0.5);
  document.getElementById("told").textContent = JSON.stringify({{
    width: root.scrollWidth, height: root.scrollHeight, wide: wide.map(element => element.outerHTML.slice(0, 80))}});
}});
</script>
"""


@dataclass(frozen=True)
class Layout:
    """A page as laid out: ``width`` that it scrolls over, its whole ``height``, and elements that are too ``wide``."""

    width: int
    height: int
    wide: tuple[str, ...]


@dataclass(frozen=True)
class Browser:
    """A Chromium at ``path``."""

    path: str

    @classmethod
    def find(cls) -> "Browser | None":
        """The first that there is on PATH, or None."""
        found = next((path for name in NAMES if (path := shutil.which(name))), None)
        return None if found is None else cls(found)

    def layout(self, page: Path, width: int, height: int = 844) -> Layout:
        """``page`` laid out in a frame of ``width`` times ``height`` pixels."""
        with tempfile.TemporaryDirectory(prefix="subbit-browser-") as folder:
            dumped = self._run(folder, width, height, "--dump-dom", _framed(page, width, height, Path(folder)))
        told = re.search(r'<pre id="told">(\{.*?\})</pre>', dumped, re.DOTALL)
        if told is None:
            raise RuntimeError(f"{self.path} did not tell the layout of {page}")
        found = json.loads(told[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
        return Layout(found["width"], found["height"], tuple(found["wide"]))

    def picture(self, page: Path, width: int, *, dark: bool = False, height: int | None = None) -> Image.Image:
        """``page`` as it looks at ``width`` pixels, all of its height, or the upper ``height`` of it."""
        height = height or self.layout(page, width).height
        with tempfile.TemporaryDirectory(prefix="subbit-browser-") as folder:
            file = Path(folder) / "page.png"
            scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
            self._run(
                folder, width, height, f"--screenshot={file}", *scheme, _framed(page, width, height, Path(folder))
            )
            with Image.open(file) as image:
                return image.convert("RGB").crop((0, 0, width, height))

    def print(self, page: Path, file: Path) -> None:
        """``page`` as a PDF, as the printer would get it."""
        with tempfile.TemporaryDirectory(prefix="subbit-browser-") as folder:
            self._run(folder, 1280, 900, f"--print-to-pdf={file}", "--no-pdf-header-footer", page.resolve().as_uri())

    def _run(self, folder: str, width: int, height: int, *arguments: str) -> str:
        command = [
            *(
                self.path,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--disable-extensions",
            ),
            *(
                f"--user-data-dir={folder}/profile",
                f"--window-size={max(width, 500)},{height}",
                "--virtual-time-budget=2000",
            ),
            *arguments,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def _framed(page: Path, width: int, height: int, folder: Path) -> str:
    """The address of a page that shows ``page`` in a frame."""
    file = folder / "frame.html"
    file.write_text(FRAME.format(page=escape(page.read_text(encoding="utf-8")), width=width, height=height))
    return file.as_uri()

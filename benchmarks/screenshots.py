"""Pictures of reports for the documents, at desktop and phone width.

    subbit demo -o subbit-demo
    python -m benchmarks boards --rows mnist-cnn-ulx3s-25f
    python -m benchmarks.screenshots [--demo FOLDER] [--builds FOLDER] [--data-dir FOLDER]

`--demo` is the folder of the demo, `--builds` that of the boards' benchmark, whose convolutional network for MNIST is
shown; where it was not built, its plan is. `--data-dir` holds a folder mnist with the original files. Needs Chromium.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from PIL import Image

from benchmarks.boards.rows import NETWORKS
from benchmarks.browser import Browser
from subbit import library
from sw.errors import SubbitError
from sw.files import atomic_write

__all__ = ["main"]

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
DESKTOP, PHONE, SCREEN = 1280, 390, 1400
#: Between the parts of a phone's page, and what colours a picture keeps.
GAP, BETWEEN, COLOURS = 24, (213, 220, 226), 128


def main() -> int:
    """The command. Exit status 2 where something is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, default=Path("subbit-demo"), help="folder of the demo (%(default)s)")
    parser.add_argument("--builds", type=Path, default=Path("build/boards"), help="folder of the builds (%(default)s)")
    parser.add_argument("--data-dir", type=Path, help="folder with the data sets' folders")
    given = parser.parse_args()
    browser = Browser.find()
    if browser is None:
        print("Pictures of pages need Chromium: put chromium or google-chrome on PATH.", file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="subbit-screenshots-") as scratch:
            for page in (digits(given.demo, Path(scratch)), mnist(given.builds, given.data_dir, Path(scratch))):
                photograph(browser, page)
    except SubbitError as error:
        print(f"{error}", file=sys.stderr)
        return 2
    return 0


def digits(demo: Path, scratch: Path) -> Path:
    """The report of the demo."""
    page = scratch / "digits.html"
    library.report(demo / "icebreaker", page, others=[demo / "rtl"], data="digits", title="digits")
    return page


def mnist(builds: Path, data_dir: Path | None, scratch: Path) -> Path:
    """The report of the convolutional network for MNIST."""
    page, folder, plan = scratch / "mnist-cnn.html", builds / "mnist-cnn-ulx3s-25f", None
    if not folder.is_dir():
        folder = NETWORKS / "mnist-cnn.safetensors"
        plan = library.plan(library.load(folder), device="ecp5-25f", fps=500, clock_mhz=40)
    data = None if data_dir is None else data_dir / "mnist"
    library.report(folder, page, plan=plan, data="mnist", data_dir=data, title="mnist-cnn")
    return page


def photograph(browser: Browser, page: Path) -> None:
    """Keep pictures of ``page``: as a desk shows it, and as a phone does, one part beside the other."""
    keep(browser.picture(page, DESKTOP), f"report-{page.stem}")
    long = browser.picture(page, PHONE)
    parts = [long.crop((0, top, PHONE, min(top + SCREEN, long.height))) for top in range(0, long.height, SCREEN)]
    strip = Image.new("RGB", (len(parts) * (PHONE + GAP) - GAP, SCREEN), BETWEEN)
    for at, part in enumerate(parts):
        strip.paste(part, (at * (PHONE + GAP), 0))
    keep(strip, f"report-{page.stem}-phone")


def keep(picture: Image.Image, name: str) -> None:
    """Write a picture with few colours, which is all that a report has."""
    path = PICTURES / f"{name}.png"
    few = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    with atomic_write(path) as temporary:
        few.save(temporary, format="PNG", optimize=True)
    print(f"{path}: {picture.width} x {picture.height}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())

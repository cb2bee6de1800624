"""Writes the timing diagrams of docs/hardware.md: ``python -m docs.tools.timing``.

A small accelerator is simulated, its waveform is recorded as a VCD, and the pictures are drawn from that alone.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from docs.tools.pages import ROOT
from docs.tools.timing.scenes import SCENES

__all__ = ["main"]


def main(say: Callable[[str], None] = print) -> None:
    """Draw every scene into docs/pictures."""
    with tempfile.TemporaryDirectory() as folder:
        for name, scene in SCENES.items():
            path = ROOT / "docs" / "pictures" / f"{name}.svg"
            path.write_text(scene.draw(Path(folder)))
            say(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

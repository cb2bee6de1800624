"""How much to send at once on a line that loses frames."""

from math import sqrt

from boards.link.protocol import CHUNK_LIMIT

__all__ = ["Pace"]

OVERHEAD = 9  #: Bytes of a chunk's frame beside its data.
MEMORY = 20_000  #: Bytes after which what the line did counts half.
WINDOW = 4096
FRAMES = 64
IMAGES = 16


class Pace:
    """Sizes of chunks, and how much may be on its way, from the losses that there were.

    A frame of d + h bytes comes through with the chance e^(-r (d + h)) at r losses a byte, and brings d bytes. Most
    comes through a second with d^2 + h d = h / r.
    """

    def __init__(self) -> None:
        self._bytes, self._losses = 0.0, 0.0
        self._frames = FRAMES

    def through(self, size: int) -> None:
        """A frame with ``size`` bytes of data was taken."""
        self._bytes += size + OVERHEAD
        if self._bytes > MEMORY:
            self._bytes /= 2
            self._losses = self._losses / 2 if self._losses > 0.25 else 0.0

    def lost(self) -> None:
        """A frame was lost on the line."""
        self._losses += 1

    def overrun(self) -> None:
        """A frame was lost because the board had no room for it."""
        self._frames = max(2, self._frames // 2)

    def answered(self) -> None:
        """An image has its answer."""
        self._frames = min(FRAMES, self._frames + 1)

    @property
    def rate(self) -> float:
        """Losses a byte."""
        return min(self._losses / max(self._bytes, 100), 0.1)

    @property
    def chunk(self) -> int:
        """Bytes of an image to put into a frame."""
        if not self.rate:
            return CHUNK_LIMIT
        best = sqrt(OVERHEAD * OVERHEAD / 4 + OVERHEAD / self.rate) - OVERHEAD / 2
        return max(8, min(CHUNK_LIMIT, int(best)))

    @property
    def window(self) -> int:
        """Bytes of images that may be on their way: what a loss would cost."""
        return WINDOW if not self.rate else max(2 * self.chunk, min(WINDOW, int(1 / self.rate)))

    @property
    def frames(self) -> int:
        """Frames that may be on their way."""
        return self._frames

    @property
    def images(self) -> int:
        """Images that may be on their way. A lost answer costs an image unless it is the last one."""
        return IMAGES if self.rate < 1e-4 else 1

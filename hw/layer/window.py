"""Sliding windows over a raster stream: what they cover, and their order, for the serial and the parallel generator."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from amaranth import Const
from amaranth.lib import data

from hw.datapath.rom import Rom
from hw.stream.words import taps_layout

__all__ = ["UNCHECKED", "Fill", "Order", "WindowShape"]

#: For memories whose word is not used when it is read while it is written: Yosys adds logic for that case otherwise.
UNCHECKED = {"no_rw_check": "1"}

Fill = int | Literal["skip"]
Order = Literal["tap", "channel"]


@dataclass(frozen=True)
class WindowShape:
    """Windows of ``kernel`` (rows, columns) at ``stride`` over images of height x width x channels elements of ``bits``
    bits.

    ``pad`` rows and columns stand outside on each side; ``fill`` is the element that they hold, or "skip": taps that do
    not count. Every window is sent ``folds`` times, in words of ``lanes`` taps. In "tap" order
    these run row, column, channel; in "channel" order all positions of the kernel come for ``lanes`` channels before
    those for the next. A dense layer is the 1x1 kernel over a 1x1 image that has all its inputs as channels.
    """

    height: int
    width: int
    channels: int
    bits: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    pad: int = 0
    fill: Fill = 0
    lanes: int = 1
    folds: int = 1
    order: Order = "tap"

    def __post_init__(self) -> None:
        for field in ("height", "width", "channels", "bits", "stride", "lanes", "folds"):
            if not isinstance(getattr(self, field), int) or getattr(self, field) < 1:
                raise ValueError(f"{field} must be a positive integer, not {getattr(self, field)!r}")
        if self.pad < 0:
            raise ValueError(f"pad must not be negative, not {self.pad!r}")
        if self.fill != "skip" and not (isinstance(self.fill, int) and 0 <= self.fill < 1 << self.bits):
            raise ValueError(f"fill must be skip or an element of {self.bits} bits, not {self.fill!r}")
        if self.taps % self.lanes:
            raise ValueError(f"lanes must divide the {self.taps} taps, not {self.lanes!r}")
        if self.order not in ("tap", "channel"):
            raise ValueError(f"order must be tap or channel, not {self.order!r}")
        if self.order == "channel" and not self.is_serial:
            raise ValueError(f"lanes must divide the {self.channels} channels in channel order, not {self.lanes!r}")
        if self.out_height < 1 or self.out_width < 1:
            raise ValueError(f"kernel must fit the padded image, not {self.kernel!r}")

    @property
    def taps(self) -> int:
        """N, elements in a window."""
        return self.kernel[0] * self.kernel[1] * self.channels

    @property
    def out_height(self) -> int:
        """Rows of windows."""
        return (self.height + 2 * self.pad - self.kernel[0]) // self.stride + 1

    @property
    def out_width(self) -> int:
        """Windows in a row."""
        return (self.width + 2 * self.pad - self.kernel[1]) // self.stride + 1

    @property
    def windows(self) -> int:
        """Windows in a frame."""
        return self.out_height * self.out_width

    @property
    def is_serial(self) -> bool:
        """Whether a word lies within one pixel, so that windows can be read from a memory word by word."""
        return self.channels % self.lanes == 0

    @property
    def passes(self) -> bool:
        """Whether every word coming in is a window, sent once: then there is nothing to generate."""
        whole = self.kernel == (1, 1) and self.lanes == self.taps
        return whole and self.stride == 1 and not self.pad and self.folds == 1

    @property
    def words_per_window(self) -> int:
        """Words of one window, sent once."""
        return self.taps // self.lanes

    @property
    def skips(self) -> bool:
        """Whether windows have taps that do not count."""
        return self.pad > 0 and self.fill == "skip"

    @property
    def in_lanes(self) -> int:
        """Elements in a word coming in: ``lanes`` for the serial generator, a whole pixel for the parallel one."""
        return self.lanes if self.is_serial else self.channels

    @property
    def in_words(self) -> int:
        """Words of a frame coming in."""
        return self.height * self.width * self.channels // self.in_lanes

    @property
    def outside(self) -> int:
        """The element that padding holds."""
        return 0 if self.fill == "skip" else self.fill

    def border_of(self, lanes: int) -> Const:
        """``lanes`` elements of padding side by side."""
        return Const(sum(self.outside << lane * self.bits for lane in range(lanes)), lanes * self.bits)

    @property
    def payload(self) -> data.StructLayout:
        """A word of taps, and which of them are skipped."""
        return taps_layout(self.lanes, self.bits, self.kernel[0] * self.kernel[1] if self.skips else 0)

    @property
    def roms(self) -> tuple[Rom, ...]:
        """Tables of what is read; none where all taps are."""
        return ()

    @cached_property
    def origins(self) -> np.ndarray:
        """Row and column of the top left tap of every window, int64 (windows, 2); negative in the padding."""
        rows = np.arange(self.out_height) * self.stride - self.pad
        columns = np.arange(self.out_width) * self.stride - self.pad
        return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)

    def reference(self, image: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        """Word by word for an image (height, width, channels): taps and skipped lanes, (lanes,), skipped positions."""
        edge = ((self.pad, self.pad), (self.pad, self.pad), (0, 0))
        padded = np.pad(image, edge, constant_values=self.outside)
        skipped = np.pad(np.zeros(image.shape, bool), edge, constant_values=self.fill == "skip")
        rows, columns = self.kernel
        for y, x in self.origins + self.pad:
            skip = skipped[y : y + rows, x : x + columns]
            missing = int(skip[..., 0].sum())
            words = self.words(padded[y : y + rows, x : x + columns]), self.words(skip)
            for _ in range(self.folds):
                for word, mask in zip(*words, strict=True):
                    yield word, mask, missing

    def words(self, window: np.ndarray) -> np.ndarray:
        """The taps (rows, columns, channels) of one window as words (words, lanes) in the order of sending."""
        if self.order == "tap":
            return window.reshape(-1, self.lanes)
        parts = window.reshape(*self.kernel, -1, self.lanes)
        return parts.transpose(2, 0, 1, 3).reshape(-1, self.lanes)

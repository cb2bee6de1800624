"""Images as the beats that go into an accelerator, and results as the beats that come out of it."""

import numpy as np

__all__ = ["input_beats", "output_beats", "result_values"]


def input_beats(images: np.ndarray, bits: int, pixels_per_beat: int, width: int) -> list[int]:
    """Beats of ``width`` bits for images (n, height, width, channels) of ``bits``-bit pixels, in raster order.

    ``pixels_per_beat`` pixels a beat, the first one's channel 0 in the low bits.
    """
    planes = (images[..., None] >> np.arange(bits, dtype=np.uint8)) & 1
    rows = planes.reshape(-1, pixels_per_beat * images.shape[3] * bits)
    if rows.shape[1] > width:
        raise ValueError(f"width must be at least {rows.shape[1]}, not {width!r}")
    return [int.from_bytes(row.tobytes(), "little") for row in np.packbits(rows, axis=1, bitorder="little")]


def output_beats(scores: np.ndarray, classes: np.ndarray, width: int, output: str) -> list[int]:
    """Beats of ``width`` bits for scores (n, classes) and classes (n,): each score in two's complement, then the class;
    or it alone where ``output`` is "class"."""
    if output == "class":
        return [int(winner) for winner in classes]
    columns = np.concatenate([scores, classes[:, None]], axis=1)
    return [int(value) % (1 << width) for value in columns.reshape(-1)]


def result_values(beats: list[int], width: int) -> list[int]:
    """Beats read as two's complement integers of ``width`` bits."""
    return [beat - (1 << width) if beat >> (width - 1) else beat for beat in beats]

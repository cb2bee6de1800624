"""Exact integer linear algebra on the floating-point units, which are the fastest multipliers that numpy reaches."""

import numpy as np

__all__ = ["exact_product", "window_rows"]


def window_rows(x: np.ndarray, kernel: tuple[int, int], stride: int) -> np.ndarray:
    """Kernel windows of images (n, height, width, channels) as rows (n, out_height, out_width, taps).

    Taps run row, column, channel.
    """
    if kernel == (1, 1):
        return x[:, ::stride, ::stride]
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(1, 2))[:, ::stride, ::stride]
    n, height, width, channels = windows.shape[:4]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(n, height, width, kernel[0] * kernel[1] * channels)


def exact_product(rows: np.ndarray, signs: np.ndarray, magnitude: int) -> np.ndarray:
    """Integer product of ``rows`` (n, taps), |entry| <= magnitude, with +-1 ``signs`` (taps, outputs): float (n, outputs).

    Every partial sum is an integer of at most taps * magnitude. Below 2**24 float32 holds all of them, below 2**53 float64
    does, so no order of addition rounds. Raises ValueError above that.
    """
    reach = rows.shape[1] * magnitude
    if reach < 1 << 24:
        return rows.astype(np.float32, copy=False) @ signs
    if reach < 1 << 53:
        return rows.astype(np.float64) @ signs.astype(np.float64)
    raise ValueError(f"taps * magnitude must be below 2**53, not {reach}")

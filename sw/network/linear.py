"""Exact integer linear algebra at the processor's speed: bits by XOR and population count, others by floating point."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

__all__ = ["bit_sums", "exact_product", "pack_bits", "packed_windows", "window_rows"]

# Elements of a block of results: what XOR, count and sum work on must stay in the second-level cache.
BLOCK = 1 << 16


def window_rows(x: np.ndarray, kernel: tuple[int, int], stride: int) -> np.ndarray:
    """Kernel windows of images (n, height, width, channels) as rows (n, out_height, out_width, taps).

    Taps run row, column, channel.
    """
    if kernel == (1, 1):
        return x[:, ::stride, ::stride]
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(1, 2))[:, ::stride, ::stride]
    n, height, width, channels = windows.shape[:4]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(n, height, width, kernel[0] * kernel[1] * channels)


def exact_product(rows: np.ndarray, weights: np.ndarray, magnitude: int) -> np.ndarray:
    """Integer product of ``rows`` (n, taps) with ``weights`` (taps, outputs), as float (n, outputs).

    ``magnitude`` bounds |entry * weight|.

    Every partial sum is an integer of at most taps * magnitude. Below 2**24 float32 holds all of them, below 2**53
    float64 does, so no order of addition rounds. Raises ValueError above that.
    """
    reach = rows.shape[1] * magnitude
    if reach < 1 << 24:
        return rows.astype(np.float32, copy=False) @ weights
    if reach < 1 << 53:
        return rows.astype(np.float64) @ weights.astype(np.float64)
    raise ValueError(f"taps * magnitude must be below 2**53, not {reach}")


def pack_bits(rows: np.ndarray) -> np.ndarray:
    """Bits (n, taps), uint8 of 0 and 1, as uint64 words (n, ceil(taps / 64)); spare bits are 0."""
    return as_words(np.packbits(rows, axis=1, bitorder="little"))


def packed_windows(bits: np.ndarray, kernel: tuple[int, int], stride: int) -> np.ndarray:
    """``pack_bits`` of the ``window_rows`` of bit images (n, height, width, channels), all windows in one axis."""
    channels = bits.shape[3]
    if channels % 8:
        rows = window_rows(bits, kernel, stride)
        return pack_bits(rows.reshape(-1, rows.shape[3]))
    rows = window_rows(np.packbits(bits, axis=3, bitorder="little"), kernel, stride)
    return as_words(rows.reshape(-1, rows.shape[3]))


def as_words(rows: np.ndarray) -> np.ndarray:
    """Bytes (n, m) as uint64 words (n, ceil(m / 8)), zeros behind the last byte."""
    spare = -rows.shape[1] % 8
    if spare:
        rows = np.pad(rows, ((0, 0), (0, spare)))
    return np.ascontiguousarray(rows).view(np.uint64)


def bit_sums(rows: np.ndarray, weights: np.ndarray, taps: int) -> np.ndarray:
    """Sums 2P - N, int32 (n, outputs), of packed bits (n, words) with weight bits (outputs, words), N = ``taps``."""
    columns = np.ascontiguousarray(weights.T)
    out = np.empty((len(rows), len(weights)), np.int32)
    step = max(1, BLOCK // len(weights))

    def block(start: int) -> None:
        part = rows[start : start + step]
        differ = np.zeros((len(part), columns.shape[1]), np.uint32 if taps > 0xFFFF else np.uint16)
        word, count = np.empty(differ.shape, np.uint64), np.empty(differ.shape, np.uint8)
        for place, column in enumerate(columns):
            np.bitwise_xor(part[:, place, None], column, out=word)
            differ += np.bitwise_count(word, out=count)
        np.subtract(taps, differ.astype(np.int32) * 2, out=out[start : start + step])

    starts = range(0, len(rows), step)
    if len(starts) == 1:
        block(0)
    else:
        list(workers().map(block, starts))
    return out


@cache
def workers() -> ThreadPoolExecutor:
    """One thread a core; numpy lets them run side by side."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return ThreadPoolExecutor(cores, thread_name_prefix="subbit")

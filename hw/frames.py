"""Images as the beats that go into an accelerator, and results as the beats that come out of it."""

import numpy as np

__all__ = ["frame_bytes", "input_beats", "output_beats"]


def frame_bytes(images: np.ndarray, bits: int, pixels_per_beat: int, input_bits: int) -> bytes:
    """``images`` (n, height, width, channels) as input beats, each ``input_bits`` wide with the high byte first.

    Pixels come in raster order, ``pixels_per_beat`` of them in a beat, the first pixel and channel 0 in the low bits.
    """
    planes = (images[..., None] >> np.arange(bits, dtype=np.uint8)) & 1
    beats = planes.reshape(-1, pixels_per_beat * images.shape[3] * bits)
    if input_bits % 8 or beats.shape[1] > input_bits:
        raise ValueError(f"input_bits must be a multiple of 8 from {beats.shape[1]}, not {input_bits!r}")
    words = np.zeros((len(beats), input_bits), np.uint8)
    words[:, : beats.shape[1]] = beats
    return np.packbits(words, axis=1, bitorder="little")[:, ::-1].tobytes()


def input_beats(images: np.ndarray, bits: int, pixels_per_beat: int, width: int) -> list[int]:
    """`frame_bytes` as one integer a beat of ``width`` bits."""
    packed, size = frame_bytes(images, bits, pixels_per_beat, width), width // 8
    return [int.from_bytes(packed[at : at + size], "big") for at in range(0, len(packed), size)]


def output_beats(scores: np.ndarray, classes: np.ndarray, width: int, output: str) -> list[int]:
    """Beats of ``width`` bits for scores (n, classes) and classes (n,): each score in two's complement, then the class;
    or it alone where ``output`` is "class"."""
    if output == "class":
        return [int(winner) for winner in classes]
    columns = np.concatenate([scores, classes[:, None]], axis=1)
    return [int(value) % (1 << width) for value in columns.reshape(-1)]

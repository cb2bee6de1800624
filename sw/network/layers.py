"""The layers of a Network and their integer arithmetic, the definition of what the hardware computes."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from sw.network.encodings import Encoding
from sw.network.linear import bit_sums, exact_product, pack_bits, packed_windows, window_rows
from sw.network.padding import NO_PADDING, Padding
from sw.network.tensor import TensorType, values

__all__ = [
    "BitPlanes",
    "BitSlices",
    "Convolution",
    "Dense",
    "Layer",
    "Linear",
    "MaxPool",
    "Padding",
    "Scores",
    "Thermometer",
    "Threshold",
]


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """One step of a Network: its name, and the names of the layers that it reads ("input" is the image)."""

    kind: ClassVar[str]
    name: str
    reads: tuple[str, ...]

    def output(self, source: TensorType) -> TensorType:
        """Type of the output for an input of type ``source``. Raises ValueError where the layer cannot read it."""
        raise NotImplementedError

    def compute(self, x: np.ndarray, source: TensorType) -> np.ndarray:
        """Output of shape (images, height, width, channels) for inputs ``x`` of that layout and type ``source``."""
        raise NotImplementedError

    def expect(self, source: TensorType, *domains: str) -> None:
        """Raise ValueError unless ``source`` is of one of ``domains``."""
        if source.domain not in domains:
            raise ValueError(f"{self.name} must read {' or '.join(domains)}, not {source}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Thermometer(Layer):
    """Pixels to bits by thresholds: ``thresholds`` is (channels, levels), bit = pixel >= threshold.

    Output channel = input channel * levels + level. One level is the plain one-threshold input; many are FracBNN's
    thermometer (Zhang et al., FPGA 2021, section 3.2).
    """

    kind: ClassVar[str] = "thermometer"
    thresholds: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "thresholds", integer_table("thresholds", self.thresholds))

    def output(self, source: TensorType) -> TensorType:
        self.expect(source, "pixels")
        channels, levels = self.thresholds.shape
        if channels != source.channels:
            raise ValueError(f"{self.name}.thresholds must have {source.channels} rows, not {channels}")
        return TensorType.levels(source.height, source.width, channels * levels, 1)

    def compute(self, x: np.ndarray, source: TensorType) -> np.ndarray:
        bits = x[..., None] >= self.thresholds
        return bits.reshape(*x.shape[:3], self.thresholds.size).astype(np.uint8)


@dataclass(frozen=True, eq=False, kw_only=True)
class BitPlanes(Layer):
    """Pixels of which only some bit planes are kept; a dropped plane reads as 0. The sums that follow stay exact."""

    kind: ClassVar[str] = "planes"
    planes: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.planes or list(self.planes) != sorted(set(self.planes)) or self.planes[0] < 0:
            raise ValueError(f"planes must be ascending plane numbers, not {self.planes!r}")

    def output(self, source: TensorType) -> TensorType:
        self.expect(source, "pixels")
        if not set(self.planes) <= set(source.planes):
            raise ValueError(f"{self.name}.planes must be among {source.planes}, not {self.planes}")
        return TensorType.pixels(*source.shape, self.planes)

    def compute(self, x: np.ndarray, source: TensorType) -> np.ndarray:
        return x & x.dtype.type(sum(1 << plane for plane in self.planes))


@dataclass(frozen=True, eq=False, kw_only=True)
class BitSlices(Layer):
    """Pixels to bits: every kept bit of every channel becomes a channel of its own, worth -1 or +1.

    Output channel = input channel * len(slices) + position, the lowest kept bit first. A bit's place no longer counts:
    the first layer weighs each one by itself (Li and Ren, CBNN, 2018, arXiv 1802.00904; order as in its code).
    """

    kind: ClassVar[str] = "slices"
    slices: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.slices or list(self.slices) != sorted(set(self.slices)) or self.slices[0] < 0:
            raise ValueError(f"slices must be ascending bit numbers, not {self.slices!r}")

    def output(self, source: TensorType) -> TensorType:
        self.expect(source, "pixels")
        if not set(self.slices) <= set(source.planes):
            raise ValueError(f"{self.name}.slices must be among {source.planes}, not {self.slices}")
        return TensorType.levels(source.height, source.width, source.channels * len(self.slices), 1)

    def compute(self, x: np.ndarray, source: TensorType) -> np.ndarray:
        bits = (x[..., None] >> np.array(self.slices, x.dtype)) & x.dtype.type(1)
        return bits.reshape(*x.shape[:3], -1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Linear(Layer):
    """A layer of binary weights: each output is the sum of two-valued weights, mostly +-1, times its taps' values."""

    weights: Encoding

    @property
    def taps(self) -> int:
        """N, the inputs of one output."""
        return math.prod(self.weights.shape[1:])

    @property
    def outputs(self) -> int:
        """Output channels or features."""
        return self.weights.shape[0]

    @cached_property
    def matrix(self) -> np.ndarray:
        """Weight values, float32 (taps, outputs), taps in row, column, channel order."""
        bits = self.weights.decode().reshape(self.outputs, -1)
        return np.ascontiguousarray(np.array(self.weights.values, np.float32)[bits].T)

    @property
    def plain(self) -> bool:
        """Whether the weight bits stand for -1 and +1."""
        return self.weights.values == (-1, 1)

    def product(self, source: TensorType) -> int:
        """The largest absolute value of a weight times an activation."""
        return max(map(abs, self.weights.values)) * source.magnitude

    @cached_property
    def packed(self) -> np.ndarray:
        """Weight bits as uint64 words (outputs, ceil(taps / 64))."""
        return pack_bits(self.weights.decode().reshape(self.outputs, -1))


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Linear):
    """Binary convolution: sums of +-1 weights times activations over a kernel, square stride, in raster order.

    ``weights`` has the shape (out_channels, kernel_height, kernel_width, in_channels), kernels from 1x1 to 7x7. Over N
    one-bit taps with P agreements the sum is 2P - N.
    """

    kind: ClassVar[str] = "convolution"
    stride: int = 1
    padding: Padding = NO_PADDING

    def __post_init__(self) -> None:
        if len(self.weights.shape) != 4:
            raise ValueError(
                f"weights must be (out, kernel_height, kernel_width, in), not of shape {self.weights.shape}"
            )
        if not all(1 <= k <= 7 for k in self.kernel):
            raise ValueError(f"the kernel must be from 1x1 to 7x7, not {self.kernel[0]}x{self.kernel[1]}")
        if self.stride not in (1, 2):
            raise ValueError(f"stride must be 1 or 2, not {self.stride!r}")
        if self.padding.amount >= min(self.kernel) and self.padding.amount:
            raise ValueError(f"padding must be smaller than the kernel, not {self.padding.amount}")

    @property
    def kernel(self) -> tuple[int, int]:
        """(rows, columns) of a kernel."""
        return self.weights.shape[1], self.weights.shape[2]

    def output(self, source: TensorType) -> TensorType:
        self.expect(source, "pixels", "levels")
        out, kh, kw, channels = self.weights.shape
        if channels != source.channels:
            raise ValueError(f"{self.name}.weights must have {source.channels} input channels, not {channels}")
        try:
            self.padding.check(source)
        except ValueError as error:
            raise ValueError(f"{self.name}.padding {error}") from None
        height, width = (
            (size + 2 * self.padding.amount - k) // self.stride + 1
            for size, k in zip((source.height, source.width), (kh, kw), strict=True)
        )
        if height < 1 or width < 1:
            raise ValueError(f"{self.name} must read at least {kh}x{kw} with its padding, not {source}")
        reach = self.taps * self.product(source)
        return TensorType.sums(height, width, out, -reach, reach)

    def compute(self, x: np.ndarray, source: TensorType) -> np.ndarray:
        pad, shape = self.padding, self.output(source)
        edge = ((0, 0), (pad.amount, pad.amount), (pad.amount, pad.amount), (0, 0))
        if self.plain and source.is_bits and pad.kind != "zero":
            bits = np.pad(x, edge, constant_values=pad.kind == "+1") if pad.amount else x
            out = bit_sums(packed_windows(bits, self.kernel, self.stride), self.packed, self.taps)
        else:
            signed = np.pad(values(x, source, np.float32), edge, constant_values=pad.value(source))
            rows = window_rows(signed, self.kernel, self.stride)
            out = exact_product(rows.reshape(-1, self.taps), self.matrix, self.product(source))
        return out.reshape(len(x), *shape.shape)


@dataclass(frozen=True, eq=False, kw_only=True)
class Dense(Linear):
    """Binary dense layer over the whole input, flattened row, column, channel; output is (1, 1, features)."""

    kind: ClassVar[str] = "dense"

    def __post_init__(self) -> None:
        if len(self.weights.shape) != 2:
            raise ValueError(f"weights must be (out, in), not of shape {self.weights.shape}")

    def output(self, source: TensorType) -> TensorType:
        self.expect(source, "pixels", "levels")
        if self.taps != source.size:
            raise ValueError(f"{self.name}.weights must have {source.size} inputs, not {self.taps}")
        reach = self.taps * self.product(source)
        return TensorType.sums(1, 1, self.outputs, -reach, reach)

    def compute(self, x: np.ndarray, source: TensorType) -> np.ndarray:
        rows = x.reshape(len(x), self.taps)
        if self.plain and source.is_bits:
            return bit_sums(pack_bits(rows), self.packed, self.taps)[:, None, None, :]
        return exact_product(values(rows, source, np.float32), self.matrix, self.product(source))[:, None, None, :]


@dataclass(frozen=True, eq=False, kw_only=True)
class Threshold(Layer):
    """Sums to k-bit activations: level = number of thresholds j for which (sum >= thresholds[c, j]) xor invert[c].

    ``thresholds`` is (channels, 2**k - 1), ascending. In agreements, sum >= t is P >= ceil((t + N) / 2): see
    ``sw.network.agreement``. Batch normalisation and sign fold into this exactly (Umuroglu et al., FINN, section
    4.2.2).
    """

    kind: ClassVar[str] = "threshold"
    thresholds: np.ndarray
    invert: np.ndarray

    def __post_init__(self) -> None:
        table = integer_table("thresholds", self.thresholds)
        steps = table.shape[1]
        if steps & (steps + 1) or steps > 255:
            raise ValueError(f"thresholds must have 2**k - 1 columns, k from 1 to 8, not {steps}")
        if (np.diff(table, axis=1) < 0).any():
            raise ValueError("thresholds must be ascending in every channel, not unordered")
        invert = np.asarray(self.invert)
        if invert.shape != table.shape[:1] or invert.dtype != np.bool_:
            raise ValueError(f"invert must be {table.shape[0]} booleans, not {invert.dtype}{invert.shape}")
        object.__setattr__(self, "thresholds", table)
        object.__setattr__(self, "invert", invert)

    @property
    def bits(self) -> int:
        """k, the bits of an activation."""
        return self.thresholds.shape[1].bit_length()

    def output(self, source: TensorType) -> TensorType:
        self.expect(source, "sums")
        if len(self.thresholds) != source.channels:
            raise ValueError(f"{self.name}.thresholds must have {source.channels} rows, not {len(self.thresholds)}")
        return TensorType.levels(*source.shape, self.bits)

    def compute(self, x: np.ndarray, source: TensorType) -> np.ndarray:
        # Clipped to one past the reachable range, a threshold keeps its meaning and fits the type of the sums.
        table = np.clip(self.thresholds, source.low, source.high + 1).astype(x.dtype)
        if self.bits == 1:
            return ((x >= table[:, 0]) ^ self.invert).view(np.uint8)
        level = np.zeros(x.shape, np.uint8)
        for column in table.T:
            level += (x >= column) ^ self.invert
        return level


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPool(Layer):
    """Maximum over size x size, stride ``size``; remainder rows and columns are dropped. On bits it is OR."""

    kind: ClassVar[str] = "max-pool"
    size: int

    def __post_init__(self) -> None:
        if not 2 <= self.size <= 16:
            raise ValueError(f"size must be from 2 to 16, not {self.size!r}")

    def output(self, source: TensorType) -> TensorType:
        self.expect(source, "levels")
        height, width = source.height // self.size, source.width // self.size
        if height < 1 or width < 1:
            raise ValueError(f"{self.name} must read at least {self.size}x{self.size}, not {source}")
        return TensorType.levels(height, width, source.channels, len(source.planes))

    def compute(self, x: np.ndarray, source: TensorType) -> np.ndarray:
        n, size = len(x), self.size
        height, width = source.height // size, source.width // size
        cut = x[:, : height * size, : width * size]
        return cut.reshape(n, height, size, width, size, source.channels).max(axis=(2, 4))


@dataclass(frozen=True, eq=False, kw_only=True)
class Scores(Layer):
    """Integer class scores: scale * sum + bias, int64, one per class. The class is the first of the largest scores."""

    kind: ClassVar[str] = "scores"
    scale: np.ndarray
    bias: np.ndarray

    def __post_init__(self) -> None:
        for field in ("scale", "bias"):
            array = np.asarray(getattr(self, field))
            if array.ndim != 1 or array.dtype.kind not in "iu" or not len(array):
                raise ValueError(f"{field} must be a row of integers, not {array.dtype}{array.shape}")
            object.__setattr__(self, field, signed(field, array))
        if self.scale.shape != self.bias.shape:
            raise ValueError(f"bias must have {len(self.scale)} entries like scale, not {len(self.bias)}")

    def output(self, source: TensorType) -> TensorType:
        self.expect(source, "sums")
        if source.size != len(self.scale):
            raise ValueError(f"{self.name}.scale must have {source.size} entries, not {len(self.scale)}")
        ends = [scale * end + bias for scale, bias in self.rows() for end in (source.low, source.high)]
        if min(ends) < -(1 << 63) or max(ends) >= 1 << 63:
            raise ValueError(f"{self.name} must give scores of 64 bits, not from {min(ends)} to {max(ends)}")
        return TensorType.sums(1, 1, source.size, min(ends), max(ends))

    def rows(self) -> list[tuple[int, int]]:
        """(scale, bias) of each class as Python integers."""
        return [(int(a), int(b)) for a, b in zip(self.scale, self.bias, strict=True)]

    def compute(self, x: np.ndarray, source: TensorType) -> np.ndarray:
        return x.reshape(len(x), 1, 1, len(self.scale)).astype(np.int64) * self.scale + self.bias


def integer_table(name: str, table: np.ndarray) -> np.ndarray:
    """``table`` as a two-dimensional int64 array. Raises ValueError where it is anything else."""
    array = np.asarray(table)
    if array.ndim != 2 or array.dtype.kind not in "iu" or not array.size:
        raise ValueError(f"{name} must be a two-dimensional array of integers, not {array.dtype}{array.shape}")
    return signed(name, array)


def signed(name: str, array: np.ndarray) -> np.ndarray:
    """``array``, which is not empty, as int64. Raises ValueError where a number is too large for that."""
    if array.dtype.kind == "u" and int(array.max()) >= 1 << 63:
        raise ValueError(f"{name} must be below 2**63, not {array.max()}")
    return array.astype(np.int64)

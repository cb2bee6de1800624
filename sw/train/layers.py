"""Layers of a binary network in PyTorch, one for each kind of layer of `sw.network`; in eval mode the same integers.

Tensors are (images, channels, height, width), or (images, features) after a dense layer, and carry *values*: pixels as
they are, levels as odd integers (a bit as -1 or +1), sums as integers. `stored` turns them into what a Network stores.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sw.network import Padding
from sw.network.padding import NO_PADDING
from sw.train.binarize import WeightBinarizer
from sw.train.estimators import Levels, round_ste

__all__ = [
    "Activation",
    "BatchNorm",
    "BinaryConv2d",
    "BinaryLinear",
    "Both",
    "BothLevels",
    "MaxPool",
    "PlanesInput",
    "Scores",
    "SlicesInput",
    "ThermometerInput",
    "even_thresholds",
    "flatten",
    "image_order",
]


def flatten(x: Tensor) -> Tensor:
    """(n, channels, height, width) as (n, features), features in row, column, channel order; (n, features) as it is."""
    return x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x


def image_order(x: Tensor) -> Tensor:
    """Activations in the Network's layout: (n, height, width, channels), dense ones (n, 1, 1, features)."""
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x[:, None, None, :]


def even_thresholds(levels: int, bits: int) -> list[int]:
    """`levels` thresholds that cut 0 .. 2**bits - 1 into even parts, ascending. One is the middle, 2**(bits - 1)."""
    if not 1 <= levels < 2**bits:
        raise ValueError(f"levels must be from 1 to {2**bits - 1} for {bits}-bit pixels, not {levels!r}")
    return [round(2**bits * (level + 1) / (levels + 1)) for level in range(levels)]


class ThermometerInput(nn.Module):
    """Pixels to bits, pixel >= threshold; `thresholds` (channels, levels). Output channel: channel * levels + level."""

    thresholds: Tensor

    def __init__(self, thresholds: Tensor) -> None:
        super().__init__()
        self.register_buffer("thresholds", thresholds.to(torch.int64))

    def forward(self, pixels: Tensor) -> Tensor:
        bits = pixels[:, :, None] >= self.thresholds[None, :, :, None, None]  # (n, channels, levels, height, width)
        return bits.flatten(1, 2).to(pixels.dtype).mul_(2.0).sub_(1.0)


class PlanesInput(nn.Module):
    """Pixels with only the bit planes named in `planes` left; the others read as 0."""

    def __init__(self, planes: tuple[int, ...]) -> None:
        super().__init__()
        self.planes = planes
        self.mask = sum(1 << plane for plane in planes)

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels.to(torch.int32) & self.mask).to(pixels.dtype)


class SlicesInput(nn.Module):
    """The bits in `slices`, -1 or +1, each as a channel. Output channel: channel * len(slices) + position."""

    def __init__(self, slices: tuple[int, ...]) -> None:
        super().__init__()
        self.slices = slices

    def forward(self, pixels: Tensor) -> Tensor:
        places = torch.tensor(self.slices, dtype=torch.int32, device=pixels.device)[:, None, None]
        bits = (pixels.to(torch.int32)[:, :, None] >> places) & 1  # (n, channels, slices, height, width)
        return bits.flatten(1, 2).to(pixels.dtype).mul_(2.0).sub_(1.0)


class _Weighted(nn.Module):
    """What convolution and dense layer share: binary weights, dropout on the input, and sums that are whole numbers.

    In eval mode the sums are rounded to the nearest integer: they are integers, and the library's convolution may
    have been computed by a method (Winograd, TF32) that comes only close to them.
    """

    def __init__(self, binarizer: WeightBinarizer, dropout: float) -> None:
        super().__init__()
        self.binarizer = binarizer
        self.dropout = dropout

    @property
    def taps(self) -> int:
        """Products in one sum."""
        return math.prod(self.binarizer.shape[1:])

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training) if self.dropout else x

    def _whole(self, sums: Tensor) -> Tensor:
        return sums if self.training else torch.round(sums)


class BinaryConv2d(_Weighted):
    """Sums of binary weights times activations over a square kernel; `ends` are the lowest and highest of those."""

    def __init__(
        self,
        binarizer: WeightBinarizer,
        stride: int = 1,
        padding: Padding = NO_PADDING,
        ends: tuple[int, int] = (-1, 1),
        dropout: float = 0.0,
    ) -> None:
        super().__init__(binarizer, dropout)
        self.stride = stride
        self.padding = padding
        level = 2 * padding.level - ends[1] if ends[0] else padding.level  # Pixels begin at 0.
        self.edge = {"none": 0, "zero": 0, "-1": ends[0], "+1": ends[1], "level": level}[padding.kind]

    def forward(self, x: Tensor) -> Tensor:
        # Channels last, the library's convolutions are a quarter faster on a CPU.
        amount, x = self.padding.amount, self._drop(x.contiguous(memory_format=torch.channels_last))
        if self.edge:
            x, amount = F.pad(x, (amount, amount, amount, amount), value=float(self.edge)), 0
        return self._whole(F.conv2d(x, self.binarizer(), stride=self.stride, padding=amount))


class BinaryLinear(_Weighted):
    """Sums of binary weights times all activations, read in row, column, channel order.

    With `mirrored` the second half of these are the complements of the first, in the same order, as `BothLevels` makes
    them: then one product does for both.
    """

    def __init__(self, binarizer: WeightBinarizer, dropout: float = 0.0, mirrored: bool = False) -> None:
        super().__init__(binarizer, dropout)
        self.mirrored = mirrored

    def forward(self, x: Tensor) -> Tensor:
        x = flatten(x)
        if self.mirrored:
            return self._whole(F.linear(self._drop(x[:, : x.shape[1] // 2]), self.binarizer.difference()))
        return self._whole(F.linear(self._drop(x), self.binarizer()))


class Both(nn.Module):
    """The sums of a dense layer that has every one of its `features` inputs twice: all of them, then all again.

    Its weights are 0 but for one 2 in each row.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(self, x: Tensor) -> Tensor:
        x = flatten(x) * 2.0
        return torch.cat([x, x], dim=1)


class BothLevels(nn.Module):
    """Levels of `bits` bits from the sums of `Both`: as they were, then their complements."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits = bits

    def forward(self, sums: Tensor) -> Tensor:
        first, again = (sums / 2.0).chunk(2, dim=1)
        return torch.cat([first, -again], dim=1)


class BatchNorm(nn.Module):
    """Batch normalisation over the channels (axis 1), with an eval mode that the export can repeat to the last bit.

    In eval mode the result is `formula`, in float64, one elementary operation after the other. Each of them is rounded
    correctly and therefore monotone, so the sign of the result changes at most once along the integers.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int, scale: float = 1.0, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.momentum = momentum
        self.epsilon = epsilon
        self.gamma = nn.Parameter(torch.full((channels,), scale))
        self.beta = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def formula(self, x: Tensor) -> Tensor:
        """(x - mean) * (gamma / sqrt(variance + epsilon)) + beta in float64; channels on the last axis."""
        scale = self.gamma.double() / torch.sqrt(self.variance.double() + self.epsilon)
        return (x.double() - self.mean.double()) * scale + self.beta.double()

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return F.batch_norm(x, self.mean, self.variance, self.gamma, self.beta, True, self.momentum, self.epsilon)
        return self.formula(x.movedim(1, -1)).movedim(-1, 1)


class Activation(nn.Module):
    """Batch normalisation and quantisation: a Network's Threshold."""

    def __init__(self, channels: int, levels: Levels) -> None:
        super().__init__()
        self.norm = BatchNorm(channels)
        self.levels = levels

    def forward(self, x: Tensor) -> Tensor:
        return self.levels(self.norm(x)).to(x.dtype)

    @torch.no_grad()
    def level_of(self, sums: Tensor) -> Tensor:
        """Levels 0 .. 2**bits - 1, int64, of integer sums (..., channels), by the very computation of eval mode."""
        values = self.levels(self.norm.formula(sums))
        return torch.div(values.to(torch.int64) + (2**self.levels.bits - 1), 2, rounding_mode="floor")


class MaxPool(nn.Module):
    """Largest level of each size x size square; a remainder of rows or columns is dropped."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(x, self.size)


class Scores(nn.Module):
    """Class scores: temperature * (sum + bias), with a whole bias for each class and one temperature for all of them.

    The temperature is learned, helps the loss only and is left behind: sum + bias are the Network's integer scores.
    The bias is held in units of sqrt(taps), the spread of a sum, so that one learning rate suits it too.
    A Network that is trained further has a whole factor `scale` for each sum, which stays, and a whole bias `base`, to
    which the learned one is added; its scores are then float64.
    """

    scale: Tensor | None
    base: Tensor | None

    def __init__(self, classes: int, taps: float, scale: Tensor | None = None, base: Tensor | None = None) -> None:
        super().__init__()
        self.unit = math.sqrt(taps)
        self.bias = nn.Parameter(torch.zeros(classes))
        self.log_temperature = nn.Parameter(torch.tensor(0.0))
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("base", base, persistent=False)

    def whole_scale(self) -> Tensor:
        """The factor of each class, a whole number."""
        return torch.ones_like(self.bias) if self.scale is None else self.scale

    def whole_bias(self) -> Tensor:
        """The bias of each class, a whole number, in float32 or as `base`."""
        learned = round_ste(self.bias * self.unit)
        return learned if self.base is None else learned + self.base

    def scores(self, sums: Tensor) -> Tensor:
        """Whole scores (n, classes)."""
        return (flatten(sums) if self.scale is None else flatten(sums) * self.scale) + self.whole_bias()

    def forward(self, sums: Tensor) -> Tensor:
        return self.scores(sums).to(sums.dtype) * (torch.exp(self.log_temperature) * 2.0 / self.unit)

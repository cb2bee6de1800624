"""How a layer gets its binary weights while it trains: one small interface, and its plain case.

A compaction method (a codebook, two levels, a reuse tree) is another `WeightBinarizer`, put in a layer's place with
`model.set_binarizer(name, binarizer)`, or a `Regulariser` added to the model; the layers, the training loop and the
export know only these interfaces.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from sw.network.encodings import DenseEncoding, Encoding
from sw.train.estimators import sign

__all__ = ["DenseBinarizer", "LatentBinarizer", "Regulariser", "WeightBinarizer", "kernel_order", "latent_of"]


def kernel_order(weights: Tensor) -> Tensor:
    """PyTorch's (out, in, kernel_h, kernel_w) as the Network's (out, kernel_h, kernel_w, in); (out, in) as it is."""
    return weights.permute(0, 2, 3, 1) if weights.dim() == 4 else weights


def latent_of(bits: np.ndarray, size: float = 1.0) -> Tensor:
    """Latent weights -size and +size for weight bits in the Network's order; the inverse of `kernel_order`."""
    latent = torch.from_numpy(bits.astype(np.float32)).mul_(2.0 * size).sub_(size)
    return latent.permute(0, 3, 1, 2).contiguous() if latent.dim() == 4 else latent


class WeightBinarizer(nn.Module, ABC):
    """The binary weights of one layer: what training multiplies by, and what is stored.

    `shape` is PyTorch's: (out, in, kernel_h, kernel_w) of a convolution, (out, in) of a dense layer.
    `signs()` gives the weight bits as -1 and +1, with a gradient; `forward()` the integers that the layer multiplies
    by, which are the signs unless the two bits stand for other values; `export()` the same weights as an encoding
    whose bits and values equal them exactly, in the Network's order (see `kernel_order`).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    @abstractmethod
    def signs(self) -> Tensor:
        """The weight bits, of this binarizer's shape, each -1 or +1."""

    def forward(self) -> Tensor:
        """The weights as the layer multiplies by them: whole numbers of this binarizer's shape."""
        return self.signs()

    def difference(self) -> Tensor:
        """Of a dense layer's weights the first half less the second, (out, in / 2)."""
        weights = self()
        half = weights.shape[1] // 2
        return weights[:, :half] - weights[:, half:]

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """`shape` in the Network's order: (out, kernel_h, kernel_w, in) or (out, in)."""
        return self.shape if len(self.shape) == 2 else (self.shape[0], *self.shape[2:], self.shape[1])

    @property
    def unit(self) -> int:
        """The size of a weight: half the distance of its two values."""
        return 1

    @abstractmethod
    def export(self) -> Encoding:
        """The weights as the Network stores them."""

    def ready(self) -> bool:
        """Whether the weights are as compact as they are to be. An epoch before that is not kept as the best."""
        return True

    def before_step(self, progress: float) -> None:
        """Called before every training step with the share of the training that is done, 0 to 1."""

    def after_step(self) -> None:
        """What must hold after every optimiser step is put right here (latent weights clipped, say)."""


class Regulariser(nn.Module, ABC):
    """A term of the loss that looks at the weights of a whole model."""

    @abstractmethod
    def forward(self, loss: Tensor, progress: float) -> Tensor:
        """The term to add, for the task's `loss` (a scalar) when the share `progress` of the training is done."""


class LatentBinarizer(WeightBinarizer):
    """Weights that follow from latent real ones; how they follow is told by `binarize`.

    Latent weights are kept in [-reach, reach].
    """

    reach = 1.0

    def __init__(self, latent: Tensor) -> None:
        super().__init__(tuple(latent.shape))
        self.latent = nn.Parameter(latent.detach().clone())

    @abstractmethod
    def binarize(self, latent: Tensor) -> Tensor:
        """-1 or +1 for each weight of `latent`, of this binarizer's shape, with a gradient."""

    @abstractmethod
    def encode(self, latent: Tensor) -> Encoding:
        """`binarize(latent)` as the Network stores it."""

    def signs(self) -> Tensor:
        return self.binarize(self.latent)

    def export(self) -> Encoding:
        return self.encode(self.latent.detach())

    @torch.no_grad()
    def after_step(self) -> None:
        self.latent.clamp_(-self.reach, self.reach)


class DenseBinarizer(LatentBinarizer):
    """One bit a weight: the sign of its latent weight."""

    @classmethod
    def initial(cls, shape: tuple[int, ...], spread: float = 0.02) -> "DenseBinarizer":
        """Latent weights drawn evenly from [-spread, spread] with torch's generator."""
        return cls(torch.empty(shape).uniform_(-spread, spread))

    def binarize(self, latent: Tensor) -> Tensor:
        return sign(latent)

    def encode(self, latent: Tensor) -> DenseEncoding:
        bits = (kernel_order(latent) >= 0).to(torch.uint8)
        return DenseEncoding(bits.contiguous().cpu().numpy())

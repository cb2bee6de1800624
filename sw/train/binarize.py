"""How a layer gets its binary weights while it trains: one small interface, and its plain case.

A compaction method (a codebook, two levels, a reuse tree) is another `WeightBinarizer`, put in a layer's place with
`model.set_binarizer(name, binarizer)`; the layers, the training loop and the export know only this interface.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from sw.network.encodings import DenseEncoding, Encoding
from sw.train.estimators import sign

__all__ = ["DenseBinarizer", "WeightBinarizer", "kernel_order"]


def kernel_order(weights: Tensor) -> Tensor:
    """PyTorch's (out, in, kernel_h, kernel_w) as the Network's (out, kernel_h, kernel_w, in); (out, in) as it is."""
    return weights.permute(0, 2, 3, 1) if weights.dim() == 4 else weights


class WeightBinarizer(nn.Module, ABC):
    """The binary weights of one layer: what training multiplies by, and what is stored.

    `shape` is PyTorch's: (out, in, kernel_h, kernel_w) of a convolution, (out, in) of a dense layer.
    `forward()` gives the weights, each -1 or +1, with a gradient; `export()` gives the same weights as an encoding
    whose `decode()` equals them bit for bit, in the Network's order (see `kernel_order`).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    @abstractmethod
    def forward(self) -> Tensor:
        """The weights, of this binarizer's shape, each -1 or +1."""

    @abstractmethod
    def export(self) -> Encoding:
        """The weights as the Network stores them."""

    def after_step(self) -> None:
        """What must hold after every optimiser step is put right here (latent weights clipped, say)."""

    def penalty(self) -> Tensor | None:
        """A term to add to the loss, or None."""
        return None


class DenseBinarizer(WeightBinarizer):
    """One bit a weight: the sign of a latent weight that is kept in [-1, 1]."""

    def __init__(self, latent: Tensor) -> None:
        super().__init__(tuple(latent.shape))
        self.latent = nn.Parameter(latent.detach().clone())

    @classmethod
    def initial(cls, shape: tuple[int, ...], spread: float = 0.02) -> "DenseBinarizer":
        """Latent weights drawn evenly from [-spread, spread] with torch's generator."""
        return cls(torch.empty(shape).uniform_(-spread, spread))

    def forward(self) -> Tensor:
        return sign(self.latent)

    def export(self) -> DenseEncoding:
        bits = (kernel_order(self.latent.detach()) >= 0).to(torch.uint8)
        return DenseEncoding(bits.contiguous().cpu().numpy())

    @torch.no_grad()
    def after_step(self) -> None:
        self.latent.clamp_(-1.0, 1.0)

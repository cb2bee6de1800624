"""Random changes to training images, a whole batch at a time, on whatever device holds it."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

__all__ = ["AUGMENTATIONS", "Augmentation", "augment"]


@dataclass(frozen=True)
class Augmentation:
    """How far an image may be changed; each amount is drawn evenly from minus to plus what is given.

    `shift`: share of the image's height and width. `rotation`: degrees. `scale`, `shear`: shares. `flip`: left and
    right exchanged in half of the images. `whole`: shifts by whole pixels only. What lies outside the image is 0.
    """

    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    flip: bool = False
    whole: bool = False


AUGMENTATIONS = {
    "none": Augmentation(),
    "digits": Augmentation(shift=0.06, rotation=10.0, scale=0.10, shear=0.10),
    "photo": Augmentation(shift=0.125, flip=True, whole=True),
}


def augment(pixels: Tensor, change: Augmentation, generator: Generator) -> Tensor:
    """Changed copies of whole-numbered pixels (n, channels, height, width), float32 and again whole numbers."""
    if change == Augmentation():
        return pixels
    n, _, height, width = pixels.shape
    size = torch.tensor([width, height], device=pixels.device)

    def even(bound: float, *shape: int) -> Tensor:
        return (torch.rand((n, *shape), generator=generator, device=pixels.device) * 2.0 - 1.0) * bound

    angle, stretch = even(change.rotation * math.pi / 180.0), 1.0 + even(change.scale, 2)
    slant, shift = even(change.shear), even(change.shift, 2) * size
    if change.whole:
        shift = torch.round(shift)
    mirror = torch.where(even(1.0) < 0.0, -1.0, 1.0) if change.flip else torch.ones_like(angle)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    # Rows of the map from places in the new image to places in the old one, in grid units of -1 to 1.
    across = torch.stack([cosine * stretch[:, 0] * mirror, slant - sine * stretch[:, 1], shift[:, 0] * 2.0 / width], 1)
    down = torch.stack([sine * stretch[:, 0] * mirror, cosine * stretch[:, 1], shift[:, 1] * 2.0 / height], 1)
    grid = F.affine_grid(torch.stack([across, down], 1), list(pixels.shape), align_corners=False)
    return torch.round(F.grid_sample(pixels, grid, mode="bilinear", padding_mode="zeros", align_corners=False))

"""Images for the check: noise of several kinds, and images bred from it for what they make of the layers.

Noise goes the same way through every layer: most sums stay near the middle, and many patterns of a pixel's channels
never come. What the bench is shown should be what the hardware can meet. So most images are bred: of many children of
two images those are kept from which the layers make what they have seldom made.
"""

import numpy as np

from sw.network import Network
from tests.networks import random_images

__all__ = ["varied_images"]

#: One image in so many is noise. The others come in generations, each chosen from so many times more children.
NOISE, GENERATIONS, LITTER = 8, 100, 8
PARENTS = 300
BINS = 1 << 16


def varied_images(network: Network, count: int, seed: int = 0) -> np.ndarray:
    """``count`` images, uint8 (count, height, width, channels), in an order of chance."""
    rng = np.random.default_rng(seed)
    found = noise(network, max(2, count // NOISE), seed)[:count]
    rarity, parents, kept = Rarity(network), found[:PARENTS], [found]
    rarity.add(parents)
    while missing := count - sum(map(len, kept)):
        litter = children(parents, LITTER * min(missing, max(1, count // GENERATIONS)), network, rng)
        best = litter[np.argsort(-rarity.of(litter))[: len(litter) // LITTER]]
        rarity.add(best)
        kept.append(best)
        parents = np.concatenate([best, rng.permutation(parents)[: PARENTS // 2]])
    # Two that are at the ends stay in front: all pixels 0, and all as bright as they can be.
    return np.concatenate([found[:2], rng.permutation(np.concatenate(kept)[2:])])


def noise(network: Network, count: int, seed: int) -> np.ndarray:
    """Images of noise, and of noise that is dark, bright, or coarse: sums of any size, far from the middle too."""
    images, rng = random_images(network, count, seed), np.random.default_rng(seed)
    top = (1 << network.input.bits) - 1
    for at in range(2, count):
        coarse = np.repeat(np.repeat(images[at, ::4, ::4], 4, axis=0), 4, axis=1)
        chosen = images[at] if at % 2 else coarse[: images.shape[1], : images.shape[2]]
        share = rng.random(chosen.shape) < rng.random()
        flat = np.full_like(chosen, rng.integers(0, top + 1))
        images[at] = np.where(share, chosen, flat) if at % 3 else chosen
    return images


def children(parents: np.ndarray, count: int, network: Network, rng: np.random.Generator) -> np.ndarray:
    """``count`` images, each one parent with a rectangle of another and some pixels anew."""
    mine, other = parents[rng.integers(0, len(parents), (2, count))]
    inside = np.ones((count, *mine.shape[1:3]), bool)
    for axis, size in ((1, mine.shape[1]), (2, mine.shape[2])):
        ends = np.sort(rng.integers(0, size + 1, (2, count)), axis=0)[..., None]
        within = (np.arange(size) >= ends[0]) & (np.arange(size) < ends[1])
        inside &= np.expand_dims(within, 3 - axis)
    crossed = np.where(inside[..., None], other, mine)
    anew = rng.random(crossed.shape) < rng.choice([0, 0.02, 0.1], (count, 1, 1, 1))
    return np.where(anew, rng.integers(0, 1 << network.input.bits, crossed.shape, np.uint8), crossed)


class Rarity:
    """How seldom the layers of ``network`` have made, from the images seen so far, what they make of an image: of
    activations the patterns of a pixel's channels and of two neighbours', of sums the value in each channel."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.seen = {layer.name: np.ones(BINS) for layer in network.layers}

    def codes(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """By layer, a number below BINS for each of an image's patterns or sums, (n, places)."""
        found = {}
        for name, values in self.network.run(images).activations.items():
            each = mixed(values.astype(np.int64) * BINS + np.arange(values.shape[-1]))
            if self.network.shapes[name].domain == "sums":
                codes = [each]
            else:
                pixel = mixed(each.sum(axis=-1))
                codes = [pixel, mixed(pixel[:, 1:] + 3 * pixel[:, :-1]), mixed(pixel[:, :, 1:] + 5 * pixel[:, :, :-1])]
            found[name] = np.concatenate([code.reshape(len(images), -1) for code in codes], axis=1) % BINS
        return found

    def of(self, images: np.ndarray) -> np.ndarray:
        """How rare each image is, (n,): the mean over a layer of the logarithm of how often, summed over the layers."""
        return sum(
            (
                np.log(self.seen[name].sum() / self.seen[name][codes]).mean(axis=1)
                for name, codes in self.codes(images).items()
            ),
            np.zeros(len(images)),
        )

    def add(self, images: np.ndarray) -> None:
        """Remember what the layers make of ``images``."""
        for name, codes in self.codes(images).items():
            self.seen[name] += np.bincount(codes.ravel(), minlength=BINS)


def mixed(codes: np.ndarray) -> np.ndarray:
    """``codes`` multiplied by an odd number, so that those that differ seldom fall together in their low bits."""
    return codes * 0x2545F4914F6CDD1D >> 23

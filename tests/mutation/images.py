"""Images for the check: noise of several kinds, and images bred from it for what they make of the layers.

Noise goes the same way through every layer: most sums stay near the middle, and many patterns of a pixel's channels
never come. What the bench is shown should be what the hardware can meet. So most images are bred: of many children of
two images those are kept from which the layers make what they have seldom made.
"""

import numpy as np

from sw.network import Convolution, Network
from sw.network.layers import Linear
from sw.network.linear import window_rows
from tests.networks import random_images

__all__ = ["varied_images"]

#: One image in so many is noise. The others come in generations, each chosen from so many times more children.
NOISE, GENERATIONS, LITTER = 8, 100, 32
PARENTS = 1000
BINS = 1 << 16
#: Bits looked at together of what a layer reads, and how many times.
GROUP, GROUPS = 8, 300


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
    activations the patterns of a pixel's channels and of two neighbours', of sums the value in each channel, and of
    the windows that a layer with weights reads the values of a few bits together."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.seen = {layer.name: np.ones(BINS) for layer in network.layers}
        rng = np.random.default_rng(0)
        windows = self.windows(noise(network, 1, 0))
        self.groups = {name: Groups(rows.shape[-1], rng) for name, rows in windows.items()}

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

    def windows(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """By layer with weights, the bits that it reads, (n, places, bits)."""
        found, made = {}, {"input": images, **self.network.run(images).activations}
        for layer in self.network.layers:
            if not isinstance(layer, Linear):
                continue
            (source,) = layer.reads
            x, planes = made[source].astype(np.int64), self.network.shapes[source].high.bit_length()
            bits = np.stack([x >> plane & 1 for plane in range(planes)], axis=-1).astype(np.float32)
            bits = bits.reshape(*x.shape[:3], -1)
            if isinstance(layer, Convolution):
                around = (layer.padding.amount, layer.padding.amount)
                bits = window_rows(np.pad(bits, ((0, 0), around, around, (0, 0))), layer.kernel, layer.stride)
            found[layer.name] = bits.reshape(len(images), -1, layer.taps * planes)
        return found

    def of(self, images: np.ndarray) -> np.ndarray:
        """How rare each image is among ``images``, (n,): the logarithm of how often, the mean over what a layer makes,
        summed over the layers; and of what it reads."""
        made = [
            np.log(self.seen[name].sum() / self.seen[name][codes]).mean(axis=1)
            for name, codes in self.codes(images).items()
        ]
        read = [self.groups[name].rarity(rows) for name, rows in self.windows(images).items()]
        return sum((standard(np.sum(each, axis=0)) for each in (made, read)), np.zeros(len(images)))

    def add(self, images: np.ndarray) -> None:
        """Remember what the layers make of ``images``."""
        for name, codes in self.codes(images).items():
            self.seen[name] += np.bincount(codes.ravel(), minlength=BINS)
        for name, rows in self.windows(images).items():
            self.groups[name].add(rows)


class Groups:
    """How often each of some ``count`` bits chosen by chance, a few together, had which of their values."""

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        size = min(count, GROUP)
        self.chosen = rng.permuted(np.tile(np.arange(count), (GROUPS, 1)), axis=1)[:, :size]
        self.worth = np.zeros((count, GROUPS), np.float32)
        np.put_along_axis(self.worth.T, self.chosen, 2.0 ** np.arange(size), axis=1)
        self.seen = np.ones(GROUPS << size)
        self.first = np.arange(GROUPS) << size

    def codes(self, rows: np.ndarray) -> np.ndarray:
        """The values of the groups in ``rows`` (n, places, bits), as places in ``seen``, (n, places * GROUPS)."""
        flat = rows.reshape(-1, rows.shape[-1])
        return ((flat @ self.worth).astype(np.int64) + self.first).reshape(len(rows), -1)

    def add(self, rows: np.ndarray) -> None:
        """Count those of ``rows``."""
        self.seen += np.bincount(self.codes(rows).ravel(), minlength=len(self.seen))

    def rarity(self, rows: np.ndarray) -> np.ndarray:
        """How rare they are, the sum of one by how often, of ``rows``, (n,)."""
        return (1 / self.seen)[self.codes(rows)].sum(axis=1)


def standard(scores: np.ndarray) -> np.ndarray:
    """``scores`` with mean 0 and, unless all are the same, deviation 1."""
    return (scores - scores.mean()) / (scores.std() or 1)


def mixed(codes: np.ndarray) -> np.ndarray:
    """``codes`` multiplied by an odd number, so that those that differ seldom fall together in their low bits."""
    return codes * 0x2545F4914F6CDD1D >> 23

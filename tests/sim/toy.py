"""What toy.sv computes, with the interface of a Network."""

from types import SimpleNamespace

import numpy as np

HEIGHT, WIDTH, CLASSES = 3, 4, 2


class ToyNetwork:
    """What toy.sv computes, with the interface of a Network: bits of the pixels, and how many of them are 1 and 0."""

    input = SimpleNamespace(height=HEIGHT, width=WIDTH, channels=1, bits=8)

    def check_images(self, images):
        return images

    def run(self, images):
        bits = (images >= 128).astype(np.uint8)
        return SimpleNamespace(activations={"bits": bits}, scores=self.score(images))

    def score(self, images):
        ones = (images >= 128).sum(axis=(1, 2, 3), dtype=np.int64)
        return np.stack([ones, HEIGHT * WIDTH - 2 * ones], axis=1)

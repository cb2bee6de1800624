import numpy as np
import pytest

from sw.train.data import DataSet


def make_blobs(images=240, size=8, channels=1, bits=4, classes=3):
    """Bright squares whose place tells the class, in noise: learned within a few epochs."""
    random = np.random.default_rng(5)
    labels = np.arange(images, dtype=np.int64) % classes
    top = 2**bits
    pixels = random.integers(0, top // 2, (images, size, size, channels))
    for image, label in zip(pixels, labels, strict=True):
        image[:, label * size // classes : (label + 1) * size // classes] += top // 2
    pixels = pixels.astype(np.uint8)
    pixels.setflags(write=False)  # as those of files are
    cut = images * 3 // 4
    names = tuple("abcdefgh"[:classes])
    return DataSet("blobs", pixels[:cut], labels[:cut], pixels[cut:], labels[cut:], bits, names)


@pytest.fixture(scope="session")
def blobs():
    return make_blobs()

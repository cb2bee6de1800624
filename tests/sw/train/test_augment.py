import pytest
import torch

from sw.train.augment import AUGMENTATIONS, Augmentation, augment


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pixels(n=64, size=8):
    return torch.randint(0, 16, (n, 2, size, size), generator=generator(9)).float()


def test_no_augmentation_gives_the_images_back():
    x = pixels()
    assert augment(x, Augmentation(), generator()) is x


@pytest.mark.parametrize("name", ["digits", "photo"])
def test_pixels_stay_whole_in_range_and_follow_the_generator(name):
    x = pixels()
    y = augment(x, AUGMENTATIONS[name], generator())
    assert y.shape == x.shape
    assert torch.equal(y, torch.round(y))
    assert y.min() >= 0
    assert y.max() <= 15
    assert not torch.equal(x, y)
    assert torch.equal(y, augment(x, AUGMENTATIONS[name], generator()))
    assert not torch.equal(y, augment(x, AUGMENTATIONS[name], generator(1)))


def test_photos_are_shifted_by_whole_pixels_and_mirrored():
    x = pixels()
    shifted = {(flip, dy, dx): 0 for flip in (False, True) for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
    for before, after in zip(x, augment(x, AUGMENTATIONS["photo"], generator()), strict=True):
        inner = after[:, 1:-1, 1:-1]
        for flip, dy, dx in shifted:
            source = before.flip(-1) if flip else before
            shifted[flip, dy, dx] += torch.equal(inner, source[:, 1 + dy : 7 + dy, 1 + dx : 7 + dx])
    assert sum(shifted.values()) == 64
    assert min(shifted.values()) > 0

"""Any folder of labelled images: one sub-folder a class."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sw.errors import SubbitError
from sw.train.data.dataset import DataSet, stratified_split

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["load_folder"]

#: What may be in such a file, as Pillow calls it. Others of its formats start programs, or read further files.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
# Pixels that any image may have, and how many more for each byte of its file.
FREE_PIXELS, PIXELS_A_BYTE = 1 << 22, 16
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".pbm", ".tif", ".tiff", ".webp"}


def load_folder(
    folder: str | Path,
    size: tuple[int, int] | None = None,
    gray: bool | None = None,
    test_share: float = 0.2,
    seed: int = 0,
) -> DataSet:
    """Images under `folder`: `train/CLASS/*` and `test/CLASS/*`, or `CLASS/*` with a seeded share held out to test on.

    `size` (height, width) resizes all of them; without it they must agree. `gray` asks for one channel (True) or three
    (False); None takes one where every image is gray. Classes are the folders' names, ascending; pixels have 8 bits.
    Raises SubbitError where the folder is missing, holds no images, or an image cannot be used.
    """
    root = Path(folder)
    if not root.is_dir():
        raise SubbitError(f"the folder of images {root} does not exist")
    if (root / "train").is_dir() and (root / "test").is_dir():
        names = _classes(root / "train")
        if (extra := set(_classes(root / "test")) - set(names)) or len(_classes(root / "test")) < len(names):
            odd = sorted(extra or set(names) - set(_classes(root / "test")))
            raise SubbitError(f"{root}/train and {root}/test must have the same classes: {odd[0]!r} is in one only")
        parts = [_files(root / part, names) for part in ("train", "test")]
    else:
        names = _classes(root)
        paths, labels = _files(root, names)
        indices = stratified_split(labels, test_share, seed)
        if len(np.unique(labels[indices[0]])) < len(names):
            raise SubbitError(f"{root} needs at least two images in every class: one to train on and one to test on")
        parts = [([paths[i] for i in part], labels[part]) for part in indices]
    gray = all(_is_gray(path) for paths, _ in parts for path in paths) if gray is None else gray
    images = [_images(paths, size, gray) for paths, _ in parts]
    if images[0].shape[1:] != images[1].shape[1:]:
        raise SubbitError(f"{root}/train and {root}/test have images of different sizes: give one size for all")
    return DataSet(root.name, images[0], parts[0][1], images[1], parts[1][1], 8, names)


def _classes(root: Path) -> tuple[str, ...]:
    names = tuple(sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith(".")))
    if len(names) < 2:
        raise SubbitError(f"{root} must have a sub-folder of images for each of at least two classes, not {len(names)}")
    return names


def _files(root: Path, names: tuple[str, ...]) -> tuple[list[Path], np.ndarray]:
    paths, labels = [], []
    for label, name in enumerate(names):
        found = sorted(path for path in (root / name).rglob("*") if path.suffix.lower() in SUFFIXES)
        if not found:
            raise SubbitError(f"{root / name} holds no images ({', '.join(sorted(SUFFIXES))})")
        paths += found
        labels += [label] * len(found)
    return paths, np.array(labels, dtype=np.int64)


@contextmanager
def _open(path: Path) -> Iterator["Image.Image"]:
    try:
        from PIL import Image
    except ImportError:
        raise SubbitError("reading images needs Pillow: pip install pillow") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as image:
                pixels = image.width * image.height
                if not 0 < pixels <= FREE_PIXELS + PIXELS_A_BYTE * path.stat().st_size:
                    raise ValueError(f"{pixels:,} pixels are too many for its size")
                yield image
    except SubbitError:
        raise  # Of what was done with the image.
    except Exception as error:  # A damaged file makes Pillow's decoders raise anything.
        raise SubbitError(f"{path} is no image that can be read ({error or type(error).__name__})") from error


def _is_gray(path: Path) -> bool:
    with _open(path) as image:
        return image.mode in ("1", "L", "LA")


def _images(paths: list[Path], size: tuple[int, int] | None, gray: bool) -> np.ndarray:
    arrays: list[np.ndarray] = []
    for path in paths:
        with _open(path) as image:
            plain = image.convert("L" if gray else "RGB")
            pixels = np.asarray(plain.resize((size[1], size[0])) if size else plain, dtype=np.uint8)
        arrays.append(pixels[..., None] if gray else pixels)
        if arrays[-1].shape != arrays[0].shape:
            shapes = " and ".join("x".join(map(str, a.shape[:2])) for a in (arrays[0], arrays[-1]))
            raise SubbitError(f"{path} differs in size from {paths[0]} ({shapes}): give a size to resize them to")
    return np.stack(arrays)

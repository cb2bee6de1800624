"""Data sets, arrays, and what trainings leave behind."""

import gzip
import io
import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.reads.base import Files, small, written


def idx() -> Files:
    array = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    head = bytes([0, 0, 8, 3]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    return {"a.idx.gz": gzip.compress(head + array.tobytes(), mtime=0)}


def read_idx(folder: Path) -> None:
    from sw.train.data.idx import read_idx as read

    assert read(folder / "a.idx.gz").dtype == np.uint8


@cache
def cifar() -> Files:
    from tests.sw.train.test_data import cifar_batch, cifar_names

    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in cifar_names():
            data = cifar_batch(images, [1, 3])
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return {"c.tar.gz": out.getvalue()}


def read_cifar(folder: Path) -> None:
    from sw.train.data.cifar import read_archive

    for images, labels in read_archive(folder / "c.tar.gz"):
        assert images.dtype == np.uint8
        assert images.shape == (len(labels), 32, 32, 3)


@cache
def pictures() -> Files:
    from PIL import Image

    files = {}
    for value, name in enumerate(("cat", "dog")):
        for number, kind in enumerate(("png", "png", "jpeg", "bmp", "gif", "tiff", "ppm", "webp")):
            out = io.BytesIO()
            Image.new("L", (6, 4), 10 * value + number).save(out, kind)
            files[f"{name}/{number}.{kind}"] = out.getvalue()
    return files


def read_pictures(folder: Path) -> None:
    from sw.train.data import load

    load(f"folder:{folder}")
    load(f"folder:{folder}", size=(5, 5))


def arrays(compressed: bool) -> Files:
    images = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 1)).astype(np.uint8)
    out = io.BytesIO()
    if compressed:
        np.savez_compressed(out, images=images, labels=np.arange(2))
        return {"images.npz": out.getvalue()}
    np.save(out, images)
    return {"images.npy": out.getvalue()}


def read_arrays(folder: Path) -> None:
    from subbit.images import read_images

    for path in folder.iterdir():
        assert read_images(path, small()).shape[1:] == (8, 8, 1)


def slices() -> Files:
    def part(count: int) -> dict[str, Any]:
        return {"sets": [[at] for at in range(count)], "mean": [0.5] * count, "spread": [0.1] * count}

    choice = {
        "accuracy": 0.9,
        "joint": 0.8,
        "kept": [2, 3],
        "dropped": [0, 1],
        "single": part(4),
        "cumulative": part(2),
    }
    told = {"method": "slices", "slices": [0, 1, 2, 3], "choice": choice, "config": {"data": "digits", "seed": 0}}
    return {"slices.json": json.dumps(told).encode()}


def read_slices(folder: Path) -> None:
    from subbit.choice import read_choice
    from subbit.pictures import slice_sensitivity

    slice_sensitivity(read_choice(folder / "slices.json"))


@cache
def checkpoint() -> Files:
    import torch

    from sw.train.config import TrainConfig
    from sw.train.models import BinaryModel, ModelSpec

    torch.manual_seed(0)
    model = BinaryModel(ModelSpec((8, 8, 1), 4, 3, topology="conv 4 pad 1, pool, dense 8"))
    content = {
        "epoch": 1,
        "global_step": 9,
        "state_dict": {f"model.{name}": value for name, value in model.state_dict().items()},
        "subbit": {"config": TrainConfig().as_dict(), "spec": model.spec.as_dict(), "seconds": 1.5},
    }
    return written(lambda folder: torch.save(content, folder / "last.ckpt"))


def read_checkpoint(folder: Path) -> None:
    from sw.train.fit import load_model

    load_model(folder / "last.ckpt")

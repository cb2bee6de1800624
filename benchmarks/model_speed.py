"""The integer model of LFC on 10,000 images beside PyTorch's float forward pass of it, on the same cores."""

import time
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from benchmarks.networks import lfc
from benchmarks.report import publish, versions
from sw.network import Network

__all__ = ["main"]

IMAGES, ROUNDS = 10_000, 5


def float_twin(widths: list[int]) -> nn.Module:
    """The same layers in float32: dense, batch normalisation and hard tanh in evaluation mode."""
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.Hardtanh()]
    return nn.Sequential(*layers[:-1]).eval()


def seconds(network: Network, model: nn.Module, images: np.ndarray) -> tuple[list[float], list[float]]:
    """Times of both, in turns, so that whatever else the machine does falls on both."""
    ours, theirs = [], []
    batch = torch.from_numpy(images[..., 0].astype(np.float32))
    with torch.inference_mode():
        for _ in range(ROUNDS + 1):
            start = time.perf_counter()
            network.score(images)
            ours.append(time.perf_counter() - start)
            start = time.perf_counter()
            model(batch)
            theirs.append(time.perf_counter() - start)
    return ours[1:], theirs[1:]


def main() -> None:
    """Measure, the first round left out, and print the medians and their ratio."""
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 28, 28, 1), dtype=np.uint8)
    ours, theirs = seconds(lfc(), float_twin([784, 1024, 1024, 1024, 10]), images)
    rows = [
        {"model": name, "seconds": float(np.median(times)), "images/s": IMAGES / float(np.median(times))}
        for name, times in (("PyTorch float32", theirs), ("subbit Network", ours))
    ]
    rows.append({"model": "ratio", "seconds": rows[1]["seconds"] / rows[0]["seconds"]})
    title = f"LFC over {IMAGES:,} images, {torch.get_num_threads()} threads, median of {ROUNDS}"
    publish("model_speed", title, rows, versions("numpy", "torch"))


if __name__ == "__main__":
    main()

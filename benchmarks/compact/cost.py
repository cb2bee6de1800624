"""What training costs: a step with each compaction method against a dense one, and the same network in Brevitas.

    python -m benchmarks.compact.cost [--steps 20] [--rounds 3]

One process, one thread, the network of the tables, batches of 256 images of random pixels, in turns; the best round of
each counts. Brevitas is measured where it is installed (`pip install brevitas`), left out otherwise.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.compact.rows import ROWS
from benchmarks.report import publish, versions
from sw.compact.method import parse_methods
from sw.train.layers import flatten
from sw.train.models import BinaryModel, ModelSpec, parse_topology

__all__ = ["main"]

IMAGES = 55_000
METHODS = {
    "codebook, learned selection": ("codebook:n=32,warm=0",),
    "codebook, the square assignment": ("codebook:n=32,warm=0,exact=yes",),
    "codebook, refined subset": ("codebook:n=32,by=snn",),
    "codebook, fixed": ("codebook:n=32,by=random",),
    "two-level, pruned": ("two-level:ones=0.05",),
    "two-level, penalty": ("two-level:ones=0.05,by=penalty",),
    "reuse": ("reuse:strength=0.1",),
}
Step = Callable[[Tensor, Tensor], None]


def ours(compact: tuple[str, ...]) -> Step:
    """A training step of our own network with these methods, in the middle of a training."""
    model = BinaryModel(spec())
    for method in parse_methods(compact):
        method.attach(model)
    model.train()
    binarizers, adam = list(model.binarizers().values()), torch.optim.Adam(model.parameters(), 1e-2)

    def step(pixels: Tensor, labels: Tensor) -> None:
        for binarizer in binarizers:
            binarizer.before_step(0.4)
        loss = F.cross_entropy(model(pixels), labels)
        for term in model.regularisers.values():
            loss = loss + term(loss, 0.4)
        adam.zero_grad()
        loss.backward()
        adam.step()
        for binarizer in binarizers:
            binarizer.after_step()

    return step


def brevitas() -> Step:
    """The same step of the same network, written with Brevitas' layers."""
    import brevitas.nn as qnn
    from brevitas.quant import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst

    plain = spec()
    encode = plain.input_layer()
    assert encode is not None
    channels, size, layers = int(plain.encoding.partition(":")[2]), plain.shape[0], list[nn.Module]([encode])
    for part in parse_topology(plain.topology):
        if part.kind == "pool":
            layers.append(nn.MaxPool2d(part.size))
            size //= part.size
            continue
        layers += [
            qnn.QuantConv2d(
                channels,
                part.size,
                part.kernel,
                stride=part.stride,
                padding=part.pad,
                bias=False,
                weight_quant=SignedBinaryWeightPerTensorConst,
            ),
            nn.BatchNorm2d(part.size),
            qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst),
        ]
        channels, size = part.size, (size + 2 * part.pad - part.kernel) // part.stride + 1
    last = qnn.QuantLinear(
        channels * size * size, plain.classes, bias=True, weight_quant=SignedBinaryWeightPerTensorConst
    )
    body = nn.Sequential(*layers)
    adam = torch.optim.Adam([*body.parameters(), *last.parameters()], 1e-2)

    def step(pixels: Tensor, labels: Tensor) -> None:
        loss = F.cross_entropy(last(flatten(body(pixels))), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()

    return step


def spec() -> ModelSpec:
    """The network of the tables."""
    config = replace(ROWS[0].config)
    return ModelSpec((28, 28, 1), 8, 10, topology=config.topology, encoding=config.encoding, estimator=config.estimator)


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=20, help="steps in a round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the best counts (%(default)s)")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (256, 1, 28, 28)).float()
    labels = torch.randint(0, 10, (256,))
    steps = {"dense": ours(())} | {name: ours(compact) for name, compact in METHODS.items()}
    try:
        steps["dense, in Brevitas"] = brevitas()
    except ImportError:
        print("Brevitas is not installed and left out: pip install brevitas", file=sys.stderr)
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(given.rounds):
        for name, step in steps.items():
            step(pixels, labels)
            started = time.perf_counter()
            for _ in range(given.steps):
                step(pixels, labels)
            best[name] = min(best[name], (time.perf_counter() - started) / given.steps)
    rows = [
        {
            "training": name,
            "ms a step": round(1e3 * seconds, 1),
            "seconds an epoch": round(seconds * IMAGES / len(labels), 1),
            "of dense": round(seconds / best["dense"], 2),
        }
        for name, seconds in best.items()
    ]
    command = "python -m benchmarks.compact.cost"
    publish("compact_cost", "What training costs", rows, versions("torch", "brevitas"), command)
    return 0


if __name__ == "__main__":
    sys.exit(main())

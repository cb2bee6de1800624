"""Channel reuse on binary networks that others trained: operations left, depth, and that nothing is lost.

    python -m benchmarks.compact.official --models FOLDER [--data-dir FOLDER] [--cifar10 FILE]

`FOLDER` of models holds mnist-lfcW1A1-decoded.npz and cifar10-cnvW1A1-decoded.npz, the weights of BNN-PYNQ (Umuroglu et
al., FINN, FPGA 2017): `Lk_w_bits` rows of packed bits, `Lk_shape`, `Lk_thr`, a bit being agreements > threshold.
`--data-dir` holds MNIST's files; `--cifar10` is an .npz of `test_images` (n, 32, 32, 3) and `test_labels`.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import stored_test
from benchmarks.report import publish, versions
from sw.compact.reuse import Reuse
from sw.errors import SubbitError
from sw.network import (
    Convolution,
    Dense,
    DenseEncoding,
    Input,
    Layer,
    Linear,
    MaxPool,
    Network,
    Scores,
    Thermometer,
    Threshold,
)
from sw.train.data import load

__all__ = ["cnv", "decoded", "lfc", "main"]

Stored = Mapping[str, np.ndarray]
PLAIN, COMPLEMENT, SHALLOW = Reuse(complement=False), Reuse(), Reuse(depth=3)


def bits_of(stored: Stored, layer: int) -> np.ndarray:
    """Weight bits of a layer, (rows, columns)."""
    return np.unpackbits(stored[f"L{layer}_w_bits"], axis=1, bitorder="little")[:, : stored[f"L{layer}_shape"][1]]


def sums_from(stored: Stored, layer: int, taps: int, outputs: int) -> np.ndarray:
    """The least sum 2P - N at which P agreements are more than the threshold."""
    return 2 * (stored[f"L{layer}_thr"][:outputs, 0].astype(np.int64) + 1) - taps


def threshold(name: str, table: np.ndarray) -> Threshold:
    """One threshold a channel on the sums of layer `name`."""
    return Threshold(
        name=f"{name}_act", reads=(name,), thresholds=table[:, None], invert=np.zeros(len(table), dtype=bool)
    )


def lfc(stored: Stored) -> Network:
    """784-1024-1024-1024-10; a pixel of 128 or more is a 1. The class has the sum that is furthest above its threshold.

    The file's inputs are padded to 832 by bits that are 0 under weights that are 1: they never agree and are left out.
    So are the 54 rows that are no class.
    """
    layers: list[Layer] = [Thermometer(name="encode", reads=("input",), thresholds=np.array([[128]]))]
    for number, (outputs, taps) in enumerate([(1024, 784), (1024, 1024), (1024, 1024), (10, 1024)]):
        padding = bits_of(stored, number)[:, taps:]
        if not padding.all():
            raise SubbitError("the model's padded inputs must have weights of 1: name the decoded files of BNN-PYNQ")
        name, bits = f"dense{number + 1}", bits_of(stored, number)[:outputs, :taps]
        layers.append(Dense(name=name, reads=(layers[-1].name,), weights=DenseEncoding(bits)))
        table = sums_from(stored, number, taps, outputs)
        if number < 3:
            layers.append(threshold(name, table))
        else:
            layers.append(Scores(name="scores", reads=(name,), scale=np.ones(10, np.int64), bias=-table))
    return Network("lfc", Input(28, 28, 1, 8), tuple(layers))


def cnv(stored: Stored) -> Network:
    """FINN's CNV for the images of `cnv_pixels`.

    The first layer multiplies by X = q - 128, q being the pixels of `cnv_pixels`, and is active where the sum of w X is
    more than T / 256 in units of 1 / 128, that is where the sum of w q is more than T / 2 + 128 (sum of w).
    """
    layers: list[Layer] = []
    channels = 3
    for number, outputs in enumerate([64, 64, 128, 128, 256, 256]):
        name, bits = f"conv{number + 1}", bits_of(stored, number).reshape(outputs, 3, 3, channels)
        source = layers[-1].name if layers else "input"
        layers.append(Convolution(name=name, reads=(source,), weights=DenseEncoding(bits)))
        if number:
            table = sums_from(stored, number, 9 * channels, outputs)
        else:
            offset = 128 * (2 * bits.reshape(outputs, -1).astype(np.int64) - 1).sum(axis=1)
            table = stored["L0_thr"][:, 0].astype(np.int64) // 2 + 1 + offset
        layers.append(threshold(name, table))
        channels = outputs
        if number in (1, 3):
            layers.append(MaxPool(name=f"pool{number // 2 + 1}", reads=(layers[-1].name,), size=2))
    for number, outputs in enumerate([512, 512, 10]):
        name, bits = f"dense{number + 1}", bits_of(stored, 6 + number)[:outputs]
        layers.append(Dense(name=name, reads=(layers[-1].name,), weights=DenseEncoding(bits)))
        if outputs > 10:
            layers.append(threshold(name, sums_from(stored, 6 + number, bits.shape[1], outputs)))
    scale = np.ones(10, np.int64)
    layers.append(Scores(name="scores", reads=(layers[-1].name,), scale=scale, bias=np.zeros(10, np.int64)))
    return Network("cnv", Input(32, 32, 3, 8), tuple(layers))


def decoded(folder: Path) -> Iterator[Network]:
    """LFC and CNV from the decoded files in ``folder``. Raises SubbitError where one is missing."""
    for name, make in (("mnist-lfcW1A1", lfc), ("cifar10-cnvW1A1", cnv)):
        path = folder / f"{name}-decoded.npz"
        if not path.is_file():
            raise SubbitError(f"{path} is not there: name the folder of the decoded models with --models")
        with np.load(path) as file:
            yield make(dict(file))


def cnv_pixels(images: np.ndarray) -> np.ndarray:
    """Pixels p as q with q - 128 = (2 p / 255 - 1) 128, a half rounded up: p, and p + 1 from 128 on.

    255 stays 255, as 256 has no eight bits: there X is 127 in place of 128.
    """
    return np.minimum(images.astype(np.int64) + (images >= 128), 255).astype(np.uint8)


def operations(network: Network, layer: Linear) -> float:
    """Bit operations of a layer for one image: all its pixels and bit planes."""
    kind = network.shapes[layer.name]
    return layer.weights.bit_operations() * kind.height * kind.width * len(network.source(layer).planes)


def linear(network: Network) -> Iterator[Linear]:
    """The layers that have weights."""
    return (layer for layer in network.layers if isinstance(layer, Linear))


def random_twin(network: Network) -> Network:
    """The same network with random weights."""
    rng = np.random.default_rng(0)
    layers = [
        type(layer)(**{**vars(layer), "weights": DenseEncoding(rng.integers(0, 2, layer.weights.shape, np.uint8))})
        if isinstance(layer, Linear)
        else layer
        for layer in network.layers
    ]
    return Network(network.name, network.input, tuple(layers))


def measure(network: Network) -> tuple[list[dict[str, Any]], list[Network], float]:
    """A row for each layer and one for all; the networks with reuse; the seconds that their trees took."""
    started = time.perf_counter()
    reused = [method.finish(network) for method in (PLAIN, COMPLEMENT, SHALLOW)]
    seconds = time.perf_counter() - started
    noise = random_twin(network)
    random = [method.finish(noise) for method in (PLAIN, COMPLEMENT)]
    titles = ("", " complement", " depth <= 3", " random", " random complement")
    rows = []
    totals = dict.fromkeys(titles, 0.0)
    before = {layer.name: operations(network, layer) for layer in linear(network)}
    for layer in linear(network):
        row: dict[str, Any] = {"layer": f"{network.name} {layer.name}", "channels": layer.outputs, "taps": layer.taps}
        for title, after in zip(titles, [*reused, *random], strict=True):
            tree = after.layer(layer.name)
            assert isinstance(tree, Linear)
            left = operations(after, tree)
            totals[title] += left
            row[f"left %{title}"] = 100 * left / before[layer.name]
            if title in ("", " complement"):
                row[f"depth{title}"] = tree.weights.depth
        rows.append(row)
    whole: dict[str, Any] = {"layer": f"{network.name} in all"}
    whole |= {f"left %{title}": 100 * totals[title] / sum(before.values()) for title in titles}
    for title, after in zip(titles[:2], reused, strict=False):
        whole[f"depth{title}"] = max(layer.weights.depth for layer in linear(after))
    return [*rows, whole], reused, seconds


def check(network: Network, reused: list[Network], images: np.ndarray) -> np.ndarray:
    """The classes of `images`. Raises SubbitError unless all weights and scores are the same with reuse."""
    scores = network.score(images)
    for after in reused:
        for layer, tree in zip(linear(network), linear(after), strict=True):
            if not np.array_equal(layer.weights.decode(), tree.weights.decode()):
                raise SubbitError(
                    f"{network.name} {layer.name} has other weights with reuse: this is a fault of subbit"
                )
        if not np.array_equal(after.score(images), scores):
            raise SubbitError(f"{network.name} has other scores with reuse: this is a fault of subbit")
    return scores.argmax(axis=1)


def test_images(network: Network, given: argparse.Namespace) -> tuple[np.ndarray, np.ndarray | None]:
    """Images for a network, and their labels; random ones without labels where no data is named."""
    if network.name == "lfc" and given.data_dir:
        data = load("mnist", given.data_dir)
        return data.test_images, data.test_labels
    if network.name == "cnv" and given.cifar10:
        images, labels = stored_test(given.cifar10)
        return cnv_pixels(images), labels
    image = network.input
    shape = (200, image.height, image.width, image.channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), None


def main(arguments: list[str] | None = None) -> int:
    """The command. Exit status 2 where the call or a file is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--models", type=Path, required=True, help="folder with the two decoded models")
    parser.add_argument("--data-dir", help="folder with MNIST's four .gz files; without it images are random")
    parser.add_argument("--cifar10", type=Path, help=".npz of test_images and test_labels; without it they are random")
    given = parser.parse_args(arguments)
    rows = []
    try:
        for network in decoded(given.models):
            found, reused, seconds = measure(network)
            images, labels = test_images(network, given)
            classes = check(network, reused, images)
            told = f"{100 * (classes == labels).mean():.2f} % right" if labels is not None else "random images"
            found[-1]["images"] = f"{len(images):,} scored the same, {told}"
            found[-1]["trees, s"] = seconds
            rows += found
    except SubbitError as error:
        print(error, file=sys.stderr)
        return 2
    command = "python -m benchmarks.compact.official --models FOLDER --data-dir FOLDER --cifar10 FILE"
    title = "Channel reuse on networks that others trained: bit operations left"
    publish("compact_official", title, rows, versions("numpy", "scipy"), command)
    return 0


if __name__ == "__main__":
    sys.exit(main())

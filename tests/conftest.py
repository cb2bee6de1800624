"""What every test can ask for: random networks that are small enough to simulate, and random images for them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import numpy as np
import pytest

from sw.network import (
    Convolution,
    Dense,
    DenseEncoding,
    Input,
    Linear,
    MaxPool,
    Network,
    Padding,
    Scores,
    Thermometer,
    Threshold,
)
from sw.network.encodings.codebook import CodebookEncoding


@pytest.fixture
def rng() -> np.random.Generator:
    """The random numbers of a test, the same in every run."""
    return np.random.default_rng(20240521)


@pytest.fixture
def small_network(rng: np.random.Generator) -> Network:
    """An 8x8 convolutional network of three classes with every common kind of layer, seeded."""
    return make_small_network(rng)


@pytest.fixture
def codebook_network(small_network: Network) -> Network:
    """`small_network` with the same weights as codebooks of the words that occur: 4, 23 and 9 of them or so."""
    layers = [
        replace(layer, weights=CodebookEncoding.of(layer.weights.decode())) if isinstance(layer, Linear) else layer
        for layer in small_network.layers
    ]
    return Network(small_network.name, small_network.input, tuple(layers))


@pytest.fixture
def make_images(rng: np.random.Generator) -> Callable[[Network, int], np.ndarray]:
    """A function that gives n random images for a network."""

    def make(network: Network, n: int) -> np.ndarray:
        image = network.input
        return rng.integers(0, 1 << image.bits, (n, image.height, image.width, image.channels), dtype=np.uint8)

    return make


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], AbstractContextManager[None]]:
    """A context in which training is interrupted, as by Ctrl-C, after so many steps."""
    from sw.train.loop import Learner

    @contextmanager
    def after(steps: int) -> Iterator[None]:
        left = iter(range(steps - 1))

        def step(*_: object) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Learner, "on_train_batch_end", step)
            yield

    return after


def make_small_network(rng: np.random.Generator) -> Network:
    """The network of `small_network`, for random numbers of the caller's."""

    def weights(*shape: int) -> DenseEncoding:
        return DenseEncoding(rng.integers(0, 2, shape, dtype=np.uint8))

    def threshold(name: str, source: str, channels: int, reach: int) -> Threshold:
        table = rng.integers(-reach // 4, reach // 4 + 1, (channels, 1))
        return Threshold(name=name, reads=(source,), thresholds=table, invert=rng.random(channels) < 0.25)

    return Network(
        "small",
        Input(8, 8, 1, 8),
        (
            Thermometer(name="encode", reads=("input",), thresholds=np.array([[128]])),
            Convolution(name="conv1", reads=("encode",), weights=weights(4, 3, 3, 1), padding=Padding("-1", 1)),
            threshold("conv1_act", "conv1", 4, 9),
            MaxPool(name="pool1", reads=("conv1_act",), size=2),
            Convolution(name="conv2", reads=("pool1",), weights=weights(6, 3, 3, 4)),
            threshold("conv2_act", "conv2", 6, 36),
            Dense(name="dense1", reads=("conv2_act",), weights=weights(3, 24)),
            Scores(name="scores", reads=("dense1",), scale=np.ones(3, np.int64), bias=rng.integers(-3, 4, 3)),
        ),
    )

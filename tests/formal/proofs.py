"""Every proof, a line each. A new stage joins with its specification and one more line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hw.datapath.popcount import larger_part
from hw.layer.encode import EncodeShape
from hw.layer.pool import PoolShape
from hw.layer.results import ResultsShape
from hw.layer.window import WindowShape
from hw.stream.repack import RepackShape
from tests.formal.arithmetic import AgreementCheck, PartsCheck, PopcountCheck, ThresholdCheck
from tests.formal.harness import Harness
from tests.formal.products import Layer, any_product, product
from tests.formal.prover import Outcome, prove
from tests.formal.stages import buffered, encode, pool, repack, results, window

__all__ = ["PROOFS", "Proof"]

ALONE = 40
RNG = np.random.default_rng(11)


@dataclass(frozen=True)
class Proof:
    """What is proved, by name: for ever, or with ``depth`` for so many cycles. ``quick`` ones run among the tests."""

    name: str
    harness: Callable[[], Harness]
    depth: int | None = None
    quick: bool = False
    seconds: float = 120.0

    def run(self) -> Outcome:
        """As `tests.formal.prover.prove`."""
        return prove(self.harness(), self.seconds, self.depth)


def layer(outputs: int, taps: int, steps: int = 1, **options) -> Layer:
    """A layer with random weights, and thresholds on sums that some windows reach and some do not."""
    weights = RNG.integers(0, 2, (outputs, taps), dtype=np.uint8)
    if not steps:
        return Layer(weights, **options)
    reach = taps * sum(1 << plane for plane in options.get("planes", (0,)))
    thresholds = np.sort(RNG.integers(1 - reach, reach, (outputs, steps)), axis=1)
    return Layer(weights, thresholds=thresholds, invert=RNG.integers(0, 2, outputs), **options)


def counts() -> Iterator[Proof]:
    """Popcounts by themselves up to 40 bits; above, each from its parts, with every size that these come to."""
    for n in range(1, ALONE + 1):
        yield Proof(f"popcount of {n}", lambda n=n: PopcountCheck(n), quick=n in (3, 13))
    for n in (1, 2, 3, 5, 9, 16, 20):
        yield Proof(f"agreements of {n}", lambda n=n: AgreementCheck(n))
    sizes, waiting = set(), [*range(ALONE + 1, 65), 100, 144, 256, 576, 1023, 1152]
    while waiting:
        n = waiting.pop()
        if n > ALONE and n not in sizes:
            sizes.add(n)
            waiting += [larger_part(n), n - 1 - larger_part(n)]
    for n in sorted(sizes):
        yield Proof(f"popcount of {n} from its parts", lambda n=n: PartsCheck(n), quick=n == 64)


def thresholds() -> Iterator[Proof]:
    """One output with a mean of both weights; every count, threshold and invert."""
    for name, steps, shape in (
        ("9 bits", 1, layer(1, 9)),
        ("576 bits", 1, layer(1, 576)),
        ("9 levels of 2 bits", 3, layer(1, 9, planes=(0, 1))),
        ("5 pixels of planes 1 and 4", 1, layer(1, 5, planes=(1, 4), pixels=True)),
        ("zero padding, 1 channel", 1, layer(1, 9, kernel=(3, 3))),
        ("zero padding, 2 channels", 3, layer(1, 18, kernel=(3, 3))),
    ):
        yield Proof(
            f"thresholds, {name}", lambda s=shape, n=steps: ThresholdCheck(s.agreement, n), quick=name == "9 bits"
        )


def products() -> Iterator[Proof]:
    """Weights and thresholds of a layer against sums; then any weights and thresholds against counts."""
    cases = [
        ("2x4, PE 1, SIMD 2", layer(2, 4), 1, 2),
        ("2x4, PE 1, SIMD 4, counts", layer(2, 4, 0), 1, 4),
        ("2x3, PE 2, SIMD 3", layer(2, 3), 2, 3),
        ("4x4, PE 2, SIMD 2", layer(4, 4), 2, 2),
        ("2x6, PE 1, SIMD 3", layer(2, 6), 1, 3),
        ("1x3, 2 planes, 3 thresholds", layer(1, 3, 3, planes=(0, 1)), 1, 1),
        ("2x2, pixels of planes 1 and 3", layer(2, 2, planes=(1, 3), pixels=True), 1, 1),
        ("2x4, skip", layer(2, 4, kernel=(2, 2)), 1, 2),
    ]
    for name, shape, pe, simd in cases:
        yield Proof(f"product {name}", lambda s=shape, p=pe, i=simd: product(s, p, i), quick="PE 2, SIMD 3" in name)
    yield Proof("product 2x3, PE 2, SIMD 3, any weights", lambda: any_product(layer(2, 3), 2, 3))
    larger = [
        *(case for case in cases if "PE 2, SIMD 3" not in case[0]),
        ("2x8, skip, 2 channels", layer(2, 8, 0, kernel=(2, 2)), 2, 4),
        ("3x9, PE 3, SIMD 3", layer(3, 9), 3, 3),
    ]
    for name, shape, pe, simd in larger:
        yield Proof(f"product {name}, any weights", lambda s=shape, p=pe, i=simd: any_product(s, p, i), depth=16)


def stages() -> Iterator[Proof]:
    """Everything else that words flow through."""
    for lanes in ((2, 2), (1, 3), (2, 6), (3, 1), (6, 2), (2, 3), (3, 2), (3, 5), (5, 3)):
        shape = RepackShape(*lanes, bits=1)
        yield Proof(f"repack {lanes[0]} to {lanes[1]}", lambda s=shape: repack(s), quick=lanes == (3, 2))
    yield Proof("repack 2 to 3, 3 bits", lambda: repack(RepackShape(2, 3, 3)))
    for depth in (1, 2, 3, 4):
        yield Proof(f"FIFO of {depth}", lambda d=depth: buffered(RepackShape(1, 1, 2), d), quick=depth == 2)
    yield Proof("FIFO of 3, narrowing", lambda: buffered(RepackShape(2, 1, 1), 3))

    limits = np.array([[1, 7, 8], [0, 4, 9]])
    yield Proof("encode, thermometer", lambda: encode(EncodeShape(2, 3, 2, thresholds=limits)), quick=True)
    yield Proof("encode, planes", lambda: encode(EncodeShape(2, 4, 1, planes=(1, 3))))
    yield Proof("encode, slices", lambda: encode(EncodeShape(2, 4, 1, slices=(0, 2))))

    for shape in (PoolShape(2, 2, 1, 1, 2, 1), PoolShape(4, 4, 1, 1, 2, 1), PoolShape(3, 3, 2, 2, 2, 2)):
        yield Proof(f"pool {named(shape)}", lambda s=shape: pool(s), quick=shape.height == 2)
    yield Proof("pool 3x3x2 of 2 bits, a lane", lambda: pool(PoolShape(3, 3, 2, 2, 2, 1)))

    equal, mixed = np.array([2, 2, 2]), np.array([2, -1, 3])
    for output in ("scores", "class"):
        for name, slope, offset in (("one slope", equal, [-3, -2, 0]), ("slopes", mixed, [-3, 1, 0])):
            shape = ResultsShape(slope, np.array(offset), 3, 5, output)
            yield Proof(f"results, {output}, {name}", lambda s=shape: results(s))
    yield from windows()


def windows() -> Iterator[Proof]:
    """Serial and parallel windows. The scoreboard of a serial one has room for its memory."""
    for name, shape, options in (
        ("1x1x4, folds 2", WindowShape(1, 1, 4, 1, folds=2), {"held": 4}),
        ("2x4, kernel 2", WindowShape(2, 4, 1, 1, (2, 2)), {}),
        ("4x2, kernel 2", WindowShape(4, 2, 1, 1, (2, 2)), {}),
        ("4x2, kernel 2, stride 2", WindowShape(4, 2, 1, 1, (2, 2), stride=2), {}),
        ("4x1, kernel 1, stride 2", WindowShape(4, 1, 1, 1, stride=2), {}),
        ("1x4 of 2 bits, kernel 1x2", WindowShape(1, 4, 1, 2, (1, 2)), {}),
        ("2x2x2, kernel 2, folds 2", WindowShape(2, 2, 2, 1, (2, 2), folds=2), {}),
        ("2x2, kernel 3, zero padding", WindowShape(2, 2, 1, 1, (3, 3), pad=1, fill="skip"), {"held": 4}),
    ):
        yield Proof(f"serial window {name}", lambda s=shape, o=options: window(s, **o), quick="4x1" in name)
    for name, shape, patience in (
        ("3x3, kernel 2", WindowShape(3, 3, 1, 1, (2, 2), lanes=4), 4),
        ("3x3, kernel 2, zero padding, folds 2", WindowShape(3, 3, 1, 1, (2, 2), 1, 1, "skip", 4, 2), 12),
        ("3x3x2, kernel 2, halves", WindowShape(3, 3, 2, 1, (2, 2), lanes=4), 4),
    ):
        yield Proof(f"parallel window {name}", lambda s=shape, p=patience: window(s, patience=p))


def named(shape: PoolShape) -> str:
    """An image in a few characters."""
    return f"{shape.height}x{shape.width}x{shape.channels} of {shape.bits} bits"


PROOFS = (*counts(), *thresholds(), *products(), *stages())

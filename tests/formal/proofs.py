"""Every proof, a line each. A new stage joins with its specification and one more line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from hw.datapath.popcount import larger_part
from hw.layer.encode import EncodeShape
from hw.layer.lookup.gather import GroupShape
from hw.layer.lookup.table import TableShape
from hw.layer.pool import PoolShape
from hw.layer.results import ResultsShape
from hw.layer.window import WindowShape
from hw.stream.repack import RepackShape
from sw.network.agreement import Agreement
from tests.formal.arithmetic import AgreementCheck, PartsCheck, PopcountCheck, ThresholdCheck, TimesCheck
from tests.formal.constants import TightenedCheck, UnrolledCheck, unrolled
from tests.formal.harness import Harness
from tests.formal.listed import listed, listed_layer, listed_sum, listed_window
from tests.formal.lookups import Codebook, any_table, any_totals, gather, lookup
from tests.formal.products import AnyLevels, Layer, any_product, product
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
    """A layer with random weights and thresholds."""
    return limited(Layer(RNG.integers(0, 2, (outputs, taps), dtype=np.uint8), **options), steps)


def limited(known: Layer, steps: int = 1, reach: int = 0) -> Layer:
    """The layer with thresholds on sums that some windows reach and some do not; as it is where ``steps`` are none.

    They lie within ``reach``, by default the largest sum of any weights.
    """
    if not steps:
        return known
    outputs, taps = known.weights.shape
    reach = reach or taps * sum(1 << plane for plane in known.planes) * max(map(abs, known.values))
    thresholds = np.sort(RNG.integers(1 - reach, reach, (outputs, steps)), axis=1)
    return replace(known, thresholds=thresholds, invert=RNG.integers(0, 2, outputs))


def counts() -> Iterator[Proof]:
    """Popcounts by themselves up to 40 bits; above, each from its parts, with every size that these come to."""
    for n in range(1, ALONE + 1):
        yield Proof(f"popcount of {n}", lambda n=n: PopcountCheck(n), quick=n in (3, 13))
    for n in (1, 2, 3, 5, 9, 16, 20):
        yield Proof(f"agreements of {n}", lambda n=n: AgreementCheck(n))
    for name, constants, bits in (
        ("-40 to 40", range(-40, 41), 6),
        ("large constants", (171, -250, 255, -255, 683, -2048, 1023, -2047, 2304, -2304), 5),
    ):
        yield Proof(f"times {name}", lambda c=constants, b=bits: TimesCheck(c, b), quick=bits == 5)
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
    series = [
        ("1x2, 2 planes", layer(1, 2, planes=(0, 1)), 1, 2),
        ("2x2, pixels of planes 1 and 3", layer(2, 2, planes=(1, 3), pixels=True), 1, 2),
        ("1x2, pixels of 3 planes, counts", Layer(np.array([[0, 1]]), planes=(0, 1, 4), pixels=True), 1, 1),
        ("1x4, 2 planes, skip, counts", layer(1, 4, 0, planes=(0, 1), kernel=(2, 2)), 1, 4),
    ]
    for name, shape, pe, simd in series:
        yield Proof(
            f"series {name}", lambda s=shape, p=pe, i=simd: product(s, p, i, series=True), 16 if shape.kernel else None
        )
    levels = [
        ("2x2, ratio 3, fraction 1", layer(2, 2, two_level=(3, 1)), 1, 2, False),
        ("1x4, ratio -5, fraction 2", layer(1, 4, two_level=(-5, 2)), 1, 2, False),
        ("2x2, ratio -1, fraction 0, counts", layer(2, 2, 0, two_level=(-1, 0)), 2, 1, False),
        ("1x2, ratio 0, fraction 3", layer(1, 2, two_level=(0, 3)), 1, 1, False),
        ("1x2, pixels, ratio -3, fraction 2", layer(1, 2, planes=(0, 2), pixels=True, two_level=(-3, 2)), 1, 1, False),
        ("1x4, ratio 3, fraction 1, skip", layer(1, 4, two_level=(3, 1), kernel=(2, 2)), 1, 4, False),
        ("1x2, ratio -3, fraction 1, series", layer(1, 2, planes=(0, 1), two_level=(-3, 1)), 1, 2, True),
    ]
    for name, shape, pe, simd, serial in levels:
        yield Proof(
            f"two levels {name}",
            lambda s=shape, p=pe, i=simd, r=serial: product(s, p, i, r),
            16 if shape.kernel else None,
        )
    yield Proof("product 2x3, PE 2, SIMD 3, any weights", lambda: any_product(layer(2, 3), 2, 3))
    larger = [
        *(case for case in cases if "PE 2, SIMD 3" not in case[0]),
        ("2x8, skip, 2 channels", layer(2, 8, 0, kernel=(2, 2)), 2, 4),
        ("3x9, PE 3, SIMD 3", layer(3, 9), 3, 3),
    ]
    for name, shape, pe, simd in larger:
        yield Proof(f"product {name}, any weights", lambda s=shape, p=pe, i=simd: any_product(s, p, i), depth=16)


def lookups() -> Iterator[Proof]:
    """Codeword lookup: its parts for any codebook and thresholds, then the unit for given ones."""
    for words, taps, positions in ((1, 2, 0), (2, 2, 0), (3, 2, 0), (2, 3, 3)):
        shape = GroupShape(words, taps, 1, taps, positions)
        skip = ", skip" if positions else ""
        yield Proof(f"gather {words} words of {taps}{skip}", lambda s=shape: gather(s), quick=bool(positions))
    plain, doubled = (Agreement(slope, np.zeros(1), 9, 1, slope == 1, 1) for slope in (2, 1))
    for words, taps, n, pe, folds, groups, planes, depth in (
        (1, 2, 2, 1, 1, 1, (0,), None),
        (2, 1, 2, 1, 1, 1, (0,), None),
        (1, 1, 3, 1, 1, 2, (0,), None),
        (1, 1, 2, 2, 1, 1, (0,), None),
        (1, 1, 2, 1, 1, 1, (0, 1), None),
        (2, 2, 3, 2, 1, 1, (0,), 14),
        (1, 4, 3, 1, 3, 2, (0,), 16),
    ):
        group, indices = GroupShape(words, taps, len(planes), 1), np.zeros((groups, folds, pe, words), np.int64)
        shape = TableShape(group, np.zeros((n, taps), np.uint8), planes, indices, plain)
        name = f"{words} words of {taps}, {n} codewords, PE {pe}, folds {folds}, groups {groups}, {len(planes)} planes"
        yield Proof(f"codewords {name}", lambda s=shape: any_table(s), depth)
    for n, depth in ((1, None), (2, 16), (3, 16)):
        shape = TableShape(
            GroupShape(1, 2, 1, 2, 2), np.zeros((n, 2), np.uint8), (0,), np.zeros((1, 1, 1, 1), np.int64), doubled
        )
        yield Proof(f"codewords skip, {n} codewords", lambda s=shape: any_table(s), depth)
    for folds, groups, pe, missing, steps in (
        (1, 1, 1, 0, 1),
        (1, 2, 2, 0, 1),
        (2, 2, 1, 0, 1),
        (3, 2, 1, 1, 1),
        (2, 1, 1, 0, 0),
    ):
        bits = 2 - missing
        limits = None if not steps else np.zeros((folds * pe, steps), np.int64)
        levels = AnyLevels(pe, groups * 3, limits, np.zeros(folds * pe, np.int64))
        name = f"{folds} folds, {groups} groups, PE {pe}{', missing' * missing}{', counts' * (not steps)}"
        yield Proof(
            f"totals {name}",
            lambda a=levels, f=folds, g=groups, b=bits, x=missing: any_totals(a, f, g, b, x),
            quick=groups == pe == 1,
        )
    for name, outputs, words, taps, n, positions, pe, at_once, depth, options in (
        ("1 word of 2, 2 codewords", 1, 1, 2, 2, 1, 1, 1, None, {}),
        ("1 word of 3, 4 codewords, folds 3", 3, 1, 3, 4, 1, 1, 1, 20, {}),
        ("2 groups of 2, 3 codewords, PE 2", 2, 2, 2, 3, 1, 2, 1, 20, {}),
        ("2 words of 2 at once, folds 2", 2, 2, 2, 2, 1, 1, 2, 20, {}),
        ("1x2, 2 channels at once, folds 2", 2, 2, 2, 2, 2, 1, 2, 20, {}),
        ("1x4, runs of 2, 2 channels at once, counts", 1, 4, 2, 3, 4, 1, 2, 24, {}),
        ("1x2, 2 planes", 1, 1, 2, 2, 2, 1, 1, 20, {"planes": (0, 1)}),
        ("2x2, skip", 1, 1, 4, 2, 4, 1, 1, 24, {"kernel": (2, 2)}),
        ("2x2, skip, 2 channels", 2, 2, 4, 3, 4, 2, 1, 24, {"kernel": (2, 2)}),
        ("2 levels, 2 groups of 2", 1, 2, 2, 2, 1, 1, 1, 20, {"planes": (0, 1)}),
    ):
        book = Codebook(RNG.integers(0, 2, (n, taps), dtype=np.uint8), RNG.integers(0, n, (outputs, words)), positions)
        layered = limited(Layer(book.weights, **options), 0 if "counts" in name else 1)
        yield Proof(f"lookup {name}", lambda b=book, k=layered, p=pe, w=at_once: lookup(b, k, p, w), depth)


def lists() -> Iterator[Proof]:
    """Windows whose taps are listed, the sums that are made of them, and both together."""
    dense, wide = WindowShape(1, 1, 2, 1), WindowShape(1, 1, 2, 1, lanes=2)
    row, square = WindowShape(1, 2, 1, 1, (1, 2)), WindowShape(2, 2, 1, 1, (2, 2))
    skips = WindowShape(1, 1, 1, 1, pad=1, fill="skip")
    some, two, corners = [[1, 0]], [[1, 0], [1, 1]], [[1, 0, 0, 1]]
    for name, weights, image, pe in (
        ("1x1x2", some, dense, 1),
        ("1x1x2, no ones and all", [[0, 0], [1, 1]], dense, 1),
        ("1x1x2, PE 2", two, wide, 2),
        ("1x2, kernel 1x2", [[1, 1]], row, 1),
        ("2x2, kernel 2", corners, square, 1),
        ("1x1, kernel 1, zero padding", [[1]], skips, 1),
        ("1x1, kernel 1, zeros around", [[1]], replace(skips, fill=0), 1),
        ("1x1, kernel 1, ones around", [[1]], replace(skips, fill=1), 1),
    ):
        shape = listed(Layer(np.array(weights)), image, pe).window
        yield Proof(f"listed window {name}", lambda s=shape: listed_window(s, held=4), quick=name == "1x1x2")
    around = replace(square, pad=1, fill="skip")
    sums = (
        ("1x1x2", some, dense, 1, {}),
        ("1x1x2, folds 2", two, wide, 1, {}),
        ("1x1x2, PE 2, two levels", two, dense, 2, {"two_level": (3, 1)}),
        ("1x1x2, ratio -3", some, dense, 1, {"two_level": (-3, 1)}),
        ("1x1, skip", [[1]], skips, 1, {}),
        ("2x2, skip", corners, around, 1, {}),
        ("1x1x2, 2 planes", some, replace(dense, bits=2), 1, {"planes": (0, 1)}),
        ("1x1x2, pixels of planes 1 and 4", some, replace(dense, bits=2), 1, {"planes": (1, 4), "pixels": True}),
    )
    for name, weights, image, pe, options in sums:
        shape = listed(limited(Layer(np.array(weights), **options)), image, pe)
        yield Proof(f"listed sum {name}", lambda s=shape: listed_sum(s), 18 if name == "2x2, skip" else None)
    for name, weights, image, pe, options, depth in (
        ("1x1x2", some, dense, 1, {}, None),
        ("1x1x2, PE 2", two, dense, 2, {}, None),
        ("1x1x2, folds 2", two, dense, 1, {}, None),
        ("1x1x2, ratio -3", some, dense, 1, {"two_level": (-3, 1)}, None),
        ("2x2, kernel 2, counts", corners, square, 1, {}, 24),
        ("2x2, zero padding", corners, around, 1, {}, 30),
        ("2x2, ones around", corners, replace(around, fill=1), 1, {}, 30),
    ):
        known = limited(Layer(np.array(weights), **options), 0 if "counts" in name else 1)
        yield Proof(f"listed {name}", lambda k=known, w=image, p=pe: listed_layer(k, w, p), depth)


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
            if output == "class":
                whole = replace(shape, lanes=3)
                yield Proof(f"results, all classes at once, {name}", lambda s=whole: results(s))
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
        ("1x2x2, kernel 1x2, by channel", WindowShape(1, 2, 2, 1, (1, 2), order="channel"), {}),
        ("2x1x2, kernel 2x1, by channel, folds 2", WindowShape(2, 1, 2, 1, (2, 1), folds=2, order="channel"), {}),
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


def constants() -> Iterator[Proof]:
    """Layers of constant weights: counted in clusters, told from one another, or by their ones alone."""
    drawn = np.random.default_rng(12)
    near = drawn.integers(0, 2, 14) ^ np.cumsum(drawn.random((6, 14)) < 0.08, axis=0) % 2
    few = (drawn.random((5, 14)) < 0.3).astype(np.uint8)
    for name, known in (
        ("6x12", layer(6, 12)),
        ("6x14, rows told from others", limited(Layer(near.astype(np.uint8)))),
        ("4x10, counts", layer(4, 10, 0)),
        ("3x6, 2 planes, 3 thresholds", layer(3, 6, 3, planes=(0, 1))),
        ("3x5, pixels of planes 1 and 3", layer(3, 5, planes=(1, 3), pixels=True)),
        ("3x9, skip", layer(3, 9, kernel=(3, 3))),
        ("5x14, ones alone", limited(Layer(few, two_level=(1, 0)), reach=5)),
        ("5x14, ones alone, counts", Layer(few, two_level=(2, 1))),
        ("3x9, ones alone, skip", limited(Layer(few[:3, :9], two_level=(1, 0), kernel=(3, 3)), reach=5)),
        ("4x10, two levels", layer(4, 10, two_level=(-3, 1))),
        ("3x9, two levels, skip, counts", layer(3, 9, 0, two_level=(3, 1), kernel=(3, 3))),
    ):
        for family in ("ice40", "xc7"):
            quick = name == "5x14, ones alone" or (name, family) == ("6x12", "ice40")
            yield Proof(f"unrolled {name}, {family}", lambda k=known, f=family: UnrolledCheck(k, f), quick=quick)
    for name, known, levels in (
        ("2x4, registers at the ends", layer(2, 4), 0),
        ("1x5, a register a level", layer(1, 5), 1),
        ("3x6, ones alone", limited(Layer(few[:3, :6], two_level=(1, 0)), reach=3), 1),
    ):
        yield Proof(f"unrolled stages {name}", lambda k=known, n=levels: unrolled(k, n))
    for name, known, levels in (
        ("2x4, from registers", layer(2, 4), 0),
        ("1x5, from registers, a register a level", layer(1, 5), 1),
    ):
        yield Proof(f"unrolled stages {name}", lambda k=known, n=levels: unrolled(k, n, registered=True))


def tightened() -> Iterator[Proof]:
    """Mapped netlists after tables have gone into carry cells."""
    drawn = np.random.default_rng(13)
    for outputs, taps in ((8, 20), (4, 24)):
        weights = drawn.integers(0, 2, (outputs, taps))
        limits = drawn.integers(taps // 3, taps - taps // 3, (outputs, 1))
        for family, dense in (("ice40", True), ("ice40", False), ("ecp5", True)):
            name = f"tightened {outputs}x{taps}, {family}{'' if dense else ', no slower'}"
            yield Proof(name, lambda w=weights, t=limits, f=family, d=dense: TightenedCheck(w, t, f, d))


PROOFS = (*counts(), *thresholds(), *products(), *lookups(), *lists(), *stages(), *constants(), *tightened())

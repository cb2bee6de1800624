"""Whether a Network computes what its graph does: both are run, the graph by qonnx's own executor.

The Network's integers are exact. The executor adds float32 numbers, and where scales are no powers of two it rounds. So
every tensor is compared twice. Once as it is: how many levels and scores differ. And once layer by layer, the Network's
layer given the levels that the executor itself has: there a level may differ only where the executor's sum is not the
float32 number of the exact one, and no sum may be further from the exact one than rounding explains.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from sw.interop.qonnx.flow.levels import TOLERANCE
from sw.interop.qonnx.layers.ends import ROUNDING
from sw.interop.qonnx.reader import Imported
from sw.interop.qonnx.rerun import executed
from sw.interop.qonnx.walk import Reading
from sw.network import MaxPool, TensorType, Threshold, values

__all__ = ["Check", "Compared", "Proof", "check", "prove"]

UNIT = 2.0**-24
EXACT = 1 << 24


@dataclass
class Compared:
    """One tensor: how many of its ``numbers`` are ``different``, and what the executor does on its own numbers.

    ``rounded`` are levels or scores that differ because the executor's sum was rounded, ``unexplained`` those that
    differ, or sums that are further off, for another reason: a fault.
    """

    layer: str
    tensor: str
    numbers: int = 0
    different: int = 0
    rounded: int = 0
    unexplained: int = 0


@dataclass
class Check:
    """What was compared on ``images`` images: every quantised tensor, the scores, the winning classes."""

    images: int
    tensors: list[Compared]
    scores: Compared
    classes_different: int = 0
    classes_unexplained: int = 0
    answers: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def numbers_equal(self) -> bool:
        """Whether every level and every score was the same."""
        return not (self.scores.different or any(one.different for one in self.tensors))

    @property
    def equal(self) -> bool:
        """Whether every number and every class was the same."""
        return self.numbers_equal and not self.classes_different

    @property
    def passed(self) -> bool:
        """Whether rounding in the executor explains every difference."""
        parts = [*self.tensors, self.scores]
        return not self.classes_unexplained and not any(one.unexplained for one in parts)

    def as_dict(self) -> dict[str, Any]:
        """All of it but the answers, for JSON."""
        facts = asdict(self)
        del facts["answers"]
        return {"equal": self.equal, "passed": self.passed, **facts}


@dataclass
class Proof:
    """A Network against its graph as it is, and, where the executor's rounding made a difference, with the scales taken
    out of the graph's sums.
    """

    graph: Check
    whole: Check | None

    @property
    def passed(self) -> bool:
        """Whether every number was the same, or was rounded and is the same without rounding."""
        return self.graph.passed and (self.whole is None or (self.whole.passed and self.whole.numbers_equal))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        whole = None if self.whole is None else self.whole.as_dict()
        return {"passed": self.passed, "graph": self.graph.as_dict(), "without_rounding": whole}


def prove(imported: Imported, images: np.ndarray, progress: Callable[[int], object] | None = None) -> Proof:
    """`check`, and once more without the executor's rounding where that made a difference."""
    graph = check(imported, images, progress)
    return Proof(graph, None if graph.equal else check(imported, images, progress, whole=True))


def check(
    imported: Imported, images: np.ndarray, progress: Callable[[int], object] | None = None, *, whole: bool = False
) -> Check:
    """Compare on uint8 images (n, height, width, channels). ``progress`` gets the number of images that are done.

    With ``whole`` the executor gets the graph with the scales taken out of its sums, where nothing may differ. Raises
    Refused where qonnx cannot execute the graph.
    """
    walk = imported.walk
    parts = [Compared(reading.operand.layer, reading.signal.bare) for reading in walk.readings]
    found = Check(len(images), parts, Compared(imported.network.layers[-1].name, walk.ended))
    answers = []
    for start, context in executed(imported, images, whole=whole):
        part = images[start : start + len(context[walk.graph.input])]
        answers.append(_compare(imported, part, context, found))
        if progress is not None:
            progress(start + len(part))
    found.answers = np.concatenate(answers) if answers else found.answers
    return found


def _compare(imported: Imported, images: np.ndarray, context: dict[str, np.ndarray], found: Check) -> np.ndarray:
    """Add one block of images to ``found``; returns the executor's classes."""
    network, walk = imported.network, imported.walk
    pixels = imported.pixels(images)
    run = network.run(pixels)
    ours = {"input": pixels, **run.activations}
    expected, rounded, sums = None, np.zeros(1, bool), np.empty(0)
    for reading, part in zip(walk.readings, found.tensors, strict=True):
        read = reading.operand.layer
        kind = network.shapes[read]
        mine = values(ours[read], kind).reshape(*ours[read].shape[:3], -1, reading.operand.repeat).sum(axis=4)
        theirs, astray = told(reading, context[reading.signal.bare], mine.shape)
        wrong = theirs != (mine if expected is None else expected)
        taken = ours[read] if expected is None else stored(theirs, kind)
        sums = reading.layer.compute(taken, kind).astype(np.int64)
        rounds, far = sums_of(reading, kind).off(sums, context[reading.made.tensor])
        part.numbers += theirs.size
        part.different += int((mine != theirs).sum())
        part.rounded += int((wrong & rounded).sum())
        part.unexplained += int((wrong & ~rounded).sum()) + astray + far
        expected, rounded = behind(imported, reading, sums, rounds)
    part, last = found.scores, walk.readings[-1].layer.name
    theirs = arranged(context[walk.ended], walk.signal.order, sums.shape).reshape(len(images), -1)
    mine, near = (
        walk.signal.evaluate()(table.reshape(len(images), -1).astype(np.int64)) for table in (ours[last], sums)
    )
    wrong, excused = theirs != near, rounded.reshape(theirs.shape)
    part.numbers += theirs.size
    part.different += int((mine != theirs).sum())
    part.rounded += int((wrong & excused).sum())
    part.unexplained += int((wrong & ~excused).sum())
    answers = theirs.argmax(axis=1)
    differ = answers != run.classes
    found.classes_different += int(differ.sum())
    # Float32 can make two scores equal, or nearly so, that are two integers.
    best = np.sort(mine, axis=1)[:, -2:].astype(np.float64)
    level = best[:, -1] - best[:, 0] <= ROUNDING * np.abs(mine).max(initial=0.0)
    found.classes_unexplained += int((differ & (mine == theirs).all(axis=1) & ~level).sum())
    return answers


def arranged(tensor: np.ndarray, order: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A tensor of the graph in the Network's order, ``shape`` (n, height, width, channels)."""
    flat = np.empty((shape[0], order.size), tensor.dtype)
    flat[:, order.reshape(-1)] = tensor.reshape(shape[0], -1)
    return flat.reshape(shape)


def told(reading: Reading, tensor: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """The integers that a tensor of the graph stands for in the Network, and how many of its numbers stand for none."""
    operand = reading.operand
    real = arranged(tensor, reading.signal.order, shape).astype(np.float64)
    scale = float(operand.scale) * operand.sign
    shift = np.array([float(part) for part in operand.shift])
    whole = np.rint((real - shift) / scale)
    largest = np.abs(real).max(initial=0.0)
    return whole.astype(np.int64), int((np.abs(scale * whole + shift - real) > TOLERANCE * largest).sum())


def stored(whole: np.ndarray, kind: TensorType) -> np.ndarray:
    """Values as the numbers that the Network stores: levels by their number."""
    return ((whole + kind.high) // 2).astype(np.uint8) if kind.domain == "levels" else whole


def behind(
    imported: Imported, reading: Reading, sums: np.ndarray, rounded: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What the Network makes of sums up to the next layer with weights, and in which of it a rounded sum has a part."""
    network = imported.network
    source = network.shapes[reading.layer.name]
    after = network.layers[[layer.name for layer in network.layers].index(reading.layer.name) + 1 :]
    numbers = sums
    for layer in after:
        if not isinstance(layer, Threshold | MaxPool):
            break
        numbers, source = layer.compute(numbers, source), layer.output(source)
        if isinstance(layer, MaxPool):
            before = TensorType.levels(*rounded.shape[1:], 1)
            rounded = layer.compute(rounded.astype(np.uint8), before).astype(bool)
    return values(numbers, source), rounded


@dataclass(frozen=True, eq=False)
class Sums:
    """The sums of a layer in the graph: the float32 of the exact ones, and how far the executor may be from them."""

    reading: Reading
    bound: np.ndarray

    def off(self, sums: np.ndarray, tensor: np.ndarray) -> tuple[np.ndarray, int]:
        """Where the executor's sums are not the float32 of the exact ``sums``; how many are further off than they may
        be.
        """
        made = self.reading.made
        real = arranged(tensor, made.order, sums.shape)
        flat = sums.reshape(-1, sums.shape[3])
        exact = made.source.scale * flat + made.source.shift
        far = np.abs(real.reshape(flat.shape).astype(np.float64) - exact) > self.bound
        rounds = made.source.values(flat).reshape(sums.shape) != real
        # Where no addition rounds, the executor's sum is the float32 of the exact one, or the difference is a fault.
        return rounds & (self.bound > 0), int((far | (rounds.reshape(far.shape) & (self.bound == 0))).sum())


def sums_of(reading: Reading, kind: TensorType) -> Sums:
    """What the executor may do to the sums of a layer that reads a tensor of type ``kind``.

    Over N products of at most p each, in any order, float32 is off by at most N + 1 units of N p and the bias. It is
    not off at all where all of them are multiples of one power of two and together less than 2**24 of it.
    """
    operand, layer, weights = reading.operand, reading.layer, reading.weights
    taps = layer.taps // operand.repeat
    value = operand.scale * kind.magnitude * operand.repeat
    largest = max(abs(turn * value + part) for part in operand.shift for turn in (-1, 1))
    factor = max(map(abs, layer.weights.values))
    parts = Fraction(1, math.lcm(*(part.denominator for part in (operand.scale, *operand.shift))))
    bound = np.zeros(layer.outputs)
    for at, unit in enumerate(weights.unit):
        bias = Fraction(float(reading.node.bias[at]))
        total = taps * factor * unit * largest + abs(bias)
        quantum = Fraction(1, math.lcm((unit * parts).denominator, bias.denominator))
        dyadic = quantum.denominator & (quantum.denominator - 1) == 0
        if not dyadic or total >= quantum * EXACT or largest >= parts * EXACT:
            bound[at] = float(total) * (taps + 8) * UNIT
    return Sums(reading, bound)

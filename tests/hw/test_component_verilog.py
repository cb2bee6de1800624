# amaranth: UnusedElaboratable=no
"""The Verilog of every stream component against its reference, in Icarus; more of them and Verilator are slow tests."""

from dataclasses import fields, replace

import numpy as np
import pytest

from hw.accelerator import Joined
from hw.layer.encode import EncodeShape
from hw.layer.listed_window import ListedWindow
from hw.layer.parallel_window import ParallelWindow
from hw.layer.pool import PoolShape
from hw.layer.results import ResultsShape
from hw.layer.serial_window import SerialWindow
from hw.layer.window import WindowShape
from hw.layer.window_store import WindowStore
from hw.stream.repack import RepackShape
from sim.component import check
from tests.hw.layer.test_components import LISTED, product
from tests.hw.layer.test_lookup import LOOKUPS, stimulus, windows_of
from tests.hw.layer.test_unrolled import SHAPES
from tests.hw.layer.test_unrolled import stimulus as unrolled_stimulus
from tests.hw.streams import pack
from tests.simulators import slow_in

RNG = np.random.default_rng(8)


def window(shape):
    image = RNG.integers(0, 1 << shape.bits, (shape.height, shape.width, shape.channels))
    part = SerialWindow(shape, WindowStore.depth_for(shape, 1)) if shape.is_serial else ParallelWindow(shape)
    expected = []
    for taps, skip, missing in shape.reference(image):
        word, width = pack(taps, shape.bits), shape.lanes * shape.bits
        if shape.skips:
            word |= pack(skip, 1) << width | missing << width + shape.lanes
        expected.append(word)
    if shape.is_serial:
        # Taps in the padding need no input: those that open the next frame come out too.
        parts = shape.channels // shape.lanes if shape.order == "tap" else 1
        expected += expected[: (shape.pad * shape.kernel[1] + shape.pad) * parts]
    return part, [pack(word, shape.bits) for word in image.reshape(-1, shape.in_lanes)], expected


def unit(outputs, taps, planes, pe, simd, **options):
    shape, _ = product(outputs, taps, planes, pe, simd, **options)
    words, expected = [], []
    for window in RNG.integers(0, 1 << len(planes), (4, taps)):
        result = shape.reference(window, np.zeros(taps, bool))
        for fold in range(shape.folds):
            expected.append(pack(result[fold * pe : (fold + 1) * pe], shape.level_bits))
            words += [pack(part, len(planes)) for part in window.reshape(-1, simd)] * shape.passes
    return shape.create(), words, expected


def sparse(number):
    front, unit = LISTED[number]
    images = RNG.integers(0, 1 << front.bits, (2, front.height, front.width, front.channels))
    whole = replace(WindowShape(**{f.name: getattr(front, f.name) for f in fields(WindowShape)}), lanes=front.taps)
    outputs = [unit.reference(taps, skip) for image in images for taps, skip, _ in whole.reference(image)]
    expected = [pack(part, unit.level_bits) for each in outputs for part in each.reshape(-1, unit.pe)]
    component = Joined(ListedWindow(front, WindowStore.depth_for(front, 1)), unit.create())
    return component, [pack(word, front.bits) for word in images.reshape(-1, front.lanes)], expected


def unrolled(name):
    return SHAPES[name].create(), *unrolled_stimulus(SHAPES[name], 10)


def repack(lanes_in, lanes_out):
    shape = RepackShape(lanes_in, lanes_out, 2)
    words = RNG.integers(0, 4, (lanes_out * 4, lanes_in))
    return shape.create(), [pack(word, 2) for word in words], [pack(word, 2) for word in shape.reference(words)]


def pool(*sizes):
    shape = PoolShape(*sizes)
    image = RNG.integers(0, 1 << shape.bits, (shape.height, shape.width, shape.channels))
    words = [pack(word, shape.bits) for word in image.reshape(-1, shape.lanes)]
    return shape.create(), words, [pack(word, shape.bits) for word in shape.reference(image).reshape(-1, shape.lanes)]


def encode(shape):
    pixels = RNG.integers(0, 1 << shape.bits, (12, shape.pixels * shape.channels))
    words = [pack(word, shape.bits) for word in pixels]
    return shape.create(), words, [pack(shape.reference(word), shape.bits_out) for word in pixels]


def results(slope, output):
    shape = ResultsShape(slope, RNG.integers(-90, 90, len(slope)), bits=6, top=50, output=output)
    counts, expected = RNG.integers(0, 51, (4, len(slope))), []
    for row in counts:
        scores, winner = shape.reference(row)
        expected += [int(score) % (1 << shape.result_bits) for score in scores if output == "scores"]
        expected.append(winner | 1 << shape.result_bits)
    return shape.create(), counts.reshape(-1).tolist(), expected


def lookup(name):
    unit, _, window = LOOKUPS[name]()
    words, expected = stimulus(unit, window, *windows_of(unit, window))
    return unit.create(), words, expected


CASES = {
    "serial window": lambda: window(WindowShape(4, 5, 4, 1, (3, 3), lanes=2, folds=2, pad=1, fill="skip")),
    "serial window, stride 2": lambda: window(WindowShape(5, 5, 2, 2, (2, 3), lanes=1, pad=1, fill=2, stride=2)),
    "serial window in channel order": lambda: window(
        WindowShape(4, 5, 4, 1, (3, 2), lanes=2, pad=1, fill="skip", order="channel")
    ),
    "parallel window": lambda: window(WindowShape(5, 4, 2, 1, (3, 3), lanes=6, folds=2, pad=1, fill="skip")),
    "product": lambda: unit(6, 10, (0, 1), 2, 5, steps=3),
    "product of pixels": lambda: unit(4, 9, (1, 4, 7), 2, 3, domain="pixels"),
    "product, one word": lambda: unit(5, 15, (0,), 5, 15),
    "product of two levels": lambda: unit(4, 12, (0,), 2, 4, levels=(-3, 2)),
    "product, planes in series": lambda: unit(6, 10, (0, 2, 3), 2, 5, domain="pixels", series=True),
    "listed window and sum": lambda: sparse(1),
    "listed window and sum of levels": lambda: sparse(2),
    "lookup, one fold": lambda: lookup("3x3, n = 2, one fold"),
    "lookup with padding": lambda: lookup("3x3, zero padding, doubled"),
    "lookup of levels": lambda: lookup("2x2, zero padding, levels"),
    "lookup of three words": lambda: lookup("3x3, n = 11, five folds, three words"),
    "lookup of runs": lambda: lookup("5x5, zero padding"),
    "lookup, dense": lambda: lookup("dense"),
    "unrolled": lambda: unrolled("bits, a register every three"),
    "unrolled levels": lambda: unrolled("levels"),
    "unrolled with zero padding": lambda: unrolled("zero padding, odd channels"),
    "widen": lambda: repack(2, 6),
    "narrow": lambda: repack(6, 2),
    "shifter": lambda: repack(3, 5),
    "pool": lambda: pool(5, 5, 4, 1, 2, 2),
    "pool of levels": lambda: pool(6, 6, 2, 2, 3, 1),
    "thermometer": lambda: encode(EncodeShape(3, 8, 2, thresholds=RNG.integers(0, 257, (3, 4)))),
    "planes": lambda: encode(EncodeShape(2, 8, 1, planes=(1, 6, 7))),
    "scores": lambda: results(np.ones(5, int), "scores"),
    "scaled class": lambda: results(RNG.integers(-7, 8, 5), "class"),
}

#: Of kinds that others above stand for.
MORE = {
    "serial window, stride 2",
    "product of pixels",
    "product, one word",
    "listed window and sum of levels",
    "lookup of levels",
    "lookup of three words",
    "lookup, dense",
    "unrolled levels",
    "narrow",
    "pool of levels",
    "scaled class",
}


@pytest.mark.parametrize("simulator", slow_in("verilator"))
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in MORE)) for name in CASES])
def test_the_verilog_of_every_component_is_its_reference(name, simulator, tmp_path):
    component, words, expected = CASES[name]()
    (result,) = check(component, words, expected, simulators=[simulator], build_dir=tmp_path)
    assert result.tests == 4

"""Area before synthesis: every stage's LUTs, flip-flops and block RAMs by formulas that were fitted to Yosys.

The features of a formula have a meaning: taps compared, sum bits added, counter bits, bits multiplexed. What a memory
becomes is no estimate but Yosys' own rule (``hw.plan.memory``). ``benchmarks/area/fit_cost.py`` makes the samples and
the coefficients in ``cost.json``, one set a family and kind of stage, and docs/cost-model.md gives the error.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from hw.datapath.rom import LOAD_BITS, SINGLE_PORT, RomStyle, can_share, packed_rows
from hw.datapath.shared_ram import TableSize
from hw.datapath.times import digits
from hw.layer.encode import EncodeShape
from hw.layer.levels import Levels
from hw.layer.listed_sum import ListedSumShape
from hw.layer.listed_window import ListedWindowShape
from hw.layer.lookup import LookupShape
from hw.layer.pool import PoolShape
from hw.layer.product import ProductShape
from hw.layer.results import ResultsShape
from hw.layer.unrolled import UnrolledShape
from hw.layer.window import WindowShape
from hw.plan.estimate import Estimate
from hw.plan.memory import MEMORIES, memory_use
from hw.plan.pipeline import Stage
from hw.stream.repack import RepackShape
from hw.unrolled.optimise import Unrolling

__all__ = ["Features", "features", "stage_area"]

COEFFICIENTS = Path(__file__).parent / "cost.json"


@dataclass(frozen=True)
class Features:
    """What the formulas of one stage multiply: ``luts`` and ``ffs`` by name, and what is known ``exactly``."""

    kind: str
    luts: Mapping[str, float]
    ffs: Mapping[str, float]
    exactly: Estimate = field(default_factory=Estimate)


@dataclass(frozen=True)
class Memory:
    """What a memory adds: to the exact part, and in bits to the parts that are fitted."""

    exactly: Estimate
    logic_bits: float = 0.0
    register_bits: float = 0.0
    is_block: bool = False


def memory(
    family: str, depth: int, width: int, *, rom: bool, style: RomStyle = "auto", in_order: bool = False
) -> Memory:
    """The cost of a memory with a registered read port; ``in_order`` as in `hw.datapath.rom.Rom`."""
    if depth < 2:
        return Memory(Estimate())
    if style in SINGLE_PORT:
        packed = packed_rows(width)
        if style == "shared" and in_order and can_share(depth, width):
            return shared_memory(TableSize(depth // packed, packed), width)
        depth, width = -(-depth // packed), width * packed
    use = memory_use(family, depth, width, rom=rom, style=style)
    if use.singles:
        # One address for writing and reading, and a choice between the RAMs that a column is made of.
        single = MEMORIES[family].single
        assert single is not None
        rows, columns = single
        luts = bits(depth) + (-(-depth // rows) - 1) * (width + 2 * -(-width // columns))
        return Memory(Estimate(luts=luts, own_sprams=use.singles), is_block=True)
    if use.blocks:
        return Memory(Estimate(brams=use.blocks), is_block=True)
    if use.sites:
        return Memory(Estimate(luts=use.sites), register_bits=width)
    return Memory(Estimate(), depth * width, width + (0 if rom else depth * width))


def shared_memory(size: TableSize, width: int) -> Memory:
    """A table in a RAM that others share, with the word at hand, the one after it, and the choice of a row."""
    counters, chosen = bits(size.load_depth, size.packed), (size.packed - 1) * width
    return Memory(
        Estimate(luts=2 * counters + chosen + 8, ffs=counters + 2 * LOAD_BITS + width + 3, shared=(size,)),
        is_block=True,
    )


def bits(*counts: int) -> int:
    """Bits of counters of these lengths, together."""
    return sum((count - 1).bit_length() for count in counts)


def features(stage: Stage, family: str, read: np.ndarray | None = None) -> Features:
    """The features of ``stage`` on ``family``; of comparisons and unrolled layers those outputs alone that are read."""
    match stage.shape:
        case EncodeShape() as shape:
            return encode_features(shape, 1.0 if read is None else float(read.mean()))
        case RepackShape() as shape:
            return with_buffer(repack_features(shape), stage.buffer, shape.lanes_in * shape.bits, family)
        case ListedWindowShape() as shape:
            return listed_window_features(shape, stage.buffer, family)
        case ListedSumShape() as shape:
            return listed_sum_features(shape, family)
        case WindowShape() as shape if shape.is_serial:
            return serial_features(shape, stage.buffer, family)
        case WindowShape() as shape:
            return with_buffer(parallel_features(shape, family), stage.buffer, shape.channels * shape.bits, family)
        case UnrolledShape() as shape:
            return unrolled_features(shape, shape.unrolling if read is None else shape.unrolling.part(read))
        case ProductShape() as shape:
            return product_features(shape, family)
        case LookupShape() as shape:
            return lookup_features(shape, family)
        case PoolShape() as shape:
            return pool_features(shape, family)
        case ResultsShape() as shape:
            return results_features(shape, family)
    raise TypeError(f"{type(stage.shape).__name__} has no cost model")


def encode_features(shape: EncodeShape, share: float) -> Features:
    limits = [] if shape.thresholds is None else shape.thresholds.reshape(-1).tolist()
    # A comparison reads the bits from its limit's lowest one up: with the highest alone it is a wire.
    widths = [shape.bits - (limit & -limit).bit_length() + 1 for limit in limits if 0 < limit < 1 << shape.bits]
    out = share * shape.lanes_out * shape.bits_out
    compared = share * shape.pixels * sum(width for width in widths if width > 1)
    return Features("encode", {"compared": compared, "one": 1}, {"out": out, "one": 1})


def repack_features(shape: RepackShape) -> Features:
    wide, narrow = max(shape.lanes_in, shape.lanes_out), min(shape.lanes_in, shape.lanes_out)
    if wide % narrow:
        held = (shape.lanes_in + shape.lanes_out) * shape.bits
        return Features("shifter", {"held": held, "one": 1}, {"held": held, "one": 1})
    held, steps = wide * shape.bits, bits(wide // narrow + 1)
    kind = "narrow" if shape.narrows else "widen"
    return Features(kind, {"held": held, "steps": steps, "one": 1}, {"held": held, "steps": steps})


def serial_features(shape: WindowShape, depth: int, family: str) -> Features:
    word = shape.lanes * shape.bits
    store = memory(family, depth, word, rom=False)
    loops = bits(shape.channels // shape.lanes, *shape.kernel, shape.folds, shape.out_height, shape.out_width)
    places = 4 * bits(depth)
    padded = word if shape.pad else 0
    luts = {
        "loops": loops,
        "places": places,
        "padded": padded,
        "border": loops if shape.pad else 0,
        "logic": store.logic_bits,
        "one": 1,
    }
    ffs = {"loops": loops, "places": places, "registers": store.register_bits, "one": 1}
    return Features("serial", luts, ffs, store.exactly)


def listed_window_features(shape: ListedWindowShape, depth: int, family: str) -> Features:
    word, positions = shape.lanes * shape.bits, shape.kernel[0] * shape.kernel[1]
    store = memory(family, depth, word, rom=False)
    # Constant columns are no part of a table, but where it is loaded.
    width = shape.table.width if shape.rom in SINGLE_PORT else shape.table.varying
    table = memory(family, shape.table.depth, width, rom=True, style=shape.rom)
    loops = bits(shape.channels // shape.lanes, *shape.kernel, shape.out_height, shape.out_width, shape.table.depth)
    luts = {
        "loops": loops,
        "places": (4 + shape.pe) * bits(depth),
        "muxed": shape.pe * word,
        "positions": shape.pe * positions,
        "border": shape.pe * positions if shape.pad else 0,
        "logic": shape.pe * store.logic_bits + table.logic_bits,
        "one": 1,
    }
    ffs = {
        "loops": loops,
        "places": 4 * bits(depth),
        "entries": shape.pe * (bits(depth, *shape.kernel, shape.lanes, shape.lanes) + 2),
        "registers": store.register_bits + table.register_bits,
        "one": 1,
    }
    copies = Estimate(luts=shape.pe * store.exactly.luts, brams=shape.pe * store.exactly.brams)
    return Features("listed window", luts, ffs, copies + table.exactly)


def unrolled_features(shape: UnrolledShape, made: Unrolling) -> Features:
    """Nothing is fitted: the optimiser knows its cells. A register stage holds about three bits an output."""
    held = len(made.outputs) * (3 * shape.stages + shape.level_bits) if shape.latency else 0
    if not shape.registered:
        held += shape.simd * len(shape.planes)
    return Features("unrolled", {}, {}, Estimate(luts=made.cells, ffs=held))


def listed_sum_features(shape: ListedSumShape, family: str) -> Features:
    planes, count = len(shape.planes), shape.levels.count_bits
    whole, ones = (reach.bit_length() + 1 for reach in shape.reach)
    limits = levels_memory(shape.levels, shape.folds, family)
    adders = len(digits(shape.low)) + shape.pe * len(digits(shape.step))
    luts = {
        "words": shape.window.lanes * planes,
        "sums": whole + shape.pe * ones,
        "joined": adders * count,
        "compared": shape.pe * shape.levels.steps * count,
        "rom": limits.logic_bits,
        "one": 1,
    }
    ffs = {
        "sums": whole + shape.pe * ones,
        "values": bits(shape.window.lanes) + shape.pe * (planes + 1),
        "counts": shape.pe * count,
        "outputs": shape.pe * shape.level_bits,
        "registers": limits.register_bits,
        "one": 1,
    }
    return Features("listed sum", luts, ffs, limits.exactly)


def parallel_features(shape: WindowShape, family: str) -> Features:
    pixel, taps = shape.channels * shape.bits, shape.taps * shape.bits
    above = (shape.kernel[0] - 1) * pixel
    width = shape.width + 2 * shape.pad
    store = memory(family, width, above, rom=False) if above else Memory(Estimate())
    loops = bits(shape.height + 2 * shape.pad, width, width, shape.words_per_window, shape.folds)
    held = taps - (above if store.is_block else 0)
    luts = {
        "loops": loops,
        "muxed": taps - shape.lanes * shape.bits,
        "padded": pixel if shape.pad else 0,
        "skipped": shape.lanes if shape.skips else 0,
        "logic": store.logic_bits,
        "deep": above if store.exactly.luts and width > 16 else 0,
        "one": 1,
    }
    ffs = {"held": held, "loops": loops, "registers": width * above if store.logic_bits else 0, "one": 1}
    return Features("parallel", luts, ffs, store.exactly)


def product_features(shape: ProductShape, family: str) -> Features:
    lanes, planes = shape.pe * shape.simd, 1 if shape.series else len(shape.planes)
    count, row = shape.levels.count_bits, shape.row_bits
    if shape.weight_rom_depth == 1:
        return constant_features(shape)
    weights = memory(family, shape.weight_rom_depth, lanes, rom=True, style=shape.rom, in_order=not shape.series)
    limits = levels_memory(shape.levels, shape.folds, family)
    partial = (shape.simd * (1 if shape.series else shape.unit)).bit_length()
    two_level = bool(shape.agreement.ratio)
    rows = shape.pe + two_level
    sums = rows * row if shape.words * shape.passes > 1 else 0
    luts = {
        "taps": lanes * planes,
        "constant taps": two_level * shape.simd * planes,
        "planes": rows * (planes - 1) * partial,
        "sums": sums,
        "compared": shape.pe * shape.levels.steps * count,
        "skipped": rows * shape.simd * planes if shape.agreement.skip_channels else 0,
        "rom": weights.logic_bits + limits.logic_bits,
        "counters": bits(shape.folds, shape.words, shape.folds * shape.words),
        "one": 1,
    }
    ffs = {
        "inputs": shape.simd * planes,
        "partial": rows * partial,
        "sums": sums,
        "outputs": shape.pe * shape.level_bits,
        "registers": weights.register_bits + limits.register_bits,
        "counters": bits(shape.folds, shape.folds, shape.words, shape.folds * shape.words),
        "one": 1,
    }
    return Features("product", luts, ffs, weights.exactly + limits.exactly + joining(shape) + series(shape))


def constant_features(shape: ProductShape) -> Features:
    """All weights at once, as constants. Outputs share the counts of taps in which they agree: what is left of a row
    goes by its rarer sign, and by the sums between that tap and the root of the row's tree."""
    ones = shape.weights.sum(axis=1, dtype=np.int64)
    rarer = np.minimum(ones, shape.simd - ones)
    paths = rarer * (1 + np.log2(shape.simd / np.maximum(rarer, 1)))
    planes, rows = 1 if shape.series else len(shape.planes), shape.pe + bool(shape.agreement.ratio)
    # Planes in series are added up, at a LUT and a flip-flop a bit.
    sums = rows * shape.row_bits if shape.series else 0
    luts = {
        "paths": float(paths.sum()) * planes,
        "window": shape.simd * planes,
        "rows": shape.pe * shape.row_bits,
        "skipped": rows * shape.simd * planes if shape.agreement.skip_channels else 0,
        "compared": shape.pe * shape.levels.steps * shape.levels.count_bits,
        "one": 1,
    }
    ffs = {
        "inputs": shape.simd * planes,
        "partial": rows * shape.row_bits,
        "outputs": shape.pe * shape.level_bits,
        "one": 1,
    }
    return Features("constant product", luts, ffs, Estimate(luts=sums, ffs=sums) + joining(shape) + series(shape))


def joining(shape: ProductShape) -> Estimate:
    """The multiple of the window's own sum, added to every row, at a LUT a bit of every adder; nothing if plain."""
    if not shape.agreement.ratio:
        return Estimate()
    count = shape.levels.count_bits
    adders = shape.pe + len(digits(shape.agreement.ratio)) - 1
    return Estimate(luts=adders * count, ffs=shape.pe * count)


def series(shape: ProductShape) -> Estimate:
    """The choice of a plane for every lane, and of what a pass begins with, at 2 LUTs for three inputs of a choice."""
    if not shape.series:
        return Estimate()
    places = len(shape.planes) - 1
    return Estimate(luts=places * (2 / 3 * shape.simd + shape.pe * shape.row_bits / 3))


def levels_memory(levels: Levels, folds: int, family: str) -> Memory:
    """The table of thresholds."""
    return memory(family, folds, 1 if levels.rom is None else levels.rom.width, rom=True)


def lookup_features(shape: LookupShape, family: str) -> Features:
    table, count, planes = shape.table, shape.levels.count_bits, len(shape.planes)
    readers = shape.pe * shape.words
    group = shape.simd * planes + (shape.group.taps if shape.group.positions else 0)
    steps = 0 if shape.thresholds is None else shape.thresholds.shape[1]
    codewords = memory(family, table.codeword_rom.depth, table.codeword_rom.width, rom=True)
    width = table.index_rom.width
    indices = memory(family, table.index_rom.depth, width, rom=True, style=shape.rom, in_order=True)
    limits = memory(family, shape.folds, max(1, shape.pe * steps * (count + 1)), rom=True)
    one = memory(family, table.depth, table.entry_bits, rom=False)
    totals = memory(family, shape.folds if shape.groups > 1 else 1, shape.pe * count, rom=False)
    counters = bits(shape.groups, shape.folds, shape.folds, shape.groups * shape.folds, len(shape.codewords))
    exact = [codewords.exactly, indices.exactly, limits.exactly, totals.exactly, *[one.exactly] * readers]
    luts = {
        "taps": shape.simd * planes,
        "read": readers * one.logic_bits,
        "deep": readers * table.entry_bits if one.exactly.luts else 0,
        "added": (readers - shape.pe) * table.entry_bits + shape.pe * count * (1 + steps),
        "rom": codewords.logic_bits + indices.logic_bits + limits.logic_bits + totals.logic_bits,
        "counters": counters,
        "one": 1,
    }
    summed = shape.pe * table.count_bits if shape.words > 1 else 0
    ffs = {
        "gathered": group * (2 if shape.group.beats > 1 else 1) + shape.words * table.entry_bits,
        "read": readers * one.register_bits,
        "sums": summed + shape.pe * (count + shape.level_bits),
        "registers": sum(each.register_bits for each in (codewords, indices, limits, totals)),
        "counters": counters,
        "one": 1,
    }
    return Features("lookup", luts, ffs, sum(exact, Estimate()))


def pool_features(shape: PoolShape, family: str) -> Features:
    word, places = shape.lanes * shape.bits, shape.width // shape.size * shape.parts
    store = memory(family, places, word, rom=False)
    loops = bits(shape.parts, shape.width, shape.height, shape.size, shape.size) + 3 * bits(places)
    luts = {"word": word, "loops": loops, "logic": store.logic_bits, "one": 1}
    return Features("pool", luts, {"word": word, "loops": loops, "registers": store.register_bits}, store.exactly)


def results_features(shape: ResultsShape, family: str) -> Features:
    if shape.lanes > 1:
        # An adder a class; a comparison, a choice of the score and one of the number a game.
        number = bits(shape.classes)
        luts = shape.classes * shape.score_bits + (shape.classes - 1) * (2 * shape.score_bits + number)
        ffs = 2 * shape.classes * shape.score_bits + shape.classes * number
        return Features("parallel results", {}, {}, Estimate(luts=luts, ffs=ffs))
    tables = [memory(family, rom.depth, rom.width, rom=True) for rom in shape.roms]
    varied = len(set(shape.slope.tolist())) > 1
    scores = shape.score_bits
    luts = {
        "scores": scores,
        "multiplied": shape.bits * scores if varied else 0,
        "rom": sum(table.logic_bits for table in tables),
        "one": 1,
    }
    ffs = {"scores": scores, "bits": shape.bits, "registers": sum(table.register_bits for table in tables), "one": 1}
    exactly = Estimate(brams=sum(table.exactly.brams for table in tables))
    return Features("results", luts, ffs, exactly)


def with_buffer(inner: Features, depth: int, width: int, family: str) -> Features:
    """``inner`` behind a FIFO of ``depth`` words, if any, whose counters cost about 5 LUTs and 4 flip-flops a bit."""
    if not depth:
        return inner
    store = memory(family, depth, width, rom=False)
    control = Estimate(luts=5 * bits(depth + 1) + 0.6 * store.logic_bits, ffs=4 * bits(depth + 1) + store.register_bits)
    return Features(inner.kind, inner.luts, inner.ffs, inner.exactly + store.exactly + control)


@cache
def coefficients() -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Fitted coefficients: family, kind, "luts" or "ffs", feature."""
    return json.loads(COEFFICIENTS.read_text())["coefficients"]


def stage_area(stage: Stage, family: str, read: np.ndarray | None = None) -> Estimate:
    """The estimate for one stage, ``read`` as for `features`. Raises KeyError for a family that was not fitted."""
    known = features(stage, family, read)
    if not known.luts:
        return known.exactly
    fitted = coefficients()[family][known.kind]
    luts = sum(fitted["luts"].get(name, 0.0) * value for name, value in known.luts.items())
    ffs = sum(fitted["ffs"].get(name, 0.0) * value for name, value in known.ffs.items())
    return known.exactly + Estimate(luts, ffs)

"""Deliberate faults in the hardware, a few for each part of it."""

from dataclasses import dataclass

__all__ = ["FAULTS", "Fault"]


@dataclass(frozen=True)
class Fault:
    """``old``, which stands once in ``file``, made ``new``; the proofs that begin with ``proof`` must find it."""

    name: str
    file: str
    old: str
    new: str
    proof: str


POPCOUNT, PRODUCT, RESULTS = "hw/datapath/popcount.py", "hw/layer/product.py", "hw/layer/results.py"
LEVELS, STORE = "hw/layer/levels.py", "hw/layer/window_store.py"
REPACK, POOL, SERIAL = "hw/stream/repack.py", "hw/layer/pool.py", "hw/layer/serial_window.py"
PARALLEL, BORDER, COUNTER = "hw/layer/parallel_window.py", "hw/layer/border.py", "hw/stream/counter.py"
AGREEMENT, ACCELERATOR, ENCODE = "sw/network/agreement.py", "hw/accelerator.py", "hw/layer/encode.py"
TIMES, LISTED, SUMS = "hw/datapath/times.py", "hw/layer/listed_window.py", "hw/layer/listed_sum.py"
GATHER, TABLE, TOTALS = "hw/layer/lookup/gather.py", "hw/layer/lookup/table.py", "hw/layer/lookup/totals.py"
LOOKUP, REGISTERS, UNROLLED = "hw/layer/lookup/unit.py", "hw/stream/registers.py", "hw/layer/unrolled.py"
ICE40, ECP5 = "hw/tighten/ice40.py", "hw/tighten/ecp5.py"
FEW, TWO_LEVEL, CLUSTER = "hw/unrolled/few.py", "hw/unrolled/two_level.py", "hw/unrolled/cluster.py"

FAULTS = (
    Fault(
        "carry dropped",
        POPCOUNT,
        "Cat(carry, x) + Cat(carry, y)",
        "Cat(carry, x) + Cat(0, y)",
        "popcount of 64",
    ),
    Fault(
        "two ones and a third make one", POPCOUNT, "(odd & c) | (~odd & a)", "(odd & c) | (odd & a)", "popcount of 3"
    ),
    Fault(
        "largest count clipped",
        POPCOUNT,
        "return chain[1 : 1 + node.size.bit_length()]",
        "return Cat(chain[1 : node.size.bit_length()], 0)",
        "popcount of 13",
    ),
    Fault("agree is differ", POPCOUNT, "~(x ^ y)", "x ^ y", "agreements of 9"),
    Fault("> for >=", LEVELS, "(count >= own", "(count > own", "product 2x3, PE 2, SIMD 3"),
    Fault(
        "threshold rounded down",
        AGREEMENT,
        "-((-table - self.offset[:, None]) // self.slope)",
        "(table + self.offset[:, None]) // self.slope",
        "thresholds, 9 bits",
    ),
    Fault("never is sometimes", AGREEMENT, "0, self.top + 1)", "0, self.top)", "thresholds, 9 bits"),
    Fault("invert forgotten", LEVELS, " ^ own[-1] for", " for", "product 2x3, PE 2, SIMD 3"),
    Fault("skip mask ignored", POPCOUNT, "~(plane ^ weights) & ~skip", "~(plane ^ weights)", "product 2x4, skip"),
    Fault(
        "missing positions ignored",
        PRODUCT,
        "            return missing\n",
        "            return Const(0, 1)\n",
        "product 2x4, skip",
    ),
    Fault(
        "accumulator never cleared",
        PRODUCT,
        "Mux(first, self._begin(total, at_plane, missing), total)",
        "(missing + total)",
        "product 2x4, PE 1, SIMD 2",
    ),
    Fault(
        "fold counter off by one",
        COUNTER,
        "self.value == count - 1 if",
        "self.value == count - 2 if",
        "product 4x4, PE 2, SIMD 2",
    ),
    Fault(
        "row of weights one too far",
        PRODUCT,
        "Mux(fold.done, 0, row + 1)",
        "Mux(fold.done, 1, row + 1)",
        "product 2x4, PE 1, SIMD 2",
    ),
    Fault(
        "payload not held",
        LEVELS,
        "with m.If(complete & free):",
        "with m.If(complete):",
        "product 2x3, PE 2, SIMD 3",
    ),
    Fault("word lost when stalled", REPACK, "(left == 0) | ((left == 1) & self.o.ready)", "left <= 1", "repack 3 to 1"),
    Fault(
        "word taken twice", REPACK, "count.eq(Mux(self.o.valid, 0, count) + 1)", "count.eq(count + 1)", "repack 2 to 2"
    ),
    Fault(
        "shifter too full",
        REPACK,
        "(self.o.ready & (count <= 2 * give))",
        "(self.o.ready & (count <= 2 * give + 1))",
        "repack 3 to 2",
    ),
    Fault(
        "encoder loads while it waits", ENCODE, "with m.If(self.i.ready):", "with m.If(self.i.valid):", "encode, planes"
    ),
    Fault("pixel > threshold", ENCODE, "pixel >= int(threshold)", "pixel > int(threshold)", "encode, thermometer"),
    Fault(
        "pool moves onto a waiting word",
        POOL,
        "move.eq(held & (~emit | ~self.o.valid | self.o.ready))",
        "move.eq(held)",
        "pool 2x2x1",
    ),
    Fault(
        "pool keeps an old window", POOL, "opens.append(phase == 0)", "opens.append(phase == size - 1)", "pool 2x2x1"
    ),
    Fault("last of the largest wins", RESULTS, "(score > best)", "(score >= best)", "results, class, slopes"),
    Fault(
        "winner lost under a stall",
        RESULTS,
        "scored_free.eq(~scored | ~last | free)",
        "scored_free.eq(1)",
        "results, class, slopes",
    ),
    Fault(
        "read before it is written",
        SERIAL,
        "outside | (offset < store.lead)",
        "outside | (offset <= store.lead)",
        "serial window 2x4",
    ),
    Fault(
        "memory overwritten",
        STORE,
        "self.lead < depth - self.reserve(shape)",
        "self.lead <= depth - self.reserve(shape)",
        "serial window 2x4",
    ),
    Fault("window moves under a stall", SERIAL, "go.eq(en & (", "go.eq((", "serial window 2x4"),
    Fault(
        "skip mask late",
        SERIAL,
        "m.d.sync += was_outside.eq(outside)",
        "m.d.sync += was_outside.eq(0)",
        "serial window 2x2",
    ),
    Fault(
        "padding told of the window before",
        BORDER,
        "(place - 1) % loop.count",
        "place % loop.count",
        "serial window 2x2",
    ),
    Fault(
        "padding's rows told by columns",
        BORDER,
        "(0, row, done & column.done)",
        "(0, row, done)",
        "serial window 2x2",
    ),
    Fault(
        "window replaced while it waits",
        PARALLEL,
        "ready.eq(~complete | sent)",
        "ready.eq(1)",
        "parallel window 3x3, kernel 2",
    ),
    Fault(
        "missing positions of another row",
        BORDER,
        "rows * columns - tall * wide",
        "rows * columns - wide * wide",
        "parallel window 3x3, kernel 2, zero padding",
    ),
    Fault(
        "FIFO fed from nowhere",
        ACCELERATOR,
        "self.inner.i.valid.eq(store.r_rdy)",
        "self.inner.i.valid.eq(1)",
        "FIFO of 2",
    ),
    Fault(
        "valid looks at ready",
        REPACK,
        "self.o.valid.eq(left != 0)",
        "self.o.valid.eq((left != 0) & self.o.ready)",
        "repack 3 to 1",
    ),
    Fault(
        "digit of the wrong sign", TIMES, "if sign > 0 else total -", "if sign else total -", "times large constants"
    ),
    Fault(
        "ratio of the wrong sign",
        PRODUCT,
        "times(totals[-1], agreement.ratio)",
        "times(totals[-1], -agreement.ratio)",
        "two levels 2x2, ratio -1",
    ),
    Fault(
        "row's agreements not shifted",
        PRODUCT,
        "((total << agreement.shift) + shared)",
        "(total + shared)",
        "two levels 1x4, ratio -5",
    ),
    Fault(
        "row of ones is a row of zeros",
        PRODUCT,
        "rows.append(Const(-1, shape.simd))",
        "rows.append(Const(0, shape.simd))",
        "two levels 1x2, ratio -3",
    ),
    Fault(
        "thresholds of the fold before",
        PRODUCT,
        'at_fold = keep(m, settle, at_fold, "summed_fold")',
        'at_fold = keep(m, take, at_fold, "summed_fold")',
        "two levels 2x2, ratio 3",
    ),
    Fault(
        "lowest plane first",
        PRODUCT,
        "place = len(shape.planes) - 1 - plane",
        "place = plane + 0",
        "series 1x2, 2 planes",
    ),
    Fault(
        "next plane not moved up",
        PRODUCT,
        "begin = Mux(plane == number, total << step, begin)",
        "begin = Mux(plane == number, total << 1, begin)",
        "series 2x2",
    ),
    Fault(
        "weights not sent again for a plane",
        PRODUCT,
        "row - (shape.words - 1), following)",
        "row, following)",
        "series 1x2, pixels",
    ),
    Fault(
        "outside told in every plane", PRODUCT, "Mux(plane == shape.passes - 1, missing, 0)", "missing", "series 1x4"
    ),
    Fault(
        "last beat is not last",
        LISTED,
        "row = (beat == beats - 1) << self.pe * field",
        "row = (beat == 0) << self.pe * field",
        "listed window 1x1x2, no ones",
    ),
    Fault(
        "list entry off by one",
        LISTED,
        "divmod(taps[beat], self.channels)",
        "divmod(taps[beat] - beat, self.channels)",
        "listed window 1x1x2, no ones",
    ),
    Fault(
        "place in the word ignored",
        LISTED,
        "word_select(selected, shape.bits)",
        "word_select(0, shape.bits)",
        "listed window 1x1x2, PE 2",
    ),
    Fault(
        "padding read from the lists",
        LISTED,
        "entry.used & ~lies_outside if shape.skips else entry.used",
        "entry.used",
        "listed window 1x1, kernel 1, zero padding",
    ),
    Fault(
        "list's row taken a beat late",
        LISTED,
        "take_row & (row == 0)",
        "take_row & (row == 1 % table.depth)",
        "listed window 1x1x2, no ones",
    ),
    Fault(
        "listed word read before it has come",
        LISTED,
        "skip | (offset < store.lead)",
        "skip | (offset <= store.lead)",
        "listed window 1x1x2",
    ),
    Fault(
        "window's sum never cleared", SUMS, "Mux(window_starts, 0, total) + whole", "total + whole", "listed sum 1x1x2"
    ),
    Fault(
        "list's sum never cleared",
        SUMS,
        "Mux(group_starts, 0, own) + value",
        "own + value",
        "listed sum 1x1x2, folds 2",
    ),
    Fault(
        "whole words outside counted",
        SUMS,
        "Mux(word.skip, 0, value) if shape.window.skips else value",
        "value",
        "listed sum 1x1, skip",
    ),
    Fault(
        "unused lane counted",
        SUMS,
        "Mux(beat.use[lane], self._value(beat.taps[lane]), 0)",
        "self._value(beat.taps[lane])",
        "listed sum 1x1x2",
    ),
    Fault(
        "table half swapped",
        TABLE,
        "Cat(indices.word_select(p * len(entries) + word, shape.index_bits), half)",
        "Cat(indices.word_select(p * len(entries) + word, shape.index_bits), ~half)",
        "codewords 1 words of 1",
    ),
    Fault(
        "entry one place too far",
        TABLE,
        'place.eq(keep(m, count, at, "counted_at"))',
        "place.eq(at)",
        "codewords 2 words of 1",
    ),
    Fault(
        "skip not masked in the table",
        TABLE,
        "skip = group.skip if shape.group.positions else None",
        "skip = None",
        "codewords skip, 1",
    ),
    Fault("missing of the other half", TABLE, "numbers[half_out]", "numbers[~half_out]", "codewords skip, 1"),
    Fault(
        "table overwritten while it is read",
        TABLE,
        "write = counted & ~occupied",
        "write = counted",
        "codewords 1 words of 1, 3",
    ),
    Fault(
        "index of another word",
        TABLE,
        "p * len(entries) + word, shape.index_bits), half",
        "p + word, shape.index_bits), half",
        "codewords 2 words of 2, 3",
    ),
    Fault(
        "taps of a word in another order",
        GATHER,
        "o.x[word][tap].eq(",
        "o.x[word][shape.taps - 1 - tap].eq(",
        "gather 2 words of 2",
    ),
    Fault(
        "skip bit of the wrong lane",
        GATHER,
        "o.skip[tap].eq(held[-1])",
        "o.skip[tap].eq(held[0])",
        "gather 2 words of 3",
    ),
    Fault(
        "last group told a group late",
        TOTALS,
        "group.value == self.groups - 2",
        "group.value == self.groups - 1",
        "totals 2 folds, 2 groups",
    ),
    Fault(
        "first group added to the last window",
        TOTALS,
        "Mux(group.first, initial, old) + count",
        "Mux(group.last, initial, old) + count",
        "totals 1 folds, 2",
    ),
    Fault(
        "totals of another fold",
        TOTALS,
        "Mux(fold.last, 0, fold.value + 1)",
        "Mux(fold.last, 1, fold.value + 1)",
        "totals 2 folds, 2",
    ),
    Fault(
        "indices of runs and channels exchanged",
        LOOKUP,
        ".transpose(2, 4, 0, 1, 3)",
        ".transpose(2, 3, 0, 1, 4)",
        "lookup 1x4, runs of 2",
    ),
    Fault(
        "all channels of a tap before the next",
        STORE,
        '0 if shape.order == "tap" else 2',
        "0",
        "serial window 1x2x2, kernel 1x2, by channel",
    ),
    Fault(
        "few: states by one more", FEW, "threshold - total)", "threshold - total + 1)", "unrolled 5x14, ones alone, xc7"
    ),
    Fault(
        "window sum not complemented",
        TWO_LEVEL,
        "tuple(bit ^ 1 for bit in x.bits)",
        "tuple(bit for bit in x.bits)",
        "unrolled 4x10, two levels, ice40",
    ),
    Fault(
        "skipped zeros counted",
        UNROLLED,
        "unit * scale * (unset - zeros)",
        "unit * scale * unset",
        "unrolled 3x9, two levels, skip, counts, ice40",
    ),
    Fault(
        "told from the wrong row",
        CLUSTER,
        "row if parent.sign > 0 else source",
        "source if parent.sign > 0 else row",
        "unrolled 6x14, rows told from others, ice40",
    ),
    Fault("a stage loads without room", REGISTERS, "incoming & free", "incoming", "unrolled stages 2x4"),
    Fault(
        "a register inside loads with the next one",
        UNROLLED,
        "enables[not shape.registered : -1]",
        "enables[1:] if shape.registered else enables[1:-1]",
        "unrolled stages 1x5, from registers, a register a level",
    ),
    Fault(
        "the last of equals wins",
        RESULTS,
        "score >= players[pair + 1][0]",
        "score > players[pair + 1][0]",
        "results, all classes at once, one slope",
    ),
    Fault(
        "a table whose inverter is gone puts out what it did",
        ICE40,
        "digits(_entries(netlist, source) ^ 0xFFFF)",
        "digits(_entries(netlist, source))",
        "tightened 8x20, ice40, no slower",
    ),
    Fault(
        "a sum's cell takes its own sum for what is known",
        ICE40,
        "j & 1 | own.value(held) << 1",
        "own.value(held) | (j & 1) << 1",
        "tightened 8x20, ice40",
    ),
    Fault(
        "bits that a carry cell passes on are another table's",
        ECP5,
        "known.setdefault(at, other.value(held)) != other.value(held)",
        "known.setdefault(at, other.value(held)) is None",
        "tightened 8x20, ecp5",
    ),
)

"""Deliberate faults: each must be found by the proof that stands beside it. ``python -m tests.formal.faults``."""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FAULTS", "Fault", "found"]

ROOT = Path(__file__).parents[2]


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
)


def found(fault: Fault, folder: Path) -> str:
    """The first claim that ``fault`` breaks, in a copy of the hardware in ``folder``; empty where none is."""
    for part in ("hw", "sw", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / fault.file
    text = file.read_text()
    if text.count(fault.old) != 1:
        raise ValueError(f"{fault.file} must hold {fault.old!r} once, not {text.count(fault.old)} times")
    file.write_text(text.replace(fault.old, fault.new))
    command = [sys.executable, "-m", "tests.formal", fault.proof]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    line = re.search(r"^(.*\S) +[\d.]+ s  not so: (.*)", said.stdout, re.MULTILINE)
    return f"{line[1]}: {line[2]}" if line else ""


def main() -> int:
    """Print which claim found each fault. 1 where a fault was not found."""
    missed = 0
    for fault in FAULTS:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="subbit-fault-") as folder:
            said = found(fault, Path(folder))
        missed += not said
        print(f"{fault.name:34} {time.perf_counter() - start:5.1f} s  {said or 'NOT FOUND'}", flush=True)
    print(f"{len(FAULTS) - missed} of {len(FAULTS)} faults found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""What the unrolled layers are measured against computes the same function, proved by SAT."""

import pytest

from benchmarks.area.rivals import adders, compressors
from benchmarks.area.unrolled import random_layer, random_ones, unrolling
from hw.unrolled.component import Combinational
from hw.verilog import emit
from hw.yosys import run_yosys
from sw.errors import SubbitError

TAPS, OUTPUTS = 14, 4


def prove_equal(folder, ours, other):
    """Raise SubbitError unless two modules ``top`` from x to y compute the same."""
    (folder / "ours.sv").write_text(ours)
    (folder / "other.sv").write_text(other)
    run_yosys(
        folder,
        [
            "read_verilog -sv ours.sv",
            "hierarchy -top top",
            "proc",
            "flatten",
            "rename top ours",
            "read_verilog -sv other.sv",
            "rename top other",
            "proc",
            "miter -equiv -flatten ours other both",
            "hierarchy -top both",
            "sat -verify -prove trigger 0 both",
        ],
    )


@pytest.mark.parametrize("low", [-1, 0])
@pytest.mark.parametrize("rival", [compressors, adders])
def test_a_rival_computes_the_same(rival, low, tmp_path):
    weights, thresholds = random_layer(TAPS, OUTPUTS) if low else random_ones(TAPS, OUTPUTS, 0.4)
    ours = emit(Combinational(unrolling(weights, thresholds, "ice40", low)), "top")
    prove_equal(tmp_path, ours, rival(weights, thresholds, low))
    with pytest.raises(SubbitError, match="Yosys failed"):
        prove_equal(tmp_path, ours, rival(weights, thresholds + 1, low))

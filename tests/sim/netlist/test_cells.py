"""Models of memories: random accesses to every shape that they come in, on netlists of Yosys and nextpnr."""

import pytest

from hw.synthesis import synthesise
from sim.netlist import netlist_sources
from sim.simulators import available
from tests.sim.netlist.designs import check_memories, memories, place_and_route
from tests.simulators import needs_icarus

SHAPES = {
    "ice40": [(256, 16, "block"), (512, 8, "block"), (1024, 4, "block"), (2048, 2, "block"), (16, 4, "")],
    "ecp5": [
        (512, 36, "block"),
        (1024, 18, "block"),
        (2048, 9, "block"),
        (4096, 4, "block"),
        (8192, 2, "block"),
        (16384, 1, "block"),
        (16, 6, "distributed"),
    ],
    "gowin": [
        (512, 36, "block"),
        (1024, 18, "block"),
        (2048, 9, "block"),
        (4096, 4, "block"),
        (8192, 2, "block"),
        (16384, 1, "block"),
        (16, 6, "distributed"),
    ],
}
RAMS = {
    "ice40": {"SB_RAM40_4K"},
    "ecp5": {"DP16KD", "TRELLIS_DPR16X4"},
    "gowin": {"SPX9", "RAM16SDP4"},
}


@pytest.fixture
def synthesised(tmp_path):
    """A function that synthesises the memories of a family into tmp_path, and gives the netlist's kinds of cells."""

    def make(family, shapes, script=()):
        area = synthesise(memories(shapes), family, netlist=tmp_path / "synth.json", script=script)
        return set(area.cells)

    return make


@needs_icarus
@pytest.mark.parametrize("family", SHAPES)
def test_memories(family, synthesised, tmp_path):
    shapes = [shape for shape in SHAPES[family] if shape[0] <= 2048]  # Yosys takes long over tall ones.
    kinds = synthesised(family, shapes)
    assert kinds >= RAMS[family]
    sources, _ = netlist_sources(tmp_path, "synthesised", family)
    check_memories(sources, shapes, "icarus", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("simulator", available())
@pytest.mark.parametrize("family", SHAPES)
def test_memories_placed_and_routed(family, simulator, synthesised, tmp_path):
    shapes = SHAPES[family][:-1] if family == "ice40" else SHAPES[family]
    synthesised(family, shapes, ["synth_gowin -top top"] if family == "gowin" else ())
    place_and_route(tmp_path, family)
    sources, _ = netlist_sources(tmp_path, "routed", family)
    check_memories(sources, shapes, simulator, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("simulator", available())
@pytest.mark.parametrize("shapes", [SHAPES["gowin"], [(512, 18, "block"), (1024, 9, "block")]], ids=["all", "few"])
def test_memories_read_back_from_a_bitstream_of_gowin(shapes, simulator, synthesised, tmp_path):
    synthesised("gowin", shapes, ["synth_gowin -top top"])
    place_and_route(tmp_path, "gowin")
    sources, _ = netlist_sources(tmp_path, "bitstream", "gowin")
    check_memories(sources, shapes, simulator, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("simulator", available())
@pytest.mark.parametrize("stage", ["synthesised", "routed"])
def test_single_port_ram(stage, simulator, synthesised, tmp_path):
    shapes = [(16384, 16, "huge")]
    assert "SB_SPRAM256KA" in synthesised("ice40", shapes, ["synth_ice40 -top top -spram"])
    if stage == "routed":
        place_and_route(tmp_path, "ice40")
    sources, _ = netlist_sources(tmp_path, stage, "ice40")
    check_memories(sources, shapes, simulator, tmp_path)

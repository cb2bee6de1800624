# amaranth: UnusedElaboratable=no
"""Every board takes a network: its folder is complete, and its constraints name each port of the Verilog once."""

import json
import re
from dataclasses import replace

import pytest

from boards.board import BOARDS, board
from boards.design import link_shape, write_design
from boards.identity import identity
from boards.link.host_link import HostLink
from boards.pins import CONSTRAINTS, constraints
from boards.pll import dividers_for, limits_of
from boards.top import Top
from boards.weights.tables import Verilog
from hw.accelerator import Accelerator
from hw.plan.pipeline import pipeline
from hw.plan.plan import Folding, Plan
from sw.errors import SubbitError
from sw.network import DenseEncoding, Input, Linear, load

FOLDING = {"conv1": Folding(4, 9), "conv2": Folding(6, 36), "dense1": Folding(1, 4)}
PLACED = {
    "ice40": r"^set_io (?:-\w+ \w+ )?(\w+) ",
    "ecp5": r'^LOCATE COMP "(\w+)"',
    "gowin": r'^IO_LOC "(\w+)"',
    "xc7": r"PACKAGE_PIN .*\[get_ports (\w+)\]",
}
CELLS = {"ice40": "SB_PLL40_", "ecp5": "EHXPLLL", "gowin": "rPLL", "xc7": "PLLE2_BASE"}


def plan_of(known, times: float) -> Plan:
    """A plan for ``known`` at about so many times its oscillator."""
    hertz = known.oscillator_hz
    if times != 1:
        dividers = dividers_for(limits_of(known), hertz, times * hertz)
        assert dividers is not None
        hertz = float(dividers.output_hz)
    return Plan(FOLDING, clock_hz=hertz, device=known.device_name)


def ports(text: str) -> set[str]:
    """The ports of the module ``top`` in SystemVerilog ``text``."""
    found = re.search(r"^module top\(([^)]*)\);", text, re.MULTILINE)
    assert found
    return set(found[1].split(", "))


#: One of each family; the others differ from them in data that other tests read.
QUICK = ("icebreaker", "ulx3s-85f", "tang-nano-9k", "arty-a7-35t")
EVERY = [pytest.param(b, id=b.name, marks=[] if b.name in QUICK else pytest.mark.slow) for b in BOARDS]


LOADING = [
    pytest.param(b, loads, id=f"{b.name}-{loads}") for b in BOARDS for loads in (False, True) if b.memory or not loads
]


def test_a_design_for_other_weights_differs_in_memories_alone(small_network, tmp_path):
    layers = [
        replace(layer, weights=DenseEncoding(1 - layer.weights.decode())) if isinstance(layer, Linear) else layer
        for layer in small_network.layers
    ]
    other, plan, target = replace(small_network, layers=tuple(layers)), Plan(FOLDING), board("icebreaker")
    own = identity(small_network, plan)
    first = write_design(small_network, plan, target, tmp_path / "first")
    second = write_design(other, plan, target, tmp_path / "second", checked_as=own)
    one, two = (Verilog((made.folder / "top.sv").read_text(), "top") for made in (first, second))
    # Of the accelerator a table may be in logic; all else is the same but for one memory.
    same = [each.skeleton().items() for each in (one, two)]
    assert not {name for name, _ in same[0] ^ same[1] if not name.startswith("top_accelerator")}
    before, after = one.tables(), two.tables()
    changed = {name for name, table in after.items() if (table.bits != before[name].bits).any()}
    assert {name for name in changed if not name.startswith("accelerator.")} == {"link.sender.cells"}
    assert {name for name in before if before[name].written and "weights" not in name} >= {"link.sender.cells"}
    told = second.description
    assert (told["identity"], told["checked_as"]) == (identity(other, plan).hex(), own.hex())
    # Back to the first network, nothing is left of the other.
    third = write_design(small_network, plan, target, tmp_path / "third", checked_as=own)
    assert third.description == first.description
    assert "checked_as" not in first.description
    assert (third.folder / "top.sv").read_bytes() == (first.folder / "top.sv").read_bytes()


@pytest.mark.parametrize(("known", "loads"), LOADING)
def test_constraints_name_every_port_of_the_top_once(known, loads, small_network):
    plan = plan_of(known, 1)
    if loads:
        plan = replace(plan, folding=FOLDING | {"conv2": Folding(2, 4, "spram")})
    accelerator = Accelerator(small_network, plan)
    link = HostLink(link_shape(small_network, plan, known.oscillator_hz, None))
    top = Top(known, None, known.oscillator_hz, link, accelerator)
    placed = re.findall(PLACED[known.family], constraints(known, loads=loads), re.MULTILINE)
    assert sorted(placed) == sorted(top.signature.members) == sorted(known.sites(loads=loads))


@pytest.mark.parametrize("known", EVERY)
def test_every_board_takes_a_network(known, small_network, tmp_path):
    plan = plan_of(known, 1.5)
    design = write_design(small_network, plan, known, tmp_path / "build")
    text = (design.folder / "top.sv").read_text()
    constrained = (design.folder / CONSTRAINTS[known.family]).read_text()
    placed = re.findall(PLACED[known.family], constrained, re.MULTILINE)
    assert len(placed) == len(set(placed))
    assert set(placed) == ports(text) == set(known.sites())
    assert text.count(CELLS[known.family]) == 1
    assert design.description["clock_hz"] == round(plan.clock_hz)
    names = {"board.json", "top.sv", "network.safetensors", "plan.json", "rom", CONSTRAINTS[known.family]}
    assert {path.name for path in design.folder.iterdir()} == names
    assert Plan.load(design.folder / "plan.json") == plan


def test_the_description_says_what_tools_and_host_must_know(small_network, tmp_path):
    known = board("icebreaker")
    plan = plan_of(known, 1)
    design = write_design(small_network, plan, known, tmp_path / "build")
    stages = pipeline(small_network, plan)
    assert design.description == json.loads((tmp_path / "build" / "board.json").read_text())
    assert design.description == {
        "format": 1,
        "board": "icebreaker",
        "device": "ice40-up5k",
        "family": "ice40",
        "top": "top",
        "sources": ["top.sv"],
        "constraints": "top.pcf",
        "clock_hz": 12_000_000,
        "oscillator_hz": 12_000_000,
        "baud": 1_000_000,
        "cycles_per_bit": 12,
        "identity": identity(small_network, plan).hex(),
        "input": {
            "bits": 8,
            "beats": 64,
            "pixels_per_beat": 1,
            "image": {"height": 8, "width": 8, "channels": 1, "bits": 8},
        },
        "result": {"bits": stages.stages[-1].shape.result_bits, "beats": 4, "output": "scores", "classes": 3},
        "interval": stages.interval,
        "cycles": stages.cycles,
    }
    saved = load(tmp_path / "build" / "network.safetensors")
    assert identity(saved, plan) == identity(small_network, plan)
    assert "SB_PLL40" not in (tmp_path / "build" / "top.sv").read_text()
    roms = {path.name for path in (tmp_path / "build" / "rom").iterdir()}
    assert "dense1_weights.mem" in roms


@pytest.mark.parametrize(("name", "tightened"), [("icebreaker", True), ("ulx3s-25f", True), ("tang-nano-9k", None)])
def test_netlists_with_an_unrolled_layer_are_tightened(name, tightened, small_network, tmp_path):
    known = board(name)
    plan = replace(plan_of(known, 1), folding=FOLDING | {"conv2": Folding(6, 36, datapath="unrolled")})
    assert write_design(small_network, plan, known, tmp_path / "build").description.get("tightened") is tightened


def test_weights_in_single_port_ram_stand_in_the_flash_memory(small_network, tmp_path):
    known = board("icebreaker")
    plan = replace(plan_of(known, 1), folding=FOLDING | {"conv2": Folding(2, 4, "spram")})
    design = write_design(small_network, plan, known, tmp_path / "build")
    weights = (design.folder / "weights.bin").read_bytes()
    # conv2 has 6 x 36 weights in 27 rows of 8 bits, two of them in a word.
    assert design.description["weights"] == {"file": "weights.bin", "address": 0x20000, "words": 14}
    assert len(weights) == 2 * 14 + 4
    rows = [int(line, 16) for line in (design.folder / "rom" / "conv2_weights.mem").read_text().split()]
    assert list(weights[:28]) == [*rows, 0]
    assert ports((design.folder / "top.sv").read_text()) == set(known.sites(loads=True))
    assert "set_io flash_miso 17" in (design.folder / "top.pcf").read_text()


@pytest.mark.parametrize("name", ["hx8k-evn", "tinyfpga-bx"])
def test_a_board_without_single_port_ram_refuses_it(name, small_network, tmp_path):
    known = board(name)
    plan = replace(plan_of(known, 1), folding=FOLDING | {"conv2": Folding(2, 4, "spram")}, device="ice40-up5k")
    sentence = (
        f"The plan puts conv2 into single-port RAM, which {known.title} has none of: "
        f"plan again with --device {known.device_name}."
    )
    with pytest.raises(SubbitError, match=f"^{re.escape(sentence)}$"):
        write_design(small_network, plan, known, tmp_path / "build")
    assert not list(tmp_path.iterdir())


def test_class_alone_and_several_pixels_a_beat(small_network, tmp_path):
    known = board("ulx3s-85f")
    plan = replace(plan_of(known, 1), output="class", pixels_per_beat=4)
    description = write_design(small_network, plan, known, tmp_path / "build", baud=115_200).description
    assert description["result"]["beats"] == 1
    assert (description["input"]["bits"], description["input"]["beats"]) == (32, 16)
    assert (description["baud"], description["cycles_per_bit"]) == (115_200, 217)


def test_a_plan_without_a_device_gets_the_boards(small_network, tmp_path):
    known = board("ulx3s-25f")
    write_design(small_network, replace(plan_of(known, 1), device=None), known, tmp_path / "build")
    assert Plan.load(tmp_path / "build" / "plan.json").device == "ecp5-25f"


def test_a_plan_for_another_family_is_refused(small_network, tmp_path):
    sentence = r"^The plan is for ice40-up5k and ULX3S 85F has ecp5-85f: plan again with --device ecp5-85f\.$"
    with pytest.raises(SubbitError, match=sentence):
        write_design(small_network, plan_of(board("icebreaker"), 1), board("ulx3s-85f"), tmp_path / "build")
    assert not list(tmp_path.iterdir())


def test_a_clock_that_cannot_be_made_is_refused_before_anything_is_written(small_network, tmp_path):
    plan = replace(plan_of(board("icebreaker"), 1), clock_hz=25e6)
    with pytest.raises(SubbitError, match=r"^iCEBreaker cannot make a clock of 25 MHz"):
        write_design(small_network, plan, board("icebreaker"), tmp_path / "build")
    assert not list(tmp_path.iterdir())


def test_an_image_too_large_for_the_link_is_refused(small_network, tmp_path):
    known = board("icebreaker")
    plan = plan_of(known, 1)
    large = replace(small_network, input=Input(8, 8, 1, 8))
    with pytest.raises(ValueError, match=r"^folding must name the layers"):
        write_design(large, replace(plan, folding={}), known, tmp_path / "build")
    assert not list(tmp_path.iterdir())


def test_a_folder_of_someone_else_is_left_alone(small_network, tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "thesis.tex").write_text("x")
    with pytest.raises(SubbitError, match=r"is there already and holds no board\.json"):
        write_design(small_network, plan_of(board("icebreaker"), 1), board("icebreaker"), tmp_path / "build")
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["thesis.tex"]

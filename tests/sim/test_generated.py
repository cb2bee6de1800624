# amaranth: UnusedElaboratable=no
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hw.accelerator import Accelerator
from hw.frames import frame_bytes
from hw.generate import generate
from hw.plan.plan import Folding, Plan
from hw.yosys import run_yosys
from sim import simulate
from sw.network import DenseEncoding, Network
from sw.network.encodings.codebook import CodebookEncoding
from tests.simulators import needs_icarus, slow_in

pytestmark = needs_icarus

FOLDING = {"conv1": Folding(2, 3), "conv2": Folding(2, 4), "dense1": Folding(3, 4)}


def with_wrong_weights(network, layer, place):
    """``network`` with the weights at ``place`` of ``layer`` inverted."""
    bits = network.layer(layer).weights.decode().copy()
    bits[place] ^= 1
    wrong = replace(network.layer(layer), weights=DenseEncoding(bits))
    return Network(network.name, network.input, tuple(wrong if at.name == layer else at for at in network.layers))


def test_generated_accelerator_is_the_network(small_network, make_images, tmp_path):
    generated = generate(small_network, Plan(FOLDING), tmp_path / "small")
    images = make_images(small_network, 8)
    report = simulate(generated, small_network, images, "icarus")
    assert (report.problem, report.images, len(report.patterns)) == (None, 8, 4)
    assert report.layers == ("encode", "conv1_act", "pool1", "conv2_act")
    assert report.cycles_per_frame == report.planned_cycles_per_frame == generated.cycles
    np.testing.assert_array_equal(report.scores, small_network.score(images))


def test_lookups_are_the_network_and_their_tables_are_written(codebook_network, make_images, tmp_path):
    simd = {"conv1": 9, "conv2": 18, "dense1": 24}
    folding = {name: Folding(1, taps, datapath="lookup") for name, taps in simd.items()}
    generated = generate(codebook_network, Plan(folding), tmp_path / "small")
    images = make_images(codebook_network, 8)
    report = simulate(generated, codebook_network, images, "icarus")
    assert (report.problem, report.images, len(report.patterns)) == (None, 8, 4)
    assert report.layers == ("encode", "conv1_act", "pool1", "conv2_act")
    assert report.cycles_per_frame == report.planned_cycles_per_frame == generated.cycles
    tables = {path.name for path in (generated.folder / "rom").iterdir()}
    assert {"conv2_codewords.mem", "conv2_indices.mem", "conv2_thresholds.mem"} <= tables
    codewords = [
        (generated.folder / "rom" / name).read_text().split()
        for name in ("conv2_codewords.mem", "conv2.codebook.codewords.mem")
    ]
    assert codewords[0] == codewords[1]


def test_tables_in_single_port_ram_are_loaded_first(small_network, make_images, tmp_path):
    folding = {name: replace(fold, rom="spram") for name, fold in FOLDING.items()}
    folding["conv2"] = Folding(2, 2, "spram", "sparse")  # This one reads its table ahead.
    generated = generate(small_network, Plan(folding), tmp_path / "small")
    images = make_images(small_network, 6)
    report = simulate(generated, small_network, images, "icarus")
    assert (report.problem, report.images, len(report.patterns)) == (None, 6, 4)
    assert report.cycles_per_frame == report.planned_cycles_per_frame == generated.cycles
    rom = generated.folder / "rom"
    words = (rom / "load.mem").read_text().splitlines()
    tables = [table for table in Accelerator(small_network, Plan(folding)).loaded_roms if table.is_loaded]
    assert [table.name for table in tables] == ["weights", "taps", "weights"]
    assert len(words) == sum(-(-table.depth // table.packed) * table.columns for table in tables)
    (rom / "load.mem").write_text("\n".join(reversed(words)))
    assert simulate(generated, small_network, images, "icarus").problem is not None


@pytest.mark.parametrize("simulator", slow_in("verilator"))
def test_tables_that_share_a_single_port_ram_are_read_in_time(small_network, make_images, rng, tmp_path, simulator):
    kernels = rng.integers(0, 2, (4, 3, 3), dtype=np.uint8)[rng.permutation(24) % 4]
    weights = CodebookEncoding.of(kernels.reshape(6, 4, 3, 3).transpose(0, 2, 3, 1))
    layers = [replace(at, weights=weights) if at.name == "conv2" else at for at in small_network.layers]
    network = replace(small_network, layers=tuple(layers))
    folding = {
        "conv1": Folding(2, 3),
        "conv2": Folding(1, 9, "shared", "lookup"),
        "dense1": Folding(1, 3, "shared"),
    }
    tables = Accelerator(network, Plan(folding)).loaded_roms
    assert [(table.name, table.packed, table.is_shared) for table in tables] == [
        ("indices", 8, True),
        ("weights", 4, True),
    ]
    generated = generate(network, Plan(folding), tmp_path / "small")
    images = make_images(network, 8)
    report = simulate(generated, network, images, simulator)
    assert (report.problem, report.images, len(report.patterns)) == (None, 8, 4)
    assert report.cycles_per_frame == report.planned_cycles_per_frame == generated.cycles


def test_class_alone(small_network, make_images, tmp_path):
    generated = generate(small_network, Plan(FOLDING, output="class"), tmp_path / "small")
    images = make_images(small_network, 8)
    report = simulate(generated, small_network, images, "icarus", "fast", gaps=0.2)
    assert (report.problem, report.scores.shape) == (None, (8, 0))
    np.testing.assert_array_equal(report.classes, small_network.classify(images))


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_wrong_weights_are_found_in_its_layer(layer, small_network, make_images, tmp_path):
    place = (2,)
    wrong = with_wrong_weights(small_network, layer, place)
    images = make_images(small_network, 20)
    generated = generate(wrong, Plan(FOLDING), tmp_path / "wrong")
    report = simulate(generated, small_network, images, "icarus", gaps=0, stalls=0)
    name = f"{layer}_act"
    differs = wrong.run(images).activations[name] != small_network.run(images).activations[name]
    image, row, column, channel = np.argwhere(differs)[0]
    assert channel == place[0]
    model = small_network.run(images).activations[name][image, row, column, channel]
    at = f"layer {name}, image {image}, row {row}, column {column}, channel {channel}"
    assert report.problem == f"{at}: hardware {1 - model}, model {model}"


def test_synthesised_netlist_is_the_network(small_network, make_images, tmp_path):
    library = importlib.util.find_spec("pyosys")
    if library is None or library.origin is None:
        pytest.skip("pyosys is not installed")
    generated = generate(small_network, Plan(FOLDING), tmp_path / "small")
    commands = ["read_verilog -sv accelerator.sv", "synth_ice40 -top accelerator", "write_verilog -noattr netlist.v"]
    run_yosys(generated.folder, commands)
    cells = Path(library.origin).parent / "share" / "ice40" / "cells_sim.v"
    report = simulate(
        generated,
        small_network,
        make_images(small_network, 4),
        "icarus",
        "fast",
        sources=[generated.folder / "netlist.v", cells],
        defines={"NO_ICE40_DEFAULT_ASSIGNMENTS": 1},
    )
    assert (report.problem, report.images, report.cycles_per_frame) == (None, 4, generated.cycles)


def test_frames_are_beats_with_the_high_byte_first():
    images = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    assert frame_bytes(images, 8, 1, 24) == bytes([2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9])
    assert frame_bytes(images[..., :1], 4, 2, 8) == bytes([0x30, 0x96])
    with pytest.raises(ValueError, match="^input_bits must be a multiple of 8 from 24, not 16$"):
        frame_bytes(images, 8, 1, 16)

"""The whole way of an image: host, serial port, the board's real top in a simulator, and back."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.boards.damage import measure
from boards.board import board
from boards.design import write_design
from hw.plan.plan import Folding, Plan
from subbit import library
from sw.errors import SubbitError
from sw.network import DenseEncoding, Linear
from tests.simulators import slow_in

FOLDING = {"conv1": Folding(2, 3), "conv2": Folding(2, 4), "dense1": Folding(3, 4)}


@pytest.fixture
def design(small_network, tmp_path):
    """A function that writes a design of the small network for iCEBreaker."""

    def write(*in_spram, output="scores", network=small_network):
        folding = {name: replace(fold, rom="spram") if name in in_spram else fold for name, fold in FOLDING.items()}
        return write_design(network, Plan(folding, output=output), board("icebreaker"), tmp_path / "board").folder

    return write


@pytest.mark.parametrize("simulator", slow_in("icarus"))
def test_answers_are_those_of_the_network(design, small_network, make_images, simulator):
    folder, images = design(), make_images(small_network, 12)
    with library.virtual_board(folder, simulator) as port:
        found = library.classify(folder, images, port, virtual=True)
        assert (found.equal, found.images, found.passed) == (12, 12, True)
        np.testing.assert_array_equal(found.scores, small_network.score(images))
        again = library.classify(folder, images[:3], port, virtual=True)
    assert (again.equal, again.images) == (3, 3)


def test_weights_come_from_flash_memory(design, small_network, make_images):
    folder, images = design("conv2", "dense1", output="class"), make_images(small_network, 12)
    with library.virtual_board(folder) as port:
        found = library.classify(folder, images, port, virtual=True)
    assert (found.equal, found.images, found.scores) == (12, 12, None)


def test_weights_that_are_damaged_in_flash_memory_give_no_answer(design, small_network, make_images):
    folder = design("conv2")
    weights = bytearray((folder / "weights.bin").read_bytes())
    weights[3] ^= 1
    (folder / "weights.bin").write_bytes(weights)
    with library.virtual_board(folder) as port, pytest.raises(SubbitError, match=r"weights"):
        library.classify(folder, make_images(small_network, 1), port)


def test_an_answer_that_is_not_the_networks_is_told(design, small_network, make_images):
    folder, images = design(), make_images(small_network, 8)
    top = folder / "top.sv"
    text = top.read_text()
    place = text.index("conv2_weights") if "conv2_weights" in text else text.index("weights[0] = ")
    row = text.index("'h", place)
    end = row + 2 + len(text[row + 2 :].split(";", 1)[0])
    flipped = f"{int(text[row + 2 : end], 16) ^ 1:0{end - row - 2}x}"
    top.write_text(text[: row + 2] + flipped + text[end:])
    with library.virtual_board(folder) as port:
        found = library.classify(folder, images, port, virtual=True)
    assert found.equal < found.images == 8
    assert not found.passed


def test_a_board_with_another_network_is_refused(design, small_network, make_images, tmp_path):
    folder = design()
    other = write_design(small_network, Plan(FOLDING, output="class"), board("icebreaker"), tmp_path / "other").folder
    with library.virtual_board(folder) as port, pytest.raises(SubbitError, match="holds another network"):
        library.classify(other, make_images(small_network, 1), port, virtual=True)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_images_over_a_line_that_damages_one_byte_in_a_hundred(design, small_network):
    row = measure(small_network, design(), 1000, 0.01)
    assert (row["right"], row["wrong"]) == (1000, 0)
    assert row["sent again"] > 100


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_another_network_is_put_into_a_finished_build_where_its_weights_are_loaded_too(
    small_network, make_images, tmp_path
):
    folding = FOLDING | {"conv2": replace(FOLDING["conv2"], rom="spram")}
    built = library.build(small_network, "icebreaker", tmp_path / "first", plan=Plan(folding), replaceable=True)
    assert built.met
    rng = np.random.default_rng(5)
    layers = [
        replace(layer, weights=DenseEncoding(rng.integers(0, 2, layer.weights.shape, dtype=np.uint8)))
        if isinstance(layer, Linear)
        else layer
        for layer in small_network.layers
    ]
    other = replace(small_network, layers=tuple(layers))
    library.replace_weights(tmp_path / "first", other, tmp_path / "second")
    images = make_images(small_network, 6)
    assert (other.score(images) != small_network.score(images)).any()
    for folder, network in ((tmp_path / "first", small_network), (tmp_path / "second", other)):
        for stage in ("rtl", "routed"):
            with library.virtual_board(folder, stage=stage) as port:
                found = library.classify(folder, images, port, network=network, virtual=True)
            assert (found.equal, found.images) == (6, 6)
        others = tmp_path / ("second" if folder.name == "first" else "first")
        with library.virtual_board(folder) as port, pytest.raises(SubbitError, match="holds another network"):
            library.classify(others, images, port, virtual=True)
        flash = (folder / "flash.bin").read_bytes()
        assert flash.startswith((folder / "top.bin").read_bytes())
        assert flash.endswith((folder / "weights.bin").read_bytes())

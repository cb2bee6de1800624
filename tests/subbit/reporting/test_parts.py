"""The parts of a report by themselves: answers, topology, pictures, and where weights live."""

import base64
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from hw.plan.plan import Folding, Plan
from subbit.inspection import inspect_network
from subbit.planning import report
from subbit.reporting.answers import RIGHT, WRONG, answers_of
from subbit.reporting.built import read_built
from subbit.reporting.drawings import drawing, image_data
from subbit.reporting.planned import planned_layers, steps
from subbit.reporting.topology import across, down, nodes


def test_confusion_and_shares(small_network, data):
    answers = answers_of(small_network, data)
    said = small_network.classify(data.test_images)
    for truth in range(3):
        for answer in range(3):
            assert answers.confusion[truth, answer] == np.sum((data.test_labels == truth) & (said == answer))
    assert answers.right == np.sum(said == data.test_labels) == 20
    assert answers.accuracy == 0.5
    for index, (recall, precision) in enumerate(zip(answers.recalls, answers.precisions, strict=True)):
        own = answers.confusion[index, index]
        assert recall in (None, own / max(np.sum(data.test_labels == index), 1))
        assert precision in (None, own / max(np.sum(said == index), 1))
    assert sum(images for _, _, images in answers.confused) == 20
    assert [images for _, _, images in answers.confused] == sorted(
        (images for _, _, images in answers.confused), reverse=True
    )


def test_samples_are_right_ones_of_each_class_and_the_surest_mistakes(small_network, data):
    answers = answers_of(small_network, data)
    right = [sample for sample in answers.samples if sample.right]
    wrong = [sample for sample in answers.samples if not sample.right]
    assert len({sample.truth for sample in right}) == len(right) <= RIGHT
    assert len(wrong) == WRONG
    leads = [sample.scores[sample.answer] - sample.scores[sample.truth] for sample in wrong]
    scores, labels = small_network.score(data.test_images), data.test_labels
    every = sorted(scores.max(axis=1) - scores[np.arange(len(labels)), labels], reverse=True)
    assert leads == every[:WRONG]
    for sample in answers.samples:
        assert np.array_equal(sample.image, data.test_images[sample.index])
        assert sample.truth == labels[sample.index]
        assert np.array_equal(sample.scores, scores[sample.index])


def test_a_limit_takes_the_first_images(small_network, data):
    answers = answers_of(small_network, data, 7)
    assert (answers.images, answers.of) == (7, 40)
    assert all(sample.index < 7 for sample in answers.samples)


def test_a_box_for_each_tensor(small_network):
    found = nodes(small_network, inspect_network(small_network))
    assert [node.title for node in found] == ["input", "encode", "conv1", "pool1", "conv2", "dense1"]
    times = "\N{MULTIPLICATION SIGN}"
    told = [tuple(line.replace(times, "x") for line in node.lines) for node in found]
    assert told[0] == ("8x8x1, 8 bit",)
    assert told[2] == ("conv 3x3", "pad 1 (-1)", "36 x 1 bit", "8x8x4, 1 bit")
    assert told[5] == ("dense", "72 x 1 bit", "3 scores")
    for drawn in (across(found), down(found)):
        root = ElementTree.fromstring(drawn)
        assert len(root.findall("polygon")) == 3 * len(found)
        assert len(root.findall("path")) == len(found) - 1
        width, height = (float(size) for size in root.attrib["viewBox"].split()[2:])
        for text in root.findall("text"):
            assert 0 <= float(text.attrib["x"]) <= width
            assert 0 <= float(text.attrib["y"]) <= height
        for polygon in root.findall("polygon"):
            for corner in polygon.attrib["points"].split():
                x, y = map(float, corner.split(","))
                assert 0 <= x <= width
                assert 0 <= y <= height
        assert "conv2: conv 3" in root.attrib["aria-label"]


def test_a_long_network_is_drawn_in_rows(small_network):
    found = nodes(small_network, inspect_network(small_network))
    long = [*found, *(replace(found[2], title=f"more{at}") for at in range(12))]
    root = ElementTree.fromstring(across(long))
    tops = {float(text.attrib["y"]) for text in root.findall("text") if text.attrib.get("class") == "name"}
    assert len(tops) == 3
    assert float(root.attrib["viewBox"].split()[2]) < 9 * 150


def test_drawings_have_the_pages_colours_and_identifiers_of_their_own():
    found = []
    for name in ("one", "two"):
        figure = Figure()
        axis = figure.subplots()
        axis.plot([1, 2], color="#1b4965", marker="o")
        axis.set_title("a < b")
        found.append(drawing(figure, name))
    roots = [ElementTree.fromstring(each.svg) for each in found]
    identifiers = [{element.attrib["id"] for element in root.iter() if "id" in element.attrib} for root in roots]
    assert all(identifiers)
    assert not identifiers[0] & identifiers[1]
    for root, own in zip(roots, identifiers, strict=True):
        uses = [element.attrib["href"] for element in root.iter("use")]
        assert uses
        assert all(address[1:] in own for address in uses)
    assert found[0].title == "a < b" == roots[0].attrib["aria-label"]
    assert "var(--blue)" in found[0].svg
    assert "#1b4965" not in found[0].svg
    assert "<style" not in found[0].svg
    assert "metadata" not in found[0].svg


@pytest.mark.parametrize(("channels", "bits"), [(1, 8), (1, 4), (3, 8), (3, 1), (2, 2)])
def test_images_come_back_from_the_page(rng, channels, bits):
    image = rng.integers(0, 1 << bits, (5, 4, channels), dtype=np.uint8)
    kind, _, coded = image_data(image, bits).partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(BytesIO(base64.b64decode(coded))) as file:
        pixels = np.array(file.convert("RGB"))
    full = image.astype(int) * 255 // ((1 << bits) - 1)
    assert np.array_equal(pixels, full if channels == 3 else np.repeat(full[..., :1], 3, axis=2))


def test_cells_of_every_stage_are_counted_once(small_network, built):
    plan = Plan.load(built / "plan.json")
    found = read_built(built)
    assert found is not None
    layers = planned_layers(small_network, report(small_network, plan), found)
    assert [layer.name for layer in layers] == ["conv1", "conv2", "dense1", "results", "link and top"]
    assert [layer.measured.luts for layer in layers] == [200, 100, 100, 100, 100]
    area = report(small_network, plan).area
    assert area is not None
    assert sum(layer.estimate.luts for layer in layers if layer.estimate) == pytest.approx(area.luts)


@pytest.mark.parametrize(
    ("folding", "place"),
    [
        (Folding(2, 4, "block"), "1 block RAM and logic"),
        (Folding(2, 4, "logic"), "logic"),
        (Folding(2, 4, "spram"), "1 single-port RAM and logic"),
        (Folding(3, 1, "shared"), "shared single-port RAM and logic"),
        (Folding(6, 36), "constants in logic"),
    ],
)
def test_where_weights_live(small_network, folding, place):
    folds = {"conv1": Folding(2, 3), "conv2": folding, "dense1": Folding(3, 4)}
    priced = report(small_network, Plan(folds, device="ice40-up5k"))
    layers = {layer.name: layer for layer in planned_layers(small_network, priced, None)}
    assert layers["conv2"].weights_in == place
    assert layers["results"].weights_in is None


def test_every_stage_that_takes_the_longest_sets_the_pace(small_network):
    folds = {"conv1": Folding(2, 3), "conv2": Folding(2, 4), "dense1": Folding(3, 4)}
    priced = report(small_network, Plan(folds))
    assert {step.name for step in steps(priced) if step.slowest} == {
        name for name, cycles in priced.cycles.items() if cycles == priced.interval
    }
    assert [step.name for step in steps(priced)] == list(priced.cycles)
    tied = replace(priced, cycles={"input": 5, "conv1": 7, "conv2": 7}, interval=7, slowest="conv1")
    assert [step.slowest for step in steps(tied)] == [False, True, True]

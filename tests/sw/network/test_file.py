"""Networks survive the file, and everything that is no network file gets one sentence."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from sw.errors import SubbitError
from sw.network import (
    BitSlices,
    Convolution,
    Dense,
    DenseEncoding,
    Input,
    Network,
    Padding,
    Scores,
    Threshold,
    load,
    save,
)
from sw.network.file import FORMAT, SCHEMA, digest
from tests.networks import networks, random_images


@settings(max_examples=25, deadline=None, derandomize=True)
@given(network=networks(largest=5))
def test_what_is_saved_comes_back(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "network.safetensors"
    save(network, path)
    again = load(path)
    images = random_images(network, 4)
    first, second = network.run(images), again.run(images)
    assert [layer.name for layer in again.layers] == [layer.name for layer in network.layers]
    for name, array in first.activations.items():
        np.testing.assert_array_equal(second.activations[name], array)


def test_slices_are_kept_in_the_description_alone(tmp_path):
    layers = (
        BitSlices(name="encode", reads=("input",), slices=(2, 7)),
        Dense(name="dense1", reads=("encode",), weights=DenseEncoding(np.ones((3, 8), np.uint8))),
        Scores(name="scores", reads=("dense1",), scale=np.ones(3, np.int64), bias=np.zeros(3, np.int64)),
    )
    path = tmp_path / "n.safetensors"
    save(Network("slices", Input(2, 1, 2), layers), path)
    first = load(path).layers[0]
    assert isinstance(first, BitSlices)
    assert first.slices == (2, 7)
    rewrite(path, lambda m, d, a: m["layers"][0].update(slices=[7, 2]))
    with pytest.raises(SubbitError, match="slices must be ascending bit numbers"):
        load(path)
    rewrite(path, lambda m, d, a: (m["layers"][0].update(slices=[2, 7]), a.update({"encode.extra": np.zeros(1)})))
    with pytest.raises(SubbitError, match="is damaged"):
        load(path)


def padded(padding):
    """A network of one convolution of 2-bit levels, padded so."""
    weights = DenseEncoding(np.ones((2, 3, 3, 1), np.uint8))
    table = np.array([[0, 1, 2], [3, 4, 5]])
    layers = (
        Convolution(name="conv1", reads=("input",), weights=weights),
        Threshold(name="act1", reads=("conv1",), thresholds=table, invert=np.zeros(2, bool)),
        Convolution(
            name="conv2", reads=("act1",), weights=DenseEncoding(np.ones((2, 3, 3, 2), np.uint8)), padding=padding
        ),
        Scores(name="scores", reads=("conv2",), scale=np.ones(2, np.int64), bias=np.zeros(2, np.int64)),
    )
    return Network("padded", Input(3, 3, 1), layers)


def test_padding_by_a_level_is_the_second_schema(tmp_path):
    """Older files stay as they were, byte for byte; one that an older subbit would misread has the newer number."""
    path = tmp_path / "n.safetensors"
    for padding, version in ((Padding("zero", 1), 1), (Padding("level", 1, 2), 2)):
        save(padded(padding), path)
        with safe_open(path, framework="np") as file:
            manifest = json.loads(file.metadata()["manifest"])
        assert manifest["schema_version"] == version
        assert manifest["layers"][2].get("padding_level") == (padding.level or None)
        assert load(path).layer("conv2").padding == padding
    assert digest(padded(Padding("level", 1, 1))) != digest(padded(Padding("level", 1, 2)))
    rewrite(path, lambda m, d, a: m["layers"][2].update(padding_level=3))
    with pytest.raises(SubbitError, match="conv2.padding must be by a level between the ends 0 and 3, not 3"):
        load(path)


def rewrite(path, change, *, whole=False):
    """Change the manifest of a saved network; with ``whole``, metadata that is changed stays as it is."""
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
    arrays = load_file(path)
    manifest = json.loads(metadata["manifest"])
    before = metadata["manifest"]
    change(manifest, metadata, arrays)
    kept = {} if whole and metadata["manifest"] != before else {"manifest": json.dumps(manifest)}
    save_file(arrays, path, metadata | kept)


def test_truncation_anywhere_is_one_sentence(small_network, tmp_path):
    path = tmp_path / "n.safetensors"
    save(small_network, path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(SubbitError, match=r"is not a whole network file"):
            load(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m, d, a: m.update(schema_version=SCHEMA + 1), rf"has schema {SCHEMA + 1} and this subbit reads up to"),
        (lambda m, d, a: d.update(format="other"), "holds no subbit network"),
        (lambda m, d, a: m.update(extra=1), "damaged manifest"),
        (lambda m, d, a: m["layers"][0].update(kind="recurrent"), "damaged manifest"),
        (lambda m, d, a: m["layers"][1].update(encoding="other"), "encoding must be one of"),
        (lambda m, d, a: m["layers"][1].update(stride=3), "stride must be 1 or 2, not 3"),
        (lambda m, d, a: a.pop("conv1.packed"), "is damaged"),
        (lambda m, d, a: a.update({"conv1.packed": np.zeros(1, np.uint8)}), "packed must be"),
        (lambda m, d, a: m["layers"].reverse(), "is damaged"),
    ],
)
def test_a_changed_manifest_is_one_sentence(small_network, tmp_path, change, words):
    path = tmp_path / "n.safetensors"
    save(small_network, path)
    rewrite(path, change)
    with pytest.raises(SubbitError, match=words):
        load(path)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(SubbitError, match=r"is not there: name a network file that `subbit train` wrote\.$"):
        load(tmp_path / "none.safetensors")


def test_foreign_metadata_is_kept_apart(tmp_path, small_network):
    path = tmp_path / "n.safetensors"
    save_file({"a": np.zeros(3)}, path, {"format": "pt"})
    with pytest.raises(SubbitError, match="holds no subbit network"):
        load(path)
    assert FORMAT == "subbit-network"


@pytest.mark.parametrize(
    ("kind", "bytes_each"), [("BF16", 2), ("F8_E4M3", 1), ("F32", 4)], ids=["bfloat16", "float8", "float32"]
)
def test_arrays_that_are_not_whole_numbers_are_refused(small_network, tmp_path, kind, bytes_each):
    path = tmp_path / "n.safetensors"
    save(small_network, path)
    whole = path.read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header, data = json.loads(whole[8 : 8 + size]), whole[8 + size :]
    header["more"] = {"dtype": kind, "shape": [1], "data_offsets": [len(data), len(data) + bytes_each]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data + bytes(bytes_each))
    with pytest.raises(SubbitError, match=rf"is damaged \(more is of type {kind}\): write it again\.$"):
        load(path)


HUGE = np.array([1 << 40, 1 << 40])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m, d, a: d.update(manifest="[" * 100_000), "nested too deeply"),
        (lambda m, d, a: a.update({"dense1.shape": np.array([2, 1 << 63], np.uint64)}), "packed must be"),
        (lambda m, d, a: a.update({"dense1.shape": HUGE}), "packed must be"),
        (
            lambda m, d, a: a.update({"dense1.shape": np.ones(100_000, np.int64)}),
            "shape must be a row of whole numbers",
        ),
        (lambda m, d, a: a.update({"dense1.more": np.zeros(1, np.uint8)}), "the arrays of dense weights must be"),
        (lambda m, d, a: a.update({"pool1.more": np.zeros(1, np.uint8)}), "the arrays of a layer must be"),
        (lambda m, d, a: m["layers"][3].update(name="x" * 65), "at most 64 plain letters"),
        (lambda m, d, a: m["layers"][3].update(name="é"), "at most 64 plain letters"),
        (lambda m, d, a: m["input"].update(height=4096, width=4096, channels=2), "input must have at most 16777216"),
        (lambda m, d, a: a.update({"scores.scale": np.full(3, 1 << 62)}), "scores must give scores of 64 bits"),
        (
            lambda m, d, a: a.update({"conv1_act.thresholds": np.full((4, 1), 1 << 63, np.uint64)}),
            r"thresholds must be below 2\*\*63",
        ),
    ],
)
def test_what_a_file_promises_is_not_believed(small_network, tmp_path, change, words):
    path = tmp_path / "n.safetensors"
    save(small_network, path)
    with pytest.raises(SubbitError, match=words) as caught:
        rewrite(path, change, whole=True)
        load(path)
    assert len(str(caught.value)) < 1000


def test_a_network_that_is_called_anything_is_called_something_printable(small_network, tmp_path):
    path = tmp_path / "n.safetensors"
    save(small_network, path)
    rewrite(path, lambda m, d, a: m.update(name="\x1b[2J" + "x" * 10_000))
    assert load(path).name.startswith("\\x1b[2Jxxx")
    assert len(load(path).name) < 300

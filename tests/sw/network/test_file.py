"""Networks survive the file, and everything that is no network file gets one sentence."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from safetensors.numpy import load_file, save_file

from sw.errors import SubbitError
from sw.network import BitSlices, Dense, DenseEncoding, Input, Network, Scores, load, save
from sw.network.file import FORMAT, SCHEMA
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


def rewrite(path, change):
    """Change the manifest of a saved network."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
    arrays = load_file(path)
    manifest = json.loads(metadata["manifest"])
    change(manifest, metadata, arrays)
    save_file(arrays, path, metadata | {"manifest": json.dumps(manifest)})


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

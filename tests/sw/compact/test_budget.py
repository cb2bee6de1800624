import pytest

from sw.compact.budget import codebook_sizes
from sw.compact.method import parse_methods
from sw.errors import SubbitError
from sw.network import Linear
from sw.network.encodings.codebook import CodebookEncoding
from sw.train.export import export
from sw.train.models import BinaryModel, ModelSpec


def compacted(text, topology="conv 16, conv 32, conv 32, dense 32"):
    model = BinaryModel(ModelSpec(shape=(12, 12, 1), bits=4, classes=10, topology=topology, encoding="thermometer:4"))
    parse_methods([text])[0].attach(model)
    network = export(model.eval())
    return {layer.name: layer.weights for layer in network.layers if isinstance(layer, Linear)}


@pytest.mark.parametrize("bits", [0.9, 0.7, 0.5, 0.4])
def test_the_exported_network_keeps_to_the_bits(bits):
    weights = compacted(f"budget:bits={bits},by=random")
    stored = sum(encoding.stored_bits() for encoding in weights.values())
    total = sum(encoding.decode().size for encoding in weights.values())
    assert 0.85 * bits < stored / total <= bits
    assert not {"conv1", "dense2"} & {n for n, e in weights.items() if isinstance(e, CodebookEncoding)}


def test_layers_get_smaller_evenly():
    shapes = {"a": (64, 3, 3, 64), "b": (64, 3, 3, 64), "c": (128, 3, 3, 64)}
    # 9 * 4096 weights: 5 bits and 32 * 9 for the table in place of 9; c is the largest and goes first.
    assert codebook_sizes(shapes, [list(shapes)], 1.0) == {}
    assert codebook_sizes(shapes, [list(shapes)], 0.98) == {"c": 256}
    assert set(codebook_sizes(shapes, [list(shapes)], 0.58).values()) == {32}


def test_the_ends_are_touched_last():
    for bits, ends in ((0.75, set()), (0.4, {"conv1", "dense1"})):
        weights = compacted(f"budget:bits={bits},by=random", "conv 32, conv 8, conv 8")
        assert {"conv1", "dense1"} & {n for n, e in weights.items() if isinstance(e, CodebookEncoding)} == ends


def test_layers_can_be_named():
    weights = compacted("budget:bits=0.9,by=random@conv3")
    assert [n for n, e in weights.items() if isinstance(e, CodebookEncoding)] == ["conv3"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("budget:bits=0.01", r"cannot bring this network to 0.01 bits a weight: 0\.\d+ is the least"),
        ("budget:bits=0", "above 0 and at most 1, not 0"),
        ("budget:bits=1.5", "above 0 and at most 1"),
        ("budget:by=luck", "chosen by sparks"),
        ("budget:bits=0.2@conv3", "is the least"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(text, sentence):
    with pytest.raises(SubbitError, match=sentence):
        compacted(text)


def test_a_layer_without_words_is_left_alone():
    assert codebook_sizes({"a": (10, 13), "b": (64, 512)}, [["a", "b"]], 0.7) == {"b": 32}

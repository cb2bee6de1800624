import pytest
import torch

from sw.errors import SubbitError
from sw.train.binarize import DenseBinarizer
from sw.train.layers import SlicesInput
from sw.train.models import TOPOLOGIES, BinaryModel, ModelSpec, parse_topology, slices_text


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_topology_gives_logits_and_whole_scores(topology):
    model = BinaryModel(ModelSpec((32, 32, 3), 8, 7, topology, width=0.05)).eval()
    images = torch.randint(0, 256, (2, 3, 32, 32)).float()
    assert model(images).shape == (2, 7)
    assert torch.equal(model.scores(images), torch.round(model.scores(images)))


def test_a_topology_is_read_from_text():
    conv, pool, dense = parse_topology("conv 8 kernel 5 pad 2 stride 2, pool, dense 12")
    assert (conv.kind, conv.size, conv.kernel, conv.pad, conv.stride) == ("conv", 8, 5, 2, 2)
    assert (pool.kind, pool.size, dense.kind, dense.size) == ("pool", 2, "dense", 12)


def test_full_size_networks_have_the_published_layers():
    shapes = {n: b.shape for n, b in BinaryModel(ModelSpec((32, 32, 3), 8, 10, "cnv")).binarizers().items()}
    assert list(shapes.values()) == [
        (64, 3, 3, 3), (64, 64, 3, 3), (128, 64, 3, 3), (128, 128, 3, 3), (256, 128, 3, 3), (256, 256, 3, 3),
        (512, 256), (512, 512), (10, 512),
    ]  # fmt: skip
    assert list(shapes)[-1] == "dense3"
    sizes = [b.shape for b in BinaryModel(ModelSpec((28, 28, 1), 8, 10, "lfc")).binarizers().values()]
    assert sizes == [(1024, 784), (1024, 1024), (1024, 1024), (10, 1024)]


@pytest.mark.parametrize(
    ("topology", "message"),
    [
        ("resnet", "'resnet' is no part of a topology"),
        ("conv 8 pad", "'conv 8 pad' is no part of a topology"),
        ("dense 8 pad 1", "'dense 8 pad 1' is no part of a topology"),
        ("", "'' is no part of a topology"),
        ("conv 0", "'conv 0' is no part of a topology"),
        ("dense 8, conv 8", "must have its dense layers last, not conv"),
        ("both, conv 8", "must have its dense layers last, not conv"),
        ("conv 3, both, both, dense 8", "has a both that reads complements: leave one out"),
        ("both 3, dense 8", "'both 3' is no part of a topology"),
        ("cnv", "topology 'cnv' needs images larger than 8x8: nothing is left after conv"),
        ("conv 8 kernel 9", "kernel must be from 1 to 7, not 9"),
        ("conv 8 pad 3", "pad must be from 0 to 2, not 3"),
        ("conv 8 stride 3", "stride must be from 1 to 2, not 3"),
        ("conv 8, pool 1", "pool must be from 2 to 16, not 1"),
    ],
)
def test_a_topology_that_cannot_be_is_explained(topology, message):
    with pytest.raises(SubbitError) as error:
        BinaryModel(ModelSpec((8, 8, 1), 4, 3, topology))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("width", 0.0, "width must be positive, not 0.0"),
        ("encoding", "fourier", "encoding must be threshold, thermometer:N, planes, planes:N, slices"),
        ("encoding", "thermometer", "encoding must be threshold"),
        ("encoding", "thermometer:16", "N from 1 to 15 for 4-bit pixels, not 'thermometer:16'"),
        ("encoding", "planes:5", "N from 1 to 4 for 4-bit pixels, not 'planes:5'"),
        ("encoding", "slices:5", "N from 1 to 4 for 4-bit pixels, not 'slices:5'"),
        ("encoding", "slices:", "N from 1 to 4 for 4-bit pixels, not 'slices:'"),
        ("encoding", "slices:4+0", "encoding must name different bits from 0 to 3, as in slices:2+0 or slices:2+, not"),
        ("encoding", "slices:3+3", "must name different bits from 0 to 3"),
        ("encoding", "slices:3+x", "must name different bits from 0 to 3"),
        ("encoding", "slices:+", "must name different bits from 0 to 3"),
        ("padding", "none", "padding must be -1, +1 or zero, not 'none'"),
        ("estimator", "relu", "estimator must be one of ste, bireal, irnet, swish, not 'relu'"),
        ("activation_bits", 0, "activation_bits must be from 1 to 8, not 0"),
        ("dropout", 1.0, "dropout must be at least 0 and below 1, not 1.0"),
    ],
)
def test_a_bad_choice_is_named(field, value, message):
    with pytest.raises(SubbitError) as error:
        ModelSpec((8, 8, 1), 4, 3, **{field: value})
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "slices"),
    [
        ("slices", (0, 1, 2, 3)),
        ("slices:4", (0, 1, 2, 3)),
        ("slices:1", (3,)),
        ("slices:2", (2, 3)),
        ("slices:3+0+2", (0, 2, 3)),
        ("slices:0+2", (0, 2)),
        ("slices:1+", (1,)),
    ],
)
def test_slices_are_named_by_their_number_or_one_by_one(text, slices):
    layer = ModelSpec((8, 8, 1), 4, 3, encoding=text).input_layer()
    assert isinstance(layer, SlicesInput)
    assert layer.slices == slices
    assert ModelSpec((8, 8, 1), 4, 3, encoding=slices_text(slices)).input_layer().slices == slices


@pytest.mark.parametrize(("padding", "edge"), [("-1", -1), ("+1", 1), ("zero", 0)])
def test_a_model_on_slices_reads_bits_that_are_padded_as_bits(padding, edge):
    model = BinaryModel(ModelSpec((8, 8, 3), 4, 3, "conv 2 pad 1", encoding="slices:3+1", padding=padding))
    assert model.layers["conv1"].binarizer.shape == (2, 6, 3, 3)
    assert model.layers["conv1"].edge == edge


def test_pooling_pixels_is_refused():
    with pytest.raises(SubbitError, match="pools pixels: put a conv before it$"):
        BinaryModel(ModelSpec((8, 8, 1), 4, 3, "pool, dense 4", encoding="planes"))
    with pytest.raises(SubbitError, match="has a both that reads pixels: give an encoding of thresholds$"):
        BinaryModel(ModelSpec((8, 8, 1), 4, 3, "both, dense 4", encoding="planes"))
    BinaryModel(ModelSpec((8, 8, 1), 4, 3, "pool, both, dense 4", encoding="thermometer:2"))


def test_a_spec_survives_a_checkpoint():
    spec = ModelSpec((8, 8, 1), 4, 3, "conv 4, dense 8", 0.5, "planes:2", "zero", 2, "irnet", 0.1, 0.2)
    assert ModelSpec.of(spec.as_dict()) == spec


def test_a_compaction_method_attaches_to_a_chosen_layer():
    model = BinaryModel(ModelSpec((8, 8, 1), 4, 3, "conv 4, dense 8"))
    ones = DenseBinarizer(torch.ones(4, 1, 3, 3))
    model.set_binarizer("conv1", ones)
    assert model.binarizers()["conv1"] is ones
    with pytest.raises(SubbitError, match="^'pool1' is no layer with weights: they are conv1, dense1, dense2$"):
        model.set_binarizer("pool1", ones)
    with pytest.raises(ValueError, match="^binarizer must have the shape"):
        model.set_binarizer("dense1", ones)

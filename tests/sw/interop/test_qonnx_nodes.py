"""Every node that is read, in every form, against qonnx's executor."""

import numpy as np
import onnx
import pytest
from onnx import helper

from sw.interop.qonnx import Pixels, check, read_qonnx
from tests.sw.interop.graphs import Chain, assert_imported, executor, pixels_of, signs


def kinds(imported):
    return [layer.kind for layer in imported.network.layers]


def hidden(rng, features=20, shape=(1, 1, 4, 5)):
    """Signs of the image, and sums of a hidden layer of 8 outputs."""
    chain = Chain(*shape).node("Mul", 2.0).node("Sub", 1.0).bipolar().flat()
    return chain.dense(signs(rng, 8, features))


@pytest.mark.parametrize("kind", ["MatMul", "Gemm", "Gemm transposed"])
def test_dense(tmp_path, rng, kind):
    chain = Chain(1, 20).node("Sub", 0.5).bipolar()
    name, _, turned = kind.partition(" ")
    settings = {"transB": 1} if turned else {}
    chain.dense(signs(rng, 8, 20), kind=name, **settings).norm(rng, 8).bipolar()
    chain.dense(signs(rng, 4, 8), kind=name, **settings)
    imported = assert_imported(chain, tmp_path)
    assert kinds(imported) == ["thermometer", "dense", "threshold", "dense", "scores"]
    assert [layer.name for layer in imported.network.layers] == ["encode", "dense1", "dense1_act", "dense2", "scores"]


def test_gemm_with_alpha_beta_and_bias(tmp_path, rng):
    chain = Chain(1, 20).node("Sub", 0.5).bipolar()
    chain.dense(signs(rng, 8, 20), rng.integers(-4, 5, 8), "Gemm", alpha=0.5, beta=-2.0).bipolar(0.5)
    chain.dense(signs(rng, 4, 8), [0.5], "Gemm", alpha=2.0)
    imported = assert_imported(chain, tmp_path)
    np.testing.assert_array_equal(imported.end.factor, np.ones(4))


@pytest.mark.parametrize(("channels", "pad", "stride"), [(1, 0, 2), (1, 1, 1), (2, 1, 2), (2, 2, 1), (1, 2, 2)])
def test_convolution_of_bits_with_true_zeros(tmp_path, rng, channels, pad, stride):
    chain = Chain(1, channels, 7, 6).node("Sub", 0.5).bipolar()
    chain.conv(signs(rng, 5, channels, 3, 3), pad=pad, stride=stride).norm(rng, 5).bipolar()
    chain.conv(signs(rng, 4, 5, 3, 2)).norm(rng, 4).bipolar().flat() if pad else chain.flat()
    size = int(np.prod(shape_of(chain)))
    imported = assert_imported(chain.dense(signs(rng, 3, size)), tmp_path)
    assert imported.network.layers[1].padding.kind == ("zero" if pad else "none")


def shape_of(chain):
    """The shape of the last tensor."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.infer_shapes import InferShapes

    return ModelWrapper(chain.model()).transform(InferShapes()).get_tensor_shape(chain.last)


@pytest.mark.parametrize(("signed", "narrow"), [(1, 0), (1, 1), (0, 1)])
@pytest.mark.parametrize(("bits", "mode"), [(2, "ROUND"), (2, "FLOOR"), (3, "HALF_UP")])
def test_signed_and_narrow_activations(tmp_path, rng, bits, signed, narrow, mode):
    chain = hidden(rng).norm(rng, 8, 5).quant(bits, 0.5, signed=signed, narrow=narrow, mode=mode)
    chain.dense(signs(rng, 6, 8)).norm(rng, 6, 8).quant(bits, 1.0, signed=signed, narrow=narrow, mode=mode)
    assert_imported(chain.dense(signs(rng, 3, 6)), tmp_path)


def test_ties_exactly_at_a_threshold(tmp_path, rng):
    """Sums of even numbers of bits: 0 is +1 for BipolarQuant, and halves go to the even level in ROUND."""
    chain = hidden(rng).bipolar().dense(signs(rng, 8, 8)).node("Mul", 0.25).quant(3, 1.0, signed=1)
    chain.dense(signs(rng, 3, 8))
    network = assert_imported(chain, tmp_path, images=64).network
    assert (network.layer("dense1_act").thresholds[:, 0] <= 0).all()
    # A quarter of a sum of 8 is from -2 to 2; -1.5 goes down to -2 and -0.5 up to 0, 0.5 down to 0 and 1.5 up to 2.
    assert network.layer("dense2_act").thresholds[0].tolist() == [-5, -2, 3, 6, 9, 9, 9]


@pytest.mark.parametrize("layout", ["NCHW", "NHWC", ""])
def test_multithreshold(tmp_path, rng, layout):
    chain = Chain(1, 2, 5, 4).node("Mul", 255.0)
    table = np.array([[128.0], [100.0]], np.float32)
    chain.node("MultiThreshold", table, out_dtype="BIPOLAR", out_scale=2.0, out_bias=-1.0, data_layout="NCHW")
    chain.conv(signs(rng, 6, 2, 3, 3))
    steps = np.sort(rng.integers(-10, 11, (6, 3)), axis=1).astype(np.float32)
    if layout == "NHWC":
        chain.node("Transpose", perm=[0, 2, 3, 1])
    chain.node("MultiThreshold", steps, out_dtype="UINT2", out_scale=0.5, out_bias=0.25, data_layout=layout)
    if layout == "NHWC":
        chain.node("Transpose", perm=[0, 3, 1, 2])
    imported = assert_imported(chain.flat().dense(signs(rng, 3, 36)), tmp_path)
    np.testing.assert_array_equal(imported.network.layers[0].thresholds, [[128], [100]])
    np.testing.assert_array_equal(imported.network.layer("conv1_act").thresholds, steps)


def test_one_row_of_thresholds_for_all_channels(tmp_path, rng):
    chain = hidden(rng).node("MultiThreshold", np.array([[-3.0, 1.0, 5.0]], np.float32), out_dtype="UINT2")
    imported = assert_imported(chain.dense(signs(rng, 3, 8)), tmp_path)
    np.testing.assert_array_equal(imported.network.layer("dense1_act").thresholds, [[-3, 1, 5]] * 8)


@pytest.mark.parametrize(
    "add",
    [
        lambda chain: chain.node("Mul", np.array([[1, -2, 3, -1, 1, 2, -3, 0.5]], np.float32)),
        lambda chain: chain.node("Sub", 3.0, first=True),
        lambda chain: chain.node("Div", -2.0).node("Neg"),
        lambda chain: chain.node("Add", np.arange(8, dtype=np.float32) - 4),
        lambda chain: chain.node("Relu").node("Sub", 1.5),
        lambda chain: chain.node("Clip", -2.0, 2.0).node("Floor").node("Add", 1.0),
        lambda chain: chain.node("Max", -1.0).node("Min", 3.0).node("Sub", 1.0),
        lambda chain: chain.node("HardSigmoid").node("Sub", 0.5),
        lambda chain: chain.node("Tanh").node("Sigmoid").node("Sub", 0.6),
        lambda chain: chain.node("Identity").node("Dropout").node("Round").node("Ceil"),
    ],
    ids=["mul", "sub", "div", "add", "relu", "clip", "max", "hard-sigmoid", "tanh", "identity"],
)
def test_elementwise(tmp_path, rng, add):
    chain = add(hidden(rng)).bipolar().dense(signs(rng, 3, 8))
    assert_imported(chain, tmp_path, images=32)


def test_sign_with_a_zero_level(tmp_path, rng):
    """Sign has three values; they are levels of two bits of which one is never reached."""
    imported = assert_imported(hidden(rng).node("Sign").dense(signs(rng, 3, 8)), tmp_path, images=64)
    assert imported.network.layer("dense1_act").bits == 2


@pytest.mark.parametrize("domain", ["onnx.brevitas", "finn.custom_op.general"])
def test_older_names_of_the_domain(tmp_path, rng, domain):
    chain = hidden(rng).bipolar(0.5, domain).dense(signs(rng, 3, 8))
    model = chain.model()
    path = tmp_path / "old.onnx"
    path.write_bytes(model.SerializeToString())
    imported = read_qonnx(path)
    assert check(imported, pixels_of(imported, 16)).equal


@pytest.mark.parametrize("kind", ["Quant", "IntQuant"])
def test_weights_of_one_bit_through_a_quantiser(tmp_path, rng, kind):
    chain = Chain(1, 12).node("Sub", 0.5).bipolar()
    values = rng.uniform(-1, 1, (6, 12)).astype(np.float32)
    scale = rng.choice([0.25, 0.5, 2], (6, 1)).astype(np.float32)
    name = chain.weights(kind, values, scale, 0.0, 1.0, signed=1, narrow=0, rounding_mode="ROUND")
    chain.nodes.append(helper.make_node("Transpose", [name], ["turned"], perm=[1, 0]))
    chain.nodes.append(helper.make_node("MatMul", [chain.last, "turned"], ["sums"], "product"))
    chain.last = "sums"
    imported = assert_imported(chain.bipolar().dense(signs(rng, 3, 6)), tmp_path)
    np.testing.assert_array_equal(imported.network.layer("dense1").weights.decode(), values >= 0)


def test_weights_scaled_by_row_and_with_both_signs(tmp_path, rng):
    scale = np.array([0.5, -2, 1, 0.25, -1, 4, 8, -0.5], np.float32)[:, None]
    chain = Chain(1, 20).node("Sub", 0.5).bipolar().dense(signs(rng, 8, 20) * scale, rng.integers(-3, 4, 8), "Gemm")
    assert_imported(chain.quant(3, 1.0, signed=1).dense(signs(rng, 3, 8) * scale[:3]), tmp_path)


def test_rows_of_one_weight_alone(tmp_path, rng):
    weights = signs(rng, 8, 20)
    weights[0], weights[1], weights[2] = 1, -1, 0
    chain = Chain(1, 20).node("Sub", 0.5).bipolar().dense(weights).norm(rng, 8).bipolar()
    assert_imported(chain.dense(signs(rng, 3, 8)), tmp_path)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.5, 1.5), (3.0, 5.0), (-1.0, 0.0)])
def test_two_level_weights(tmp_path, rng, low, high):
    weights = np.where(rng.random((8, 20)) < 0.3, high, low).astype(np.float32)
    weights[3] *= -2
    chain = Chain(1, 20).node("Sub", 0.5).bipolar().dense(weights).norm(rng, 8, 9).bipolar()
    imported = assert_imported(chain.dense(np.where(signs(rng, 3, 8) > 0, high, low).astype(np.float32)), tmp_path)
    assert imported.network.layer("dense1").weights.kind == "two-level"


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize(("bits", "size"), [(1, 2), (2, 3)])
def test_pool_before_the_quantiser(tmp_path, rng, norm_first, bits, size):
    """Where the factor is negative the pool keeps the smallest sum, or the quantiser falls behind the pool."""
    chain = Chain(1, 2, 8, 8).node("Sub", 0.5).bipolar().conv(signs(rng, 6, 2, 3, 3))
    sign = np.array([1, -1, 1, -1, -1, 1])
    chain = chain.norm(rng, 6, 6, sign).pool(size) if norm_first else chain.pool(size).norm(rng, 6, 6, sign)
    chain = chain.bipolar() if bits == 1 else chain.node("Relu").quant(bits, 0.5)
    side = 6 // size
    imported = assert_imported(chain.flat().dense(signs(rng, 3, 6 * side * side)), tmp_path)
    assert kinds(imported) == ["thermometer", "convolution", "threshold", "max-pool", "dense", "scores"]


def test_pool_behind_which_every_channel_falls(tmp_path, rng):
    """All levels are stored upside down, and so is the border."""
    chain = Chain(1, 2, 8, 8).node("Sub", 0.5).bipolar().conv(signs(rng, 4, 2, 3, 3)).pool()
    chain.norm(rng, 4, 4, -1).node("Relu").quant(2, 0.25).conv(signs(rng, 4, 4, 3, 3), pad=1).bipolar().flat()
    imported = assert_imported(chain.dense(signs(rng, 3, 36)), tmp_path)
    assert imported.network.layer("conv2").padding.kind == "+1"


def test_channels_that_are_shuffled(tmp_path, rng):
    """ShuffleNet's Reshape, Transpose, Reshape before a convolution and before a pool."""
    chain = Chain(1, 2, 8, 8).node("Sub", 0.5).bipolar().conv(signs(rng, 6, 2, 3, 3)).norm(rng, 6).bipolar()
    for pool in (False, True):
        if pool:
            chain.conv(signs(rng, 6, 6, 2, 2)).norm(rng, 6)
        chain.node("Reshape", np.array([0, 2, 3, -1, 6 - pool])).node("Transpose", perm=[0, 2, 1, 3, 4])
        chain.node("Reshape", np.array([0, 6, -1, 6 - pool]))
    assert_imported(
        chain.pool().bipolar().conv(signs(rng, 5, 6, 2, 2)).bipolar().flat().dense(signs(rng, 3, 5)), tmp_path
    )


def test_two_pools_and_one_behind_the_quantiser(tmp_path, rng):
    chain = Chain(1, 1, 19, 18).node("Sub", 0.5).bipolar().conv(signs(rng, 4, 1, 4, 3)).norm(rng, 4, 6)
    chain.pool().bipolar(0.5).pool().pool(2, ceil_mode=1).flat().dense(signs(rng, 3, 16))
    imported = assert_imported(chain, tmp_path)
    assert [layer.name for layer in imported.network.layers if layer.kind == "max-pool"] == ["pool1", "pool2", "pool3"]


def test_channels_last_with_a_pool_of_its_own(tmp_path, rng):
    own, judge = (Chain(1, 6, 6, 2).node("Transpose", perm=[0, 3, 1, 2]).node("Sub", 0.5).bipolar() for _ in range(2))
    first, last = signs(rng, 4, 2, 3, 3), signs(rng, 3, 16)
    own.conv(first).node("Transpose", perm=[0, 2, 3, 1]).bipolar()
    own.node("MaxPoolNHWC", kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0])
    judge.conv(first).bipolar().pool().node("Transpose", perm=[0, 2, 3, 1])
    for chain in (own, judge):
        chain.node("Reshape", np.array([0, -1])).dense(last)
    imported = assert_imported(own, tmp_path, channels_first=False, judge=judge)
    assert imported.walk.shape == (6, 6, 2)


def test_moves_between_a_convolution_and_a_dense_layer(tmp_path, rng):
    """Flatten after a Transpose puts channels last, Reshape and Squeeze change nothing but the shape."""
    chain = Chain(1, 2, 6, 5).node("Sub", 0.5).bipolar().conv(signs(rng, 3, 2, 3, 3)).bipolar()
    chain.node("Transpose", perm=[0, 2, 3, 1]).node("Reshape", np.array([0, 12, -1]))
    chain.node("Unsqueeze", np.array([1])).node("Squeeze", np.array([1])).flat().dense(signs(rng, 4, 36))
    chain.node("Unsqueeze", np.array([2])).node("Squeeze", np.array([2])).bipolar().dense(signs(rng, 3, 4))
    assert_imported(chain, tmp_path)


def test_shape_that_the_graph_computes(tmp_path, rng):
    """PyTorch's x.view(x.shape[0], -1): Shape, Gather, Unsqueeze, Concat and Reshape."""
    chain = Chain(1, 1, 4, 5).node("Sub", 0.5).bipolar()
    for name, value in {"zero": np.array(0), "axes": np.array([0]), "rest": np.array([-1])}.items():
        chain.constants[name] = value
    chain.nodes += [
        helper.make_node("Shape", [chain.last], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["first"], axis=0),
        helper.make_node("Unsqueeze", ["first", "axes"], ["row"]),
        helper.make_node("Concat", ["row", "rest"], ["sizes"], axis=0),
        helper.make_node("Reshape", [chain.last, "sizes"], ["flat"]),
    ]
    chain.last = "flat"
    assert_imported(chain.dense(signs(rng, 8, 20)).bipolar().dense(signs(rng, 3, 8)), tmp_path)


def test_constants_in_nodes_and_computed(tmp_path, rng):
    chain = Chain(1, 20)
    half = onnx.numpy_helper.from_array(np.array(0.25, np.float32))
    chain.nodes += [
        helper.make_node("Constant", [], ["quarter"], value=half),
        helper.make_node("Constant", [], ["two"], value_float=2.0),
        helper.make_node("Sqrt", ["quarter"], ["half"]),
        helper.make_node("Pow", ["half", "two"], ["again"]),
        helper.make_node("Mul", ["again", "two"], ["middle"]),
        helper.make_node("Sub", ["image", "middle"], ["centred"]),
    ]
    chain.last = "centred"
    assert_imported(chain.bipolar().dense(signs(rng, 8, 20)).bipolar().dense(signs(rng, 3, 8)), tmp_path)


def test_activations_with_another_offset_in_each_channel(tmp_path, rng):
    """Values b and b + 1 of each channel: one step, though no two channels have a value in common."""
    chain = hidden(rng).quant(1, 1.0).node("Add", np.arange(8, dtype=np.float32) * 0.375)
    assert_imported(chain.dense(signs(rng, 6, 8)).bipolar().dense(signs(rng, 3, 6)), tmp_path)


@pytest.mark.parametrize(("scale", "bits"), [(0.1, 1), (1 / 3, 2), (0.7071, 3)])
def test_scales_that_float32_rounds(tmp_path, rng, scale, bits):
    chain = Chain(1, 1, 6, 6).node("Sub", 0.5).bipolar(scale).conv(signs(rng, 6, 1, 3, 3) * np.float32(scale), pad=1)
    chain.norm(rng, 6)
    chain = chain.bipolar(scale) if bits == 1 else chain.node("Relu").quant(bits, scale)
    chain.conv(signs(rng, 4, 6, 3, 3) * np.float32(scale), rng.uniform(-1, 1, 4), pad=1).bipolar(scale).flat()
    chain.dense(signs(rng, 5, 144) * np.float32(scale), rng.uniform(-1, 1, 5), "Gemm", transB=1)
    assert_imported(chain, tmp_path, exact=False)


@pytest.mark.parametrize("pixels", [Pixels(bits=4), Pixels(bits=1), Pixels(low=-1.0), Pixels(low=0.0, high=255.0)])
def test_pixel_ranges(tmp_path, rng, pixels):
    chain = Chain(1, 20).dense(signs(rng, 8, 20)).norm(rng, 8, 2).bipolar().dense(signs(rng, 3, 8))
    assert_imported(chain, tmp_path, pixels, exact=pixels.high == 255)


@pytest.mark.parametrize(
    "end",
    [
        lambda chain: chain.node("ArgMax", axis=1, keepdims=0),
        lambda chain: chain.node("ArgMax", axis=-1, keepdims=1).node("Squeeze", np.array([1])).node("Cast", to=1),
        lambda chain: chain.node("TopK", np.array([1]), axis=-1),
    ],
    ids=["argmax", "squeezed", "topk"],
)
def test_ends_that_give_the_class(tmp_path, rng, end):
    """Eight bits make nine sums for six classes: many images have several largest scores, of which the first counts."""
    chain = end(hidden(rng).bipolar().dense(signs(rng, 6, 8)))
    if chain.nodes[-1].op_type == "TopK":
        chain.nodes[-1].output.append("class")
        chain.last = "class"
    chain.result = onnx.TensorProto.FLOAT if chain.nodes[-1].op_type == "Cast" else onnx.TensorProto.INT64
    imported = read_qonnx(chain.save(tmp_path))
    images = pixels_of(imported, 300)
    scores = imported.network.score(images)
    assert ((scores == scores.max(axis=1, keepdims=True)).sum(axis=1) > 1).any()
    theirs = executor(chain, images, Pixels())[:, 0]
    np.testing.assert_array_equal(theirs, imported.network.classify(images))
    assert check(imported, images).equal


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_softmax_keeps_the_order(tmp_path, rng, kind):
    chain = hidden(rng).bipolar().dense(signs(rng, 6, 8)).node(kind, axis=-1)
    imported = read_qonnx(chain.save(tmp_path))
    images = pixels_of(imported, 60)
    np.testing.assert_array_equal(executor(chain, images, Pixels()).argmax(axis=1), imported.network.classify(images))
    assert imported.tensors["scores"] == chain.nodes[-2].output[0]


@pytest.mark.parametrize("end", ["bias", "scale", "norm", "negative"])
def test_scores_of_classes_with_lines_of_their_own(tmp_path, rng, end):
    """Whole scores keep the order of all that the classes' lines can make, ties too."""
    chain = hidden(rng).bipolar().dense(signs(rng, 6, 8))
    if end == "bias":
        chain.node("Add", np.array([0, 0.5, -1, 2, 0.25, 0], np.float32))
    elif end == "scale":
        chain.node("Mul", np.array([1, 0.5, -1, 2, 1.5, -3], np.float32)).node("Sub", 0.125)
    elif end == "norm":
        chain.norm(rng, 6)
    else:
        chain.node("Mul", -0.75).node("Add", 3.0)
    imported = assert_imported(chain, tmp_path, images=300)
    scores = imported.network.layer("scores")
    assert imported.end.swaps == 0
    if end == "bias":
        assert scores.scale.tolist() == [4] * 6
        assert (scores.bias - scores.bias[0]).tolist() == [0, 2, -4, 8, 1, 0]
    if end == "scale":
        assert scores.scale.tolist() == [2, 1, -2, 4, 3, -6]
    if end == "negative":
        assert (scores.scale.tolist(), scores.bias.tolist()) == ([-1] * 6, [0] * 6)


def test_upper_bits_of_pixels(tmp_path, rng):
    """Whole sixteenths are the four upper planes, and no thermometer of fifteen bits."""
    chain = Chain(1, 20).node("Mul", 255 / 16).node("Floor").dense(signs(rng, 8, 20)).norm(rng, 8, 9).bipolar()
    imported = assert_imported(chain.dense(signs(rng, 3, 8)), tmp_path)
    assert imported.network.layers[0].planes == (4, 5, 6, 7)


def test_few_steps_of_pixels(tmp_path, rng):
    """A 2-bit quantiser of pixels is a thermometer of three bits; one that falls has its weights turned."""
    turn = np.array([1, -1], np.float32)[:, None, None]
    chain = Chain(1, 2, 4, 4).node("Sub", 0.5).node("Mul", turn).quant(2, 0.25, signed=1)
    chain.conv(signs(rng, 8, 2, 3, 3)).norm(rng, 8).bipolar().flat().dense(signs(rng, 3, 32))
    imported = assert_imported(chain, tmp_path)
    assert imported.network.layers[0].thresholds.shape == (2, 3)
    assert imported.walk.readings[0].operand.sign.tolist() == [1, -1]

"""What is refused: each in one sentence, with the node's name, the reason and what to do."""

import numpy as np
import pytest

from sw.errors import SubbitError
from sw.interop.qonnx import Pixels, read_qonnx
from tests.sw.interop.graphs import Chain, signs


def image(rng, *shape):
    return Chain(*(shape or (1, 2, 8, 8))).node("Sub", 0.5).bipolar()


def end(chain, rng, size):
    return chain.bipolar().flat().dense(signs(rng, 3, size))


def conv(rng, pad=0, **attributes):
    return image(rng).conv(signs(rng, 4, 2, 3, 3), pad=pad, **attributes)


def weights_2bit(rng):
    chain = image(rng, 1, 12)
    name = chain.weights("Quant", rng.uniform(-1, 1, (12, 3)).astype(np.float32), 0.5, 0.0, 2.0, signed=1, narrow=1)
    chain.node("MatMul")
    chain.nodes[-1].input.append(name)
    return chain


def residual(rng):
    chain = conv(rng, 1).bipolar()
    first = chain.last
    chain.conv(signs(rng, 4, 4, 3, 3), pad=1).node("Add")
    chain.nodes[-1].input.append(first)
    return end(chain, rng, 256)


REFUSED = {
    "2-bit weights": (
        weights_2bit,
        r"Quant_w \(Quant\) quantises weights to 2 bits, and MatMul_\d \(MatMul\) has weights of 3 values in place of "
        "two: train the network with 1-bit weights",
    ),
    "real weights": (
        lambda rng: image(rng, 1, 12).dense(rng.normal(size=(3, 12)).astype(np.float32)),
        r"MatMul_2 \(MatMul\) has weights of 36 values in place of two: train the network with 1-bit weights",
    ),
    "two values of no ratio": (
        lambda rng: image(rng, 1, 12).dense(np.where(signs(rng, 3, 12) > 0, 1.1, -1).astype(np.float32)),
        r"MatMul_2 \(MatMul\) has weights of -1 and 1.1, which are not -1 and \+1 times one number, nor two levels",
    ),
    "residual": (
        residual,
        r"Add_\d \(Add\) joins two branches, as a residual connection does: train a network of one chain",
    ),
    "groups": (lambda rng: end(conv(rng, group=2), rng, 9), r"Conv_2 \(Conv\) has 2 groups"),
    "dilation": (lambda rng: end(conv(rng, dilations=[2, 2]), rng, 64), r"Conv_2 \(Conv\) has a dilation of \[2, 2\]"),
    "stride": (lambda rng: end(conv(rng, stride=3), rng, 16), r"Conv_2 \(Conv\) has a stride of \[3, 3\]"),
    "kernel": (
        lambda rng: end(image(rng).conv(signs(rng, 4, 2, 8, 8)), rng, 4),
        r"Conv_2 \(Conv\) has a kernel of 8x8: train it with one of at most 7x7",
    ),
    "padding": (lambda rng: end(conv(rng, pads=[0, 0, 1, 1]), rng, 196), r"Conv_2 \(Conv\) has the unequal padding"),
    "big padding": (lambda rng: end(conv(rng, pad=3), rng, 400), r"Conv_2 \(Conv\) does not fit what it reads"),
    "chosen padding": (
        lambda rng: end(conv(rng, auto_pad="SAME_LOWER"), rng, 256),
        r"Conv_2 \(Conv\) has its padding chosen by SAME_LOWER: export it with explicit pads",
    ),
    "average": (
        lambda rng: end(conv(rng).node("AveragePool", kernel_shape=[2, 2], strides=[2, 2]), rng, 36),
        r"AveragePool_3 \(AveragePool\) takes averages: train it with MaxPool",
    ),
    "overlap": (
        lambda rng: end(conv(rng).pool(3, strides=[2, 2]), rng, 16),
        r"MaxPool_3 \(MaxPool\) pools \[3, 3\] by strides of \[2, 2\] with padding \[0\]",
    ),
    "padded pool": (lambda rng: end(conv(rng).pool(2, pads=[1, 1, 1, 1]), rng, 64), r"MaxPool_3 .* with padding \[1"),
    "half windows": (
        lambda rng: end(image(rng).conv(signs(rng, 4, 2, 2, 2)).pool(2, ceil_mode=1), rng, 64),
        r"MaxPool_3 \(MaxPool\) keeps rows or columns that are no whole window of 7x7: set ceil_mode=False",
    ),
    "padding between levels": (
        lambda rng: end(
            conv(rng)
            .quant(2, 2.0, signed=1)
            .node("Pad", np.array([0, 0, 1, 1] * 2), np.array(0.7, np.float32))
            .conv(signs(rng, 4, 4, 3, 3)),
            rng,
            144,
        ),
        r"Pad_4 \(Pad\) pads with 0.7, which is neither a level nor the middle of the levels of t4 \(-4 to 2\)",
    ),
    "no activation": (
        lambda rng: image(rng, 1, 300).dense(signs(rng, 4, 300)).dense(signs(rng, 3, 4)),
        r"MatMul_3 \(MatMul\) reads what MatMul_2 \(MatMul\) makes, which is no quantised activation: put a quantiser",
    ),
    "sigmoid": (
        lambda rng: end(conv(rng).node("Sigmoid").conv(signs(rng, 4, 4, 3, 3)), rng, 64),
        r"Sigmoid_3 \(Sigmoid\) is an activation of real numbers that Conv_4 \(Conv\) reads unquantised: train the",
    ),
    "tanh of wide sums": (
        lambda rng: image(rng, 1, 300).dense(signs(rng, 4, 300)).node("Tanh").node("Mul", 2.0).dense(signs(rng, 3, 4)),
        r"Tanh_3 \(Tanh\) is an activation of real numbers that MatMul_5 \(MatMul\) reads unquantised",
    ),
    "relu of wide sums": (
        lambda rng: image(rng, 1, 600).dense(signs(rng, 4, 600)).node("Relu").dense(signs(rng, 3, 4)),
        r"Relu_3 \(Relu\) is an activation of real numbers that MatMul_4 \(MatMul\) reads unquantised",
    ),
    "leaky": (
        lambda rng: end(conv(rng).node("LeakyRelu", alpha=0.1).bipolar(), rng, 144),
        r"LeakyRelu_3 \(LeakyRelu\) is an activation of real numbers: train the network with a quantised activation",
    ),
    "too fine an activation": (
        lambda rng: end(conv(rng).node("Mul", 99.0).quant(9, 1.0).conv(signs(rng, 4, 4, 3, 3)), rng, 64),
        r"Conv_5 \(Conv\) reads t4, whose \d+ values are not in equal steps",
    ),
    "unequal steps": (
        lambda rng: end(conv(rng).quant(2, 4.0).node("Tanh").conv(signs(rng, 4, 4, 3, 3)), rng, 64),
        r"Conv_5 \(Conv\) reads t4, whose 4 values are not in equal steps",
    ),
    "scales of channels": (
        lambda rng: end(
            conv(rng)
            .bipolar()
            .node("Mul", np.array([1, 1.37, 2.11, 3], np.float32)[:, None, None])
            .conv(signs(rng, 4, 4, 3, 3)),
            rng,
            64,
        ),
        r"Conv_5 \(Conv\) reads t4, whose 8 values are not in equal steps",
    ),
    "constants of places": (
        lambda rng: end(conv(rng).node("Add", rng.normal(size=(6, 6)).astype(np.float32)), rng, 144),
        r"Add_3 \(Add\) has constants that differ from place to place",
    ),
    "quantised scores": (
        lambda rng: conv(rng).bipolar().flat().dense(signs(rng, 3, 144)).quant(4, 8.0, signed=1),
        "t6, the last tensor, is not in proportion to the sums of the last layer with weights",
    ),
    "no scores": (lambda rng: conv(rng), r"t2, the last tensor, has the shape \(1, 4, 6, 6\) and is no row of scores"),
    "pooled scores": (lambda rng: conv(rng).pool(6), "t3, the last tensor, is a pool of sums"),
    "no weights": (lambda rng: image(rng).flat(), "it has no layer with weights"),
    "last of equals": (
        lambda rng: end(conv(rng), rng, 144).node("ArgMax", axis=1, select_last_index=1),
        r"ArgMax_6 \(ArgMax\) takes the last of several largest scores",
    ),
    "wrong axis": (
        lambda rng: end(conv(rng), rng, 144).node("ArgMax", axis=0),
        r"ArgMax_6 \(ArgMax\) looks along axis 0 of \(1, 3\)",
    ),
    "pad and pool": (
        lambda rng: end(conv(rng).bipolar().node("Pad", np.array([0, 0, 1, 1, 0, 0, 1, 1])).pool(), rng, 64),
        r"Pad_4 \(Pad\) pads what no convolution reads next",
    ),
    "short pad": (
        lambda rng: end(conv(rng).bipolar().node("Pad", np.array([0, 0, 1, 1])).pool(), rng, 64),
        r"Pad_4 \(Pad\) pads \[0, 0, 1, 1\]: train it with the same number",
    ),
    "uneven pad": (
        lambda rng: end(conv(rng).bipolar().node("Pad", np.array([0, 0, 1, 0, 0, 0, 1, 0])).pool(), rng, 64),
        r"Pad_4 \(Pad\) pads \[0, 0, 1, 0, 0, 0, 1, 0\]: train it with the same number",
    ),
    "unknown": (
        lambda rng: conv(rng).node("Cos"),
        r"Cos_3 \(Cos\) is an operator that no binary network here is made of",
    ),
    "gelu": (
        lambda rng: conv(rng).node("Erf"),
        r"Erf_3 \(Erf\) is an activation of real numbers: train the network with a quantised activation of at most 8",
    ),
    "foreign domain": (
        lambda rng: conv(rng).node("Relu", domain="com.example"),
        r"Relu_3 \(Relu\) is an operator that no binary network here is made of",
    ),
    "square": (lambda rng: end(conv(rng).node("Pow", 2.0), rng, 144), r"Pow_3 \(Pow\) is read on constants alone"),
    "constant by image": (
        lambda rng: end(conv(rng).node("Div", 2.0, first=True), rng, 144),
        r"Div_3 \(Div\) does not read t2 as its one variable number",
    ),
    "weights on the left": (
        lambda rng: image(rng, 1, 12).node("Transpose", perm=[0, 1]).node("MatMul", signs(rng, 3, 1), first=True),
        r"MatMul_3 \(MatMul\) does not multiply t2 by constant weights from the right",
    ),
    "moved batch": (
        lambda rng: conv(rng).node("Transpose", perm=[1, 0, 2, 3]),
        r"Transpose_3 \(Transpose\) makes the shape \(4, 1, 6, 6\)",
    ),
    "turned image": (
        lambda rng: end(conv(rng).node("Transpose", perm=[0, 1, 3, 2]).bipolar().conv(signs(rng, 4, 4, 3, 3)), rng, 64),
        r"Conv_5 \(Conv\) reads t4, whose axes are not those of an image in order",
    ),
    "dense without flatten": (
        lambda rng: conv(rng).bipolar().dense(signs(rng, 3, 6)),
        r"MatMul_4 \(MatMul\) reads t3 of shape \(1, 4, 6, 6\): put a Flatten in front",
    ),
    "wrong channels": (
        lambda rng: end(conv(rng).bipolar().conv(signs(rng, 4, 5, 3, 3)), rng, 64),
        r"Conv_4 \(Conv\) has weights for 5 channels and reads 4",
    ),
    "input in zeros": (
        lambda rng: end(Chain(1, 2, 8, 8).node("Sub", 0.5).conv(signs(rng, 4, 2, 3, 3), pad=1), rng, 256),
        r"Conv_1 \(Conv\) pads with 0, which is no pixel and none of the image's own -0.5: train it without padding",
    ),
    "crooked input": (
        lambda rng: end(Chain(1, 2, 8, 8).node("Tanh").conv(signs(rng, 4, 2, 3, 3)), rng, 144),
        r"Conv_1 \(Conv\) reads t0, which is neither in proportion to the pixels nor at most 64 equal steps",
    ),
    "pooled pixels": (
        lambda rng: end(Chain(1, 2, 8, 8).pool().conv(signs(rng, 4, 2, 3, 3)), rng, 16),
        r"MaxPool_0 \(MaxPool\) pools the image itself",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path, rng, case):
    make, sentence = REFUSED[case]
    path = make(rng).save(tmp_path)
    with pytest.raises(SubbitError, match=sentence) as refusal:
        read_qonnx(path)
    assert str(refusal.value).startswith(f"{path} cannot be imported: ")
    assert "\n" not in str(refusal.value)


def test_pool_whose_levels_fall_in_a_border_of_zeros(tmp_path, rng):
    """An unsigned level 0 stands for zero, but in the channels that fall behind their pool 0 is the highest one."""
    chain = conv(rng).pool().norm(rng, 4, 6, np.array([1, -1, 1, 1])).node("Relu").quant(2, 0.25)
    path = end(chain.conv(signs(rng, 4, 4, 3, 3), pad=1), rng, 36).save(tmp_path)
    with pytest.raises(SubbitError, match=r"Conv_7 \(Conv\) pads with one of the levels where some channels fall"):
        read_qonnx(path)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"bits": 9}, "bits must be from 1 to 8, not 9"),
        ({"low": 1.0}, "low and high must be two different numbers, not 1.0 and 1.0"),
        ({"high": float("inf")}, "low and high must be two different numbers, not 0.0 and inf"),
    ],
)
def test_pixels_that_make_no_sense(settings, sentence):
    with pytest.raises(SubbitError, match=sentence):
        Pixels(**settings)


def test_images_of_another_size(tmp_path, rng):
    path = image(rng, 1, 5000).dense(signs(rng, 3, 5000)).save(tmp_path)
    with pytest.raises(SubbitError, match=r"reads images of 5,000 channels, and there can be 4,096: say how"):
        read_qonnx(path)
    assert read_qonnx(path, pixels=Pixels(shape=(50, 50, 2))).network.input.width == 50
    path = image(rng, 1, 12).dense(signs(rng, 3, 12)).save(tmp_path)
    with pytest.raises(SubbitError, match=r"the images' shape must have 12 pixels in all, not \(4, 4, 1\)"):
        read_qonnx(path, pixels=Pixels(shape=(4, 4, 1)))

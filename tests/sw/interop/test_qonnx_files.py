"""Files that are damaged, foreign or hostile: one sentence each, nothing beside the file read, and no time lost."""

from contextlib import suppress

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sw.errors import SubbitError
from sw.interop.qonnx import read_qonnx
from tests.sw.interop.graphs import Chain, signs


@pytest.fixture
def model(rng):
    chain = Chain(1, 12).node("Sub", 0.5).bipolar().dense(signs(rng, 4, 12)).bipolar().dense(signs(rng, 3, 4))
    return chain.model()


@pytest.fixture
def refuses(tmp_path):
    """Reads a model, or bytes, that must be refused with this sentence behind the file's name."""
    path = tmp_path / "hostile.onnx"

    def check(data, sentence):
        path.write_bytes(data if isinstance(data, bytes) else data.SerializeToString())
        with pytest.raises(SubbitError, match=sentence) as refusal:
            read_qonnx(path)
        assert str(refusal.value).startswith(str(path))
        assert "\n" not in str(refusal.value)

    return check


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(SubbitError, match=r"none.onnx cannot be read \(No such file or directory\): name a QONNX file"):
        read_qonnx(tmp_path / "none.onnx")
    with pytest.raises(SubbitError, match="cannot be read .*: name a QONNX file"):
        read_qonnx(tmp_path)


@pytest.mark.parametrize("data", [b"", b"\x08\x08", b"\x89PNG\r\n\x1a\n" + bytes(99), b"plain words, not a model"])
def test_foreign_files(refuses, data):
    refuses(data, "is no whole ONNX file|holds no ONNX graph")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_truncated_files(refuses, model, kept):
    whole = model.SerializeToString()
    refuses(whole[: int(kept * len(whole))], "is no whole ONNX file|holds no ONNX graph")


def test_names_that_are_no_text(refuses, model):
    whole = model.SerializeToString()
    assert b"BipolarQuant_1" in whole
    refuses(whole.replace(b"BipolarQuant_1", b"BipolarQuant\xff1"), "has names that are no text")


def test_damaged_bytes(tmp_path, model):
    """Any byte may be wrong: the file is read or refused, and nothing else happens."""
    path, whole, rng = tmp_path / "hostile.onnx", model.SerializeToString(), np.random.default_rng(3)
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), rng.integers(1, 6)):
            data[place] = rng.integers(256)
        path.write_bytes(data)
        with suppress(SubbitError):
            read_qonnx(path)


def test_a_file_that_is_too_large_is_not_read(refuses, model, monkeypatch):
    monkeypatch.setattr("sw.interop.qonnx.graph.file.LARGEST_FILE", 100)
    refuses(model, "is larger than 0 MiB")


def test_data_in_another_file_is_never_read(refuses, model, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(4096))
    tensor = model.graph.initializer[2]
    onnx.external_data_helper.set_external_data(tensor, "../secret")
    tensor.ClearField("raw_data")
    refuses(model, rf"the tensor {tensor.name} lies in another file: save the model with all data in one file")


def test_data_of_a_constant_node_in_another_file(refuses, model):
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "beside")
    onnx.external_data_helper.set_external_data(tensor, "/etc/hostname")
    model.graph.node.insert(0, helper.make_node("Constant", [], ["far"], "far", value=tensor))
    model.graph.node[1].input[1] = "far"
    refuses(model, "the tensor beside lies in another file")


def test_tensors_that_are_not_what_they_say(refuses, model):
    model.graph.initializer[2].dims[0] = 99
    refuses(model, "the tensor c2 is damaged")
    model.graph.initializer[2].dims[0] = 1 << 40
    refuses(model, r"the tensor c2 has the shape \(1099511627776, 4\)")
    model.graph.initializer[2].dims[0] = -1
    refuses(model, r"the tensor c2 has the shape \(-1, 4\)")


def test_a_circle(refuses, model):
    model.graph.node[0].input[0] = model.graph.node[1].output[0]
    refuses(model, r"Sub_0 \(Sub\) reads what is made from its own output")


def test_names_that_nothing_or_two_nodes_make(refuses, model):
    first = model.graph.node[1].output[0]
    model.graph.node[1].output[0] = "lost"
    refuses(model, rf"MatMul_2 \(MatMul\) reads {first}, which nothing makes")
    model.graph.node[1].output[0] = model.graph.node[0].output[0]
    refuses(model, r"BipolarQuant_1 \(BipolarQuant\) makes t0, which something else makes too")
    model.graph.node[1].output[0] = ""
    refuses(model, "BipolarQuant_1 has no output")


def test_inputs_and_outputs(refuses, model):
    model.graph.input.append(helper.make_tensor_value_info("second", TensorProto.FLOAT, (1, 3)))
    refuses(model, "it has 2 inputs: export a model that reads one tensor of images")
    del model.graph.input[:]
    refuses(model, "it has 0 inputs")
    model.graph.input.append(helper.make_tensor_value_info("image", TensorProto.UINT8, (1, 12)))
    refuses(model, "the input image is no float32 tensor of a known shape")
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, "n")))
    refuses(model, r"the input image has the shape \(1, n\): export it as")
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 1 << 20, 1 << 20)))
    refuses(model, "export a model of fewer or smaller images")
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 12)))
    model.graph.output.append(helper.make_tensor_value_info("t1", TensorProto.FLOAT, (1, 12)))
    refuses(model, "its output t1 is not the end of one chain from its input")
    del model.graph.output[:]
    refuses(model, "it has no output")
    model.graph.output.append(helper.make_tensor_value_info("nowhere", TensorProto.FLOAT, (1, 12)))
    refuses(model, "nothing makes the output nowhere")


@pytest.mark.parametrize("version", [1, 6, 99])
def test_opsets(refuses, model, version):
    model.opset_import[0].version = version
    refuses(model, rf"its operators are of ONNX opset {version}: export it with one from 7 to \d+")


def test_control_flow_and_functions(refuses, model):
    body = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "body", [], [])
    node = helper.make_node("Identity", ["image"], ["again"], "hides", body=body)
    model.graph.node.insert(0, node)
    refuses(model, r"hides \(Identity\) holds a graph of its own")
    model.graph.node[0].CopyFrom(helper.make_node("Loop", ["image"], ["again"], "spins"))
    refuses(model, r"spins \(Loop\) is an operator that no binary network here is made of")
    del model.graph.node[0]
    model.functions.add(name="f", domain="g")
    refuses(model, "it has functions or sparse tensors of its own")


def test_names_that_are_no_words(refuses, model):
    model.graph.node[2].name = "\x1b[31mred\n" + "long" * 500
    model.graph.initializer[1].CopyFrom(numpy_helper.from_array(np.float32(2), "c1"))
    model.graph.initializer[2].CopyFrom(numpy_helper.from_array(np.ones((12, 4, 1), np.float32), "c2"))
    refuses(model, r"cannot be imported: \\x1b\[31mred longlong\w* \.\.\. .*$")


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (helper.make_node("Transpose", ["image"], ["x"], "n", perm="up"), "type"),
        (helper.make_node("Softmax", ["image"], ["x"], "n", axis=[1]), "type"),
        (helper.make_node("Conv", ["image"], ["x"], "n"), "input"),
        (helper.make_node("Flatten", ["image"], ["x"], "n", depth=1), "attribute"),
    ],
    ids=["text", "list", "inputs", "unknown"],
)
def test_nodes_that_are_not_onnx(refuses, model, node, reason):
    model.graph.node.insert(0, node)
    refuses(model, rf"n \({node.op_type}\) is no {node.op_type} of ONNX \(.*{reason}.*\): export the model again")


def test_too_many_nodes(refuses, model):
    for at in range(70):
        model.graph.node.insert(at, helper.make_node("Neg", [f"n{at}" if at else "image"], [f"n{at + 1}"], f"neg{at}"))
    model.graph.node[70].input[0] = "n70"
    refuses(model, r"neg64 \(Neg\) is one of more than 64 in a row without weights")
    model.graph.node.extend(model.graph.node[0] for _ in range(4096))
    refuses(model, "it has 4,171 nodes: export one network of at most 4,096")


@pytest.mark.parametrize("kind", ["ConstantOfShape", "Expand", "Tile"])
def test_constants_that_grow(refuses, model, kind):
    """A few bytes that ask for terabytes are refused before anything is made of them."""
    size = numpy_helper.from_array(np.array([1 << 20, 1 << 20]), "size")
    one = numpy_helper.from_array(np.ones((1, 1), np.float32), "one")
    model.graph.initializer.extend([size, one])
    names = ["size"] if kind == "ConstantOfShape" else ["one", "size"]
    model.graph.node.insert(0, helper.make_node(kind, names, ["bomb"], "bomb"))
    model.graph.node[1].input[1] = "bomb"
    refuses(model, rf"bomb \({kind}\) makes a constant that is too large")


def test_products_of_constants_that_grow(refuses, model):
    row = numpy_helper.from_array(np.ones((1, 100_000), np.float32), "row")
    column = numpy_helper.from_array(np.ones((100_000, 1), np.float32), "column")
    model.graph.initializer.extend([row, column])
    model.graph.node.insert(0, helper.make_node("Mul", ["row", "column"], ["bomb"], "bomb"))
    model.graph.node[1].input[1] = "bomb"
    refuses(model, r"bomb \(Mul\) makes a constant that is too large")


def test_tensors_that_grow(refuses, model):
    """A constant may not make the image's tensor larger, and neither may a shape."""
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.ones((4096, 12), np.float32), "c0"))
    refuses(model, r"Sub_0 \(Sub\) has a constant of shape \(4096, 12\) for a tensor of shape \(1, 12\)")


def test_numbers_that_are_not_finite(refuses, rng):
    norm = np.array([np.nan, 1, 1, 1], np.float32)
    chain = Chain(1, 12).node("Sub", 0.5).bipolar().dense(signs(rng, 4, 12)).node("Mul", norm)
    refuses(chain.quant(2).dense(signs(rng, 3, 4)).model(), "is no quantised activation|not in equal steps|is always")
    bias = [np.inf, 0, 0, 0]
    chain = Chain(1, 12).node("Sub", 0.5).bipolar().dense(signs(rng, 4, 12), bias, "Gemm").bipolar()
    refuses(
        chain.dense(signs(rng, 3, 4)).model(), r"Gemm_2 \(Gemm\) adds a bias of shape \(4,\) to 4 outputs, or no fin"
    )
    chain = Chain(1, 12).node("Div", 0.0).dense(signs(rng, 3, 12))
    refuses(chain.model(), "MatMul_1 .* which is not finite for every pixel")


def test_what_the_executor_cannot_do(refuses, rng):
    chain = Chain(1, 12).node("Sub", 0.5).bipolar().dense(signs(rng, 4, 12)).node("Clip", np.zeros(4, np.float32))
    refuses(chain.bipolar().dense(signs(rng, 3, 4)).model(), r"Clip_3 \(Clip\) .* cannot be executed by qonnx")
    chain = Chain(1, 12).node("Sub", 0.5).bipolar().dense(signs(rng, 4, 12)).quant(2, 1.0, mode="SIDEWAYS")
    refuses(chain.dense(signs(rng, 3, 4)).model(), r"Quant_3 \(Quant\) cannot be executed by qonnx")


def test_always_the_same(refuses, rng):
    chain = Chain(1, 12).node("Sub", 0.5).bipolar().dense(signs(rng, 4, 12)).node("Relu").bipolar(0.5)
    refuses(chain.dense(signs(rng, 3, 4)).model(), r"MatMul_5 \(MatMul\) reads t4, which is always 0.5: train it with")


@pytest.mark.parametrize(
    "change", [lambda m: setattr(m, "ir_version", 1 << 62), lambda m: setattr(m, "ir_version", -1)]
)
def test_versions_that_are_none(tmp_path, change):
    model = Chain(1, 4).bipolar().dense(np.ones((2, 4), np.float32)).model()
    change(model)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(SubbitError, match="its versions of ONNX and of operators are no versions"):
        read_qonnx(tmp_path / "m.onnx")


def test_more_channels_than_an_image_can_have(refuses, rng):
    chain = Chain(1, 40_000).node("Sub", 0.5).bipolar().dense(signs(rng, 2, 40_000))
    refuses(chain.model(), r"reads images of 40,000 channels, and there can be 4,096: say how high and wide")


def test_a_bias_that_is_computed(refuses, rng):
    model = Chain(1, 6).bipolar().dense(signs(rng, 3, 6), np.ones(3), kind="Gemm").model()
    model.graph.node[-1].input[2] = model.graph.node[0].output[0]
    refuses(model, r"Gemm_1 \(Gemm\) adds t0, which is not constant: export it as x W \+ b$")

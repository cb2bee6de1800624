"""Small QONNX graphs, node after node, and their import compared with qonnx on the graph as it was written."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.infer_shapes import InferShapes

from sw.interop.qonnx import Imported, Pixels, check, read_qonnx

__all__ = ["Chain", "assert_imported", "executor", "pixels_of", "signs"]

GENERAL = "qonnx.custom_op.general"
CUSTOM = ("Quant", "IntQuant", "BipolarQuant", "MultiThreshold", "MaxPoolNHWC", "Trunc")


def signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random weights of -1 and +1."""
    return rng.choice([-1.0, 1.0], shape).astype(np.float32)


class Chain:
    """A graph of one node after another, from ``shape`` on; each method adds a node and returns the chain."""

    def __init__(self, *shape: int, opset: int = 13, kind: int = TensorProto.FLOAT) -> None:
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.shape, self.kind = shape, kind
        self.last = "image"
        self.result = TensorProto.FLOAT

    def constant(self, value) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value if isinstance(value, np.ndarray) else np.array(value, np.float32)
        return name

    def node(self, kind: str, *constants, first: bool = False, domain: str | None = None, **attributes) -> "Chain":
        """A node of the last tensor and constants; ``first``: the constants come before it."""
        names = [self.constant(value) for value in constants]
        inputs = [*names, self.last] if first else [self.last, *names]
        self.last = f"t{len(self.nodes)}"
        domain = (GENERAL if kind in CUSTOM else "") if domain is None else domain
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [self.last], name, domain=domain, **attributes))
        return self

    def bipolar(self, scale: float = 1.0, domain: str = GENERAL) -> "Chain":
        return self.node("BipolarQuant", scale, domain=domain)

    def quant(self, bits: int, scale=1.0, zero=0.0, signed=0, narrow=0, mode="ROUND", kind="Quant") -> "Chain":
        return self.node(kind, scale, zero, float(bits), signed=signed, narrow=narrow, rounding_mode=mode)

    def dense(self, weights: np.ndarray, bias=None, kind: str = "MatMul", **attributes) -> "Chain":
        """``weights`` (outputs, inputs)."""
        extra = [] if bias is None else [np.asarray(bias, np.float32)]
        return self.node(kind, weights if attributes.get("transB") else weights.T, *extra, **attributes)

    def conv(self, weights: np.ndarray, bias=None, pad: int = 0, stride: int = 1, **attributes) -> "Chain":
        extra = [] if bias is None else [np.asarray(bias, np.float32)]
        settings = {"pads": [pad] * 4, "strides": [stride] * 2, "kernel_shape": list(weights.shape[2:]), "group": 1}
        return self.node("Conv", weights, *extra, **(settings | attributes))

    def norm(self, rng: np.random.Generator, channels: int, reach: float = 3.0, sign=None) -> "Chain":
        """Batch normalisation of numbers around -reach .. reach, its factors of both signs."""
        gamma = rng.uniform(0.5, 2, channels) * (rng.choice([-1, 1], channels) if sign is None else sign)
        rows = [gamma, rng.uniform(-1, 1, channels), rng.uniform(-reach, reach, channels) / 2]
        rows.append(rng.uniform(0.5, 1.5, channels) * reach**2)
        return self.node("BatchNormalization", *(row.astype(np.float32) for row in rows), epsilon=1e-5)

    def pool(self, size: int = 2, **attributes) -> "Chain":
        settings = {"kernel_shape": [size, size], "strides": [size, size]}
        return self.node("MaxPool", **(settings | attributes))

    def flat(self) -> "Chain":
        return self.node("Flatten", axis=1)

    def weights(self, kind: str, values: np.ndarray, *constants, **attributes) -> str:
        """Weights through a quantiser of their own; returns the name of the tensor."""
        names = [self.constant(value) for value in (values, *constants)]
        output = f"w{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [output], f"{kind}_w", domain=GENERAL, **attributes))
        return output

    def model(self, batch: int | None = None) -> onnx.ModelProto:
        """The whole model, for so many images, or those of ``shape``; its output is the last tensor."""
        entry = helper.make_tensor_value_info("image", self.kind, (batch or self.shape[0], *self.shape[1:]))
        results = [helper.make_tensor_value_info(self.last, self.result, None)]
        graph = helper.make_graph(
            self.nodes,
            "chain",
            [entry],
            results,
            [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
        )
        imports = [helper.make_opsetid("", self.opset), helper.make_opsetid(GENERAL, 2)]
        return helper.make_model(graph, opset_imports=imports, ir_version=8)

    def save(self, folder: Path) -> Path:
        path = folder / "chain.onnx"
        path.write_bytes(self.model().SerializeToString())
        return path


def pixels_of(imported: Imported, images: int, seed: int = 0) -> np.ndarray:
    """Random images of which the first is all 0 and the second all ones."""
    bits = imported.walk.pixels.bits
    found = np.random.default_rng(seed).integers(0, 1 << bits, (images, *imported.walk.shape), np.uint8)
    found[:1], found[1:2] = 0, (1 << bits) - 1
    return found


def executor(chain: Chain, images: np.ndarray, pixels: Pixels, channels_first: bool = True) -> np.ndarray:
    """What qonnx makes of the images by the model as it is, all in one batch, its shapes inferred by qonnx."""
    wrapper = ModelWrapper(chain.model(len(images))).transform(InferShapes())
    if any(node.op_type == "Shape" for node in chain.nodes):
        wrapper = wrapper.transform(FoldConstants())
    entry, result = wrapper.graph.input[0].name, wrapper.graph.output[0].name
    real = (pixels.low + (pixels.high - pixels.low) * images.astype(np.float64) / pixels.top).astype(np.float32)
    real = real.transpose(0, 3, 1, 2) if channels_first else real
    found = execute_onnx(wrapper, {entry: real.reshape(wrapper.get_tensor_shape(entry))})
    return found[result].reshape(len(images), -1)


def assert_imported(
    chain: Chain,
    folder: Path,
    pixels: Pixels | None = None,
    *,
    images: int = 48,
    channels_first: bool = True,
    exact: bool = True,
    judge: Chain | None = None,
) -> Imported:
    """Import the chain and compare on random images: real scores and classes with the executor, and all by `check`.

    ``judge`` is a graph that computes the same, where qonnx cannot find the shapes of the chain itself. Without
    ``exact`` scales are no powers of two: then nothing may differ when they are taken out of the sums.
    """
    pixels = pixels or Pixels()
    imported = read_qonnx(chain.save(folder), pixels=pixels)
    network = imported.network
    given = pixels_of(imported, images)
    theirs = executor(judge or chain, given, pixels, channels_first)
    scores = network.score(imported.pixels(given))
    real = imported.end.factor * scores + imported.end.shift
    found = check(imported, given)
    assert found.passed
    if exact:
        assert found.equal
        np.testing.assert_allclose(real, theirs, rtol=1e-6, atol=1e-6)
        assert (scores.argmax(axis=1) == theirs.argmax(axis=1)).all()
    else:
        assert check(imported, given, whole=True).equal
    return imported

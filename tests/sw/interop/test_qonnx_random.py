"""Random graphs of everything that is read, against qonnx's executor."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sw.errors import SubbitError
from sw.interop.qonnx import Pixels, prove, read_qonnx
from tests.sw.interop.graphs import Chain, pixels_of, signs


class Maker:
    """A random graph in the making: the shape of its tensor, and what zero is among the values of that tensor."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.channels = draw(st.integers(1, 3))
        self.height, self.width = draw(st.integers(3, 9)), draw(st.integers(3, 9))
        self.last = draw(st.booleans())
        shape = (self.channels, self.height, self.width)
        self.chain = Chain(1, *(shape[1:] + shape[:1] if self.last else shape), opset=draw(st.sampled_from([11, 13])))
        if self.last:
            self.chain.node("Transpose", perm=[0, 3, 1, 2])
        self.padded = True  # Whether zero is a value that a border can have.
        self.reach = 1.0

    def scale(self) -> np.float32:
        return np.float32(self.draw(st.sampled_from([1.0, 0.5, 0.25, 0.1, 0.37])))

    def begin(self) -> None:
        kind = self.draw(st.sampled_from(["sign", "pixels", "steps", "planes"]))
        if kind == "sign":
            middle = self.rng.uniform(0.3, 0.7, (self.channels, 1, 1)).astype(np.float32)
            self.chain.node("Sub", middle).bipolar(self.scale())
        elif kind == "steps":
            self.chain.node("Sub", 0.5).quant(2, np.float32(0.25), signed=1)
            self.padded = False
        elif kind == "planes":
            self.chain.node("Mul", 255.0).node("Mul", 1 / 16).node("Floor")
            self.reach = 16.0

    def weights(self, *shape: int) -> np.ndarray:
        row = (shape[0], *[1] * (len(shape) - 1))
        scale = self.rng.choice([0.5, 1, -0.3], row) if self.draw(st.booleans()) else self.scale()
        return signs(self.rng, *shape) * np.float32(scale)

    def norm(self, features: int, taps: int) -> None:
        if self.draw(st.booleans()):
            self.chain.norm(self.rng, features, np.sqrt(taps) * self.reach)
        elif self.draw(st.booleans()):
            move = self.rng.uniform(-1, 1, features) * np.sqrt(taps)
            if self.spatial:
                move = move[:, None, None]
            self.chain.node("Add", move.astype(np.float32))

    def activate(self) -> None:
        kind = self.draw(st.sampled_from(["bipolar", "bipolar", "unsigned", "signed", "thresholds"]))
        bits, self.reach, self.padded = self.draw(st.integers(1, 3)), 1.0, True
        scale = self.scale()
        if kind == "bipolar":
            self.chain.bipolar(scale)
        elif kind == "unsigned":
            self.chain.node("Relu").quant(bits, scale)
        elif kind == "signed":
            self.chain.quant(bits + 1, scale, signed=1, narrow=self.draw(st.integers(0, 1)))
        else:
            table = np.sort(self.rng.normal(0, 2, (self.channels, 2**bits - 1)).astype(np.float32), axis=1)
            self.chain.node("MultiThreshold", table, out_dtype="UINT4", out_scale=float(scale))

    @property
    def spatial(self) -> bool:
        return self.height > 0

    def convolve(self) -> None:
        draw = self.draw
        rows, columns = draw(st.integers(1, min(3, self.height))), draw(st.integers(1, min(3, self.width)))
        pad = draw(st.integers(0, min(rows, columns) - 1)) if self.padded else 0
        stride, features = draw(st.sampled_from([1, 1, 2])), draw(st.integers(1, 5))
        taps = rows * columns * self.channels
        bias = self.rng.uniform(-2, 2, features).astype(np.float32) if draw(st.booleans()) else None
        self.chain.conv(self.weights(features, self.channels, rows, columns), bias, pad, stride)
        self.height, self.width = (
            (n + 2 * pad - k) // stride + 1 for n, k in ((self.height, rows), (self.width, columns))
        )
        self.channels = features
        before = draw(st.sampled_from(["first", "second", "third", "none"]))
        self.pool(before == "first")
        self.norm(features, taps)
        self.pool(before == "second")
        self.activate()
        if before in ("first", "second"):
            self.padded = False  # A channel that falls behind its pool has zero at the other end.
        self.pool(before == "third")

    def pool(self, wanted: bool) -> None:
        if wanted and min(self.height, self.width) >= 2:
            self.chain.pool()
            self.height, self.width = self.height // 2, self.width // 2

    def dense(self, outputs: int) -> None:
        if self.spatial:
            if self.draw(st.booleans()):
                self.chain.node("Transpose", perm=[0, 2, 3, 1])
            self.chain.flat()
            self.channels, self.height, self.width = self.channels * self.height * self.width, 0, 0
        bias = self.rng.uniform(-2, 2, outputs).astype(np.float32) if self.draw(st.booleans()) else None
        weights, taps = self.weights(outputs, self.channels), self.channels
        self.chain.dense(weights, bias, "MatMul" if bias is None else "Gemm")
        self.channels = outputs
        self.norm(outputs, taps)


@st.composite
def graphs(draw: st.DrawFn) -> Chain:
    maker = Maker(draw)
    maker.begin()
    for _ in range(draw(st.integers(0, 2))):
        maker.convolve()
    for _ in range(draw(st.integers(0, 2))):
        maker.dense(draw(st.integers(1, 8)))
        maker.activate()
    maker.dense(draw(st.integers(1, 6)))
    return maker.chain


def compare(chain: Chain, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = chain.save(Path(folder))
        try:
            imported = read_qonnx(path, pixels=Pixels())
        except SubbitError as error:
            # A random norm can leave nothing but one value, which is told as such.
            if "which is always" in str(error):
                return
            raise
    proof = prove(imported, pixels_of(imported, 20, seed))
    assert proof.passed, proof.as_dict()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs(), st.integers(0, 99))
def test_random_graphs(chain, seed):
    compare(chain, seed)


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs(), st.integers(0, 99))
def test_many_random_graphs(chain, seed):
    compare(chain, seed)

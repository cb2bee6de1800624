"""Networks, plans, generated accelerators, and networks from elsewhere."""

import json
from functools import cache
from pathlib import Path

import numpy as np

from tests.fuzz.reads.base import Files, small, written


@cache
def network() -> Files:
    """A network with every encoding that a file can hold."""
    from dataclasses import replace

    from sw.network import Linear, Network, save
    from sw.network.encodings.codebook import CodebookEncoding
    from sw.network.encodings.dense import DenseEncoding
    from sw.network.encodings.reuse import ReuseEncoding
    from sw.network.encodings.sparse import SparseEncoding
    from sw.network.encodings.two_level import TwoLevelEncoding

    whole = small()
    ways = iter((
        DenseEncoding,
        lambda bits: ReuseEncoding.of(CodebookEncoding.of(bits), np.array([0, 0, 1, 1, 2, 5])),
        lambda bits: TwoLevelEncoding(SparseEncoding.of(bits), 3, 2),
    ))  # fmt: skip
    layers = [
        replace(layer, weights=next(ways)(layer.weights.decode())) if isinstance(layer, Linear) else layer
        for layer in whole.layers
    ]
    made = Network("every", whole.input, tuple(layers))
    return written(lambda folder: save(made, folder / "n.safetensors"))


def read_network(folder: Path) -> None:
    from subbit.inspection import inspect_network
    from sw.network import load

    found = load(folder / "n.safetensors")
    inspect_network(found)
    found.run(np.zeros((1, found.input.height, found.input.width, found.input.channels), np.uint8))


@cache
def plan() -> Files:
    def write(folder: Path) -> None:
        from hw.plan.plan import Folding, Plan

        folding = {"conv1": Folding(2, 9), "conv2": Folding(3, 4, "block"), "dense1": Folding(1, 24, datapath="xnor")}
        (folder / "plan.json").write_text(Plan(folding, 2, device="ice40-hx8k").to_json())

    return written(write)


def read_plan(folder: Path) -> None:
    from hw.plan.plan import Plan
    from subbit.console import made_by_user
    from subbit.planning import report

    found = Plan.load(folder / "plan.json")
    with made_by_user():
        report(small(), found).as_dict()


@cache
def generated() -> Files:
    def write(folder: Path) -> None:
        from hw.generate import generate
        from hw.plan.plan import Folding, Plan
        from sw.network import Linear

        whole = small()
        folding = {layer.name: Folding() for layer in whole.layers if isinstance(layer, Linear)}
        generate(whole, Plan(folding), folder / "rtl")

    made = {name.removeprefix("rtl/"): data for name, data in written(write).items()}
    return {name: made[name] for name in ("accelerator.json", "accelerator.sv")}


def read_generated(folder: Path) -> None:
    from sim.design import Design

    found = Design.read(folder)
    for path in (*found.sources, *found.memories):
        path.read_bytes()
    Design.of_json(json.loads(json.dumps(found.as_json())))
    assert all(probe.beats > 0 for probe in found.probes)


@cache
def qonnx() -> Files:
    """A dense and a convolution layer with what stands between them, as Brevitas exports it."""
    from tests.sw.interop.graphs import Chain, signs

    rng = np.random.default_rng(3)
    chain = Chain(1, 1, 6, 6).quant(2).conv(signs(rng, 3, 1, 3, 3)).norm(rng, 3).bipolar().pool().flat()
    model = chain.dense(signs(rng, 4, 12)).model()
    return {"m.onnx": model.SerializeToString()}


@cache
def exported() -> Files:
    """What subbit writes itself: colours repeated, bits cut out, branches of the image, borders of a level."""
    from sw.interop.export import write
    from sw.network import (
        BitPlanes,
        BitSlices,
        Convolution,
        Dense,
        DenseEncoding,
        Input,
        Network,
        Padding,
        Scores,
        Threshold,
    )

    rng = np.random.default_rng(4)
    files = {}
    for first, channels in (
        (BitPlanes(name="encode", reads=("input",), planes=(0, 2, 3, 7)), 2),
        (BitSlices(name="encode", reads=("input",), slices=(1, 6)), 4),
    ):
        bits = DenseEncoding(rng.integers(0, 2, (3, 3, 3, channels), np.uint8))
        around = Padding("level", 1, 8) if isinstance(first, BitPlanes) else Padding("+1", 1)
        layers = (
            first,
            Convolution(name="conv1", reads=("encode",), weights=bits, padding=around),
            Threshold(
                name="act1", reads=("conv1",), thresholds=np.array([[-5], [0], [5]]), invert=np.zeros(3, np.bool_)
            ),
            Dense(name="dense1", reads=("act1",), weights=DenseEncoding(rng.integers(0, 2, (3, 48), np.uint8))),
            Scores(name="scores", reads=("dense1",), scale=np.ones(3, np.int64), bias=np.arange(3)),
        )
        network = Network("exported", Input(4, 4, 2), layers)
        files |= written(lambda folder, made=network, name=first.kind: write(made, folder / f"{name}.onnx"))
    return files


def read_qonnx(folder: Path) -> None:
    from sw.interop.qonnx import Pixels
    from sw.interop.qonnx import read_qonnx as read

    for path in sorted(folder.glob("*.onnx")) or [folder / "m.onnx"]:
        read(path, pixels=Pixels(8, 0.0, 255.0))

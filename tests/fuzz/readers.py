"""Every reader of files that subbit has: a whole folder made by the project's own writers, and what reads it."""

import gzip
import io
import json
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.cases import Bounds

__all__ = ["READERS", "Reader"]

Files = dict[str, bytes]


USUAL = Bounds()
INTEROP = Path(__file__).parents[2] / "sw" / "interop" / "qonnx"


@dataclass(frozen=True)
class Reader:
    """``read`` is given a folder with the files that ``seed`` makes, some of them damaged.

    ``places`` are further files that it may open, ``programs`` what it may start.
    """

    seed: Callable[[], Files]
    read: Callable[[Path], object]
    bounds: Bounds = USUAL
    places: tuple[Path, ...] = ()
    programs: tuple[str, ...] = ()


def files_of(folder: Path, *only: str) -> Files:
    """The files below a folder, or those of these names, by their names there."""
    paths = [folder / name for name in only] or sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def written(write: Callable[[Path], object]) -> Files:
    """The files that ``write`` leaves in a folder."""
    with tempfile.TemporaryDirectory(prefix="subbit-seed-") as scratch:
        write(Path(scratch))
        return files_of(Path(scratch))


def small() -> Any:
    """The network of the seeds."""
    from tests.conftest import make_small_network

    return make_small_network(np.random.default_rng(20240521))


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
def design() -> Files:
    """A board's design whose memories are loaded, with the files that a build would add to it."""

    def write(folder: Path) -> None:
        from boards.board import board
        from boards.design import write_design
        from hw.plan.plan import Folding, Plan
        from sw.network import Linear

        whole = small()
        folding = {layer.name: Folding(1, 1, "spram") for layer in whole.layers if isinstance(layer, Linear)}
        write_design(whole, Plan(folding), board("icebreaker"), folder / "b")

    made = {name.removeprefix("b/"): data for name, data in written(write).items()}
    return {name: made[name] for name in ("board.json", "weights.bin")}


def read_description(folder: Path) -> None:
    from boards.host.description import BoardDescription

    found = BoardDescription.load(folder)
    shape = (2, found.height, found.width, found.channels)
    if np.prod(shape, dtype=float) < 1e6:
        sent = found.encode(np.zeros(shape, np.uint8))
        assert [len(image) for image in sent] == [found.image_bytes] * 2
    found.decode(bytes(found.result_bytes))


def read_virtual(folder: Path) -> None:
    from sim.virtual_board import VirtualBoard

    made = VirtualBoard(folder, "icarus")
    (folder / "run").mkdir()
    made.write_case(folder / "run")


def flashed() -> Files:
    """A build, as far as flashing reads it."""
    return {**design(), "flash.bin": bytes(100), "report.json": b'{"format": 1, "met": true, "files": {"a": 1}}'}


def read_flash(folder: Path) -> None:
    from boards.flash import flash_of

    flash_of(folder)


def idx() -> Files:
    array = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    head = bytes([0, 0, 8, 3]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    return {"a.idx.gz": gzip.compress(head + array.tobytes(), mtime=0)}


def read_idx(folder: Path) -> None:
    from sw.train.data.idx import read_idx as read

    assert read(folder / "a.idx.gz").dtype == np.uint8


@cache
def cifar() -> Files:
    from tests.sw.train.test_data import cifar_batch, cifar_names

    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in cifar_names():
            data = cifar_batch(images, [1, 3])
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return {"c.tar.gz": out.getvalue()}


def read_cifar(folder: Path) -> None:
    from sw.train.data.cifar import read_archive

    for images, labels in read_archive(folder / "c.tar.gz"):
        assert images.dtype == np.uint8
        assert images.shape == (len(labels), 32, 32, 3)


@cache
def pictures() -> Files:
    from PIL import Image

    files = {}
    for value, name in enumerate(("cat", "dog")):
        for number, kind in enumerate(("png", "png", "jpeg", "bmp", "gif", "tiff", "ppm", "webp")):
            out = io.BytesIO()
            Image.new("L", (6, 4), 10 * value + number).save(out, kind)
            files[f"{name}/{number}.{kind}"] = out.getvalue()
    return files


def read_pictures(folder: Path) -> None:
    from sw.train.data import load

    load(f"folder:{folder}")
    load(f"folder:{folder}", size=(5, 5))


def arrays(compressed: bool) -> Files:
    images = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 1)).astype(np.uint8)
    out = io.BytesIO()
    if compressed:
        np.savez_compressed(out, images=images, labels=np.arange(2))
        return {"images.npz": out.getvalue()}
    np.save(out, images)
    return {"images.npy": out.getvalue()}


def read_arrays(folder: Path) -> None:
    from subbit.images import read_images

    for path in folder.iterdir():
        assert read_images(path, small()).shape[1:] == (8, 8, 1)


@cache
def netlist() -> Files:
    """A table, a flip-flop and a block RAM as nextpnr writes them, and the packer's text of the block RAM."""
    contents = {f"INIT_{digit:X}": f"{digit:0256b}" for digit in range(16)}
    ram = {
        "type": "ICESTORM_RAM",
        "parameters": {"READ_MODE": "0" * 32, "WRITE_MODE": "0" * 32, **contents},
        "attributes": {"NEXTPNR_BEL": "X8/Y1/ram"},
        "port_directions": {"RADDR_0": "input", "RDATA_0": "output"},
        "connections": {"RADDR_0": [2], "RDATA_0": [4], "RCLK": [2], "RE": ["1"]},
    }
    cells = {
        "lut": {
            "hide_name": 0,
            "type": "SB_LUT4",
            "parameters": {"LUT_INIT": "1010101010101010"},
            "attributes": {"src": "top.sv:1.1-2.2"},
            "port_directions": {"I0": "input", "O": "output"},
            "connections": {"I0": [2], "I1": ["0"], "I2": ["x"], "I3": [4], "O": [3]},
        },
        "ram": ram,
    }
    ports = {
        "clk": {"direction": "input", "bits": [2]},
        "out": {"direction": "output", "bits": [3, 4], "offset": 1},
    }
    module = {"attributes": {"top": "1"}, "settings": {"arch.package": "sg48"}, "ports": ports, "cells": cells}
    lines = [".ram_data 8 1", *(f"{number:064x}" for number in range(16)), ""]
    return {"routed.json": json.dumps({"creator": "x", "modules": {"top": module}}).encode(),
            "top.asc": "\n".join(lines).encode()}  # fmt: skip


def read_netlist(folder: Path) -> None:
    from sim.netlist.cells import adapt
    from sim.netlist.netlist import Netlist
    from sim.netlist.verilog import verilog

    verilog(adapt(Netlist.read(folder / "routed.json"), "ice40"))


def read_memories(folder: Path) -> None:
    from hw.block_ram import FORMATS, RamNetlist
    from sw.files import read_text

    form = FORMATS["ice40"]
    found = RamNetlist(folder / "routed.json", form)
    found.write(found.contents(), folder / "written.json")
    found.places()
    assert all(len(bits) == 4096 for _, _, bits in form.blocks(read_text(folder / "top.asc", "build it").splitlines()))


def steps() -> Files:
    """The folder of a build that was cut off, whose step is done by its key."""
    record = {"synthesis": {"key": "0" * 32, "files": ["synth.json"], "found": {"seconds": 1.5, "tool": "yosys"}}}
    return {
        "b.building/steps.json": json.dumps(record).encode(),
        "b.building/board.json": b"{}",
        "b.building/synth.json": b"{}",
    }


def read_steps(folder: Path) -> None:
    from boards.build.workplace import Workplace

    place = Workplace(folder / "b")
    with place.opened():
        for step in ("synthesis", "routing", "../x"):
            place.done(step, "0" * 32)
        place.keep("board.json")
        place.sizes() if (place.path / "board.json").is_file() else None
        if (place.path / "board.json").is_file():
            place.finish()


def slices() -> Files:
    def part(count: int) -> dict[str, Any]:
        return {"sets": [[at] for at in range(count)], "mean": [0.5] * count, "spread": [0.1] * count}

    choice = {
        "accuracy": 0.9,
        "joint": 0.8,
        "kept": [2, 3],
        "dropped": [0, 1],
        "single": part(4),
        "cumulative": part(2),
    }
    told = {"method": "slices", "slices": [0, 1, 2, 3], "choice": choice, "config": {"data": "digits", "seed": 0}}
    return {"slices.json": json.dumps(told).encode()}


def read_slices(folder: Path) -> None:
    from subbit.choice import read_choice
    from subbit.pictures import slice_sensitivity

    slice_sensitivity(read_choice(folder / "slices.json"))


@cache
def checkpoint() -> Files:
    import torch

    from sw.train.config import TrainConfig
    from sw.train.models import BinaryModel, ModelSpec

    torch.manual_seed(0)
    model = BinaryModel(ModelSpec((8, 8, 1), 4, 3, topology="conv 4 pad 1, pool, dense 8"))
    content = {
        "epoch": 1,
        "global_step": 9,
        "state_dict": {f"model.{name}": value for name, value in model.state_dict().items()},
        "subbit": {"config": TrainConfig().as_dict(), "spec": model.spec.as_dict(), "seconds": 1.5},
    }
    return written(lambda folder: torch.save(content, folder / "last.ckpt"))


def read_checkpoint(folder: Path) -> None:
    from sw.train.fit import load_model

    load_model(folder / "last.ckpt")


def report_files() -> Files:
    """report.json of a build, as far as another reads it."""
    cells = {"luts": 10, "ffs": 4, "carries": 0, "brams": 1}
    told = {
        "format": 1, "board": "icebreaker", "device": "ice40-up5k", "met": True, "clock_hz": 12e6, "interval": 100,
        "timing": {"met": True, "clocks": [{"name": "clk", "achieved_mhz": 14.5, "wanted_mhz": 12.0, "met": True}],
                   "path": []},
        "frames_per_second": 120000.0, "images_per_second_on_link": 1500.0, "seed": 1, "bitstream": "top.bin",
        "used": {"logic cells": {"used": 10, "available": 5280}}, "synthesised": cells,
        "stages": {"conv1": {**cells, "estimated_luts": 9.5}}, "programs": {"yosys": {"version": "0.60"}},
    }  # fmt: skip
    return {"report.json": json.dumps(told).encode()}


def read_report(folder: Path) -> None:
    from subbit.reporting.built import read_built

    read_built(folder)


@cache
def proof() -> Files:
    """A record of a simulation, beside the design that was simulated."""
    from subbit.proof import Run

    run = Run(stage="accelerator", by="icarus", images=9, equal=9, layers=3, patterns=4, cycles=64, seed=0,
              network="0" * 16, design="0" * 64, data="0" * 64, when="2024-01-01T00:00:00Z")  # fmt: skip
    return {**generated(), **plan(), "proof/a.json": run.model_dump_json().encode()}


def read_proof(folder: Path) -> None:
    from subbit.proof import found, kept_files

    found(folder, small())
    kept_files(folder, small())


def says(*arguments: object, status: tuple[int, ...] = (0, 2)) -> None:
    """Run the command line; what it says of an error must be one line that can be printed."""
    import contextlib

    from subbit.cli import run
    from sw.errors import SubbitError

    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        found = run([str(each) for each in arguments])
    lines = said.getvalue().splitlines()
    assert found in status, f"status {found}: {said.getvalue()[-500:]}"
    assert "Traceback" not in said.getvalue()
    assert all(line.isprintable() for line in lines), lines
    if found == 2:
        assert [line.startswith("subbit: error: ") for line in lines] == [False] * (len(lines) - 1) + [True], lines
        raise SubbitError(lines[-1])


def command_inspect(folder: Path) -> None:
    says("inspect", folder / "n.safetensors")
    says("inspect", "--json", folder / "n.safetensors")
    says("plan", folder / "n.safetensors", "--device", "ice40-hx8k")


def command_flash(folder: Path) -> None:
    says("flash", "--dry-run", folder)


@cache
def built() -> Files:
    return {**{name: data for name, data in flashed().items() if name.endswith("json")}, "network.safetensors":
            network()["n.safetensors"], "flash.bin": b"0"}  # fmt: skip


@cache
def qonnx() -> Files:
    """A dense and a convolution layer with what stands between them, as Brevitas exports it."""
    from tests.sw.interop.graphs import Chain, signs

    rng = np.random.default_rng(3)
    chain = Chain(1, 1, 6, 6).quant(2).conv(signs(rng, 3, 1, 3, 3)).norm(rng, 3).bipolar().pool().flat()
    model = chain.dense(signs(rng, 4, 12)).model()
    return {"m.onnx": model.SerializeToString()}


def read_qonnx(folder: Path) -> None:
    from sw.interop.qonnx import read_qonnx as read

    read(folder / "m.onnx")


READERS: dict[str, Reader] = {
    "network": Reader(network, read_network),
    "plan": Reader(plan, read_plan),
    "generated": Reader(generated, read_generated),
    "board description": Reader(design, read_description),
    "virtual board": Reader(design, read_virtual),
    "flash": Reader(flashed, read_flash),
    "idx": Reader(idx, read_idx),
    "cifar": Reader(cifar, read_cifar),
    "pictures": Reader(pictures, read_pictures),
    "npy": Reader(lambda: arrays(False), read_arrays),
    "npz": Reader(lambda: arrays(True), read_arrays),
    "netlist": Reader(netlist, read_netlist),
    "block RAMs": Reader(netlist, read_memories),
    "steps": Reader(steps, read_steps),
    "slices": Reader(slices, read_slices),
    "report.json": Reader(report_files, read_report),
    "proof": Reader(proof, read_proof),
    "checkpoint": Reader(checkpoint, read_checkpoint, Bounds(seconds=20.0, base=128)),
    # Where there is a reader of QONNX.
    **({"qonnx": Reader(qonnx, read_qonnx, Bounds(seconds=20.0, base=160))} if INTEROP.is_dir() else {}),
    "subbit inspect": Reader(network, command_inspect),
    "subbit flash": Reader(built, command_flash),
}

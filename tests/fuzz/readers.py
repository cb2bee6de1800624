"""Every reader of files that subbit has: a whole folder made by the project's own writers, and what reads it."""

from tests.fuzz.cases import Bounds
from tests.fuzz.reads import builds, commands, data, finished, networks
from tests.fuzz.reads.base import Reader

__all__ = ["READERS", "Reader"]

READERS: dict[str, Reader] = {
    "network": Reader(networks.network, networks.read_network),
    "plan": Reader(networks.plan, networks.read_plan),
    "generated": Reader(networks.generated, networks.read_generated),
    "board description": Reader(builds.design, builds.read_description),
    "virtual board": Reader(builds.design, builds.read_virtual),
    "flash": Reader(builds.flashed, builds.read_flash),
    "idx": Reader(data.idx, data.read_idx),
    "cifar": Reader(data.cifar, data.read_cifar),
    "pictures": Reader(data.pictures, data.read_pictures),
    "npy": Reader(lambda: data.arrays(False), data.read_arrays),
    "npz": Reader(lambda: data.arrays(True), data.read_arrays),
    "netlist": Reader(builds.netlist, builds.read_netlist),
    "block RAMs": Reader(builds.netlist, builds.read_memories),
    "steps": Reader(builds.steps, builds.read_steps),
    "slices": Reader(data.slices, data.read_slices),
    "slices of a training": Reader(finished.kept, finished.read_kept, Bounds(base=128)),
    "weights": Reader(finished.finished, finished.read_weights),
    "stages of a build": Reader(finished.finished, finished.read_stages),
    "interrupted build": Reader(finished.interrupted, finished.read_placed),
    "report.json": Reader(builds.report_files, builds.read_report),
    "proof": Reader(builds.proof, builds.read_proof),
    "checkpoint": Reader(data.checkpoint, data.read_checkpoint, Bounds(seconds=20.0, base=128)),
    "qonnx": Reader(networks.qonnx, networks.read_qonnx, Bounds(seconds=20.0, base=160)),
    "exported qonnx": Reader(networks.exported, networks.read_qonnx, Bounds(seconds=20.0, base=160)),
    "subbit inspect": Reader(networks.network, commands.command_inspect),
    "subbit report": Reader(commands.reported, commands.command_report, Bounds(seconds=20.0, base=128)),
    "subbit flash": Reader(commands.built, commands.command_flash),
}

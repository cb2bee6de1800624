"""An accelerator as files: Verilog, ROM images, a golden vector, and a description that tools can read."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hw.accelerator import Accelerator
from hw.datapath.rom import LOAD_BITS
from hw.frames import input_beats, output_beats
from hw.loader import load_words
from hw.plan.pipeline import pipeline
from hw.plan.plan import Plan
from hw.verilog import emit
from sw.files import atomic_folder
from sw.network import Network, save
from sw.network.mem import mem_text
from sw.network.roms import encoded_roms

__all__ = ["Generated", "generate"]

DESCRIPTION = "accelerator.json"
SOURCE = "accelerator.sv"
LOAD = "rom/load.mem"
GOLDEN_IMAGES = 4


@dataclass(frozen=True)
class Generated:
    """A folder with ``accelerator.sv``, ``accelerator.json``, ``network.safetensors``, ``plan.json``, ``rom/*.mem`` and
    ``golden/``. ``rom`` has the memories of the hardware and those that compact weights are encoded in.

    ``cycles`` is the interval between frames by formula.
    """

    folder: Path
    top: str
    cycles: int

    @property
    def source(self) -> Path:
        """The Verilog."""
        return self.folder / SOURCE


def generate(
    network: Network, plan: Plan, folder: str | os.PathLike[str], images: np.ndarray | None = None
) -> Generated:
    """Write the accelerator for ``network`` under ``plan`` into ``folder``, which appears whole or not at all.

    ``images``, uint8 (n, height, width, channels), are put into the golden vector; by default four of random pixels.
    Raises ValueError where plan and network do not fit, SubbitError where the folder cannot be written or Yosys is
    missing.
    """
    pipeline(network, plan)  # Refuses what does not fit before a component is begun.
    accelerator = Accelerator(network, plan)
    top = "accelerator"
    text = emit(accelerator, top)
    if images is None:
        image = network.input
        shape = (GOLDEN_IMAGES, image.height, image.width, image.channels)
        images = np.random.default_rng(0).integers(0, 1 << image.bits, shape, dtype=np.uint8)
    with atomic_folder(folder, DESCRIPTION) as work:
        (work / SOURCE).write_text(text)
        (work / DESCRIPTION).write_text(json.dumps(describe(accelerator, top), indent=2) + "\n")
        (work / "plan.json").write_text(plan.to_json())
        save(network, work / "network.safetensors")
        (work / "rom").mkdir()
        for name, rom in accelerator.roms.items():
            (work / "rom" / f"{name}.mem").write_text(rom.mem())
        if accelerator.loaded_roms:
            (work / LOAD).write_text(mem_text(load_words(accelerator.loaded_roms), LOAD_BITS))
        for name, image in encoded_roms(network).items():
            (work / "rom" / f"{name}.mem").write_text(image.mem())
        write_golden(accelerator, network.check_images(images), work / "golden")
    return Generated(Path(folder), top, accelerator.pipeline.interval)


def describe(accelerator: Accelerator, top: str) -> dict[str, Any]:
    """What a bench, a board or a person must know of the accelerator, as plain values."""
    pipeline, plan, image = accelerator.pipeline, accelerator.plan, accelerator.network.input
    return {
        "top": top,
        "sources": [SOURCE],
        "output": plan.output,
        "pixels_per_beat": plan.pixels_per_beat,
        "input": {"bits": accelerator.input_bits, "image": asdict(image)},
        "result": {"bits": accelerator.results.result_bits, "classes": accelerator.results.classes},
        "interval": pipeline.interval,
        "slowest": pipeline.slowest,
        "cycles": pipeline.cycles,
        "memories": {
            name: {"file": f"rom/{name}.mem", "depth": rom.depth, "width": rom.width}
            for name, rom in accelerator.roms.items()
        },
        "load": {"file": LOAD, "words": len(load_words(accelerator.loaded_roms))} if accelerator.loaded_roms else None,
        "encoded": {
            name: {"file": f"rom/{name}.mem", "depth": len(rom.words), "width": rom.width}
            for name, rom in encoded_roms(accelerator.network).items()
        },
        "probes": [
            {"path": [probe.stage], "valid": "o__valid", "ready": "o__ready", "payload": "o__payload", **asdict(probe)}
            for probe in accelerator.probes
        ],
    }


def write_golden(accelerator: Accelerator, images: np.ndarray, folder: Path) -> None:
    """Beats in and beats out for ``images`` as $readmemh files, and every activation between, to trace any bit by."""
    folder.mkdir()
    plan, network = accelerator.plan, accelerator.network
    run = network.run(images)
    bits, width = accelerator.input_bits, accelerator.results.result_bits
    beats_in = input_beats(images, network.input.bits, plan.pixels_per_beat, bits)
    beats_out = output_beats(run.scores, run.classes, width, plan.output)
    for name, beats, size in (("input", beats_in, bits), ("output", beats_out, width)):
        (folder / f"{name}.mem").write_text("".join(f"{beat:0{size // 4}x}\n" for beat in beats))
    activations: dict[str, Any] = run.activations
    np.savez_compressed(folder / "activations.npz", images=images, **activations)
    scores = "scores in two's complement, class 0 first, then " if plan.output == "scores" else ""
    (folder / "README.txt").write_text(
        f"{len(images)} images.\n"
        f"input.mem   beats of s_axis_tdata, {bits} bits: {plan.pixels_per_beat} pixel(s) of {network.input.channels} "
        f"channel(s) of {network.input.bits} bits, in raster order, channel 0 of the first pixel in the low bits.\n"
        f"output.mem  beats of m_axis_tdata, {width} bits: {scores}the class.\n"
        "activations.npz  every layer, (images, height, width, channels); bit 1 means +1, bit 0 means -1.\n"
        "../rom/LAYER_weights.mem     row fold * words + word, bit p * SIMD + i: weight of output fold * PE + p for\n"
        "                             tap word * SIMD + i; taps run row, column, channel. 1 means +1.\n"
        "../rom/LAYER_codewords.mem   for a layer by lookup, instead of weights: row k, bit i: codeword k's weight of\n"
        "                             a word's tap i; LAYER.codebook.codewords.mem is the same table.\n"
        "../rom/LAYER_indices.mem     row group * folds + fold, lane p * words + s, of as many bits as a codeword's\n"
        "                             number has: for output fold * PE + p, the codeword of word s of the group. A\n"
        "                             group has SIMD / taps words: a run of positions in neighbouring channels, the\n"
        "                             runs of one kernel after another, or neighbouring inputs of a dense layer.\n"
        "../rom/LAYER_thresholds.mem  row fold, for output fold * PE + p from the low bits up: thresholds on the\n"
        "                             count of agreements, then an invert bit; out = (count >= threshold) xor invert.\n"
        "../rom/LAYER_window_taps.mem  row beat, for output fold * PE + p from the low bits up: the tap's place in a\n"
        "                             word of SIMD channels, the word, the kernel position, 1 for a tap; then last.\n"
    )

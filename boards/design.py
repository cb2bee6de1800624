"""A network on a board as files: the first half of a build folder, all that comes before synthesis."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from boards.board import Board
from boards.flash_image import WEIGHTS, weights_image
from boards.host.description import DESCRIPTION, FORMAT
from boards.identity import identity
from boards.link.host_link import HostLink
from boards.link.shape import LinkShape, fastest_baud
from boards.pins import CONSTRAINTS, constraints
from boards.pll import clock_of
from boards.top import Top
from hw.accelerator import Accelerator
from hw.datapath.rom import SINGLE_PORT
from hw.layer.results import ResultsShape
from hw.loader import load_words
from hw.plan.device import device
from hw.plan.pipeline import pipeline
from hw.plan.plan import Plan
from hw.tighten import TIGHTENED
from hw.verilog import emit
from sw.errors import SubbitError
from sw.files import atomic_folder
from sw.network import Network, save

__all__ = ["DESCRIPTION", "FORMAT", "Design", "write_design"]

SOURCE = "top.sv"


@dataclass(frozen=True)
class Design:
    """A folder with ``board.json``, ``top.sv``, ``network.safetensors``, ``plan.json``, ``rom/*.mem``, the board's
    constraints, and ``weights.bin`` for its flash memory where something has to be loaded. ``description`` is what
    board.json says."""

    folder: Path
    description: dict[str, Any]


def write_design(
    network: Network,
    plan: Plan,
    board: Board,
    folder: str | os.PathLike[str],
    *,
    baud: int | None = None,
    checked_as: bytes | None = None,
) -> Design:
    """Write the design that puts ``network`` under ``plan`` on ``board`` into ``folder``, whole or not at all.

    The core runs at ``plan.clock_hz``. ``baud`` is by default the fastest of the usual ones that this clock divides to,
    and ``checked_as``, the identity that the check of its answers begins with, that of ``network``.
    Raises SubbitError where the plan is for another family of devices, the board cannot make its clock, or the link
    cannot carry the network; ValueError where plan and network do not fit.
    """
    plan = plan_for(plan, board)
    dividers = clock_of(board, plan.clock_hz)
    clock_hz = round(dividers.output_hz) if dividers else board.oscillator_hz
    shape = link_shape(network, plan, clock_hz, baud)
    if checked_as not in (None, shape.identity):
        shape = replace(shape, checked_as=checked_as)
    accelerator = Accelerator(network, plan)
    text = emit(Top(board, dividers, clock_hz, HostLink(shape), accelerator), "top")
    words = load_words(accelerator.loaded_roms)
    description = describe(board, accelerator, shape) | ({"weights": describe_weights(board, words)} if words else {})
    if board.family in TIGHTENED and any(folding.datapath == "unrolled" for folding in plan.folding.values()):
        description["tightened"] = True
    with atomic_folder(folder, DESCRIPTION) as work:
        (work / SOURCE).write_text(text)
        (work / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
        (work / CONSTRAINTS[board.family]).write_text(constraints(board, loads=bool(words)))
        (work / "plan.json").write_text(plan.to_json())
        save(network, work / "network.safetensors")
        if words:
            (work / WEIGHTS).write_bytes(weights_image(words))
        (work / "rom").mkdir()
        for name, rom in accelerator.roms.items():
            (work / "rom" / f"{name}.mem").write_text(rom.mem())
    return Design(Path(folder), description)


def plan_for(plan: Plan, board: Board) -> Plan:
    """``plan`` with the board's device. Raises SubbitError where it is for another family, whose hardware may differ,
    or for RAM that the board does not have."""
    if plan.device is not None and device(plan.device).family != board.family:
        raise SubbitError(
            f"The plan is for {device(plan.device).name} and {board.title} has {board.device.name}: "
            f"plan again with --device {board.device.name}."
        )
    loaded = [layer for layer, folding in plan.folding.items() if folding.rom in SINGLE_PORT]
    if loaded and board.memory is None:
        raise SubbitError(
            f"The plan puts {loaded[0]} into single-port RAM, which {board.title} has none of: "
            f"plan again with --device {board.device.name}."
        )
    return replace(plan, device=board.device.name)


def link_shape(network: Network, plan: Plan, clock_hz: int, baud: int | None) -> LinkShape:
    """The host link for the accelerator of ``network`` under ``plan``, which need not have been made yet."""
    image = network.input
    results = pipeline(network, plan).stages[-1].shape
    assert isinstance(results, ResultsShape)
    pixel_bits = image.channels * image.bits * plan.pixels_per_beat
    return LinkShape(
        input_bits=-(-pixel_bits // 8) * 8,
        input_beats=image.height * image.width // plan.pixels_per_beat,
        result_bits=results.result_bits,
        result_beats=results.classes + 1 if plan.output == "scores" else 1,
        identity=identity(network, plan),
        clock_hz=clock_hz,
        baud=baud or fastest_baud(clock_hz),
    )


def describe_weights(board: Board, words: list[int]) -> dict[str, Any]:
    """What stands beside the bitstream in flash memory, for the loader to find."""
    assert board.memory is not None
    return {"file": WEIGHTS, "address": board.memory.address, "words": len(words)}


def describe(board: Board, accelerator: Accelerator, shape: LinkShape) -> dict[str, Any]:
    """What the tools, the host and the virtual board must know, as plain values."""
    plan = accelerator.plan
    return {
        "format": FORMAT,
        "board": board.name,
        "device": board.device.name,
        "family": board.family,
        "top": "top",
        "sources": [SOURCE],
        "constraints": CONSTRAINTS[board.family],
        "clock_hz": shape.clock_hz,
        "oscillator_hz": board.oscillator_hz,
        "baud": shape.baud,
        "cycles_per_bit": shape.cycles_per_bit,
        "identity": shape.identity.hex(),
        **({} if shape.checked_as is None else {"checked_as": shape.checked_as.hex()}),
        "input": {
            "bits": shape.input_bits,
            "beats": shape.input_beats,
            "pixels_per_beat": plan.pixels_per_beat,
            "image": asdict(accelerator.network.input),
        },
        "result": {
            "bits": shape.result_bits,
            "beats": shape.result_beats,
            "output": plan.output,
            "classes": accelerator.results.classes,
        },
        "interval": accelerator.pipeline.interval,
        "cycles": accelerator.pipeline.cycles,
    }

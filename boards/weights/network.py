"""Another network of the same shape in a finished board design."""

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from boards.board import board
from boards.design import link_shape, plan_for
from boards.identity import identity
from boards.link.host_link import HostLink
from boards.pll import clock_of
from boards.top import Top
from boards.weights.replace import DESCRIPTION, described, replace_tables
from boards.weights.tables import in_block_ram
from hw.accelerator import Accelerator
from hw.plan.plan import Plan
from hw.verilog import emit
from sw.network import Network, save

__all__ = ["BLANK", "replace_weights"]

BLANK = "blank"
"""The folder inside a build with the design as it was routed, its tables random: by them every table is found again."""


def replace_weights(folder: Path | str, network: Network, out: Path | str) -> tuple[str, ...]:
    """Write into ``out`` the build in ``folder`` for ``network`` instead; returns the names of the tables that changed.

    Neither synthesis nor place and route run: the block RAMs get other contents, and the bitstream is packed again, in
    seconds. The plan and with it the timing stay. The device goes on answering with the identity that its logic has,
    that of the first network, and ``holds`` in board.json says which one the weights have.

    Raises SubbitError where the network needs other logic, or a table that changes is not all in block RAM: which.
    """
    folder, out = Path(folder), Path(out)
    if not (folder / BLANK).is_dir():
        return _replaced(folder, network, out)
    with tempfile.TemporaryDirectory(prefix="subbit-weights-") as scratch:
        shutil.copytree(folder, scratch, dirs_exist_ok=True)
        shutil.copytree(folder / BLANK, scratch, dirs_exist_ok=True)
        return _replaced(Path(scratch), network, out)


def _replaced(folder: Path, network: Network, out: Path) -> tuple[str, ...]:
    description = described(folder)
    place, plan = board(description["board"]), Plan.load(folder / "plan.json")
    plan = plan_for(plan, place)
    dividers = clock_of(place, plan.clock_hz)
    shape = link_shape(network, plan, description["clock_hz"], description["baud"])
    shape = replace(shape, identity=bytes.fromhex(description["identity"]))
    accelerator = Accelerator(network, plan)
    source = emit(Top(place, dividers, description["clock_hz"], HostLink(shape), accelerator), description["top"])
    earlier = (folder / description["sources"][0]).read_text()
    if earlier == in_block_ram(earlier):
        source = in_block_ram(source)
    told = description | {"holds": identity(network, plan).hex()}
    files = {DESCRIPTION: (json.dumps(told, indent=2) + "\n").encode(), "network.safetensors": _saved(network)}
    files |= {f"rom/{name}.mem": rom.mem().encode() for name, rom in accelerator.roms.items()}
    return replace_tables(folder, source, out, files)


def _saved(network: Network) -> bytes:
    with tempfile.TemporaryDirectory(prefix="subbit-weights-") as folder:
        save(network, Path(folder, "network.safetensors"))
        return Path(folder, "network.safetensors").read_bytes()

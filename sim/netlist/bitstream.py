"""Takes a bitstream apart again, as far as the packer's own counterpart does, for what is in its block RAMs."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from hw.block_ram import FORMATS, RamNetlist
from hw.programs import find_program
from sw.errors import SubbitError

__all__ = ["unpacked", "with_contents"]


def unpacked(folder: Path, family: str, work: Path) -> Path:
    """The packer's text made of the bitstream in ``folder``, in the folder ``work``. Raises SubbitError."""
    form = FORMATS[family]
    if not (folder / form.bitstream).is_file():
        raise SubbitError(f"{folder / form.bitstream} is missing: build the design again with 'subbit build'.")
    shutil.copy(folder / form.bitstream, work)
    names = {"bitstream": form.bitstream, "design": form.design}
    program, *arguments = (word.format(**names) for word in form.unpacker)
    command = [find_program(program).path, *arguments]
    run = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if run.returncode or not (work / form.design).is_file():
        said = (run.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise SubbitError(f"{program} could not read {folder / form.bitstream}: {said}")
    return work / form.design


def with_contents(folder: Path, family: str, path: Path) -> Path:
    """Write to ``path`` the routed netlist in ``folder`` with the block RAM contents that its bitstream has.

    Raises SubbitError where a file is missing or the bitstream lacks a block RAM.
    """
    if family not in FORMATS:
        raise SubbitError(f"Block RAM is read back from bitstreams of {' and '.join(FORMATS)}, not of {family}.")
    netlist = RamNetlist(folder / "routed.json", FORMATS[family])
    with tempfile.TemporaryDirectory(prefix="subbit-unpacked-") as work:
        lines = unpacked(folder, family, Path(work)).read_text().splitlines()
    found = {place: bits for place, _, bits in FORMATS[family].blocks(lines)}
    places = netlist.places()
    if absent := sorted(name for name, place in places.items() if place not in found):
        raise SubbitError(f"The bitstream in {folder} lacks the block RAM {absent[0]}: build the design again.")
    netlist.write({name: found[place] for name, place in places.items()}, path)
    return path

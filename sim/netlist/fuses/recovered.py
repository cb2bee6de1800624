"""Reads a Gowin design back from its bitstream: the cells that its outputs depend on, and the wires between them."""

import re
from pathlib import Path

from hw.netlist_file import read_netlist
from sim.netlist.fuses.cells import Maker
from sim.netlist.fuses.chip import Chip
from sim.netlist.fuses.fabric import Fabric
from sim.netlist.netlist import Netlist
from sw.errors import SubbitError
from sw.files import read_text

__all__ = ["pins_of_cst", "recovered_gowin"]

_LOCATION = re.compile(r'^\s*IO_LOC\s+"([^"]+)"\s+(\w+)\s*;', re.MULTILINE)


def recovered_gowin(folder: Path, top: str) -> Netlist:
    """Module ``top`` with what is in the bitstream FOLDER/top.fs, in cells that `sim.netlist.models` has.

    The names of the ports come from the pin constraints (top.cst), their widths and the chip from routed.json. What no
    output depends on is left out. Raises SubbitError where a file is missing or damaged, a pin has no port, or the
    design uses what is not read back: block RAM and multipliers.
    """
    for name in ("top.fs", "top.cst"):
        if not (folder / name).is_file():
            raise SubbitError(f"{folder / name} is missing: build the design again with 'subbit build'.")
    routed = Netlist.read(folder / "routed.json")
    chip = Chip.read(_setting(folder, "packer.chipdb"), folder / "top.fs")
    pads, pins = chip.pads(_setting(folder, "packer.partno")), pins_of_cst(folder / "top.cst")
    nets = [bit for port in routed.ports.values() for bit in port.bits if isinstance(bit, int)]
    maker = Maker(chip, Fabric(chip), 1 + max(nets, default=0))
    driven = maker.output_pads()
    outputs = []
    for name, port in routed.ports.items():
        for index, net in enumerate(port.bits):
            bit = name if port.single else f"{name}[{port.offset + index}]"
            if (pad := pads.get(pins.get(bit, ""))) is None:
                raise SubbitError(f"{folder / 'top.cst'} gives no pin to {bit}: constrain every port.")
            if port.direction == "input":
                maker.input_pad(*pad, net)
            else:
                outputs.append((*pad, net))
            if (pad in driven) != (port.direction == "output"):
                raise SubbitError(f"The bitstream does not make an {port.direction} of the pin of {bit}.")
            driven.discard(pad)
    if driven:
        raise SubbitError(f"The bitstream drives {len(driven)} pins that top.cst gives no name.")
    for pad in outputs:
        maker.output_pad(*pad)
    maker.finish()
    return Netlist(top, routed.ports, maker.cells)


def pins_of_cst(path: Path) -> dict[str, str]:
    """Pin of each port bit in a constraints file of nextpnr-himbaechel for Gowin."""
    return dict(_LOCATION.findall(read_text(path, "build the design again with 'subbit build'")))


def _setting(folder: Path, name: str) -> str:
    """What nextpnr was asked for, as it is in routed.json."""
    module = next(iter(read_netlist(folder / "routed.json")["modules"].values()), {})
    settings = module.get("settings")
    return str(settings.get(name, "")).strip() if isinstance(settings, dict) else ""

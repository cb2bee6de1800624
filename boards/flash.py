"""Puts a bitstream onto a board with the program that the board wants: the command, what is plugged in, the run."""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from boards.board import Board, board
from boards.build.build import FLOWS
from boards.build.tools import Runner
from boards.flash_image import FLASH_IMAGE
from boards.host.description import DESCRIPTION
from sw.documents import Section, checked, read_json
from sw.errors import SubbitError, printable

__all__ = ["USB_IDS", "Flash", "FlashFailure", "UsbDevice", "flash_of", "plugged_in"]

#: Where Linux lists what is on USB.
USB = Path("/sys/bus/usb/devices")

FT2232, FT232H, FT231X = "0403:6010", "0403:6014", "0403:6015"
#: Vendor and product of what a board, or the adapter that it is programmed through, shows on USB.
USB_IDS: Mapping[str, tuple[str, ...]] = {
    "icebreaker": (FT2232,),
    "icesugar": ("1d50:602b",),
    "upduino3": (FT232H,),
    "hx8k-evn": (FT2232,),
    "tinyfpga-bx": ("1d50:6130", "1209:2100"),
    "ulx3s-25f": (FT231X,),
    "ulx3s-85f": (FT231X,),
    "orangecrab-25f": ("1209:5af0",),
    "orangecrab-85f": ("1209:5af0",),
    "colorlight-5a-75b": (FT232H,),
    "icepi-zero": (FT231X,),
    "tang-nano-9k": (FT2232,),
    "tang-primer-20k": (FT2232,),
    "arty-a7-35t": (FT2232,),
}

#: Where each program comes from.
SOURCES: Mapping[str, str] = {
    "iceprog": "it is part of Project IceStorm (Debian, Ubuntu: apt install fpga-icestorm)",
    "openFPGALoader": "Debian, Ubuntu: apt install openfpgaloader",
    "dfu-util": "Debian, Ubuntu: apt install dfu-util",
    "tinyprog": "pip install tinyprog",
    "icesprog": "it is part of the iCESugar repository (github.com/wuxx/icesugar)",
}
#: What makes each write to memory that forgets, or that keeps; None where it cannot.
TO_RAM: Mapping[str, tuple[str, ...] | None] = {
    "iceprog": ("-S",),
    "openFPGALoader": (),
    "dfu-util": None,
    "tinyprog": None,
    "icesprog": None,
}
TO_FLASH: Mapping[str, tuple[str, ...]] = {"openFPGALoader": ("-f",)}
#: The option that picks one of several devices.
DEVICE: Mapping[str, str] = {
    "iceprog": "-d",
    "openFPGALoader": "--ftdi-serial",
    "dfu-util": "--serial",
    "tinyprog": "--id",
}
ABSENT = ("can't find", "no dfu capable", "no device", "not found", "unable to open ftdi device: -3", "no boards")
REFUSED = ("permission", "access", "usb_open() failed", "could not claim")


class FlashFailure(Exception):
    """The program did not get the bitstream onto the board; the message says why."""


class _Description(Section):
    """board.json, as far as it is read here."""

    board: str
    weights: dict[str, object] | None = None


class _Report(Section):
    """report.json, as far as it is read here."""

    met: bool


@dataclass(frozen=True)
class UsbDevice:
    """Something on USB: ``ids`` is its vendor and product, ``serial`` and ``product`` what it calls itself."""

    ids: str
    serial: str
    product: str


@dataclass(frozen=True)
class Flash:
    """The bitstream of a build folder, and the ``command`` that puts it onto its board. ``met``: the build met its
    clock, None where that is not known."""

    board: Board
    bitstream: Path
    command: tuple[str, ...]
    met: bool | None

    @property
    def program(self) -> str:
        """The program that does it."""
        return self.command[0]

    def run(self, tell: Callable[[str], None], log: Path) -> None:
        """Do it; ``tell`` gets every line that the program says, and the file ``log`` all of it.

        Raises SubbitError where the program is missing, FlashFailure where it fails.
        """
        path = shutil.which(self.program, path=str(Path(sys.executable).parent)) or shutil.which(self.program)
        if path is None:
            raise SubbitError(f"{self.program} is missing, which {self.board.title} wants: {SOURCES[self.program]}.")
        with Runner() as runner:
            run = runner.run(self.program, [path, *self.command[1:]], self.bitstream.parent, log, tell)
        if run.status:
            said = "\n".join(run.last).lower()
            if any(text in said for text in ABSENT):
                raise FlashFailure(f"{self.program} found no {self.board.title}: plug it in. {self.board.note}".strip())
            if any(text in said for text in REFUSED):
                raise FlashFailure(
                    f"{self.program} may not use the board ({run.complaint}): give your user access to USB devices, "
                    "by the udev rules of the program"
                )
            raise FlashFailure(f"{self.program} failed: {run.complaint}")


def flash_of(folder: Path, *, ram: bool = False, device: str | None = None) -> Flash:
    """How the bitstream in a build ``folder`` gets onto its board: for good, or with ``ram`` until power goes.

    ``device``: which one of several, as the program names them, mostly a serial number. Raises SubbitError where the
    folder is no finished build, or the board's program cannot do what was asked for.
    """
    try:
        description = checked(_Description, read_json(folder / DESCRIPTION))
        target = board(description.board)
    except (OSError, ValueError):
        raise SubbitError(f"{folder} is no build: make one with `subbit build`.") from None
    flow = FLOWS.get(target.family)
    loads = description.weights is not None
    bitstream = folder / (FLASH_IMAGE if loads else flow.bitstream if flow else "top.bit")
    if not bitstream.is_file():
        wanted = "run Vivado there first, as build.tcl says" if flow is None else "finish it with `subbit build`"
        raise SubbitError(f"{folder} holds no bitstream: {wanted}.")
    program, *rest = target.flash
    options = TO_FLASH.get(program, ())
    if ram and loads:
        raise SubbitError(
            "The design loads its weights from flash memory, where they must be written: leave --ram out."
        )
    if ram:
        to_ram = TO_RAM[program]
        if to_ram is None:
            raise SubbitError(f"{program} writes the flash memory of {target.title} alone: leave --ram out.")
        options = to_ram
    if device is not None:
        if program not in DEVICE:
            raise SubbitError(f"{program} cannot choose between boards: leave --device out and plug in one.")
        options = (*options, DEVICE[program], device)
    met = None
    if (report := folder / "report.json").is_file():
        try:
            met = checked(_Report, read_json(report)).met
        except (OSError, ValueError) as error:
            raise SubbitError(f"{report} is damaged ({error}): make the build again with `subbit build`.") from error
    return Flash(target, bitstream, (program, *options, *rest, str(bitstream.absolute())), met)


def plugged_in(target: Board, usb: Path | None = None) -> list[UsbDevice] | None:
    """What is on USB that may be ``target``, by vendor and product; None where the system does not list it."""
    folder = usb or USB
    if not folder.is_dir():
        return None
    found = []
    for place in sorted(folder.iterdir()):
        ids = f"{_said(place / 'idVendor')}:{_said(place / 'idProduct')}"
        if ids in USB_IDS[target.name]:
            found.append(UsbDevice(ids, _said(place / "serial"), _said(place / "product")))
    return found


def check_plugged_in(target: Board, devices: Sequence[UsbDevice] | None, chosen: str | None) -> str:
    """One sentence that says which device will be used, empty where that cannot be told.

    Raises SubbitError where none is there, or several and none is ``chosen``.
    """
    if devices is None:
        return ""
    ids = " or ".join(USB_IDS[target.name])
    if not devices:
        raise SubbitError(
            f"No {target.title} is plugged in (nothing on USB is {ids}): plug it in. {target.note}".strip()
        )
    if len(devices) > 1 and chosen is None:
        names = ", ".join(f"{each.product} {each.serial}".strip() or each.ids for each in devices)
        raise SubbitError(f"{len(devices)} devices on USB may be {target.title} ({names}): choose with --device.")
    each = devices[0]
    return f"{each.product or 'a device'}{f', serial {each.serial},' if each.serial else ''} on USB ({each.ids})"


def _said(path: Path) -> str:
    try:
        return printable(path.read_text(errors="replace").strip(), 200)
    except OSError:
        return ""

"""Reads an iCE40 design back from its bitstream with icestorm's icebox_vlog, and gives it the RTL's ports again."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from hw.netlist_file import read_netlist
from sim.netlist.bitstream import unpacked
from sim.netlist.netlist import Netlist, Port
from sw.errors import SubbitError
from sw.files import read_text

__all__ = ["pins_of_pcf", "recovered_ice40"]

RECOVERED = "recovered_from_bitstream"


def recovered_ice40(folder: Path, top: str) -> tuple[str, set[str]]:
    """Verilog of module ``top`` with what is in the bitstream FOLDER/top.bin, and the kinds of cells in it.

    Tables, flip-flops, carries, block RAM and PLLs come out as they are configured. The names of the ports come from
    the pin constraints (top.pcf), their widths from routed.json. Raises SubbitError where icestorm is missing, a pin
    has no port, or the design uses what icebox_vlog leaves out: single-port RAM and multipliers.
    """
    for name in ("top.bin", "top.pcf"):
        if not (folder / name).is_file():
            raise SubbitError(f"{folder / name} is missing: build the design again with 'subbit build'.")
    routed = Netlist.read(folder / "routed.json")
    with tempfile.TemporaryDirectory(prefix="subbit-icebox-") as work:
        asc = unpacked(folder, "ice40", Path(work))
        text = _run_icebox(asc, _package(folder / "routed.json"))
    if "/* DSP" in text:
        raise SubbitError(
            "The design has single-port RAM or multipliers, which icebox_vlog leaves out: use the routed netlist."
        )
    text, found = _plain(text)
    pins = pins_of_pcf(folder / "top.pcf")
    connections = []
    for name, port in routed.ports.items():
        for index in range(len(port.bits)):
            bit = name if port.single else f"{name}[{port.offset + index}]"
            pin = pins.get(bit)
            if pin is None:
                raise SubbitError(f"{folder / 'top.pcf'} gives no pin to {bit}: constrain every port.")
            if f"pin_{pin}" in found:
                connections.append(f".pin_{pin}({bit})")
                found.remove(f"pin_{pin}")
    if found:
        raise SubbitError(f"The bitstream uses {', '.join(sorted(found))}, which top.pcf gives no name.")
    wrapper = [f"module {top}({', '.join(routed.ports)});"]
    wrapper += [f"  {port.direction} {_width(port)}{name};" for name, port in routed.ports.items()]
    wrapper += [f"  {top}_recovered recovered ({', '.join(connections)});", "endmodule", ""]
    kinds = set(re.findall(r"^(SB_\w+) #?\(", text, re.MULTILINE))
    return "\n".join([text, "", *wrapper]).replace(f"module {RECOVERED} ", f"module {top}_recovered "), kinds


def pins_of_pcf(path: Path) -> dict[str, str]:
    """Pin of each port bit in a constraints file of nextpnr-ice40."""
    pins = {}
    for line in read_text(path, "build the design again with 'subbit build'").splitlines():
        words = line.split("#")[0].split()
        if len(words) >= 3 and words[0] == "set_io":
            pins[words[-2]] = words[-1]
    return pins


def _run_icebox(asc: Path, package: str) -> str:
    program = shutil.which("icebox_vlog")
    if program is None:
        raise SubbitError("icebox_vlog was not found: install icestorm (Debian, Ubuntu: 'apt install fpga-icestorm').")
    command = [program, "-S", "-l", "-d", package, "-n", RECOVERED, str(asc)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode or f"module {RECOVERED}" not in run.stdout:
        said = (run.stderr.strip().splitlines() or ["no output"])[-1]
        raise SubbitError(f"icebox_vlog could not read {asc}: {said}")
    return run.stdout


def _package(routed: Path) -> str:
    """The package that nextpnr placed for, such as "sg48"."""
    module = next(iter(read_netlist(routed)["modules"].values()), {})
    settings = module.get("settings")
    return str(settings.get("arch.package", "")).strip() if isinstance(settings, dict) else ""


def _plain(text: str) -> tuple[str, set[str]]:
    """The Verilog without comments, and its ports.

    They are declared twice, in the header and as nets or registers, which is right only after a header of names.
    """
    text = re.sub(r"^[ \t]*//.*\n", "", text, flags=re.MULTILINE)
    header = re.search(rf"module {RECOVERED} \((.*?)\);\n", text, re.DOTALL)
    assert header is not None
    ports = re.findall(r"(input|output|inout) (\w+)", header[1])
    lines = [f"module {RECOVERED} ({', '.join(name for _, name in ports)});"]
    lines += [f"{direction} {name};" for direction, name in ports]
    return "\n".join([*lines, text[header.end() :]]), {name for _, name in ports}


def _width(port: Port) -> str:
    return "" if port.single else f"[{port.offset + len(port.bits) - 1}:{port.offset}] "

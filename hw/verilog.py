"""Amaranth to SystemVerilog: the one way out, so that every simulator and tool reads the same text."""

import re
import tempfile
from pathlib import Path

from amaranth.lib import wiring

from hw.datapath.rom import LOADED
from hw.yosys import rtlil, run_yosys

__all__ = ["emit"]

# Attributes of memories stay, since they say where a table goes. Escaped names would make ABC9 fail in some designs
# (Yosys issue 4349), and are a nuisance elsewhere.
COMMANDS = (
    "read_rtlil design.il",
    "proc -norom",
    "memory_collect",
    "opt_clean",
    "rename -unescape",
    "setattr -mod -unset generator -unset top -unset hdlname",
    "setattr -unset hdlname",
    "write_verilog -sv design.sv",
)


def emit(component: wiring.Component, name: str) -> str:
    """SystemVerilog of ``component`` as module ``name``, with ``clk`` and a synchronous ``rst``.

    Submodules are ``name_...``. ``always_comb`` rather than ``always @*``: under plain Verilog Icarus leaves
    outputs of a case statement X for ever.
    """
    with tempfile.TemporaryDirectory(prefix="subbit-verilog-") as folder:
        work = Path(folder)
        text = rtlil(component, name)
        # Amaranth joins the names of nested modules with dots, which every tool that follows would have to escape.
        (work / "design.il").write_text(without_contents(plain_names(text, name)))
        run_yosys(work, COMMANDS)
        lines = (work / "design.sv").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("/*")) + "\n"


def plain_names(text: str, name: str) -> str:
    """RTLIL text with the dots in module names made underscores, and with no dollars in names.

    Amaranth tells signals of one name apart by a dollar and a number. Yosys would rename the port of a module so, but
    not where the module is used.
    """
    dotted = [line.split()[1] for line in text.splitlines() if line.startswith("module ") and "." in line]
    for module in sorted(dotted, key=len, reverse=True):
        plain = module.replace(".", "_")
        text = text.replace(f"module {module}\n", f"module {plain}\n").replace(f"cell {module} ", f"cell {plain} ")
    return re.sub(r"\\\w+(?:\$\d+)+", lambda found: found[0].replace("$", "__"), text)


def without_contents(text: str) -> str:
    """RTLIL text without the zeros that Amaranth gives memories to start with that come up undefined."""
    if LOADED not in text:
        return text
    cell = re.compile(
        r"  cell \$meminit_v2 [^\n]*\n    parameter \\MEMID \"\\\\" + LOADED + r"[^\n]*\n(?:    [^\n]*\n)*  end\n"
    )
    return cell.sub("", text)

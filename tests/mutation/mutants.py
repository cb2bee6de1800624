"""Mutants: Yosys puts its faults into an accelerator's Verilog, each switched on by its number at one input."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

from hw.generate import generate
from hw.yosys import run_yosys
from sim.design import Design
from tests.mutation.subjects import Subject

__all__ = ["ORIGINAL", "ORIGINAL_RTLIL", "TOP", "Mutant", "choose", "mutate", "put_in"]

#: The number that switches no fault on.
ORIGINAL = 0
#: The accelerator's module.
TOP = "accelerator"
SEED = 6
BITS = 16
# A register whose clock is cut or turned round is no fault of logic, and what it does is the simulator's choice.
LEFT_OUT = ("CLK", "RD_CLK", "WR_CLK")
# A list comes with some that are left out; so many more are asked for.
SPARE = 1.25
READ = ("read_verilog -sv accelerator.sv", "hierarchy -top accelerator", "proc -norom", "memory_collect", "opt_clean")
#: The accelerator as Yosys read it, where every cell has its name.
ORIGINAL_RTLIL = "original.il"
# Memory cells have ports that nothing reads (resets, enables of asynchronous reads); what is at their other ports is
# the port of another cell, or of a register.
CHOSEN = "t:* t:$mem* %d"


@dataclass(frozen=True)
class Mutant:
    """A fault: at ``port``[``bit``] of ``cell`` in ``module`` the value is turned round ("inv"), stuck ("const0",
    "const1"), or turned round when bit ``other`` of the port is 0 or 1 ("cnot0", "cnot1").

    ``line`` is that of the Verilog where the cell stands, and ``text`` what is written there.
    """

    number: int
    mode: str
    module: str
    cell: str
    port: str
    bit: int
    other: int | None
    line: int
    text: str

    @property
    def alone(self) -> str:
        """Yosys' command that puts it in for good."""
        place = f"-module {self.module} -cell {self.cell} -port {self.port} -portbit {self.bit}"
        control = "" if self.other is None else f" -ctrlbit {self.other}"
        return f"mutate -mode {self.mode} {place}{control}"

    @property
    def switched(self) -> str:
        """The same, switched on by its number at the input ``mutant``."""
        return f"{self.alone} -ctrl mutant {BITS} {self.number}"

    def __str__(self) -> str:
        place = f"{self.port}[{self.bit}]" if self.other is None else f"{self.port}[{self.bit}, by {self.other}]"
        return f"{self.mode} at {place} of `{self.text}` in {self.module}"


def mutate(subject: Subject, folder: Path, count: int, seed: int = SEED) -> list[Mutant]:
    """Write the accelerator of ``subject`` with ``count`` faults into ``folder``, for `sim.simulate` or the bench.

    The fault is chosen by the number in ``mutant.mem`` there; `ORIGINAL` is none. Raises SubbitError where Yosys fails.
    """
    generate(subject.network, subject.plan, folder)
    mutants = put_in(folder, count, seed)
    describe(folder)
    return mutants


def put_in(folder: Path, count: int, seed: int = SEED) -> list[Mutant]:
    """Up to ``count`` faults for the module in ``accelerator.sv`` in ``folder``, as ``mutants.sv`` beside it."""
    search = f"mutate -list {round(SPARE * count)} -seed {seed} -o found.txt {CHOSEN}"
    run_yosys(folder, (*READ, f"write_rtlil {ORIGINAL_RTLIL}", search))
    source = (folder / "accelerator.sv").read_text().splitlines()
    found = [listed(line, source) for line in (folder / "found.txt").read_text().splitlines()]
    chosen = [mutant for mutant in found if mutant.port not in LEFT_OUT][:count]
    mutants = [replace(mutant, number=number) for number, mutant in enumerate(chosen, 1)]
    commands = [mutant.switched for mutant in mutants]
    run_yosys(folder, (f"read_rtlil {ORIGINAL_RTLIL}", *commands, "opt_clean", "write_verilog -sv -noattr mutants.sv"))
    return mutants


def listed(line: str, source: list[str]) -> Mutant:
    """The mutant that a line of Yosys' list tells of, without its number."""
    known = dict(re.findall(r"-(\w+) (\S+)", line))
    # The last place is the cell's; those before are its wires'.
    place = re.findall(r"-src \S*?:(\d+)[.:]", line)
    at = int(place[-1]) if place else 0
    text = re.sub(r"\s+", " ", source[at - 1]).strip() if at else ""
    other = int(known["ctrlbit"]) if "ctrlbit" in known else None
    names = (known[name] for name in ("mode", "module", "cell", "port"))
    return Mutant(0, *names, int(known["portbit"]), other, at, text)


def describe(folder: Path) -> None:
    """Make the generated accelerator in ``folder`` the mutated one: a module around it reads the mutant's number."""
    description = json.loads((folder / "accelerator.json").read_text())
    ports = Design.read(folder)
    load = "input [15:0] load_tdata, input load_tvalid, output load_tready," if ports.load_words else ""
    (folder / "chosen.sv").write_text(
        f"""module mutated(
    input clk, input rst, {load}
    input [{ports.input_bits - 1}:0] s_axis_tdata, input s_axis_tvalid, output s_axis_tready, input s_axis_tlast,
    output [{ports.output_bits - 1}:0] m_axis_tdata, output m_axis_tvalid, input m_axis_tready, output m_axis_tlast
);
    reg [{BITS - 1}:0] chosen [0:0];
    initial $readmemh("mutant.mem", chosen);
    accelerator inner(.*, .mutant(chosen[0]){", .loaded()" if load else ""});
endmodule
"""
    )
    description |= {"top": "mutated", "sources": ["mutants.sv", "chosen.sv"]}
    for probe in description["probes"]:
        probe["path"] = ["inner", *probe["path"]]
    (folder / "accelerator.json").write_text(json.dumps(description, indent=2) + "\n")
    choose(folder, ORIGINAL)


def choose(folder: Path, number: int) -> None:
    """Switch on mutant ``number`` of the accelerator in ``folder``."""
    (folder / "mutant.mem").write_text(f"{number:x}\n")

"""Accelerators as netlists and bitstreams: every answer is the Network's, and a fault is not passed over."""

import json
import shutil
import subprocess

import pytest

from hw.accelerator import Accelerator
from hw.generate import generate
from hw.programs import find_program
from hw.synthesis import FAMILIES, synthesise
from hw.verilog import emit
from sim.accelerator import simulate
from sim.netlist import netlist_sources
from sim.simulators import available
from tests.networks import random_images
from tests.sim.netlist.designs import PLACERS, place_and_route
from tests.sim.netlist.faults import break_netlist
from tests.sim.netlist.networks import PLANS
from tests.simulators import needs_icarus

PINS_OF_SG48 = (
    *range(2, 5),
    6,
    *range(9, 14),
    *range(18, 22),
    23,
    *range(25, 29),
    31,
    32,
    *range(34, 39),
    *range(42, 49),
)
needs_icestorm = pytest.mark.skipif(shutil.which("icebox_vlog") is None, reason="icestorm is not installed")


class Designs:
    """Accelerators, each taken through the tools once."""

    def __init__(self, folder):
        self.folder = folder

    def generated(self, name):
        folder = self.folder / name
        if not folder.exists():
            network, plan = PLANS[name]
            generate(network(1), plan, folder)
        return folder

    def synthesised(self, name, family):
        folder = self.folder / f"{name}-{family}"
        if not folder.exists():
            folder.mkdir()
            network, plan = PLANS[name]
            (folder / "top.sv").write_text(emit(Accelerator(network(1), plan), "top"))
            (folder / "board.json").write_text(json.dumps({"family": family, "top": "top", "sources": ["top.sv"]}))
            script = FAMILIES[family].replace(" -noiopads", "")
            unrolled = any(folding.datapath == "unrolled" for folding in plan.folding.values())
            text, path = (folder / "top.sv").read_text(), folder / "synth.json"
            synthesise(text, family, netlist=path, script=[script], tightened=True if unrolled else None)
        return folder

    def routed(self, name, family):
        folder = self.synthesised(name, family)
        if not (folder / "routed.json").exists():
            if family == "ice40":
                self.constrain(folder, name)
                arguments = "--up5k --package sg48 --pcf top.pcf --asc top.asc"
                place_and_route(folder, family, arguments)
                subprocess.run([find_program("icepack").path, "top.asc", "top.bin"], cwd=folder, check=True)
            else:
                place_and_route(folder, family)
        return folder

    def constrain(self, folder, name):
        """Pins of the up5k in sg48 for every bit of every port."""
        description = json.loads((self.generated(name) / "accelerator.json").read_text())
        widths = {"s_axis_tdata": description["input"]["bits"], "m_axis_tdata": description["result"]["bits"]}
        single = [
            "clk",
            "rst",
            *(f"{side}_t{part}" for side in ("s_axis", "m_axis") for part in ("valid", "ready", "last")),
        ]
        bits = single + [f"{port}[{at}]" for port, width in widths.items() for at in range(width)]
        (folder / "top.pcf").write_text(
            "".join(f"set_io {bit} {pin}\n" for bit, pin in zip(bits, PINS_OF_SG48, strict=False))
        )

    def report(self, name, sources, simulator, images=40, seed=1):
        network = PLANS[name][0](seed)
        return simulate(
            self.generated(name),
            network,
            random_images(network, images),
            simulator,
            "fast",
            sources=sources,
            build_dir=self.folder / "simulation",
        )


@pytest.fixture(scope="module")
def designs(tmp_path_factory):
    return Designs(tmp_path_factory.mktemp("designs"))


@needs_icarus
def test_synthesised_accelerator_is_the_network(designs):
    sources, _ = netlist_sources(designs.synthesised("block", "ice40"), "synthesised", top="accelerator")
    report = designs.report("block", sources, "icarus", images=20)
    assert report.passed, report.problem
    assert report.images == 20


@pytest.mark.slow
@pytest.mark.parametrize("simulator", available())
@pytest.mark.parametrize("stage", ["synthesised", "routed"])
@pytest.mark.parametrize("family", PLACERS)
@pytest.mark.parametrize("name", PLANS)
def test_netlist_is_the_network(name, family, stage, simulator, designs):
    sources, _ = netlist_sources(designs.routed(name, family), stage, top="accelerator")
    report = designs.report(name, sources, simulator)
    assert report.passed, report.problem
    assert report.images == 40


@pytest.mark.slow
@pytest.mark.parametrize("simulator", available())
@pytest.mark.parametrize("family", [pytest.param("ice40", marks=needs_icestorm), "gowin"])
@pytest.mark.parametrize("name", PLANS)
def test_bitstream_is_the_network(name, family, simulator, designs):
    sources, _ = netlist_sources(designs.routed(name, family), "bitstream", top="accelerator")
    report = designs.report(name, sources, simulator)
    assert report.passed, report.problem


@pytest.mark.slow
@needs_icarus
@pytest.mark.parametrize(
    ("fault", "seed"), [("table", 1), ("table", 2), ("wires", 1), ("wires", 2), ("memory", 1), ("memory", 2)]
)
def test_faults_are_seen(fault, seed, designs, tmp_path):
    folder = designs.routed("block", "ice40")
    said = break_netlist(folder / "routed.json", tmp_path / "routed.json", fault, seed)
    sources, _ = netlist_sources(tmp_path, "routed", "ice40", top="accelerator")
    assert not designs.report("block", sources, "icarus").passed, said

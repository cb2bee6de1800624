"""The command for every board, what is plugged in, and one sentence for each thing that is missing."""

import json
import os

import pytest

from boards.board import BOARDS, board
from boards.flash import USB_IDS, FlashFailure, check_plugged_in, flash_of, plugged_in
from sw.errors import SubbitError
from tests.boards.build.conftest import install

BITSTREAMS = {"ice40": "top.bin", "ecp5": "top.bit", "gowin": "top.fs", "xc7": "top.bit"}


@pytest.fixture
def folder(tmp_path):
    """A function that makes the folder of a finished build for a board."""

    def make(name="icebreaker", **report):
        made = tmp_path / name
        made.mkdir()
        (made / "board.json").write_text(json.dumps({"board": name}))
        (made / BITSTREAMS[board(name).family]).write_text("")
        if report:
            (made / "report.json").write_text(json.dumps(report))
        return made

    return make


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that puts a program on PATH, which says ``text`` and ends with ``status``."""

    def put(name, text, status):
        script = f"import sys\nopen({str(tmp_path / 'called')!r}, 'w').write(' '.join(sys.argv[1:]))\n"
        install(tmp_path / "bin", name, f"{script}print({text!r})\nsys.exit({status})\n")

    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/nowhere")
    return put


def devices(folder, *each):
    """A folder such as Linux's own, with USB devices (ids, serial, product)."""
    for index, (ids, serial, product) in enumerate(each):
        place = folder / f"1-{index}"
        place.mkdir(parents=True)
        vendor, _, number = ids.partition(":")
        for name, text in (("idVendor", vendor), ("idProduct", number), ("serial", serial), ("product", product)):
            if text:
                (place / name).write_text(text + "\n")
    (folder / "usb1").mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize(
    ("name", "for_good", "until_power_goes"),
    [
        ("icebreaker", "iceprog FILE", "iceprog -S FILE"),
        ("ulx3s-85f", "openFPGALoader -f -b ulx3s FILE", "openFPGALoader -b ulx3s FILE"),
        ("tang-nano-9k", "openFPGALoader -f -b tangnano9k FILE", "openFPGALoader -b tangnano9k FILE"),
        ("arty-a7-35t", "openFPGALoader -f -b arty_a7_35t FILE", "openFPGALoader -b arty_a7_35t FILE"),
    ],
)
def test_commands(folder, name, for_good, until_power_goes):
    made = folder(name)
    file = str(made / BITSTREAMS[board(name).family])
    assert " ".join(flash_of(made).command) == for_good.replace("FILE", file)
    assert " ".join(flash_of(made, ram=True).command) == until_power_goes.replace("FILE", file)


def test_a_design_that_loads_weights_is_flashed_with_them(folder):
    made = folder("icebreaker")
    (made / "board.json").write_text(json.dumps({"board": "icebreaker", "weights": {}}))
    with pytest.raises(SubbitError, match=r"holds no bitstream: finish it with `subbit build`\.$"):
        flash_of(made)
    (made / "flash.bin").write_text("")
    assert flash_of(made).command == ("iceprog", str(made / "flash.bin"))
    sentence = r"^The design loads its weights from flash memory, where they must be written: leave --ram out\.$"
    with pytest.raises(SubbitError, match=sentence):
        flash_of(made, ram=True)


@pytest.mark.parametrize("each", BOARDS, ids=lambda each: each.name)
def test_every_board_has_a_command_and_a_place_on_usb(folder, each):
    made = flash_of(folder(each.name))
    assert made.program == each.flash[0]
    assert made.command[-1] == str(made.bitstream)
    assert USB_IDS[each.name]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("icebreaker", ("iceprog", "-d", "X")),
        ("ulx3s-85f", ("openFPGALoader", "-f", "--ftdi-serial", "X", "-b", "ulx3s")),
        ("orangecrab-25f", ("dfu-util", "--serial", "X", "-d", "1209:5af0", "-a", "0", "-D")),
        ("tinyfpga-bx", ("tinyprog", "--id", "X", "-p")),
    ],
)
def test_one_of_several_boards(folder, name, command):
    assert flash_of(folder(name), device="X").command[:-1] == command


def test_what_a_program_cannot_do(folder):
    with pytest.raises(
        SubbitError, match=r"^dfu-util writes the flash memory of OrangeCrab r0\.2 25F alone: leave --ram out\.$"
    ):
        flash_of(folder("orangecrab-25f"), ram=True)
    with pytest.raises(
        SubbitError, match=r"^icesprog cannot choose between boards: leave --device out and plug in one\.$"
    ):
        flash_of(folder("icesugar"), device="X")


def test_folders_that_are_no_finished_build(tmp_path, folder):
    with pytest.raises(SubbitError, match=rf"^{tmp_path} is no build: make one with `subbit build`\.$"):
        flash_of(tmp_path)
    made = folder()
    (made / "top.bin").unlink()
    with pytest.raises(SubbitError, match=rf"^{made} holds no bitstream: finish it with `subbit build`\.$"):
        flash_of(made)
    made = folder("arty-a7-35t")
    (made / "top.bit").unlink()
    with pytest.raises(
        SubbitError, match=rf"^{made} holds no bitstream: run Vivado there first, as build\.tcl says\.$"
    ):
        flash_of(made)


@pytest.mark.parametrize("met", [True, False])
def test_whether_the_build_met_its_clock(folder, met):
    assert flash_of(folder(met=met)).met is met


def test_that_is_not_known_without_a_report(folder):
    assert flash_of(folder()).met is None


def test_what_is_plugged_in(tmp_path):
    usb = devices(tmp_path / "usb", ("0403:6010", "ib0", "iCEBreaker V1.0e"), ("046d:c31c", "", "Keyboard"))
    found = plugged_in(board("icebreaker"), usb)
    assert [(each.ids, each.serial) for each in found] == [("0403:6010", "ib0")]
    said = check_plugged_in(board("icebreaker"), found, None)
    assert said == "iCEBreaker V1.0e, serial ib0, on USB (0403:6010)"
    assert plugged_in(board("orangecrab-25f"), usb) == []


def test_nothing_is_plugged_in(tmp_path):
    found = plugged_in(board("orangecrab-25f"), devices(tmp_path / "usb"))
    with pytest.raises(
        SubbitError,
        match=r"^No OrangeCrab r0\.2 25F is plugged in \(nothing on USB is 1209:5af0\): plug it in\. Hold the button",
    ):
        check_plugged_in(board("orangecrab-25f"), found, None)


def test_a_system_that_does_not_list_usb(tmp_path):
    assert plugged_in(board("icebreaker"), tmp_path / "none") is None
    assert check_plugged_in(board("icebreaker"), None, None) == ""


def test_several_are_plugged_in(tmp_path):
    usb = devices(tmp_path / "usb", ("0403:6010", "a", "One"), ("0403:6010", "", ""))
    found = plugged_in(board("icebreaker"), usb)
    with pytest.raises(
        SubbitError,
        match=r"^2 devices on USB may be iCEBreaker \(One a, 0403:6010\): choose with --device\.$",
    ):
        check_plugged_in(board("icebreaker"), found, None)
    assert check_plugged_in(board("icebreaker"), found, "a")


def test_the_program_runs_and_is_followed(folder, program, tmp_path):
    program("iceprog", "done.", 0)
    made, lines = flash_of(folder(), ram=True), []
    made.run(lines.append, tmp_path / "log")
    assert lines == ["done."]
    assert (tmp_path / "called").read_text() == f"-S {made.bitstream}"


def test_the_program_is_missing(folder, program, tmp_path):
    made = flash_of(folder("orangecrab-25f"))
    with pytest.raises(
        SubbitError,
        match=r"^dfu-util is missing, which OrangeCrab r0\.2 25F wants: Debian, Ubuntu: apt install dfu-util\.$",
    ):
        made.run(print, tmp_path / "log")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "Can't find iCE FTDI USB device (vendor_id 0x0403, device_id 0x6010 or 0x6014).",
            r"^iceprog found no iCEBreaker: plug it in\.$",
        ),
        (
            "unable to open ftdi device: -4 (usb_open() failed)",
            r"^iceprog may not use the board \(unable to open ftdi device: -4 \(usb_open\(\) failed\)\): give your "
            r"user access to USB devices, by the udev rules of the program$",
        ),
        ("flash ID: 0xFF 0xFF\nVERIFY ERROR at 0", r"^iceprog failed: VERIFY ERROR at 0$"),
    ],
)
def test_the_program_fails(folder, program, tmp_path, said, sentence):
    program("iceprog", said, 1)
    with pytest.raises(FlashFailure, match=sentence):
        flash_of(folder()).run(lambda line: None, tmp_path / "log")

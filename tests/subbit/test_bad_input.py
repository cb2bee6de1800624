"""Each mistake that a user can make gives one sentence on stderr, status 2, and leaves no file behind."""

import json
import os

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from hw.plan.datapath import DATAPATHS


@pytest.fixture
def refuses(command, tmp_path):
    """Runs a command that must fail with exactly this sentence and change nothing in the folder."""

    def check(sentence, *arguments):
        before = sorted(os.listdir(tmp_path))
        outcome = command(*arguments)
        assert outcome.err == f"subbit: error: {sentence}\n"
        assert (outcome.status, outcome.out) == (2, "")
        assert sorted(os.listdir(tmp_path)) == before

    return check


def rewritten(path, **changes):
    """The network file at ``path`` with other metadata."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        metadata = dict(file.metadata())
    manifest = json.loads(metadata["manifest"])
    manifest.update(changes)
    save_file(load_file(path), path, metadata={**metadata, "manifest": json.dumps(manifest)})


def test_missing_network_file(refuses):
    refuses(
        "none.safetensors is not there: name a network file that `subbit train` wrote.", "inspect", "none.safetensors"
    )


@pytest.mark.parametrize(
    ("kept", "reason"),
    [(0.5, "invalid header length"), (0.99, "incomplete metadata, file not fully covered")],
    ids=["header", "arrays"],
)
def test_truncated_network_file(refuses, network_file, kept, reason):
    whole = network_file.read_bytes()
    network_file.write_bytes(whole[: int(kept * len(whole))])
    refuses(
        f"{network_file} is not a whole network file (Error while deserializing header: {reason}): "
        "write it again or fetch another copy.",
        *("inspect", network_file),
    )


def test_foreign_file(refuses, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(bytes(range(256)) * 40)
    refuses(
        f"{path} is not a whole network file (Error while deserializing header: header too large): "
        "write it again or fetch another copy.",
        *("inspect", path),
    )


def test_safetensors_file_of_something_else(refuses, tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": np.zeros(3)}, path)
    refuses(
        f"{path} is a safetensors file but holds no subbit network: name one that `subbit train` wrote.",
        "inspect",
        path,
    )


def test_newer_schema(refuses, network_file):
    rewritten(network_file, schema_version=99)
    refuses(f"{network_file} has schema 99 and this subbit reads up to 2: update subbit.", "inspect", network_file)


def test_damaged_manifest(refuses, network_file):
    rewritten(network_file, layers="none")
    refuses(
        f"{network_file} has a damaged manifest (layers: Input should be a valid array): write it again.",
        *("inspect", network_file),
    )


def test_unknown_option(refuses):
    refuses("No such option: --colour", "inspect", "--colour")


def test_unknown_data_set(refuses):
    refuses(
        "'letters' is no data set: it must be one of digits, mnist, fashion-mnist, cifar10, folder:PATH",
        *("train", "-o", "net.safetensors", "--data", "letters"),
    )


def test_data_folder_without_the_files(refuses, tmp_path):
    refuses(
        f"the folder {tmp_path} lacks train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, "
        "t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz: put the original files of mnist there",
        *("train", "-o", "net.safetensors", "--data", "mnist", "--data-dir", tmp_path),
    )


def test_data_file_with_another_checksum(refuses, tmp_path):
    parts = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    for part in parts:
        (tmp_path / f"{part}-ubyte.gz").write_bytes(b"not the data")
    refuses(
        f"{tmp_path / 'train-images-idx3-ubyte.gz'} is not the original file: its MD5 sum is "
        "3bb22e50bf373b9fb410b27557f5dc98 and should be f68b3c2dcbeaaa9fbdd348bbdeb94873; fetch the file again",
        *("train", "-o", "net.safetensors", "--data", "mnist", "--data-dir", tmp_path),
    )


@pytest.mark.parametrize(
    ("compact", "sentence"),
    [
        (
            ["slices:colour=3"],
            "'slices:colour=3': slices has no option 'colour', its options are drop=0.01, seeds=5, keep=0, shrink=yes, "
            "width=0.0",
        ),
        (["slices:keep=few"], "'slices:keep=few': keep must be a whole number, not 'few'"),
        (["slices", "slices:keep=2"], "slices changes the whole training: name it once, not 2 times"),
        (["slices:keep=9"], "slices: keep must be at most the 4 slices of the input, not 9"),
    ],
)
def test_compaction_that_cannot_be(refuses, compact, sentence):
    options = [word for text in compact for word in ("--compact", text)]
    refuses(sentence, "train", "-o", "net.safetensors", *options)


def test_unwritable_output(refuses):
    refuses(
        "none/net.safetensors cannot be written (No such file or directory): name a place that can be.",
        *("train", "-o", "none/net.safetensors"),
    )


def test_resume_without_a_training(refuses):
    refuses(
        "there is no training to go on with in net.safetensors.training: leave --resume out",
        *("train", "-o", "net.safetensors", "--resume"),
    )


def test_missing_extra(refuses, monkeypatch):
    monkeypatch.setattr("subbit.extras.find_spec", lambda name: None if name in ("torch", "lightning") else name)
    refuses(
        "training needs torch and lightning, which are not installed: run pip install 'subbit[train]'",
        *("train", "-o", "net.safetensors"),
    )


def test_folding_that_does_not_divide(refuses, network_file):
    refuses(
        "conv2 cannot be folded to PE 4, SIMD 9: PE must divide its 6 outputs, SIMD its 36 taps",
        *("plan", network_file, "--fold", "conv2=4,9"),
    )


def test_folding_of_an_unknown_layer(refuses, network_file):
    refuses(
        "'conv9' is no layer with weights: they are conv1, conv2, dense1",
        *("generate", network_file, "-o", "rtl", "--fold", "conv9=1,1"),
    )


@pytest.mark.parametrize("fold", ["conv2=4", "conv2=0,9", "conv2=2,9,", "conv2=2,9,xnor,1", "2,9"])
def test_folding_that_is_no_folding(refuses, network_file, fold):
    refuses(
        f"--fold must be LAYER=PE,SIMD or LAYER=PE,SIMD,DATAPATH, as in conv1=4,9 or conv2=2,32,sparse, not {fold!r}",
        *("plan", network_file, "--fold", fold),
    )


def test_folding_by_an_unknown_datapath(refuses, network_file):
    refuses(
        f"'xor' is no datapath: it must be one of {', '.join(sorted(DATAPATHS))}",
        *("plan", network_file, "--fold", "conv2=2,4,xor"),
    )


def test_folding_that_the_datapath_cannot_have(refuses, network_file):
    refuses(
        "conv2 cannot be folded to PE 2, SIMD 9 by sparse: lanes must divide the 4 channels and folds be 1, not 9",
        *("plan", network_file, "--fold", "conv2=2,9,sparse"),
    )


def test_unknown_device(refuses, network_file):
    refuses(
        "virtex2 is no device known here: take one of ice40-up5k, ice40-hx1k, ice40-hx8k, ice40-lp8k, ecp5-12f, "
        "ecp5-25f, ecp5-45f, ecp5-85f, gw1nr-9, gw2a-18, artix7-35t.",
        *("plan", network_file, "--device", "virtex2"),
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--fps", "200000"],
            "200000 frames a second cannot be met at 12 MHz: no folding gives more than 120,000; "
            "ask for fewer or raise the clock.",
        ),
        (["--fps", "0"], "frames a second must be positive, not 0."),
        (["--clock", "-1"], "the clock must be positive, not -1 MHz"),
        (["--fps", "10", "--max-fps"], "only one of a frame rate and the highest one can be asked for"),
        (["--max-fps"], "the highest frame rate is one of a device: name the device"),
        (["--output-kind", "logits"], "output must be scores or class, not 'logits'"),
    ],
    ids=["too-fast", "zero", "clock", "both", "no-device", "output"],
)
def test_wish_that_cannot_be_met(refuses, network_file, options, sentence):
    refuses(sentence, "plan", network_file, *options)


def test_pixels_that_do_not_fill_beats(refuses, network_file):
    refuses(
        "pixels_per_beat must divide the 64 pixels, not 3",
        *("generate", network_file, "-o", "rtl", "--pixels-per-beat", "3"),
    )


def test_plan_that_is_no_plan(refuses, network_file, tmp_path):
    (tmp_path / "plan.json").write_text("{")
    refuses(
        "plan.json is no plan (the file: Invalid JSON: EOF while parsing an object at line 1 column 1): "
        "write one with `subbit plan -o`.",
        *("generate", network_file, "-o", "rtl", "--plan", "plan.json"),
    )


def test_plan_for_another_network(refuses, network_file, tmp_path):
    (tmp_path / "plan.json").write_text('{"folding": {"conv1": {}}}')
    refuses(
        "folding must name the layers ['conv1', 'conv2', 'dense1'], not ['conv1']",
        *("generate", network_file, "-o", "rtl", "--plan", "plan.json"),
    )


def test_plan_given_twice(refuses, network_file):
    refuses(
        "--plan already says how to fold: leave --device, --fps, --max-fps, --clock and --fold out",
        *("generate", network_file, "-o", "rtl", "--plan", "plan.json", "--fps", "10"),
    )


def test_output_folder_of_someone_else(refuses, network_file, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("")
    refuses(
        "home is there already and holds no accelerator.json: name a new folder, or an earlier one to replace.",
        *("generate", network_file, "-o", "home"),
    )


def test_folder_that_was_not_generated(refuses, tmp_path):
    refuses(
        f"{tmp_path} is not a generated accelerator: write one with `subbit generate`.",
        *("simulate", tmp_path),
    )


@pytest.fixture
def generated(command, network_file, tmp_path):
    """The small network, generated."""
    assert command("generate", network_file, "-o", "rtl").status == 0
    return tmp_path / "rtl"


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        (np.zeros((2, 28, 28), np.uint8), "images must be of shape (n, 8, 8, 1), not (2, 28, 28, 1)"),
        (np.zeros((2, 8, 8, 3), np.uint8), "images must be of shape (n, 8, 8, 1), not (2, 8, 8, 3)"),
        (np.zeros((2, 8, 8, 1), np.float32), "images must be uint8, not float32"),
    ],
    ids=["size", "channels", "type"],
)
def test_images_of_the_wrong_shape(refuses, generated, images, reason):
    np.save("images.npy", images)
    refuses(f"images.npy does not fit the network small: {reason}", *("simulate", generated, "--images", "images.npy"))


def test_images_that_are_no_array(refuses, generated, tmp_path):
    (tmp_path / "images.npy").write_text("not numpy")
    refuses(
        "images.npy holds no plain array: write it with numpy.save or numpy.savez.",
        *("simulate", generated, "--images", "images.npy"),
    )


def test_two_sources_of_images(refuses, generated):
    refuses(
        "only one of --images, --random and --data can be given",
        *("simulate", generated, "--random", "3", "--data", "digits"),
    )


def test_unknown_simulator(refuses, generated):
    refuses(
        "simulator must be verilator, icarus or all, not 'modelsim'",
        *("simulate", generated, "--simulator", "modelsim"),
    )


def test_missing_simulator(refuses, generated, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    refuses(
        "Icarus Verilog was not found: install it (Debian, Ubuntu: 'apt install iverilog').",
        *("simulate", generated, "--simulator", "icarus"),
    )


def test_missing_compiler(refuses, generated, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    refuses(
        "Verilator needs perl and g++ and make: install them (Debian, Ubuntu: 'apt install perl g++ make').",
        *("simulate", generated, "--simulator", "verilator"),
    )


def test_no_simulator_at_all(refuses, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    refuses(
        "no simulator can be run here: "
        "Verilator needs perl and g++ and make: install them (Debian, Ubuntu: 'apt install perl g++ make'). "
        "Icarus Verilog was not found: install it (Debian, Ubuntu: 'apt install iverilog').",
        "demo",
    )


def test_a_report_that_is_none(refuses, tmp_path):
    (tmp_path / "board.json").write_text('{"board": "icebreaker"}')
    (tmp_path / "top.bin").write_text("")
    (tmp_path / "report.json").write_text('{"met": "yes"}')
    refuses(
        f"{tmp_path / 'report.json'} is damaged (met: Input should be a valid boolean): "
        "make the build again with `subbit build`.",
        *("flash", "--dry-run", tmp_path),
    )


def test_a_plan_that_is_no_text(refuses, network_file, tmp_path):
    (tmp_path / "plan.json").write_bytes(b'{"output": "\xff"}')
    refuses(
        "plan.json is no plan (the file: Invalid JSON: invalid unicode code point at line 1 column 13): "
        "write one with `subbit plan -o`.",
        *("generate", network_file, "-o", "rtl", "--plan", "plan.json"),
    )


def test_a_name_that_looks_like_markup_is_shown_as_it_is(command, network_file):
    rewritten(network_file, name="[/bold] :smile: \x1b[2J")
    outcome = command("inspect", network_file)
    assert outcome.status == 0
    assert outcome.out.startswith("[/bold] :smile: \\x1b[2J: 8x8x1 8-bit pixels in")

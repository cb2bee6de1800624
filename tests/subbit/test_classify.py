"""The commands that talk to a board, or to one that is simulated."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from subbit import proof


def test_answers_of_a_simulated_board(command, design, small_network, make_images, tmp_path):
    images = make_images(small_network, 5)
    np.save(tmp_path / "images.npy", images)
    outcome = command("classify", design, "--virtual", "--images", "images.npy", "-o", "answers.csv", "--json")
    found = json.loads(outcome.out)
    assert (outcome.status, found["images"], found["equal"], found["passed"]) == (0, 5, 5, True)
    assert found["classes"] == small_network.classify(images).tolist()
    rows = list(csv.reader((tmp_path / "answers.csv").read_text().splitlines()))
    assert rows[0] == ["image", "class", "score_0", "score_1", "score_2"]
    answers = np.array(rows[1:], int)
    np.testing.assert_array_equal(answers[:, 1], small_network.classify(images))
    np.testing.assert_array_equal(answers[:, 2:], small_network.score(images))
    (record,) = proof.found(design, small_network)
    assert (record.run.stage, record.run.by, record.run.images, record.stale) == ("rtl", "verilator", 5, None)


def test_a_virtual_board_for_programs_of_ones_own(command, design):
    code = "import sys; from subbit.cli import run; sys.exit(run(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, "board", str(design)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as board_process:
        try:
            assert board_process.stdout is not None
            port = board_process.stdout.readline().strip()
            outcome = command("classify", design, "--port", port, "--random", "3", "--json")
            assert (outcome.status, json.loads(outcome.out)["equal"]) == (0, 3)
        finally:
            board_process.terminate()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "name the board's serial port with --port, or simulate the board with --virtual"),
        (
            ("--virtual", "--port", "x"),
            "name the board's serial port with --port, or simulate the board with --virtual",
        ),
        (("--port", "/dev/ttyNONE"), "there is no port /dev/ttyNONE"),
        (("--virtual", "--stage", "molten"), "the stage must be one of rtl, synthesised, routed, bitstream"),
        (("--virtual", "--stage", "routed"), "routed.json"),
        (("--virtual", "--simulator", "spice"), "spice"),
    ],
)
def test_what_cannot_be_asked(command, design, arguments, reason):
    outcome = command("classify", design, *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert reason in outcome.err
    assert "Traceback" not in outcome.err


def test_images_of_another_size(command, design, tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((2, 5, 5, 1), np.uint8))
    outcome = command("classify", design, "--virtual", "--images", "images.npy")
    assert outcome.status == 2
    assert "does not fit the network" in outcome.err

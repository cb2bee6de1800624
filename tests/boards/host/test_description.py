"""board.json as the host reads it, and images and results as bytes."""

import json

import numpy as np
import pytest

from boards.host import BoardDescription
from hw.frames import input_beats, output_beats
from sw.errors import SubbitError

FIELDS = {
    "format": 1,
    "board": "icebreaker",
    "identity": "0123456789abcdef",
    "baud": 1_000_000,
    "input": {
        "bits": 24,
        "beats": 10,
        "pixels_per_beat": 2,
        "image": {"height": 4, "width": 5, "channels": 3, "bits": 4},
    },
    "result": {"bits": 16, "beats": 4, "output": "scores", "classes": 3},
}


def test_images_are_the_accelerators_beats_low_byte_first():
    board = BoardDescription.of(FIELDS)
    images = np.random.default_rng(2).integers(0, 16, (3, 4, 5, 3), dtype=np.uint8)
    beats = input_beats(images, 4, 2, 24)
    wire = board.encode(images)
    assert b"".join(wire) == b"".join(beat.to_bytes(3, "little") for beat in beats)
    assert [len(image) for image in wire] == [board.image_bytes] * 3 == [30] * 3


def test_results_are_the_accelerators_beats_low_byte_first():
    board = BoardDescription.of(FIELDS)
    beats = output_beats(np.array([[-5, 300, 2]]), np.array([1]), 16, "scores")
    results = b"".join(beat.to_bytes(2, "little") for beat in beats)
    assert len(results) == board.result_bytes
    scores, winner = board.decode(results)
    assert (scores.tolist(), winner) == ([-5, 300, 2], 1)
    alone = BoardDescription.of(FIELDS | {"result": {"bits": 8, "beats": 1, "output": "class", "classes": 200}})
    assert alone.decode(bytes([199])) == (None, 199)


def test_one_channel_needs_no_axis():
    images = {"bits": 8, "beats": 20, "pixels_per_beat": 1}
    image = {"height": 4, "width": 5, "channels": 1, "bits": 8}
    board = BoardDescription.of(FIELDS | {"input": images | {"image": image}})
    assert board.encode(np.zeros((2, 4, 5), np.uint8)) == [bytes(20)] * 2


def test_a_folder_and_its_file(tmp_path):
    (tmp_path / "board.json").write_text(json.dumps(FIELDS))
    assert BoardDescription.load(tmp_path) == BoardDescription.load(tmp_path / "board.json")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "/board.json cannot be read (No such file or directory): name the folder of subbit build"),
        ("{", "/board.json is not a board.json: name the folder that subbit build wrote"),
        ("{}", "/board.json is damaged (board: Field required): build the design again"),
        ('{"format": 2}', "/board.json has format 2, not 1: use the subbit that wrote it"),
        (json.dumps(FIELDS | {"identity": "xy"}), "/board.json is damaged (identity: String should match pattern"),
    ],
)
def test_files_that_are_none(text, sentence, tmp_path):
    if text is not None:
        (tmp_path / "board.json").write_text(text)
    with pytest.raises(SubbitError) as caught:
        BoardDescription.load(tmp_path)
    assert sentence in str(caught.value)

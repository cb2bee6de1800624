"""Where the benches' tests build, and a small accelerator for them."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.sim.toy import HEIGHT, WIDTH

TOY = Path(__file__).with_name("toy.sv")


@pytest.fixture(scope="session")
def build_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("builds")


@pytest.fixture
def toy_images(rng):
    return rng.integers(0, 256, (12, HEIGHT, WIDTH, 1), dtype=np.uint8)


@pytest.fixture
def toy(tmp_path):
    """A function that writes the toy accelerator, with one of the faults that toy.sv knows or none."""

    def make(fault="NONE"):
        folder = tmp_path / fault.lower()
        folder.mkdir()
        (folder / "accelerator.sv").write_text(f"`define {fault}\n{TOY.read_text()}")
        probe = {
            "layer": "bits",
            "path": ["bits"],
            **{name: f"o__{name}" for name in ("valid", "ready", "payload")},
            "lanes": 1,
            "bits": 1,
            "height": HEIGHT,
            "width": WIDTH,
            "channels": 1,
        }
        fields = {
            "top": "toy",
            "sources": ["accelerator.sv"],
            "output": "scores",
            "pixels_per_beat": 1,
            "probes": [probe],
        }
        fields |= {"input": {"bits": 8}, "result": {"bits": 8}}
        (folder / "accelerator.json").write_text(json.dumps(fields))
        return folder

    return make

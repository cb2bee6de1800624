import json
from pathlib import Path

import numpy as np
import pytest

from boards.host.description import BoardDescription
from sw.network import Network
from sw.train.data import DataSet


@pytest.fixture
def data(small_network: Network, make_images) -> DataSet:
    """Labelled images of three classes: every second label is what the small network says."""
    images = make_images(small_network, 40)
    labels = small_network.classify(images)
    labels[::2] = (labels[::2] + 1) % 3
    return DataSet("noise", images, labels, images, labels, 8, ("first", "second", "third"))


@pytest.fixture
def built(design: Path) -> Path:
    """The design of the small network with a report.json as a build writes it, of figures that are easy to find."""
    cells = {"luts": 100, "ffs": 50, "carries": 10, "brams": 1, "lutrams": 0}
    stages = ("encode", "conv1", "conv2", "dense1", "scores", "link")
    report = {
        "format": 1,
        "folder": str(design),
        "board": "icebreaker",
        "device": "ice40-up5k",
        "network": "small",
        "identity": BoardDescription.load(design).identity.hex(),
        "met": True,
        "clock_hz": 12_000_000,
        "timing": {
            "met": True,
            "clocks": [{"name": "clk", "achieved_mhz": 23.45, "wanted_mhz": 12.0, "met": True}],
            "path": [{"stage": "conv2", "parts": ["sum"], "cells": 9, "logic_ns": 7.7, "wires_ns": 18.6}],
        },
        "interval": 576,
        "frames_per_second": 20833.3,
        "baud": 1_000_000,
        "images_per_second_on_link": 1562.5,
        "used": {
            "logic cells": {"used": 1320, "available": 5280},
            "multipliers": {"used": 0, "available": 8},
        },
        "synthesised": {**cells, "luts": 600},
        "stages": {name: {**cells, "estimated_luts": 90.0} for name in stages},
        "seed": 1,
        "attempts": [],
        "programs": {"yosys": {"version": "0.70"}, "icepack": {"version": "unknown"}},
        "runs": [],
        "bitstream": "top.bin",
        "files": {},
    }
    (design / "report.json").write_text(json.dumps(report))
    return design


@pytest.fixture
def choice() -> dict:
    """What a training found of the input's slices."""
    part = {"sets": [[0], [1]], "mean": [0.9, 0.5], "spread": [0.01, 0.02]}
    return {"accuracy": 0.95, "dropped": [0], "kept": [1], "single": part, "cumulative": part}


@pytest.fixture
def image() -> np.ndarray:
    """A gray image."""
    return np.arange(16, dtype=np.uint8).reshape(4, 4, 1)

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from boards.board import board
from boards.design import write_design
from hw.generate import generate
from hw.plan.plan import Folding, Plan
from subbit.cli import run
from sw.network import Network, save
from tests.conftest import make_small_network

PLAN = Plan({"conv1": Folding(2, 3), "conv2": Folding(2, 4), "dense1": Folding(3, 4)})


@dataclass(frozen=True)
class Outcome:
    """What a command gave: exit status, standard output, standard error."""

    status: int
    out: str
    err: str


@pytest.fixture
def command(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Runs the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SUBBIT_DEBUG", raising=False)

    def call(*arguments: object) -> Outcome:
        capfd.readouterr()
        status = run([str(argument) for argument in arguments])
        return Outcome(status, *capfd.readouterr())

    return call


@pytest.fixture
def network_file(small_network: Network, tmp_path: Path) -> Path:
    """The small network, saved."""
    path = tmp_path / "small.safetensors"
    save(small_network, path)
    return path


@pytest.fixture(scope="session")
def made_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is made once of the network of `small_network`: its accelerator `rtl`, its design `board`."""
    folder, network = tmp_path_factory.mktemp("made"), make_small_network(np.random.default_rng(20240521))
    generate(network, PLAN, folder / "rtl")
    write_design(network, PLAN, board("icebreaker"), folder / "board")
    return folder


@pytest.fixture
def generated(made_folders: Path, tmp_path: Path) -> Path:
    """The accelerator of the small network, as `subbit generate` leaves it."""
    return shutil.copytree(made_folders / "rtl", tmp_path / "rtl")


@pytest.fixture
def design(made_folders: Path, tmp_path: Path) -> Path:
    """The design of the small network for iCEBreaker, as `subbit build --rtl-only` leaves it."""
    return shutil.copytree(made_folders / "board", tmp_path / "board")

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from subbit.cli import run
from sw.network import Network, save


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

